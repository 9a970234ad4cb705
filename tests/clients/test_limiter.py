from __future__ import annotations

import asyncio
import random
from typing import TYPE_CHECKING

import pytest

from hedge_service.clients.limiter import PacedBucket, RateLimiter
from hedge_service.core.pacing import Bucket, BucketLimit, tier_limits
from tests.clients.fake_clock import FakeClock, settle

if TYPE_CHECKING:
    from collections.abc import Callable

BASIC = BucketLimit(refill_rate=100, capacity=100)


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


class StrictBucket:
    """The exchange's side: all of a cost or a 429."""

    def __init__(self, limit: BucketLimit, clock: FakeClock) -> None:
        self._bucket = Bucket.full(limit, clock.monotonic())
        self._clock = clock
        self.refused = 0

    def take(self, cost: int) -> None:
        self._bucket = self._bucket.refilled(self._clock.monotonic())
        # The two sides add up the same refills in different floats.
        if self._bucket.available + 1e-6 < cost:
            self.refused += 1
        else:
            self._bucket = self._bucket.hold(cost).written(cost).arrived()


async def spend(bucket: PacedBucket, cost: int, *, priority: bool = False) -> None:
    async with bucket.acquire(cost, priority=priority) as grant:
        grant.written()
        bucket.arrived()


async def test_a_hundred_orders_from_a_full_basic_bucket_take_nine_seconds_no_429(
    clock: FakeClock,
) -> None:
    bucket, exchange = PacedBucket(BASIC, clock), StrictBucket(BASIC, clock)

    async def order() -> None:
        async with bucket.acquire(10) as grant:
            grant.written()
            exchange.take(10)
            bucket.arrived()

    start = clock.monotonic()
    await clock.run(gather(order, 100))
    assert 9.0 <= clock.monotonic() - start <= 9.1
    assert exchange.refused == 0


async def test_requests_that_overtake_one_another_on_the_way_cause_no_429(clock: FakeClock) -> None:
    bucket, exchange, delays = PacedBucket(BASIC, clock), StrictBucket(BASIC, clock), random.Random(7)

    async def order() -> None:
        async with bucket.acquire(10) as grant:
            grant.written()
            await clock.sleep(delays.uniform(0, 0.019))
            exchange.take(10)
            bucket.arrived()

    await clock.run(gather(order, 100))
    assert exchange.refused == 0


async def test_a_first_request_that_is_long_on_its_way_causes_no_429(clock: FakeClock) -> None:
    # Until it arrives the bucket of the exchange is full, and can not refill.
    bucket, exchange, delays = PacedBucket(BASIC, clock), StrictBucket(BASIC, clock), iter([0.25] * 10)

    async def order() -> None:
        async with bucket.acquire(10) as grant:
            grant.written()
            await clock.sleep(next(delays, 0.001))
            exchange.take(10)
            bucket.arrived()

    await clock.run(gather(order, 50))
    assert exchange.refused == 0


async def gather(make: Callable[[], object], times: int) -> None:
    await asyncio.gather(*(make() for _ in range(times)))  # type: ignore[call-overload] # coroutines


async def test_callers_are_served_in_the_order_they_came(clock: FakeClock) -> None:
    bucket, served = PacedBucket(BASIC, clock), []

    async def order(number: int) -> None:
        # A small order must not slip past a large one that came first.
        async with bucket.acquire(90 if number % 2 else 1) as grant:
            grant.written()
            served.append(number)

    async def all_orders() -> None:
        await asyncio.gather(*(order(number) for number in range(20)))

    await clock.run(all_orders())
    assert served == list(range(20))


async def test_a_cancel_goes_before_waiting_orders_and_uses_the_reserve(clock: FakeClock) -> None:
    bucket, served = PacedBucket(BASIC, clock), []
    await clock.run(spend(bucket, 98, priority=True))

    async def caller(name: str, cost: int, *, priority: bool) -> None:
        async with bucket.acquire(cost, priority=priority) as grant:
            grant.written()
            served.append((name, round(clock.monotonic() - 1000, 2)))

    async def both() -> None:
        order = asyncio.create_task(caller("order", 10, priority=False))
        await asyncio.sleep(0)  # the order is in line
        await asyncio.gather(order, caller("cancel", 2, priority=True))

    await clock.run(both())
    assert served == [("cancel", 0.0), ("order", 0.12)]


