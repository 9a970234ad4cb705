"""Rate limiter: callers wait in line for the exchange's tokens; waiting never throws.

One bucket, one line per class of caller. Priority callers (cancels, look-ups) go first and may use the
reserve; within a class the order is first in, first out.
"""

from __future__ import annotations

import asyncio
from collections import deque
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from hedge_service.clients.meter import UNMETERED
from hedge_service.core.pacing import Bucket, pause_s

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from hedge_service.clients.meter import Meter
    from hedge_service.core.pacing import AccountLimits, BucketLimit


class Ticker(Protocol):
    """The part of a clock that waiting needs."""

    def monotonic(self) -> float:
        """Give seconds that never go back."""

    async def sleep(self, seconds: float) -> None:
        """Wait."""


class Grant:
    """Leave to send one request; its tokens are held until it is written or released, whichever is first."""

    __slots__ = ("_bucket", "_open", "cost")

    def __init__(self, bucket: PacedBucket, cost: int) -> None:
        self._bucket = bucket
        self._open = True
        self.cost = cost

    def written(self) -> None:
        """Say that the request's first byte goes out now: the tokens are spent."""
        if self._open:
            self._open = False
            self._bucket.on_written(self.cost)

    def release(self) -> None:
        """Give the tokens back unsent; does nothing once written."""
        if self._open:
            self._open = False
            self._bucket.on_released(self.cost)


@dataclass(frozen=True, slots=True, eq=False)
class _Waiter:
    cost: int
    priority: bool
    turn: asyncio.Future[Grant]


class PacedBucket:
    """One token bucket and the lines before it. All methods belong to one event loop."""

    def __init__(
        self, limit: BucketLimit, clock: Ticker, *, name: str = "", meter: Meter = UNMETERED
    ) -> None:
        self._clock = clock
        self._name = name
        self._meter = meter
        self._bucket = Bucket.full(limit, clock.monotonic())
        self._first: deque[_Waiter] = deque()
        self._rest: deque[_Waiter] = deque()
        self._alarm: asyncio.Task[None] | None = None
        self._paused_until = self._bucket.at
        self._strikes = 0

    @property
    def state(self) -> Bucket:
        """The bucket at this moment, for metrics and tests."""
        return self._bucket.refilled(self._clock.monotonic())

    @property
    def waiting(self) -> int:
        """How many callers stand in line."""
        return len(self._first) + len(self._rest)

    @asynccontextmanager
    async def acquire(self, cost: int, *, priority: bool = False) -> AsyncGenerator[Grant]:
        """Wait for `cost` tokens and hold them for the block; unwritten ones go back at its end."""
        began = self._clock.monotonic()
        grant = await self._wait(cost, priority=priority)
        try:
            self._meter.waited(self._name, self._clock.monotonic() - began)
            yield grant
        finally:
            grant.release()

    def throttled(self) -> None:
        """Take note of a 429: the bucket is empty, and nobody is let through for a short while.

        Only the first of a volley counts; strikes are forgotten when a pause was followed by a quiet time.
        """
        now = self._clock.monotonic()
        if now < self._paused_until:
            return
        quiet = now - self._paused_until > 2 * pause_s(self._strikes + 1)
        self._strikes = 1 if quiet else self._strikes + 1
        self._bucket = self._bucket.refilled(now).drained()
        self._paused_until = now + pause_s(self._strikes)
        self._advance()

    def arrived(self) -> None:
        """Take note of a reply: what was written has reached the exchange."""
        if self._bucket.unseen is not None:
            self._bucket = self.state.arrived()
            self._advance()

    def reconfigure(self, limit: BucketLimit) -> None:
        """Take the account's own limits; those in line keep their places."""
        self._bucket = self.state.resized(limit)
        self._advance()

    def on_written(self, cost: int) -> None:
        """Spend held tokens (called by a grant)."""
        self._bucket = self.state.written(cost)
        self._advance()

    def on_released(self, cost: int) -> None:
        """Free held tokens (called by a grant)."""
        self._bucket = self.state.released(cost)
        self._advance()

    async def _wait(self, cost: int, *, priority: bool) -> Grant:
        line = self._first if priority else self._rest
        waiter = _Waiter(cost, priority, asyncio.get_running_loop().create_future())
        line.append(waiter)
        if self._head() is waiter:
            self._advance()
        try:
            return await waiter.turn
        except asyncio.CancelledError:
            self._give_up(line, waiter)
            raise

    def _give_up(self, line: deque[_Waiter], waiter: _Waiter) -> None:
        # The turn may have come in the same round as the cancel: then its tokens must not be lost.
        if waiter.turn.done() and not waiter.turn.cancelled():
            waiter.turn.result().release()
            return
        if waiter in line:
            line.remove(waiter)
        self._advance()

    def _head(self) -> _Waiter | None:
        for line in (self._first, self._rest):
            if line:
                return line[0]
        return None

    def _advance(self) -> None:
        """Let through whoever may go now, and set the alarm for the next in line."""
        self._stop_alarm()
        while (head := self._head()) is not None:
            wait_s = self._wait_s(head)
            if wait_s > 0:
                self._alarm = asyncio.get_running_loop().create_task(self._wake_after(wait_s))
                return
            (self._first if head.priority else self._rest).popleft()
            self._let_through(head)

    def _wait_s(self, head: _Waiter) -> float:
        self._bucket = self.state
        pause = self._paused_until - self._bucket.at
        need = self._bucket.need(head.cost, priority=head.priority)
        return max(pause, self._bucket.wait_s(need))

    def _let_through(self, waiter: _Waiter) -> None:
        # A cost no bucket holds is charged as a full one: the caller waits long, but not for ever.
        cost = min(waiter.cost, self._bucket.limit.capacity)
        if not waiter.turn.cancelled():
            self._bucket = self._bucket.hold(cost)
            waiter.turn.set_result(Grant(self, cost))

    async def _wake_after(self, seconds: float) -> None:
        await self._clock.sleep(seconds)
        self._alarm = None
        self._advance()

    def _stop_alarm(self) -> None:
        if self._alarm is not None:
            self._alarm.cancel()
            self._alarm = None


class RateLimiter:
    """The buckets of one exchange account: `read`, `write`, and the balance endpoint's own."""

    def __init__(self, limits: AccountLimits, clock: Ticker, *, meter: Meter = UNMETERED) -> None:
        self.read = PacedBucket(limits.read, clock, name="read", meter=meter)
        self.write = PacedBucket(limits.write, clock, name="write", meter=meter)
        self.balance = PacedBucket(limits.balance, clock, name="balance", meter=meter)
        self._limits = limits

    @property
    def limits(self) -> AccountLimits:
        """The limits in force."""
        return self._limits

    def reconfigure(self, limits: AccountLimits) -> None:
        """Take new limits for all buckets."""
        self._limits = limits
        self.read.reconfigure(limits.read)
        self.write.reconfigure(limits.write)
        self.balance.reconfigure(limits.balance)
