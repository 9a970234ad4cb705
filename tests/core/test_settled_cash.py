"""What settlement paid, by our books and by the exchange's list."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hedge_service.core.money import Count, Money, Price
from hedge_service.core.settled_cash import BookedSettlement, differences
from hedge_service.core.settlement import Ending
from hedge_service.core.venue import VenueSettlement

YES = Ending("yes", Price.of(1))
THIRD = Ending("scalar", Price.of("0.3333"))


def booked(yes: str = "3", no: str = "0", **changes: Any) -> BookedSettlement:
    values: dict[str, Any] = {"fees": Money.of("0.05"), "opened": False, "revenue": Money.ZERO}
    return BookedSettlement(yes=Count.of(yes), no=Count.of(no), **(values | changes))


def listed(**changes: Any) -> VenueSettlement:
    values: dict[str, Any] = {
        "ticker": "KXA-1-SEA",
        "event_ticker": "KXA-1",
        "result": "yes",
        "yes_count": Count.of(3),
        "no_count": Count.ZERO,
        "yes_cost": Money.of("1.95"),
        "no_cost": Money.ZERO,
        "revenue": Money.of(3),
        "value": Price.of(1),
        "fee": Money.of("0.0500"),
        "settled_time": datetime(2026, 11, 22, tzinfo=UTC),
        "exchange_index": 0,
    }
    return VenueSettlement(**(values | changes))


def test_equal_figures_differ_in_nothing() -> None:
    assert differences(booked(), YES, listed()) == ()


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"result": "no"}, ("result",)),
        ({"value": Price.of("0.99")}, ("value",)),
        ({"yes_count": Count.of(2)}, ("contracts",)),
        ({"revenue": Money.of("2.99")}, ("revenue",)),
        ({"revenue": Money.of("3.01")}, ("revenue",)),
        ({"fee": Money.of("0.06")}, ("fees",)),
        ({"yes_count": Count.of(2), "revenue": Money.of(2)}, ("contracts", "revenue")),
    ],
)
def test_each_figure_that_differs_is_named(changes: dict[str, Any], named: tuple[str, ...]) -> None:
    assert differences(booked(), YES, listed(**changes)) == named


def test_a_value_that_is_not_told_does_not_differ() -> None:
    assert differences(booked(), YES, listed(value=None)) == ()


def test_revenue_in_floored_cents_and_fees_in_four_digits_are_the_same_figures() -> None:
    ours = booked("1.01", fees=Money.of("0.016401"))
    told = listed(
        result="scalar",
        value=Price.of("0.33"),
        yes_count=Count.of("1.01"),
        revenue=Money.of("0.33"),
        fee=Money.of("0.0165"),
    )
    assert ours.paid(THIRD) == Money.of("0.3366")
    assert differences(ours, THIRD, told) == ()


def test_no_contracts_are_paid_the_rest_of_the_dollar() -> None:
    ours = booked("0", "3")
    assert ours.paid(THIRD) == Money.of("2.0001")
    assert ours.paid(YES) == Money.ZERO


def test_money_that_the_exchange_does_not_list_is_named() -> None:
    assert differences(booked(), YES, None) == ("not_listed",)
    assert differences(booked("0", "3"), YES, None) == ()


def test_contracts_from_before_the_books_are_compared_by_the_ledgers_revenue_alone() -> None:
    ours = booked("1", opened=True, revenue=Money.of(3), fees=Money.ZERO)
    assert differences(ours, YES, listed()) == ()
    assert differences(ours, YES, listed(revenue=Money.of(4))) == ("revenue",)


@given(yes=st.integers(0, 100_000), value=st.integers(0, 10_000))
def test_what_the_exchange_floors_never_differs(yes: int, value: int) -> None:
    end = Ending("scalar", Price(value * 100))
    ours = BookedSettlement(yes=Count(yes), no=Count.ZERO, fees=Money.ZERO, opened=False, revenue=Money.ZERO)
    told = listed(
        result="scalar",
        value=Price(value // 100 * 10_000),
        yes_count=Count(yes),
        revenue=ours.paid(end).floor_to_cent(),
        fee=Money.ZERO,
    )
    assert differences(ours, end, told) == ()
