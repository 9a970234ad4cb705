"""The exchange's fees per fill, their upper bound, and the payment provider's fee."""

from __future__ import annotations

import math
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hedge_service.core.fees import (
    DIRECT_PRECISION,
    FCM_PRECISION,
    FeeKind,
    FeeSchedule,
    Fill,
    max_fee,
    net_fee,
    payment_fee,
    schedule_of,
    taker_fee,
    trade_fee,
)
from hedge_service.core.money import Count, Money, Price
from hedge_service.core.venue import Event, MarketList, Series
from hedge_service.sandbox.exchange import fees as exchange_fees

precisions = st.sampled_from([DIRECT_PRECISION, FCM_PRECISION])
multipliers = st.sampled_from([Decimal("0.5"), Decimal(1), Decimal(2)])
ONE = Decimal(1)


@pytest.mark.parametrize(
    ("count", "price", "precision", "fee"),
    [
        ("1", "0.52", DIRECT_PRECISION, "0.0175"),
        ("1", "0.055", FCM_PRECISION, "0.005"),
        ("1", "0.53", DIRECT_PRECISION, "0.0175"),
        ("3", "0.66", DIRECT_PRECISION, "0.0472"),
        ("1", "0.53", FCM_PRECISION, "0.02"),
        ("3", "0.66", FCM_PRECISION, "0.05"),
    ],
)
def test_recorded_and_documented_fees_reproduce(count: str, price: str, precision: Decimal, fee: str) -> None:
    assert taker_fee(Count.of(count), Price.of(price), ONE, precision) == Money.of(fee)


def test_the_model_fee_is_rounded_up_to_a_micro() -> None:
    assert trade_fee(Count.of(1), Price.of("0.055")) == Money.of("0.003639")


def test_a_multiplier_scales_the_model_fee() -> None:
    assert taker_fee(Count.of(100), Price.of("0.50"), Decimal("0.5")) == Money.of("0.875")


def test_a_sale_is_rounded_by_its_own_revenue() -> None:
    fee = trade_fee(Count.of(1), Price.of("0.055"))
    assert net_fee(Money.of("0.055"), fee, FCM_PRECISION) == Money.of("0.005")
    assert net_fee(Money.of("0.05"), fee, FCM_PRECISION) == Money.of("0.01")


@given(st.integers(1, 10_000), st.integers(1, 9_999), multipliers, precisions)
def test_a_fee_aligns_the_balance_and_exceeds_the_model_by_less_than_the_precision(
    centis: int, tick: int, multiplier: Decimal, precision: Decimal
) -> None:
    count, price = Count(centis), Price(tick * 100)
    fee = taker_fee(count, price, multiplier, precision)
    p = Fraction(price.dollars)
    model = Fraction(7, 100) * Fraction(multiplier) * Fraction(count.contracts) * p * (1 - p)
    assert model <= Fraction(fee.dollars) < model + Fraction(precision)
    assert (price.times(count) + fee).dollars % precision == 0


@given(
    fills=st.lists(st.tuples(st.integers(1, 500), st.integers(1, 9_999)), min_size=1, max_size=20),
    above=st.integers(0, 3_000),
    multiplier=multipliers,
    precision=precisions,
)
def test_no_set_of_fills_at_or_below_the_limit_costs_more_than_the_bound(
    fills: list[tuple[int, int]], above: int, multiplier: Decimal, precision: Decimal
) -> None:
    limit = Price(min(max(tick for _, tick in fills) + above, 9_999) * 100)
    paid = [taker_fee(Count(centis), Price(tick * 100), multiplier, precision) for centis, tick in fills]
    bound = max_fee(Count(sum(centis for centis, _ in fills)), limit, multiplier, precision)
    assert sum(paid, Money.ZERO) <= bound


def test_the_bound_minds_that_a_better_price_can_carry_a_higher_fee() -> None:
    assert max_fee(Count.of(10), Price.of("0.95")) >= taker_fee(Count.of(10), Price.of("0.50"))


