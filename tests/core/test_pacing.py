from __future__ import annotations

from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hedge_service.core.pacing import (
    KNOWN_COSTS,
    TIERS,
    AccountLimits,
    Bucket,
    BucketLimit,
    EndpointCosts,
    pause_s,
    tier_limits,
)

BASIC = BucketLimit(refill_rate=100, capacity=100)


def test_a_full_bucket_makes_nobody_wait() -> None:
    assert Bucket.full(BASIC, 0).wait_s(100) == 0


def test_a_shortage_lasts_as_long_as_its_refill() -> None:
    bucket = Bucket.full(BASIC, 0).hold(95).written(95).arrived()
    assert bucket.wait_s(10) == pytest.approx(0.05)
    assert bucket.refilled(0.05).wait_s(10) == pytest.approx(0, abs=1e-6)


def test_held_tokens_are_not_available_and_do_not_refill() -> None:
    bucket = Bucket.full(BASIC, 0).hold(100).refilled(10)
    assert bucket.available == 0
    assert bucket.written(100).available == 0
    assert bucket.written(100).arrived().refilled(10.5).available == 50


def test_what_is_taken_from_a_full_bucket_refills_once_it_is_known_to_have_arrived() -> None:
    bucket = Bucket.full(BASIC, 0).hold(100).written(100)
    assert bucket.refilled(0.5).available == 0
    assert bucket.refilled(0.5).arrived().refilled(0.7).available == pytest.approx(20)


def test_without_a_reply_it_refills_after_a_second_all_the_same() -> None:
    bucket = Bucket.full(BASIC, 0).hold(100).written(100)
    assert bucket.wait_s(10) == pytest.approx(1.1)
    assert bucket.refilled(1.25).available == pytest.approx(25)
    assert bucket.refilled(0.9).refilled(1.25).available == pytest.approx(25)


def test_a_bucket_that_is_not_near_full_refills_whatever_is_written() -> None:
    bucket = Bucket.full(BASIC, 0).hold(50).written(50).arrived().hold(10).written(10)
    assert bucket.refilled(0.1).available == pytest.approx(50)


def test_a_released_grant_costs_nothing() -> None:
    assert Bucket.full(BASIC, 0).hold(40).released(40) == Bucket.full(BASIC, 0)


def test_time_that_goes_back_changes_nothing() -> None:
    bucket = Bucket.full(BASIC, 5).hold(50).written(50)
    assert bucket.refilled(4) is bucket


def test_ordinary_callers_leave_the_reserve_and_priority_callers_use_it() -> None:
    bucket = Bucket.full(BASIC, 0).hold(90).written(90).arrived()
    assert bucket.wait_s(bucket.need(10, priority=False)) == pytest.approx(0.02)
    assert bucket.wait_s(bucket.need(10, priority=True)) == 0


def test_the_reserve_is_a_cancel_or_twenty_milliseconds_of_refill() -> None:
    assert BASIC.reserve == 2
    assert BucketLimit(refill_rate=4800, capacity=4800).reserve == 96


def test_a_bucket_that_just_holds_the_cost_still_grants_it() -> None:
    bucket = Bucket.full(BucketLimit(refill_rate=1, capacity=1), 0)
    assert bucket.wait_s(bucket.need(1, priority=False)) == 0


def test_a_drained_bucket_starts_from_nothing() -> None:
    assert Bucket.full(BASIC, 0).drained().refilled(0.1).available == pytest.approx(10)


def test_new_limits_give_no_tokens_and_take_what_does_not_fit() -> None:
    grown = Bucket.full(BASIC, 0).resized(BucketLimit(refill_rate=300, capacity=900))
    assert grown.available == 100
    assert grown.refilled(1).available == 400
    assert Bucket.full(BASIC, 0).resized(BucketLimit(refill_rate=10, capacity=10)).available == 10


@pytest.mark.parametrize(("rate", "capacity"), [(0, 1), (1, 0), (-5, 5)])
def test_a_bucket_without_refill_or_room_is_refused(rate: int, capacity: int) -> None:
    with pytest.raises(ValueError, match="refills and holds"):
        BucketLimit(refill_rate=rate, capacity=capacity)


def test_every_tier_is_known_and_no_other() -> None:
    assert {tier_limits(tier).tier for tier in TIERS} == set(TIERS)
    assert tier_limits("basic").write == BASIC
    with pytest.raises(ValueError, match="unknown tier"):
        tier_limits("platinum")


def test_the_balance_endpoint_has_its_own_pace() -> None:
    assert tier_limits("advanced").balance == BucketLimit(refill_rate=1, capacity=1)
    assert AccountLimits(tier="premier", read=BASIC, write=BASIC).balance.refill_rate == 5


def test_costs_are_found_whatever_the_prefix_and_parameter_names() -> None:
    costs = EndpointCosts.table(10, {("get", "/trade-api/v2/portfolio/orders/{id}"): 2})
    assert costs.of("GET", "/portfolio/orders/{order_id}") == 2
    assert costs.of("GET", "/portfolio/orders") == 10
    assert KNOWN_COSTS.of("DELETE", "/portfolio/events/orders/{order_id}") == 2
    assert KNOWN_COSTS.of("POST", "/portfolio/events/orders") == 10


def test_pauses_double_up_to_four_seconds() -> None:
    assert [pause_s(strikes) for strikes in (1, 2, 3, 4, 5, 6, 60)] == [0.25, 0.5, 1, 2, 4, 4, 4]


@dataclass
class Step:
    wait: float
    cost: int
    act: str


steps = st.lists(
    st.builds(
        Step,
        wait=st.floats(0, 2, allow_nan=False),
        cost=st.integers(1, 60),
        act=st.sampled_from(["write", "release", "keep"]),
    ),
    max_size=60,
)


@given(rate=st.integers(1, 500), capacity=st.integers(60, 900), steps=steps)
def test_no_window_ever_spends_more_than_the_bucket(rate: int, capacity: int, steps: list[Step]) -> None:
    """Holds kept for any time and written at any moment never make a burst larger than the bucket."""
    bucket = Bucket.full(BucketLimit(refill_rate=rate, capacity=capacity), 0)
    kept: list[int] = []
    spent: list[tuple[float, int]] = []
    now = 0.0
    for step in steps:
        now += step.wait
        bucket = bucket.refilled(now)
        if bucket.wait_s(step.cost) == 0:
            bucket = bucket.hold(step.cost)
            kept.append(step.cost)
        if step.act != "keep" and kept:
            cost = kept.pop(0)
            bucket = bucket.written(cost) if step.act == "write" else bucket.released(cost)
            spent += [(now, cost)] if step.act == "write" else []
    assert bucket.held == sum(kept)
    assert_within(spent, rate, capacity)


def assert_within(spent: list[tuple[float, int]], rate: int, capacity: int) -> None:
    for first, (start, _) in enumerate(spent):
        total = 0
        for at, cost in spent[first:]:
            total += cost
            assert total <= capacity + (at - start) * rate + 1e-6
