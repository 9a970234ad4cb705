"""The service's database, read from outside: a file, or a database on a server."""

from __future__ import annotations

import sqlite3
import time
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import asyncpg

from tests.postgres_server import in_a_loop

if TYPE_CHECKING:
    from collections.abc import Iterator

# A server that is being restarted answers again before that.
AWAY_S = 30.0


class Row(Protocol):
    """One row: its columns by name, by number and in parts."""

    def __getitem__(self, key: Any, /) -> Any: ...
    def keys(self) -> Any: ...
    def __iter__(self) -> Iterator[Any]: ...


# The file of a SQLite database, or the URL of one on a PostgreSQL server.
Place = Path | str


def rows(place: Place, query: str) -> list[Row]:
    """Read with one statement."""
    if isinstance(place, str):
        return _from_server(place, query)
    with closing(sqlite3.connect(f"file:{place}?mode=ro", uri=True, timeout=10)) as connection:
        connection.row_factory = sqlite3.Row
        return connection.execute(query).fetchall()


def _from_server(url: str, query: str) -> list[Row]:
    until = time.monotonic() + AWAY_S
    while True:
        try:
            return in_a_loop(lambda: _fetched(url, query))
        except (OSError, asyncpg.PostgresConnectionError, asyncpg.OperatorInterventionError):
            if time.monotonic() > until:
                raise


async def _fetched(url: str, query: str) -> list[Row]:
    connection = await asyncpg.connect(url.replace("+asyncpg", ""))
    try:
        return list(await connection.fetch(query))
    finally:
        await connection.close()
