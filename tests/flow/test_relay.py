"""Nudges between processes, and what of the exchange's reads each may use."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest

from hedge_service.clients.limiter import RateLimiter
from hedge_service.core.pacing import BucketLimit, part_of, tier_limits
from hedge_service.flow.pacing import Pace
from hedge_service.flow.relay import Relay
from hedge_service.flow.runner import Nudge
from tests.clients.fake_clock import FakeClock

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable


@dataclass
class Line:
    """Two databases' worth of telling: what is told is heard."""

    told: list[str] = field(default_factory=list)
    take: Callable[[str], None] = print

    async def tell(self, names: Iterable[str]) -> None:
        self.told += names

    async def hear(self, take: Callable[[str], None]) -> None:
        self.take = take


@dataclass
class Role:
    """A sender, or a process that is none."""

    sends: bool

    def alive(self) -> bool:
        return self.sends


def woken(nudge: Nudge) -> bool:
    return nudge._event.is_set()


async def test_a_process_without_the_lease_tells_each_name_once() -> None:
    line: Any = Line()
    sender: Any = Role(sends=False)
    relay = Relay(database=line, sender=sender)
    planned, changed = relay.nudge("planned"), relay.nudge("changed")
    for nudge in (planned, changed, planned):
        nudge.set()
    assert woken(planned)
    assert woken(relay.pending)
    await relay.step()
    await relay.step()
    assert line.told == ["changed", "planned"]


async def test_the_sender_tells_nobody_since_the_work_is_its_own() -> None:
    line: Any = Line()
    sender: Any = Role(sends=True)
    relay = Relay(database=line, sender=sender)
    relay.nudge("planned").set()
    await relay.step()
    assert line.told == []
    assert not woken(relay.pending)


async def test_what_is_heard_wakes_and_is_not_told_on() -> None:
    line: Any = Line()
    sender: Any = Role(sends=False)
    relay = Relay(database=line, sender=sender)
    also = Nudge()
    changed = relay.nudge("changed", also)
    await relay.step()
    line.take("changed")
    line.take("a name of a later version")
    assert woken(changed)
    assert woken(also)
    await relay.step()
    assert line.told == []


@pytest.mark.parametrize("processes", [2, 3, 7])
def test_the_parts_of_all_processes_are_never_more_than_the_whole(processes: int) -> None:
    whole = BucketLimit(refill_rate=200, capacity=400)
    parts = [part_of(whole, processes, sends=number == 0) for number in range(processes)]
    assert sum(part.refill_rate for part in parts) <= whole.refill_rate
    assert sum(part.capacity for part in parts) <= whole.capacity
    assert parts[0].refill_rate == 100


async def test_a_process_paces_itself_by_its_role_and_the_account_s_limits() -> None:
    limiter = RateLimiter(tier_limits("basic"), FakeClock())
    role: Any = Role(sends=False)
    pace = Pace(limiter=limiter, sender=role, processes=3)
    await pace.step()
    assert limiter.read.state.limit.refill_rate == 50
    role.sends = True
    await pace.step()
    assert limiter.read.state.limit.refill_rate == 100
    limiter.reconfigure(tier_limits("advanced"))
    await pace.step()
    assert limiter.read.state.limit.refill_rate == 150
    assert limiter.write.state.limit == tier_limits("advanced").write


async def test_one_process_has_the_whole_account() -> None:
    limiter = RateLimiter(tier_limits("basic"), FakeClock())
    role: Any = Role(sends=False)
    await Pace(limiter=limiter, sender=role, processes=1).step()
    assert limiter.read.state.limit == tier_limits("basic").read
