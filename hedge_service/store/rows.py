"""Insert-or-ignore, and JSON columns, alike on every database."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

import orjson
from sqlalchemy.dialects import postgresql, sqlite

from hedge_service.store.prepared import Prepared

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sqlalchemy import Table
    from sqlalchemy.engine import Connection


def insert_if_absent(tx: Connection, table: Table, values: Mapping[str, Any]) -> bool:
    """Insert a row unless a unique key holds one already; say whether it was inserted.

    The race: two writers with the same key both get here; the key decides, the loser sees False.
    """
    return _insert(table, tx.dialect.name).run(tx, values) == 1


def insert_each_if_absent(tx: Connection, table: Table, rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert rows with the same columns, leaving out those whose unique key is taken."""
    _insert(table, tx.dialect.name).each(tx, rows)


def insert_new(
    tx: Connection, table: Table, rows: Sequence[Mapping[str, Any]], key: tuple[str, ...]
) -> set[tuple[Any, ...]]:
    """Insert rows with the same columns unless their key is taken; give the keys of those inserted."""
    if tx.dialect.name == "sqlite":
        put = _insert(table, "sqlite")
        return {tuple(row[name] for name in key) for row in rows if put.run(tx, row) == 1}
    statement = _on_conflict_skip(table, tx.dialect.name).returning(*(table.c[name] for name in key))
    return {tuple(row) for row in tx.execute(statement, [dict(row) for row in rows])}


@cache
def _insert(table: Table, dialect: str) -> Prepared:
    return Prepared(_on_conflict_skip(table, dialect))


@cache
def _on_conflict_skip(table: Table, dialect: str) -> Any:
    make = postgresql.insert if dialect == "postgresql" else sqlite.insert
    return make(table).on_conflict_do_nothing()


def to_json(value: Any) -> str:
    """Render plain JSON values (str, int, bool, None, list, dict) as text."""
    return orjson.dumps(value).decode()


def from_json(text: str) -> Any:
    """Read JSON text that this store wrote."""
    return orjson.loads(text)
