"""The exchange's fees per fill, their upper bound, and the payment provider's fee."""

from __future__ import annotations

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
    max_fee,
    net_fee,
    payment_fee,
    taker_fee,
    trade_fee,
)
from hedge_service.core.money import Count, Money, Price

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
