"""Exact money, prices and counts."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hedge_service.core.money import Count, Money, Price, decimal_of

micros = st.integers(min_value=-(10**15), max_value=10**15)


@pytest.mark.parametrize(
    "text",
    ["", "x", "NaN", "sNaN", "Infinity", "-inf", "1_0", " 1", "1 ", "1\n", "\uff11", "1e16", "1e999999999"],
)
def test_what_is_no_plain_finite_number_is_a_value_error(text: str) -> None:
    with pytest.raises(ValueError, match="number"):
        decimal_of(text)


@pytest.mark.parametrize("text", ["1e-29", "1e-999999999", "0.12345600000000000000000000000000001"])
def test_digits_beyond_exact_arithmetic_are_refused_and_never_rounded_away(text: str) -> None:
    with pytest.raises(ValueError, match="range"):
        Money.of(text)


def test_zero_is_zero_in_any_writing() -> None:
    assert Money.of("0e999999999") == Money.of("-0.000") == Money.ZERO


@pytest.mark.parametrize("text", ["0.0000001", "1.00000001"])
def test_money_finer_than_a_micro_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="finer"):
        Money.of(text)


@pytest.mark.parametrize("text", ["-0.01", "1.000001", "2"])
def test_a_price_outside_0_to_1_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="between"):
        Price.of(text)


@pytest.mark.parametrize("text", ["-1", "-0.01", "0.001"])
def test_a_negative_or_too_fine_count_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"negative|finer"):
        Count.of(text)


def test_taking_more_contracts_than_there_are_is_refused() -> None:
    with pytest.raises(ValueError, match="negative"):
        Count.of(1) - Count.of(2)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (Money.of("5"), "5.00"),
        (Money.of("-0.5"), "-0.50"),
        (Money.of("0.0175"), "0.017500"),
        (Count.of("3"), "3.00"),
        (Count.of("0.01"), "0.01"),
        (Price.of("0.56"), "0.5600"),
        (Price.of("0.123456"), "0.123456"),
    ],
)
def test_values_have_one_fixed_written_form(value: object, text: str) -> None:
    assert str(value) == text


@given(micros)
def test_money_survives_its_own_dollars(amount: int) -> None:
    assert Money.of(Money(amount).dollars) == Money(amount)
    assert Money.of(str(Money(amount).dollars)) == Money(amount)


@given(micros)
def test_cents_are_rounded_down_and_up_around_the_amount(amount: int) -> None:
    money = Money(amount)
    low, high = money.floor_to_cent(), money.ceil_to_cent()
    assert low <= money <= high
    assert high.to_cents() - low.to_cents() == (0 if low == money else 1)


def test_a_fraction_of_a_cent_is_no_number_of_cents() -> None:
    with pytest.raises(ValueError, match="cents"):
        Money.of("0.005").to_cents()


@given(st.decimals(min_value=-1000, max_value=1000, places=12))
def test_rounding_to_micros_goes_the_way_it_says(dollars: Decimal) -> None:
    low, high = Money.floor(dollars), Money.ceil(dollars)
    assert low.dollars <= dollars <= high.dollars
    assert high.micros - low.micros <= 1


@given(micros, micros)
def test_sums_and_differences_are_exact(a: int, b: int) -> None:
    assert (Money(a) + Money(b) - Money(b)) == Money(a)
    assert Money(a) + -Money(a) == Money.ZERO
    assert bool(Money(a)) == (a != 0)


@given(
    contracts=st.decimals(min_value=0, max_value=100_000, places=9),
    step=st.sampled_from([Decimal("0.01"), Decimal("0.5"), Decimal(1), Decimal(10)]),
)
def test_counts_are_rounded_down_to_whole_lots(contracts: Decimal, step: Decimal) -> None:
    count = Count.floor(contracts, step).contracts
    assert count <= contracts < count + step
    assert count % step == 0


def test_a_quotient_just_below_a_lot_never_reaches_it() -> None:
    assert Count.floor(Decimal("2." + "9" * 28), Decimal("0.01")) == Count.of("2.99")


def test_less_than_nothing_is_no_lot() -> None:
    assert Count.floor(Decimal("-0.5"), Decimal(1)) == Count.ZERO


@given(st.integers(0, 1_000_000), st.integers(0, 10**9))
def test_a_cost_is_exact_or_rounded_up_to_the_micro(price: int, centis: int) -> None:
    exact = Fraction(price * centis, 100)
    assert 0 <= Price(price).times(Count(centis)).micros - exact < 1


@given(st.integers(0, 1_000_000))
def test_the_complement_of_the_complement_is_the_price(price: int) -> None:
    assert Price(price).complement.complement == Price(price)
    assert Price(price).dollars + Price(price).complement.dollars == 1
