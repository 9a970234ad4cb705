"""A real database and a clock that know of each other: time passes only while nothing is under way."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, TypeVar

from hedge_service.store.db import Database, Lane, StoreUnavailable
from tests.clients.fake_clock import FakeClock, settle

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine

    from sqlalchemy.engine import Connection

T = TypeVar("T")
START = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
MOST_ALARMS = 2_000
LAST_LOOKS = 100


class Watched(Database):
    """A real database that knows whether anything is under way.

    `fails`: how often the commit of a unit of work fails, by the name of the method that makes it.
    """

    def __init__(self, url: str) -> None:
        super().__init__(url)
        self.fails: dict[str, int] = {}
        self._under_way = 0
        self._quiet = asyncio.Event()
        self._quiet.set()

    async def write(self, work: Callable[[Connection], T], lane: Lane = Lane.SERIAL) -> T:
        name = work.__qualname__.partition(".<locals>")[0]
        if self.fails.get(name):
            self.fails[name] -= 1
            raise StoreUnavailable("database or disk is full")
        return await self._watched(super().write(work, lane))

    async def read(self, work: Callable[[Connection], T]) -> T:
        return await self._watched(super().read(work))

    async def quiet(self) -> None:
        """Return once nothing is under way and every task has gone as far as it can."""
        await settle()
        while self._under_way:
            await self._quiet.wait()
            await settle()

    async def _watched(self, work: Coroutine[Any, Any, T]) -> T:
        self._under_way += 1
        self._quiet.clear()
        try:
            return await work
        finally:
            self._under_way -= 1
            if not self._under_way:
                self._quiet.set()


class StageClock(FakeClock):
    """Goes on to the next alarm when the database is quiet and all tasks wait."""

    def __init__(self) -> None:
        super().__init__()
        self.database: Watched | None = None

    def now(self) -> datetime:
        return START + timedelta(seconds=self._elapsed)

    def advance(self, seconds: float) -> None:
        """Let time pass without waking anybody."""
        self._elapsed += seconds

    async def until(self, reached: Callable[[], Awaitable[bool]]) -> None:
        """Let time pass until `reached` says so."""
        for _ in range(MOST_ALARMS):
            await self.quiet()
            if await reached():
                return
            await self.quiet()
            if not self._anybody_sleeps() and await self._comes_true(reached):
                return
            self._ring()
        raise AssertionError("not reached")

    def _anybody_sleeps(self) -> bool:
        return any(not alarm.done() for _, _, alarm in self._sleepers)

    async def _comes_true(self, reached: Callable[[], Awaitable[bool]]) -> bool:
        """Ask again and again: what a thread has just handed back may need a few more rounds of the loop."""
        for _ in range(LAST_LOOKS):
            if await reached():
                return True
            await self.quiet()
            if self._anybody_sleeps():
                return False
        return False

    async def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Run `work` to its end, letting time pass."""
        task = asyncio.create_task(work)

        async def done() -> bool:
            return task.done()

        await self.until(done)
        return task.result()

    async def quiet(self) -> None:
        if self.database is not None:
            await self.database.quiet()
