"""Clocks that never wait: one that a test drives, one that jumps."""

from __future__ import annotations

import asyncio
import heapq
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Coroutine

T = TypeVar("T")
BIRTH = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
ROUNDS = 12


class FakeClock:
    """Stands still until everybody waits, then goes to the earliest alarm."""

    def __init__(self) -> None:
        self._elapsed = 0.0
        self._sleepers: list[tuple[float, int, asyncio.Future[None]]] = []
        self._order = count()

    def now(self) -> datetime:
        return BIRTH + timedelta(seconds=self._elapsed)

    def monotonic(self) -> float:
        return 1000.0 + self._elapsed

    async def sleep(self, seconds: float) -> None:
        alarm: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        heapq.heappush(self._sleepers, (self._elapsed + seconds, next(self._order), alarm))
        await alarm

    async def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Run `work` to its end, moving time whenever nothing else can move."""
        task = asyncio.create_task(work)
        while True:
            await settle()
            if task.done():
                return task.result()
            self._ring()

    def _ring(self) -> None:
        while self._sleepers:
            at, _, alarm = heapq.heappop(self._sleepers)
            if not alarm.done():
                self._elapsed = max(self._elapsed, at)
                alarm.set_result(None)
                return
        raise AssertionError("everybody waits and no alarm is set")


async def settle() -> None:
    """Let every task go as far as it can without time passing."""
    for _ in range(ROUNDS):
        await asyncio.sleep(0)


class JumpClock(FakeClock):
    """Sleeping moves time at once: for tests with real sockets and one task that sleeps."""

    async def sleep(self, seconds: float) -> None:
        self._elapsed += seconds
        await asyncio.sleep(0)