async def test_a_cancelled_caller_leaves_the_line_and_the_next_is_served(clock: FakeClock) -> None:
    bucket = PacedBucket(BASIC, clock)
    await clock.run(spend(bucket, 100, priority=True))
    first = asyncio.create_task(spend(bucket, 98))
    second = asyncio.create_task(spend(bucket, 10))
    await settle()
    assert bucket.waiting == 2
    first.cancel()
    await settle()
    assert bucket.waiting == 1
    await clock.run(wait_for(second))
    assert clock.monotonic() == pytest.approx(1000.12)


async def wait_for(task: asyncio.Task[None]) -> None:
    await task


async def test_a_turn_that_comes_together_with_a_cancel_is_given_back(clock: FakeClock) -> None:
    bucket = PacedBucket(BASIC, clock)
    async with bucket.acquire(100) as grant:
        task = asyncio.create_task(spend(bucket, 50))
        await settle()
        grant.release()  # the turn is set, the task has not run again
        task.cancel()
    await settle()
    assert task.cancelled()
    assert (bucket.state.held, bucket.state.available) == (0, 100)


async def test_a_cancel_and_a_refill_in_the_same_round_lose_nothing(clock: FakeClock) -> None:
    bucket = PacedBucket(BASIC, clock)
    async with bucket.acquire(100) as grant:
        task = asyncio.create_task(spend(bucket, 50))
        await settle()
        task.cancel()
        grant.release()
    await settle()
    assert task.cancelled()
    assert (bucket.state.held, bucket.state.available, bucket.waiting) == (0, 100, 0)


async def test_an_unwritten_grant_is_released_at_the_end_of_its_block(clock: FakeClock) -> None:
    bucket = PacedBucket(BASIC, clock)

    async def fail() -> None:
        async with bucket.acquire(10):
            assert bucket.state.available == 90
            raise RuntimeError("disk")

    with pytest.raises(RuntimeError, match="disk"):
        await fail()
    assert bucket.state.available == 100


async def test_a_grant_is_spent_once_however_often_it_is_told(clock: FakeClock) -> None:
    bucket = PacedBucket(BASIC, clock)
    async with bucket.acquire(10) as grant:
        grant.written()
        grant.written()
        grant.release()
    assert (bucket.state.held, bucket.state.available) == (0, 90)


async def test_grants_held_by_a_stalled_disk_do_not_leave_as_a_larger_burst(clock: FakeClock) -> None:
    bucket, exchange = PacedBucket(BASIC, clock), StrictBucket(BASIC, clock)

    async def slow() -> None:
        async with bucket.acquire(10) as grant:
            await clock.sleep(5)
            grant.written()
            exchange.take(10)

    await clock.run(gather(slow, 30))
    assert exchange.refused == 0


async def test_a_429_pauses_the_bucket_and_the_next_ones_pause_it_longer(clock: FakeClock) -> None:
    bucket = PacedBucket(BASIC, clock)
    waits = []
    for _ in range(3):
        start = clock.monotonic()
        bucket.throttled()
        bucket.throttled()  # the rest of the volley
        await clock.run(spend(bucket, 10))
        waits.append(round(clock.monotonic() - start, 3))
    assert waits == [0.25, 0.5, 1.0]
    await clock.run(clock.sleep(60))
    start = clock.monotonic()
    bucket.throttled()
    await clock.run(spend(bucket, 10))
    assert clock.monotonic() - start == pytest.approx(0.25)


async def test_new_limits_reach_those_who_already_wait(clock: FakeClock) -> None:
    limiter = RateLimiter(tier_limits("basic"), clock)
    await clock.run(spend(limiter.write, 100, priority=True))
    waiting = asyncio.create_task(spend(limiter.write, 10))
    await settle()
    limiter.reconfigure(tier_limits("prime"))
    assert limiter.limits.tier == "prime"
    await clock.run(wait_for(waiting))
    assert clock.monotonic() - 1000 < 0.03


async def test_a_cost_no_bucket_holds_waits_for_a_full_one_instead_of_for_ever(clock: FakeClock) -> None:
    bucket = PacedBucket(BASIC, clock)
    await clock.run(spend(bucket, 50))
    await clock.run(spend(bucket, 5000))
    assert clock.monotonic() == pytest.approx(1000.5)


async def test_the_balance_endpoint_is_asked_once_a_second(clock: FakeClock) -> None:
    limiter = RateLimiter(tier_limits("basic"), clock)

    async def ask() -> None:
        await spend(limiter.balance, 1)

    await clock.run(gather(ask, 4))
    assert clock.monotonic() == pytest.approx(1003)
