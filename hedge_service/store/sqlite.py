"""SQLite: one file, one writing connection behind BEGIN IMMEDIATE, and readers that can't write.

A group of units is one trip to the connection's thread, which is aiosqlite's: a trip for each statement, as
SQLAlchemy's own adapter makes it, costs more than the statement (docs/decisions/0026).
"""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
from functools import cache, partial
from typing import TYPE_CHECKING, Any, Literal, TypeVar

import aiosqlite
from sqlalchemy import Engine, create_engine, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import NullPool, StaticPool
from sqlalchemy.util import LRUCache

from hedge_service.store.prepared import said
from hedge_service.store.units import Lane, StoreUnavailable, reason_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from sqlalchemy.engine import Connection

    from hedge_service.store.db import Database

T = TypeVar("T")
SCHEME = "sqlite+aiosqlite:///"
BUSY_TIMEOUT_MS = 5_000
READERS = 4
# As many as an engine keeps by itself.
STATEMENTS = 500


class Sqlite:
    """A database file; there is one writer at a time whatever the lane."""

    serial_only = True

    def __init__(self, url: str) -> None:
        self._file = file_of(url)
        self._writer = _Thread(self._file, begin="BEGIN IMMEDIATE")
        self._readers = [_Thread(self._file, begin="BEGIN") for _ in range(READERS)]
        self._free: asyncio.LifoQueue[_Thread] = asyncio.LifoQueue()
        for reader in reversed(self._readers):
            self._free.put_nowait(reader)

    async def commit(self, lane: Lane, work: Callable[[Connection], None]) -> None:
        """Run `work` in one transaction and commit it."""
        del lane
        await self._writer.run(work)

    async def read(self, work: Callable[[Connection], T]) -> T:
        """Run `work` on one snapshot."""
        reader = await self._free.get()
        try:
            return await reader.run(work)
        except DBAPIError as error:
            raise StoreUnavailable(reason_of(error)) from error
        finally:
            # One whose caller was cancelled is still at work: whoever takes it next waits behind that.
            self._free.put_nowait(reader)

    async def tell(self, names: Iterable[str]) -> None:
        """Do nothing: processes that share a file poll."""

    async def hear(self, take: Callable[[str], None]) -> None:
        """Do nothing: processes that share a file poll."""

    async def close(self) -> None:
        """Close every connection."""
        for thread in (self._writer, *self._readers):
            await thread.close()


class _Driven(aiosqlite.Connection):
    """A connection to whose thread a whole function is handed, where aiosqlite hands it one statement."""

    def __init__(self, connect: Callable[[], sqlite3.Connection]) -> None:
        super().__init__(connect, iter_chunk_size=64)
        # A process that fails must not wait for a connection that nobody closed.
        self._thread.daemon = True

    async def run(self, work: Callable[[], T]) -> T:
        result: T = await self._execute(work)  # type: ignore[no-untyped-call]
        return result


class _Thread:
    """One connection, opened at its first use, and a synchronous engine that works in its thread."""

    def __init__(self, file: str, *, begin: Literal["BEGIN", "BEGIN IMMEDIATE"]) -> None:
        self._file = file
        self._begin = begin
        self._opening = asyncio.Lock()
        self._driven: _Driven | None = None
        # The pool holds the one connection that aiosqlite has made in its thread.
        plain, statements = _shared()
        self._engine = Engine(
            StaticPool(self._raw),
            plain.dialect,
            plain.url,
            execution_options={"compiled_cache": statements, "isolation_level": "AUTOCOMMIT"},
        )
        self._connection: Connection | None = None
        self._closed = False

    async def run(self, work: Callable[[Connection], T]) -> T:
        """Run `work` in a transaction, in the thread; it runs to its end even if the caller is cancelled."""
        driven = await self._opened()
        return await driven.run(partial(self._transact, work))

    async def close(self) -> None:
        async with self._opening:
            self._closed = True
            if self._driven is not None:
                await self._driven.run(self._disconnect)
                await self._driven.close()
                self._driven = None

    def _disconnect(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _transact(self, work: Callable[[Connection], T]) -> T:
        with said(self._begin):
            connection, raw = self._connected(), self._raw()
            raw.execute(self._begin)
        try:
            result = work(connection)
            with said("COMMIT"):
                raw.execute("COMMIT")
        except BaseException:
            _undo(raw)
            raise
        return result

    def _connected(self) -> Connection:
        # BEGIN and COMMIT are ours, and SQLAlchemy's connection is kept between them: to make one, and its
        # transaction, takes longer than most units of work.
        if self._connection is None:
            self._connection = self._engine.connect()
            self._connection.begin()
        return self._connection

    async def _opened(self) -> _Driven:
        async with self._opening:
            if self._closed:
                raise StoreUnavailable("the database is closed")
            if self._driven is None:
                self._driven = await self._open()
        return self._driven

    async def _open(self) -> _Driven:
        driven = _Driven(self._connect)
        try:
            await driven
        except sqlite3.Error as error:
            raise StoreUnavailable(str(error)) from error
        return driven

    def _connect(self) -> sqlite3.Connection:
        # The driver must not open transactions of its own: BEGIN is ours.
        made = sqlite3.connect(self._file, isolation_level=None)
        with contextlib.closing(made.cursor()) as cursor:
            cursor.execute(f"PRAGMA busy_timeout = {BUSY_TIMEOUT_MS}")
            cursor.execute("PRAGMA journal_mode = WAL")
            cursor.execute("PRAGMA synchronous = FULL")
            cursor.execute("PRAGMA foreign_keys = ON")
            if self._begin == "BEGIN":
                cursor.execute("PRAGMA query_only = ON")
        return made

    def _raw(self) -> Any:
        assert self._driven is not None
        return self._driven._conn  # noqa: SLF001 - the connection whose thread this is called in


def _undo(raw: sqlite3.Connection) -> None:
    """Roll back, unless SQLite has done so itself, as it does after some failures of the disk."""
    if raw.in_transaction:
        with said("ROLLBACK"):
            raw.rollback()


@cache
def _shared() -> tuple[Engine, LRUCache[Any, Any]]:
    """Give what the engines of all connections share: a dialect that knows the driver, compiled statements.

    With a cache for each, a statement would be compiled anew for every connection that it comes to.
    """
    engine = create_engine("sqlite://", poolclass=NullPool)
    with engine.connect():
        return engine, LRUCache(STATEMENTS)


def file_of(url: str) -> str:
    """Give the path of a database's file."""
    return url.removeprefix(SCHEME)


async def pragma(database: Database, name: str) -> Any:
    """Read a setting of the writer's connection (for checks and tests)."""
    return await database.write(lambda tx: tx.execute(text(f"PRAGMA {name}")).scalar_one())
