"""The database: one writer that commits groups of units of work, and readers that can't write.

A unit of work is a synchronous function of a connection. Waiting units share one transaction, each inside
its own savepoint; a caller sees its result only after the commit. The writer is a task of its own, so that
cancelling a caller neither leaks a transaction nor leaves the outcome open: the unit runs to its end.
This is the only file that knows SQLite.
"""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self, TypeVar

from sqlalchemy import event, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import create_async_engine

from hedge_service.crash import after_commit, before_commit, ignore, unit_name

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy.engine import Connection
    from sqlalchemy.ext.asyncio import AsyncEngine

    from hedge_service.crash import Probe

T = TypeVar("T")
GROUP_SIZE = 100
BUSY_TIMEOUT_MS = 5_000


class StoreUnavailable(Exception):  # noqa: N818 - says what the database is
    """The commit failed (busy, full disk, closed): nothing of the unit of work was kept."""


@dataclass(slots=True)
class _Unit:
    work: Callable[[Connection], Any]
    done: asyncio.Future[Any]
    result: Any = None
    error: BaseException | None = None


class Database:
    """Opens with `async with`; `write` and `read` run units of work."""

    def __init__(self, url: str, *, probe: Probe = ignore) -> None:
        self._probe = probe
        self._writer = _engine(url, read_only=False, pool_size=1)
        self._reader = _engine(url, read_only=True, pool_size=4)
        self._units: asyncio.Queue[_Unit | None] = asyncio.Queue()
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        self._task = asyncio.create_task(self._run(), name="store.writer")
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Finish what was handed in, then close every connection."""
        if self._task is not None:
            self._units.put_nowait(None)
            await self._task
            self._task = None
        await self._writer.dispose()
        await self._reader.dispose()

    async def write(self, work: Callable[[Connection], T]) -> T:
        """Run a unit of work and give its result once it is committed, durably.

        Raises what `work` raises (nothing of it is kept) and StoreUnavailable when the commit fails.
        A cancelled caller leaves the unit to run: its effect may be there.
        """
        if self._task is None or self._task.done():
            raise StoreUnavailable("the database is closed")
        unit = _Unit(work=work, done=asyncio.get_running_loop().create_future())
        self._units.put_nowait(unit)
        result: T = await asyncio.shield(unit.done)
        return result

    async def read(self, work: Callable[[Connection], T]) -> T:
        """Run a read-only unit of work on one snapshot."""
        try:
            async with self._reader.connect() as connection:
                return await connection.run_sync(work)
        except DBAPIError as error:
            raise StoreUnavailable(str(error.orig)) from error

    async def _run(self) -> None:
        closing = False
        while not closing:
            units = [await self._units.get()]
            while len(units) < GROUP_SIZE and not self._units.empty():
                units.append(self._units.get_nowait())
            closing = None in units
            group = [unit for unit in units if unit is not None]
            if group:
                await self._commit(group)

    async def _commit(self, group: list[_Unit]) -> None:
        try:
            async with self._writer.connect() as connection, connection.begin():
                await connection.run_sync(_work_through, group)
                self._pass(before_commit, group)
            self._pass(after_commit, group)
        except Exception as error:  # noqa: BLE001 - every waiting caller must learn of any failure
            for unit in group:
                unit.error = StoreUnavailable(_reason(error))
        for unit in group:
            _answer(unit)

    def _pass(self, point: Callable[[str], str], group: list[_Unit]) -> None:
        for unit in group:
            self._probe(point(unit_name(unit.work)))


def _work_through(connection: Connection, group: list[_Unit]) -> None:
    for unit in group:
        try:
            with connection.begin_nested():
                unit.result = unit.work(connection)
        except DBAPIError as error:
            if error.connection_invalidated or not _is_callers(error):
                raise
            unit.error = error
        except Exception as error:  # noqa: BLE001 - handed to the one caller it belongs to
            unit.error = error


def _is_callers(error: DBAPIError) -> bool:
    # Constraint violations belong to the unit; a full disk or a busy file belongs to the whole group.
    return type(error).__name__ in {"IntegrityError", "ProgrammingError", "DataError"}


def _reason(error: Exception) -> str:
    return str(error.orig) if isinstance(error, DBAPIError) else f"{type(error).__name__}: {error}"


def _answer(unit: _Unit) -> None:
    if unit.done.done():
        return
    if unit.error is not None:
        unit.done.set_exception(unit.error)
        # A cancelled caller no longer listens; the error is not "never retrieved" by negligence.
        unit.done.exception()
    else:
        unit.done.set_result(unit.result)


def _engine(url: str, *, read_only: bool, pool_size: int) -> AsyncEngine:
    engine = create_async_engine(url, pool_size=pool_size, max_overflow=0)
    event.listen(engine.sync_engine, "connect", _connected(read_only=read_only))
    begin = "BEGIN" if read_only else "BEGIN IMMEDIATE"
    event.listen(engine.sync_engine, "begin", lambda connection: connection.exec_driver_sql(begin))
    return engine


def _connected(*, read_only: bool) -> Callable[[Any, Any], None]:
    def prepare(dbapi_connection: Any, _record: Any) -> None:
        # The driver must not open transactions of its own: BEGIN is ours (see the "begin" listener).
        dbapi_connection.isolation_level = None
        with contextlib.closing(dbapi_connection.cursor()) as cursor:
            cursor.execute(f"PRAGMA busy_timeout = {BUSY_TIMEOUT_MS}")
            cursor.execute("PRAGMA journal_mode = WAL")
            cursor.execute("PRAGMA synchronous = FULL")
            cursor.execute("PRAGMA foreign_keys = ON")
            if read_only:
                cursor.execute("PRAGMA query_only = ON")

    return prepare


async def pragma(database: Database, name: str) -> Any:
    """Read a setting of the writer's connection (for checks and tests)."""
    return await database.write(lambda tx: tx.execute(text(f"PRAGMA {name}")).scalar_one())
