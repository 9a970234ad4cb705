"""What all tables share: names of constraints, row ids, and indexes of the few rows that wait."""

from __future__ import annotations

from sqlalchemy import BigInteger, Index, Integer, MetaData, text

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
    }
)

# SQLite gives row ids only to a column whose type reads INTEGER.
RowId = BigInteger().with_variant(Integer(), "sqlite")


def waiting_rows(name: str, *columns: str, where: str) -> Index:
    """Make an index of just the rows that wait for something: it is as short as they are few.

    `where` stands as it is in the statements that look for them, since that is how databases know it again.
    """
    return Index(name, *columns, sqlite_where=text(where), postgresql_where=text(where))
