"""The floor's journal: one thread of plain sqlite3 that commits all waiting rows together, durably."""

from __future__ import annotations

import asyncio
import queue
import sqlite3
import threading
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

    Statement = tuple[str, tuple[Any, ...]]
    _Waiting = tuple[list[Statement], asyncio.Future[None]]

GROUP = 1_000


class Journal:
    """A row is on disk (WAL, synchronous=FULL) when `write` returns."""

    def __init__(self, path: Path, schema: str) -> None:
        self.path = path
        self._schema = schema
        self._loop = asyncio.get_running_loop()
        self._waiting: queue.SimpleQueue[_Waiting | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="journal", daemon=True)
        self._thread.start()

    async def write(self, sql: str, *values: Any) -> None:
        """Commit one statement with whatever else waits. Raises what the database raises."""
        await self.write_all([(sql, values)])

    async def write_all(self, statements: list[Statement]) -> None:
        """Commit statements, all or none, with whatever else waits."""
        done = self._loop.create_future()
        self._waiting.put((statements, done))
        await done

    def close(self) -> None:
        """Finish what was handed in."""
        self._waiting.put(None)
        self._thread.join()

    def _run(self) -> None:
        connection = sqlite3.connect(self.path, isolation_level=None)
        for pragma in ("journal_mode = WAL", "synchronous = FULL", "foreign_keys = ON"):
            connection.execute(f"PRAGMA {pragma}")
        connection.executescript(self._schema)
        while group := self._group():
            error = _commit(connection, [statement for statements, _ in group for statement in statements])
            self._loop.call_soon_threadsafe(_answer, [done for _, done in group], error)
        connection.close()

    def _group(self) -> list[_Waiting]:
        group: list[_Waiting] = []
        first = self._waiting.get()
        while first is not None:
            group.append(first)
            if len(group) == GROUP or self._waiting.empty():
                return group
            first = self._waiting.get()
        # The end was asked for; what came before it is committed, then the end is seen again.
        if group:
            self._waiting.put(None)
        return group


def _commit(connection: sqlite3.Connection, statements: list[Statement]) -> sqlite3.Error | None:
    try:
        connection.execute("BEGIN IMMEDIATE")
        for sql, values in statements:
            connection.execute(sql, values)
        connection.execute("COMMIT")
    except sqlite3.Error as error:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        return error
    return None


def _answer(waiting: list[asyncio.Future[None]], error: sqlite3.Error | None) -> None:
    for done in waiting:
        if done.done():
            continue
        if error is None:
            done.set_result(None)
        else:
            done.set_exception(error)
