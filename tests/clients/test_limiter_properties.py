from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import dataclass, field

from hypothesis import given, settings
from hypothesis import strategies as st

from hedge_service.clients.limiter import PacedBucket
from hedge_service.core.pacing import BucketLimit
from tests.clients.fake_clock import FakeClock


@dataclass(frozen=True)
class Caller:
    arrives: float
    cost: int
    priority: bool
    holds: float
    writes: bool
    cancelled_after: float | None


@dataclass
class Record:
    spent: list[tuple[float, int]] = field(default_factory=list)
    arrived: dict[bool, list[int]] = field(default_factory=lambda: {True: [], False: []})
    served: dict[bool, list[int]] = field(default_factory=lambda: {True: [], False: []})


def ticks(most: int) -> st.SearchStrategy[float]:
    return st.integers(0, most).map(lambda n: n / 20)


callers = st.lists(
    st.builds(
        Caller,
        arrives=ticks(20),
        cost=st.integers(1, 60),
        priority=st.booleans(),
        holds=ticks(20),
        writes=st.booleans(),
        cancelled_after=st.none() | ticks(30),
    ),
    max_size=25,
)


async def be(number: int, caller: Caller, bucket: PacedBucket, clock: FakeClock, record: Record) -> None:
    await clock.sleep(caller.arrives)
    record.arrived[caller.priority].append(number)
    async with bucket.acquire(caller.cost, priority=caller.priority) as grant:
        record.served[caller.priority].append(number)
        await clock.sleep(caller.holds)
        if caller.writes:
            grant.written()
            record.spent.append((clock.monotonic(), caller.cost))


async def visit(number: int, caller: Caller, bucket: PacedBucket, clock: FakeClock, record: Record) -> None:
    task = asyncio.create_task(be(number, caller, bucket, clock, record))
    if caller.cancelled_after is not None:
        await clock.sleep(caller.cancelled_after)
        task.cancel()
    with suppress(asyncio.CancelledError):
        await task


async def scenario(crowd: list[Caller], limit: BucketLimit) -> tuple[Record, PacedBucket]:
    clock, record = FakeClock(), Record()
    bucket = PacedBucket(limit, clock)

    async def everybody() -> None:
        await asyncio.gather(*(visit(n, c, bucket, clock, record) for n, c in enumerate(crowd)))

    await clock.run(everybody())
    return record, bucket


@settings(max_examples=60, deadline=None)
@given(crowd=callers, rate=st.integers(5, 200), capacity=st.integers(60, 300))
def test_the_limiter_is_fair_and_exact_when_callers_leave(
    crowd: list[Caller], rate: int, capacity: int
) -> None:
    """First in first out within a class, never more than the bucket in any window, no token or turn lost."""
    limit = BucketLimit(refill_rate=rate, capacity=capacity)
    record, bucket = asyncio.run(scenario(crowd, limit))
    for priority in (True, False):
        served = record.served[priority]
        assert served == [n for n in record.arrived[priority] if n in served]
    stayed = {n for n, caller in enumerate(crowd) if caller.cancelled_after is None}
    assert stayed <= {*record.served[True], *record.served[False]}
    assert (bucket.waiting, bucket.state.held) == (0, 0)
    for first, (start, _) in enumerate(record.spent):
        total = 0
        for at, cost in record.spent[first:]:
            total += cost
            assert total <= capacity + (at - start) * rate + 1e-6
