"""The database: writers that commit groups of units of work, and readers that can't write.

A unit of work is a synchronous function of a connection. Waiting units share one transaction, each inside
its own savepoint; a caller sees its result only after the commit. A writer is a task of its own, so that
cancelling a caller neither leaks a transaction nor leaves the outcome open: the unit runs to its end.
What is SQLite's stands in `sqlite.py`, what is PostgreSQL's in `postgres.py`; only here units are committed.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Self, TypeVar

from hedge_service.crash import after_commit, before_commit, ignore, unit_name
from hedge_service.store.postgres import Postgres, is_postgres
from hedge_service.store.sqlite import Sqlite
from hedge_service.store.units import (
    Lane,
    RolledBack,
    StoreUnavailable,
    Unit,
    is_callers,
    reason_of,
    work_through,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from sqlalchemy.engine import Connection

    from hedge_service.crash import Probe
    from hedge_service.store.units import Backend

__all__ = ["Database", "Lane", "StoreUnavailable"]

T = TypeVar("T")
GROUP_SIZE = 100


class Database:
    """Opens with `async with`; `write` and `read` run units of work."""

    def __init__(self, url: str, *, probe: Probe = ignore) -> None:
        self._backend: Backend = Postgres(url) if is_postgres(url) else Sqlite(url)
        lanes = (Lane.SERIAL,) if self._backend.serial_only else tuple(Lane)
        self._writers = {lane: _Writer(self._backend, lane, probe) for lane in lanes}
        self._closed = False

    async def __aenter__(self) -> Self:
        for writer in self._writers.values():
            writer.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Finish what was handed in, then close every connection."""
        for writer in self._writers.values():
            await writer.stop()
        self._closed = True
        await self._backend.close()

    async def write(self, work: Callable[[Connection], T], lane: Lane = Lane.SERIAL) -> T:
        """Run a unit of work and give its result once it is committed, durably.

        Raises what `work` raises (nothing of it is kept), and StoreUnavailable when the commit failed or
        nobody knows whether it did. A cancelled caller leaves the unit to run: its effect may be there.
        """
        return await self._writers.get(lane, self._writers[Lane.SERIAL]).write(work)

    async def read(self, work: Callable[[Connection], T]) -> T:
        """Run a read-only unit of work on one snapshot. Raises StoreUnavailable when it can't be read."""
        if self._closed:
            # A read that came late would open a connection that nobody closes any more.
            raise StoreUnavailable("the database is closed")
        return await self._backend.read(work)

    async def tell(self, names: Iterable[str]) -> None:
        """Tell processes on the same database these names; does nothing where they must poll."""
        await self._backend.tell(names)

    async def hear(self, take: Callable[[str], None]) -> None:
        """See that `take` is called with each name that other processes tell; asked again and again."""
        await self._backend.hear(take)


class _Writer:
    """One lane: takes what waits into one transaction after the other."""

    def __init__(self, backend: Backend, lane: Lane, probe: Probe) -> None:
        self._backend = backend
        self._lane = lane
        self._probe = probe
        self._units: asyncio.Queue[Unit | None] = asyncio.Queue()
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        self._task = asyncio.create_task(self._run(), name=f"store.{self._lane.value}")

    async def stop(self) -> None:
        if self._task is not None:
            self._units.put_nowait(None)
            await self._task
            self._task = None

    async def write(self, work: Callable[[Connection], T]) -> T:
        if self._task is None or self._task.done():
            raise StoreUnavailable("the database is closed")
        unit = Unit(work=work, done=asyncio.get_running_loop().create_future())
        self._units.put_nowait(unit)
        result: T = await asyncio.shield(unit.done)
        return result

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

    async def _commit(self, group: list[Unit]) -> None:
        try:
            await self._backend.commit(self._lane, lambda tx: self._work(tx, group))
            self._pass(after_commit, group)
        except RolledBack as error:
            await self._one_by_one(group, error)
            return
        except Exception as error:  # noqa: BLE001 - every waiting caller must learn of any failure
            _fail(group, error)
        for unit in group:
            _answer(unit)

    async def _one_by_one(self, group: list[Unit], error: RolledBack) -> None:
        # Two groups that hold one row each and want the other's can only be groups: apart, both get through.
        if len(group) == 1:
            _fail(group, error)
            _answer(group[0])
            return
        for unit in group:
            unit.error = None
            await self._commit([unit])

    def _work(self, tx: Connection, group: list[Unit]) -> None:
        work_through(tx, group)
        self._pass(before_commit, group)

    def _pass(self, point: Callable[[str], str], group: list[Unit]) -> None:
        for unit in group:
            self._probe(point(unit_name(unit.work)))


def _fail(group: list[Unit], error: Exception) -> None:
    if len(group) == 1 and is_callers(error):
        group[0].error = error
        return
    for unit in group:
        unit.error = StoreUnavailable(reason_of(error))


def _answer(unit: Unit) -> None:
    if unit.done.done():
        return
    if unit.error is not None:
        unit.done.set_exception(unit.error)
        # A cancelled caller no longer listens; the error is not "never retrieved" by negligence.
        unit.done.exception()
    else:
        unit.done.set_result(unit.result)
