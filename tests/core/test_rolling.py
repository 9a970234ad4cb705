"""Rolling in sequence: the figures of hedging.md, when it is offered, and what the first leg gets."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from fractions import Fraction
from itertools import product
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hedge_service.core.fees import FeeSchedule
from hedge_service.core.hedging import SkipReason
from hedge_service.core.market import Side
from hedge_service.core.money import Count, Money, Price
from hedge_service.core.rolling import (
    NO_COSTS,
    Costs,
    NotInSequence,
    NotOffered,
    drift_reserve,
    first_hedges,
    replication_cost,
    sequence,
    targets,
    within_cap,
)
from tests.core.rolling_samples import CENT, DAY, GAP, LEGS, PAYOUT, STAKE, leg_of, market_of, markets_of

if TYPE_CHECKING:
    from hedge_service.core.pricing import Leg

GROSSED_UP = Costs(slippage=CENT)


def result(
    stake: Money, payout: Money, order: tuple[Leg, ...], costs: Costs, hits: tuple[bool, ...]
) -> Fraction:
    """Play one way the legs can end, with prices that hold: buy each target when its turn comes."""
    cash = Fraction(stake.dollars)
    for leg, held, hit in zip(order, targets(payout, order, costs), hits, strict=True):
        cash -= held * costs.unit(leg)
        if not hit:
            return cash
        cash += held
    return cash - Fraction(payout.dollars)


def cents(number: Fraction) -> Decimal:
    return Decimal(round(number * 100)) / 100


def test_the_targets_are_those_of_the_check_figures() -> None:
    assert targets(PAYOUT, LEGS) == (Fraction("137.5"), Fraction(250), Fraction(500))


def test_the_targets_grossed_up_for_a_cent_and_fees_are_those_of_the_check_figures() -> None:
    found = targets(PAYOUT, LEGS, GROSSED_UP)
    assert [cents(target) for target in found] == [Decimal("152.25"), Decimal("263.75"), 500]


@pytest.mark.parametrize(("costs", "left"), [(NO_COSTS, "17.50"), (GROSSED_UP, "4.59")])
def test_with_prices_that_hold_the_house_ends_the_same_in_every_state(costs: Costs, left: str) -> None:
    states = list(product((True, False), repeat=3))
    found = {result(STAKE, PAYOUT, LEGS, costs, hits) for hits in states}
    assert len(found) == 1
    assert cents(found.pop()) == Decimal(left)
    cost = replication_cost(PAYOUT, LEGS, costs)
    assert (STAKE - cost).dollars.quantize(CENT) == Decimal(left)


@given(
    asks=st.lists(st.integers(2, 97), min_size=2, max_size=6),
    slippage=st.integers(0, 5),
    multiplier=st.sampled_from(["0", "0.5", "1"]),
)
def test_whatever_the_prices_and_costs_no_state_is_worse_than_another(
    asks: list[int], slippage: int, multiplier: str
) -> None:
    order = tuple(leg_of(number, f"0.{ask:02}") for number, ask in enumerate(asks, start=1))
    costs = Costs(slippage=CENT * slippage, standard=FeeSchedule(multiplier=Decimal(multiplier)))
    states = product((True, False), repeat=len(order))
    found = {result(STAKE, PAYOUT, order, costs, hits) for hits in states}
    cost = replication_cost(PAYOUT, order, costs)
    [left] = found
    assert 0 <= Fraction(cost.dollars) - (Fraction(STAKE.dollars) - left) < Fraction(1, 1_000_000)


def test_a_market_pays_the_fees_of_its_own_series() -> None:
    half = FeeSchedule(multiplier=Decimal("0.5"))
    costs = Costs(fees={"KX-3": half})
    assert costs.unit(LEGS[2]) == Fraction("0.50") + Fraction("0.00875")
    assert costs.unit(LEGS[1]) == Fraction("0.55") + Fraction("0.017325")


def test_slippage_never_lifts_a_price_above_a_dollar() -> None:
    assert Costs(slippage=CENT * 5).paid(leg_of(1, "0.97")) == Price.of(1)


def test_legs_are_taken_in_the_order_of_their_expected_ends() -> None:
    first, second, third = LEGS
    order = sequence((third, first, second), markets_of(), GAP)
    assert order == LEGS


def test_rolling_needs_two_legs() -> None:
    assert sequence(LEGS[:1], markets_of(), GAP) == NotOffered(reason=NotInSequence.ONE_LEG, legs=(1,))


def test_rolling_needs_every_market_and_its_expected_end() -> None:
    known = {ticker: market for ticker, market in markets_of().items() if ticker != "KX-2"}
    assert sequence(LEGS, known, GAP) == NotOffered(reason=NotInSequence.MARKET_UNKNOWN, legs=(2,))
    endless = markets_of(market_of(LEGS[2], expected_expiration_time=None))
    assert sequence(LEGS, endless, GAP) == NotOffered(reason=NotInSequence.NO_EXPECTED_END, legs=(3,))


def test_ends_that_lie_closer_than_the_gap_are_no_sequence() -> None:
    markets = markets_of()
    ends = markets["KX-1"].expected_expiration_time
    assert ends is not None
    enough = markets | {"KX-2": replace(markets["KX-2"], expected_expiration_time=ends + GAP)}
    assert sequence(LEGS, enough, GAP) == LEGS
    near = markets | {"KX-2": replace(markets["KX-2"], expected_expiration_time=ends + GAP / 2)}
    assert sequence(LEGS, near, GAP) == NotOffered(reason=NotInSequence.ENDS_TOO_CLOSE, legs=(1, 2))


def test_a_market_that_closes_before_the_one_ahead_of_it_ends_can_not_be_rolled_into() -> None:
    markets = markets_of()
    early = markets_of(replace(markets["KX-3"], close_time=markets["KX-3"].close_time - DAY))
    assert sequence(LEGS, early, GAP) == NotOffered(reason=NotInSequence.CLOSES_TOO_SOON, legs=(2, 3))


def test_only_the_first_leg_to_settle_is_hedged_at_first_in_whole_lots() -> None:
    hedges = first_hedges(tuple(reversed(LEGS)), LEGS, payout=PAYOUT, costs=GROSSED_UP)
    assert [hedge.leg.number for hedge in hedges] == [3, 2, 1]
    assert [hedge.skip for hedge in hedges] == [SkipReason.LATER_LEG, SkipReason.LATER_LEG, None]
    assert [hedge.contracts for hedge in hedges] == [Count.ZERO, Count.ZERO, Count.of(152)]
    fine = first_hedges(LEGS, LEGS, payout=PAYOUT, costs=GROSSED_UP, step=CENT)
    assert fine[0].contracts == Count.of("152.24")


def test_a_first_target_below_one_lot_is_no_order() -> None:
    hedges = first_hedges(LEGS, LEGS, payout=Money.of(3))
    assert hedges[0].skip is SkipReason.BELOW_ONE_CONTRACT


def test_legs_out_of_sequence_get_nothing_and_the_reason_is_told() -> None:
    refused = sequence(LEGS, {}, GAP)
    assert isinstance(refused, NotOffered)
    assert refused.fields() == {"reason": "market_unknown", "legs": [1, 2, 3]}
    hedges = first_hedges(LEGS, refused, payout=PAYOUT)
    assert {hedge.skip for hedge in hedges} == {SkipReason.NOT_IN_SEQUENCE}


def test_a_sequence_whose_later_rolls_would_not_fit_under_the_order_cap_is_not_begun() -> None:
    terms = {"payout": PAYOUT, "costs": GROSSED_UP, "step": Decimal(1)}
    assert within_cap(LEGS, **terms, order_cap=Money.of(400)) == LEGS  # type: ignore[arg-type]
    refused = within_cap(LEGS, **terms, order_cap=Money.of(200))  # type: ignore[arg-type]
    assert refused == NotOffered(reason=NotInSequence.OVER_ORDER_CAP, legs=(3,))


def test_the_drift_reserve_is_a_share_of_the_payout() -> None:
    assert drift_reserve(PAYOUT, Decimal("0.02")) == Money.of(10)
    assert drift_reserve(Money.of("0.01"), Decimal("0.000001")) == Money.of("0.000001")


def test_a_leg_that_backs_no_is_held_as_no() -> None:
    order = (leg_of(1, "0.60", Side.NO), LEGS[1])
    assert targets(Money.of(100), order) == (Fraction(55), Fraction(100))


def test_legs_of_one_event_are_not_rolled() -> None:
    joined = tuple(replace(leg, event_ticker="KXONE-1") if leg.number < 3 else leg for leg in LEGS)
    assert sequence(joined, markets_of(), GAP) == NotOffered(reason=NotInSequence.SAME_EVENT, legs=(1, 2))