def test_the_bound_of_nothing_is_nothing() -> None:
    assert max_fee(Count.ZERO, Price.of("0.5")) == Money.ZERO
    assert taker_fee(Count.ZERO, Price.of("0.5")) == Money.ZERO


@pytest.mark.parametrize(
    ("kind", "fee"),
    [
        (FeeKind.QUADRATIC, "0"),
        (FeeKind.QUADRATIC_WITH_MAKER_FEES, "0.4375"),
        (FeeKind.QUADRATIC_WITH_COMBO_MAKER_FEES, "0.875"),
    ],
)
def test_makers_pay_their_share_of_the_takers_fee(kind: FeeKind, fee: str) -> None:
    schedule = FeeSchedule(kind=kind)
    assert schedule.maker(Count.of(100), Price.of("0.50")) == Money.of(fee)
    assert schedule.taker(Count.of(100), Price.of("0.50")) == Money.of("1.75")


def test_a_schedule_carries_its_multiplier_and_precision() -> None:
    schedule = FeeSchedule(multiplier=Decimal("0.5"), precision=FCM_PRECISION)
    assert schedule.taker(Count.of(1), Price.of("0.50")) == Money.of("0.01")
    assert schedule.largest(Count.of(1), Price.of("0.50")) == Money.of("1.00875")


def test_the_documented_reply_reproduces() -> None:
    """4 contracts at 0.5550: average_fee_paid 0.0173 a contract."""
    fee = FeeSchedule().taker(Count.of(4), Price.of("0.5550"))
    assert fee == Money.of("0.0692")
    assert (fee.dollars / 4).quantize(Decimal("0.0001")) == Decimal("0.0173")


def test_the_old_rate_of_the_index_series_is_a_multiplier_of_one_half() -> None:
    assert FeeSchedule(multiplier=Decimal("0.5")).per_contract(Price.of("0.5")) == Decimal("0.035") / 4


def fill(count: str, price: str) -> Fill:
    return Fill(count=Count.of(count), price=Price.of(price))


def test_an_order_gives_back_whole_units_that_its_fills_have_overpaid() -> None:
    """Three fills at 0.53, rounded up by 0.002563 each: the fourth gives a cent back."""
    broker = FeeSchedule(precision=FCM_PRECISION)
    assert trade_fee(Count.of(1), Price.of("0.53")) == Money.of("0.017437")
    fills = [fill("1", "0.53")] * 4
    assert [str(broker.order(fills[:n])) for n in range(5)] == ["0.00", "0.02", "0.04", "0.06", "0.07"]


def test_a_rebate_never_makes_a_fee_negative() -> None:
    """A fee of half a cent on a hundredth of a contract leaves no whole cent to give back."""
    broker = FeeSchedule(precision=FCM_PRECISION)
    one = broker.taker(Count(1), Price.of("0.52"))
    assert broker.order([fill("0.01", "0.52")] * 100) == Money(one.micros * 100)


orders = st.lists(st.tuples(st.integers(1, 500), st.integers(1, 9_999)), max_size=12)


@given(fills=orders, multiplier=multipliers, precision=precisions)
def test_an_orders_fees_are_what_the_sandbox_exchange_charges(
    fills: list[tuple[int, int]], multiplier: Decimal, precision: Decimal
) -> None:
    schedule = exchange_fees.FeeSchedule(multiplier=multiplier)
    total = overpaid = 0
    for centis, tick in fills:
        revenue = -(centis * tick)
        fee = exchange_fees.trade_fee(schedule, price=tick * 100, count=centis, is_taker=True)
        unit = Money.of(precision).micros
        charge = exchange_fees.rounded(revenue=revenue, fee=fee, overpaid=overpaid, precision=unit)
        total, overpaid = total + charge.fee, charge.overpaid
    ours = FeeSchedule(multiplier=multiplier, precision=precision)
    assert ours.order(Fill(count=Count(c), price=Price(t * 100)) for c, t in fills) == Money(total)


