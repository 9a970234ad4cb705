"""What is compared of both sides of a move, by the same statements on every database."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import BigInteger, Boolean, Text, collate, exists, func, select

from hedge_service.core.moving import Figures, TableFigures
from hedge_service.store import moves
from hedge_service.store.schema import identity, ledger_postings, ledger_sets, metadata

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from sqlalchemy import Column, ColumnElement, Dialect, ForeignKey, Table
    from sqlalchemy.engine import Connection

TABLES: tuple[Table, ...] = tuple(metadata.sorted_tables)
"""Every table, referred ones first."""
SUMMED = ("micros", "cents", "centis")
NAMED_AT_MOST = 5


def contents(table: Table, dialect: Dialect) -> str:
    """Write the query for what is copied and hashed of a table, in the order of its key."""
    order = [_by_bytes(column, dialect) for column in table.primary_key.columns]
    chosen = select(*table.columns).order_by(*order)
    if table is identity:
        chosen = chosen.where(_no_mark())
    return str(chosen.compile(dialect=dialect, compile_kwargs={"literal_binds": True}))


def booleans(table: Table) -> tuple[int, ...]:
    """Give the places of a table's booleans, which not every database knows as such."""
    return tuple(i for i, column in enumerate(table.columns) if isinstance(column.type, Boolean))


def id_column(table: Table) -> str | None:
    """Name the column whose values the database gives, or None where it gives none."""
    return next((column.name for column in table.columns if column.autoincrement is True), None)


def counted(tx: Connection) -> dict[str, int]:
    """Count each table's rows, marks left out."""
    return {str(table.name): _figures(tx, table, ())["rows"] for table in TABLES}


def figures(tx: Connection, digests: Mapping[str, str], last_ids: Mapping[str, int | None]) -> Figures:
    """Gather everything that is compared of one side."""
    return Figures(
        tables={str(table.name): _table(tx, table, digests, last_ids) for table in TABLES},
        accounts=_accounts(tx),
        unbalanced=unbalanced(tx),
        orphans=orphans(tx),
    )


def unbalanced(tx: Connection) -> tuple[str, ...]:
    """Give the causes of the first ledger sets whose postings don't sum to zero."""
    rows = tx.execute(
        select(ledger_sets.c.cause)
        .join(ledger_postings, ledger_postings.c.set_id == ledger_sets.c.id)
        .group_by(ledger_sets.c.id, ledger_sets.c.cause)
        .having(func.sum(ledger_postings.c.micros) != 0)
        .order_by(ledger_sets.c.id)
        .limit(NAMED_AT_MOST)
    )
    return tuple(row.cause for row in rows)


def orphans(tx: Connection) -> tuple[str, ...]:
    """Give the foreign keys of which some row points to nothing, as table.column."""
    keys = [(table, key) for table in TABLES for key in table.foreign_keys]
    return tuple(sorted(f"{table.name}.{key.parent.name}" for table, key in keys if _points_nowhere(tx, key)))


def _table(
    tx: Connection, table: Table, digests: Mapping[str, str], last_ids: Mapping[str, int | None]
) -> TableFigures:
    columns = tuple(_summed(table))
    found = _figures(tx, table, columns)
    return TableFigures(
        rows=found["rows"],
        sums={str(column.name): found[column.name] for column in columns},
        last_id=last_ids[table.name],
        digest=digests[table.name],
    )


def _figures(tx: Connection, table: Table, columns: tuple[Column[Any], ...]) -> dict[str, int]:
    sums = [func.coalesce(func.sum(column), 0).label(column.name) for column in columns]
    chosen = select(func.count().label("rows"), *sums).select_from(table)
    if table is identity:
        chosen = chosen.where(_no_mark())
    return {str(name): int(value) for name, value in tx.execute(chosen).mappings().one().items()}


def _summed(table: Table) -> Iterator[Column[Any]]:
    for column in table.columns:
        if isinstance(column.type, BigInteger) and column.name.rpartition("_")[2] in SUMMED:
            yield column


def _accounts(tx: Connection) -> dict[str, int]:
    rows = tx.execute(
        select(ledger_postings.c.account, func.sum(ledger_postings.c.micros).label("micros")).group_by(
            ledger_postings.c.account
        )
    )
    return {row.account: int(row.micros) for row in rows}


def _points_nowhere(tx: Connection, key: ForeignKey) -> bool:
    there = exists().where(key.column == key.parent)
    lost = select(key.parent).where(key.parent.is_not(None), ~there).limit(1)
    return tx.execute(lost).first() is not None


def _by_bytes(column: Column[Any], dialect: Dialect) -> ColumnElement[Any]:
    # PostgreSQL sorts text by its locale unless told otherwise; SQLite by its bytes.
    sorted_by_locale = dialect.name == "postgresql" and isinstance(column.type, Text)
    return collate(column, "C") if sorted_by_locale else column


def _no_mark() -> ColumnElement[bool]:
    return identity.c.name.not_in(sorted(moves.MARKS))
