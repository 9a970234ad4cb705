"""Rolling as a plan among others: evaluated as the core evaluates, and offered only in sequence."""

from __future__ import annotations

from decimal import Decimal

import pytest

from hedge_service.core.hedging import Strategy
from hedge_service.core.money import Count, Money, Price
from hedge_service.core.risk.evaluate import Position, Terms, evaluate
from hedge_service.core.risk.states import independent_states
from hedge_service.core.rolling import Costs, NotInSequence, NotOffered, replication_cost
from hedge_service.simulation.planner import Parlay, edge_share, plans, rolling_evaluation
from tests.core.risk.joint_samples import leg, legs_of, pair

TERMS = Terms(stake=Money.of(5), payment_fee=Money.of("0.45"), payout=Money.of("10.46"))


def holding(contracts: str, price: str) -> Position:
    count = Count.of(contracts)
    return Position(contracts=count, outlay=Price.of(price).times(count), fees=Money.of("0.03"))


@pytest.mark.parametrize("alpha", ["0.5", "0.95"])
def test_a_sequence_of_one_leg_is_a_static_hedge(alpha: str) -> None:
    states, held = independent_states([Decimal("0.43")]), [holding("7", "0.44")]
    static = evaluate(TERMS, states, held, alpha=Decimal(alpha))
    rolling = rolling_evaluation(TERMS, states, [0], held, Decimal(alpha))
    assert rolling == static
    assert rolling.states == static.states


def test_later_legs_are_bought_only_where_the_ones_before_have_hit() -> None:
    states = independent_states([Decimal("0.5")] * 2)
    # the second leg settles first
    held = [holding("5", "0.50"), holding("10", "0.50")]
    found = rolling_evaluation(TERMS, states, [1, 0], held, Decimal("0.95"))
    left = {state.hits: state.result for state in found.states}
    first = TERMS.stake - TERMS.payment_fee - Money.of("2.53")
    assert left[False, False] == left[True, False] == first
    assert left[False, True] == first + Money.of(5) - Money.of("5.03")
    assert left[True, True] == first + Money.of(5) - Money.of("5.03") + Money.of(10) - TERMS.payout
    assert (found.outlay, found.fees) == (Money.of("2.50"), Money.of("0.06"))


def test_a_plan_of_rolling_ends_where_replication_says_within_its_lots() -> None:
    legs = tuple(legs_of("0.60", "0.55", "0.50"))
    parlay = Parlay(
        stake=Money.of(100),
        share=Decimal("0.825"),
        payment_fee=Money.ZERO,
        legs=legs,
        sequence=legs,
        step=Decimal("0.01"),
    )
    (plan,) = plans(parlay, [Strategy.ROLLING]).plans
    assert plan.found is not None
    replicated = Money.of(100) - replication_cost(Money.of(500), legs, Costs())
    assert abs((replicated - plan.found.ev).micros) < 10_000


def test_a_parlay_that_is_not_in_sequence_gets_no_rolling_plan() -> None:
    legs = (leg(1, "0.6", "G"), leg(2, "0.5", "G"))
    why = NotOffered(reason=NotInSequence.ENDS_TOO_CLOSE, legs=(1, 2))
    parlay = Parlay(
        stake=Money.of(10),
        share=Decimal("0.9"),
        payment_fee=Money.ZERO,
        legs=legs,
        sequence=why,
        correlations=(pair(1, 2, "0.3"),),
    )
    none, rolling = plans(parlay, [Strategy.NONE, Strategy.ROLLING]).plans
    assert (rolling.found, rolling.not_offered) == (None, why)
    assert none.found is not None
    assert edge_share(none.found, parlay.stake) == Decimal("0.1001")
