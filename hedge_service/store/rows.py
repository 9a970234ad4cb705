"""Insert-or-ignore, and JSON columns, alike on every database."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson
from sqlalchemy.dialects import postgresql, sqlite

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sqlalchemy import Table
    from sqlalchemy.engine import Connection


def insert_if_absent(tx: Connection, table: Table, values: Mapping[str, Any]) -> bool:
    """Insert a row unless a unique key holds one already; say whether it was inserted.

    The race: two writers with the same key both get here; the key decides, the loser sees False.
    """
    make = postgresql.insert if tx.dialect.name == "postgresql" else sqlite.insert
    return tx.execute(make(table).values(**values).on_conflict_do_nothing()).rowcount == 1


def insert_each_if_absent(tx: Connection, table: Table, rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert rows with the same columns, leaving out those whose unique key is taken."""
    make = postgresql.insert if tx.dialect.name == "postgresql" else sqlite.insert
    if rows:
        tx.execute(make(table).on_conflict_do_nothing(), [dict(row) for row in rows])


def to_json(value: Any) -> str:
    """Render plain JSON values (str, int, bool, None, list, dict) as text."""
    return orjson.dumps(value).decode()


def from_json(text: str) -> Any:
    """Read JSON text that this store wrote."""
    return orjson.loads(text)