@given(fills=orders, precision=precisions)
def test_an_orders_fees_lie_between_the_model_and_the_fills_alone(
    fills: list[tuple[int, int]], precision: Decimal
) -> None:
    schedule = FeeSchedule(precision=precision)
    made = [Fill(count=Count(c), price=Price(t * 100)) for c, t in fills]
    model = sum(Fraction(schedule.per_contract(f.price)) * Fraction(f.count.contracts) for f in made)
    alone = sum((schedule.taker(f.count, f.price) for f in made), Money.ZERO)
    assert model <= Fraction(schedule.order(made).dollars) <= Fraction(alone.dollars)


@given(
    counts=st.lists(st.integers(1, 500), min_size=1, max_size=12),
    tick=st.integers(1, 9_999),
    multiplier=multipliers,
)
def test_the_documented_estimate_is_an_upper_bound(counts: list[int], tick: int, multiplier: Decimal) -> None:
    """ceil_4dp(0.07 * M * C * P * (1 - P)) + 0.0001 per fill, for a direct member."""
    schedule, price = FeeSchedule(multiplier=multiplier), Price(tick * 100)
    model = Fraction(schedule.per_contract(price)) * sum(counts) / 100
    estimate = Fraction(math.ceil(model * 10_000) + len(counts), 10_000)
    paid = schedule.order(Fill(count=Count(count), price=price) for count in counts)
    assert Fraction(paid.dollars) <= estimate


def series(fee_type: str = "quadratic", multiplier: str = "0.5") -> Series:
    return Series(ticker="KX", title="", fee_type=fee_type, fee_multiplier=Decimal(multiplier))


def event(fee_type: str | None = None, multiplier: str | None = None) -> Event:
    return Event(
        event_ticker="KX-1",
        series_ticker="KX",
        title="",
        mutually_exclusive=True,
        markets=MarketList(found={}, unreadable={}),
        fee_type_override=fee_type,
        fee_multiplier_override=None if multiplier is None else Decimal(multiplier),
    )


@pytest.mark.parametrize(
    ("overrides", "kind", "multiplier"),
    [
        ((None, None), FeeKind.QUADRATIC, "0.5"),
        (("quadratic_with_maker_fees", "2"), FeeKind.QUADRATIC_WITH_MAKER_FEES, "2"),
        (("quadratic_with_maker_fees", None), FeeKind.QUADRATIC_WITH_MAKER_FEES, "0.5"),
        ((None, "0"), FeeKind.QUADRATIC, "0"),
    ],
)
def test_an_events_override_comes_before_its_series(
    overrides: tuple[str | None, str | None], kind: FeeKind, multiplier: str
) -> None:
    schedule = schedule_of(series(), event(*overrides), precision=FCM_PRECISION)
    assert schedule == FeeSchedule(kind=kind, multiplier=Decimal(multiplier), precision=FCM_PRECISION)


def test_without_an_event_the_series_holds_and_an_unknown_type_is_refused() -> None:
    assert schedule_of(series()) == FeeSchedule(multiplier=Decimal("0.5"))
    with pytest.raises(ValueError, match="fee type"):
        schedule_of(series(), event("cubic"))


@pytest.mark.parametrize("kind", ["flat", "margin_market_maker_program_fees"])
def test_a_fee_type_without_a_known_formula_is_refused_and_not_guessed(kind: str) -> None:
    with pytest.raises(ValueError, match="fee type"):
        FeeSchedule(kind=FeeKind(kind))


@pytest.mark.parametrize(("multiplier", "precision"), [("-1", "0.01"), ("1", "0"), ("1", "-0.01")])
def test_a_schedule_that_makes_no_sense_is_refused(multiplier: str, precision: str) -> None:
    with pytest.raises(ValueError, match="not a fee schedule"):
        FeeSchedule(multiplier=Decimal(multiplier), precision=Decimal(precision))


def test_the_payment_fee_is_a_share_and_a_fixed_part_rounded_up_to_the_cent() -> None:
    assert payment_fee(Money.of("5")) == Money.of("0.45")
    assert payment_fee(Money.of("100")) == Money.of("3.20")
    assert payment_fee(Money.of("10"), share=Decimal(0), fixed=Money.of("0.25")) == Money.of("0.25")
