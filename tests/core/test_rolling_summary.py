"""What is planned and what is unhedged of a leg that rolls bought more of."""

from __future__ import annotations

from hedge_service.core.money import Count
from hedge_service.core.orders import AttemptState, Purpose
from hedge_service.core.parlay import HedgeOutcome, Mode
from hedge_service.core.summary import summarize
from hedge_service.core.unhedged import planned, unhedged, wanted
from hedge_service.core.unwinding import unsold
from tests.core.rolling_samples import LEGS, NOW, bought

FIRST, SECOND, _ = LEGS


def test_each_roll_is_planned_on_its_own_leg() -> None:
    worked = [bought(FIRST, "137"), bought(SECOND, "250", purpose=Purpose.ROLL)]
    found = summarize(Mode.LIVE, worked, legs_skipped=1)
    assert (found.outcome, found.contracts_planned) == (HedgeOutcome.EXECUTED, Count.of(387))
    assert found.contracts_unhedged == Count.ZERO


def test_a_roll_on_a_leg_that_is_held_adds_to_what_was_bought_not_to_what_was_planned() -> None:
    first = bought(FIRST, "137", filled="100", state=AttemptState.CANCELLED)
    more = bought(FIRST, "175", purpose=Purpose.ROLL, minutes=5)
    assert planned([first]) == Count.of(137)
    assert planned([more, first]) == Count.of(275)
    assert unhedged([first, more]).contracts == Count.ZERO


def test_a_second_try_for_a_roll_adds_nothing_to_what_is_wanted() -> None:
    roll = bought(SECOND, "250", filled="200", purpose=Purpose.ROLL, state=AttemptState.CANCELLED)
    again = bought(SECOND, "50", sequence=2, minutes=5)
    assert wanted([roll, again]) == Count.of(250)
    assert unhedged([roll]).contracts == Count.of(50)
    assert unhedged([roll, again]).contracts == Count.ZERO


def test_the_rest_of_a_roll_is_unhedged_at_the_rolls_own_limit() -> None:
    first = bought(FIRST, "137", price="0.60")
    roll = bought(FIRST, "100", filled="40", price="0.70", purpose=Purpose.ROLL, minutes=5)
    rest = unhedged([first, roll])
    assert (rest.contracts, str(rest.dollars)) == (Count.of(60), "42.00")


def test_what_was_rolled_can_be_sold_like_any_hedge() -> None:
    sold = bought(SECOND, "100", purpose=Purpose.UNWIND, sequence=3)
    [left] = unsold([bought(SECOND, "250", purpose=Purpose.ROLL), sold], now=NOW.replace(hour=13))
    assert (left.count, left.sequence) == (Count.of(150), 4)
