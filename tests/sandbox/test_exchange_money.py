"""Properties of the exchange's exact numbers: fees, rounding, positions, buckets."""

from __future__ import annotations

from decimal import ROUND_CEILING, Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hedge_service.sandbox.exchange.account import Position
from hedge_service.sandbox.exchange.amounts import (
    average,
    centis_of,
    contracts,
    dollars,
    micros_of,
    signed_micros_of,
)
from hedge_service.sandbox.exchange.buckets import Bucket, BucketLimit, take
from hedge_service.sandbox.exchange.fees import FeeSchedule, FeeType, rounded, trade_fee
from hedge_service.sandbox.exchange.orders import Side

PRICES = st.integers(1, 9_999).map(lambda tick: tick * 100)
COUNTS = st.integers(1, 1_000_000)
FILLS = st.lists(st.tuples(PRICES, st.integers(1, 5_000)), min_size=1, max_size=30)


@given(st.integers(-(10**12), 10**12))
def test_dollars_are_read_as_they_are_written(micros: int) -> None:
    assert signed_micros_of(dollars(micros)) == micros


@given(COUNTS)
def test_counts_are_read_as_they_are_written(centis: int) -> None:
    assert centis_of(contracts(centis)) == centis


@pytest.mark.parametrize("text", ["", "1.", ".5", "1e3", "\u0661", "+1", " 1", "NaN", "1,5", "0.1234567"])
def test_text_that_is_no_amount_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="not a"):
        micros_of(text)
    with pytest.raises(ValueError, match="not a"):
        centis_of(text)


@given(price=PRICES, count=COUNTS, half=st.booleans(), taker=st.booleans())
def test_a_fee_is_the_documented_formula_rounded_up(
    *, price: int, count: int, half: bool, taker: bool
) -> None:
    multiplier = Decimal("0.5") if half else Decimal(1)
    schedule = FeeSchedule(fee_type=FeeType.QUADRATIC_WITH_MAKER_FEES, multiplier=multiplier)
    p, c = Decimal(price) / 10**6, Decimal(count) / 100
    rate = Decimal("0.07") if taker else Decimal("0.0175")
    exact = rate * multiplier * c * p * (1 - p) * 10**6
    assert trade_fee(schedule, price=price, count=count, is_taker=taker) == exact.to_integral_value(
        ROUND_CEILING
    )


@given(fills=FILLS, precision=st.sampled_from([100, 10_000]))
def test_rounding_never_costs_an_order_more_than_one_unit(
    fills: list[tuple[int, int]], precision: int
) -> None:
    """The cash of every fill is whole units, no fee is negative, and what was overpaid comes back."""
    overpaid = charged = exact = 0
    for price, count in fills:
        revenue = -price * count // 100
        fee = trade_fee(FeeSchedule(), price=price, count=count, is_taker=True)
        charge = rounded(revenue=revenue, fee=fee, overpaid=overpaid, precision=precision)
        assert charge.fee >= 0
        assert (revenue - charge.fee) % precision == 0
        overpaid, charged, exact = charge.overpaid, charged + charge.fee, exact + fee
    assert charged - exact == overpaid
    if precision == 100:
        assert overpaid < precision * 2


TRADES = st.lists(st.tuples(st.sampled_from(Side), PRICES, COUNTS), max_size=20)


@given(TRADES, st.integers(0, 10_000).map(lambda tick: tick * 100))
def test_a_position_s_profit_equals_its_cash(trades: list[tuple[Side, int, int]], value: int) -> None:
    """Cash in and out plus what is held at the end equals realized profit plus the value over cost."""
    position = Position(ticker="T", event_ticker="E", shard=0)
    cash = 0
    for side, price, count in trades:
        cash += position.revenue(side, price, count)
        position.apply(side, price, count)
    assert cash == position.realized - position.cost
    assert position.cost >= 0
    assert (position.cost == 0) or position.count != 0
    assert position.count == sum(count if side is Side.BID else -count for side, _, count in trades)


@given(st.lists(st.tuples(st.floats(0, 0.5), st.sampled_from([2, 10])), max_size=60))
def test_a_bucket_never_gives_more_than_its_capacity_and_refill(asks: list[tuple[float, int]]) -> None:
    now, given_tokens = 0.0, 0
    bucket = Bucket(BucketLimit(refill_rate=100, bucket_capacity=100), lambda: now)
    for wait_s, cost in asks:
        now += wait_s
        if take([bucket], cost):
            given_tokens += cost
    assert given_tokens <= 100 + 100 * now + 1e-6


def test_a_short_bucket_leaves_the_others_alone() -> None:
    full, empty = (Bucket(BucketLimit(refill_rate=0, bucket_capacity=size), lambda: 0.0) for size in (10, 0))
    assert not take([full, empty], 10)
    assert full.level() == 10


def test_an_average_is_written_with_four_decimals() -> None:
    assert average(200 * 430_000 + 100 * 440_000, 30_000) == "0.4333"
    assert average(1, 1_000_000) == "0.0000"
