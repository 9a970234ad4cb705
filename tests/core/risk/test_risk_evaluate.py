"""Evaluation: exact money in every state, figures against brute force and sampling."""

from __future__ import annotations

import math
from dataclasses import replace
from decimal import Decimal
from itertools import product
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hedge_service.core.money import Count, Money, Price
from hedge_service.core.risk.evaluate import Evaluation, Position, Terms, evaluate, state_results
from hedge_service.core.risk.joint import joint_states
from hedge_service.core.risk.states import States, independent_states
from tests.core.risk.joint_samples import fair, leg, legs_of, pair, terms, unhedged

if TYPE_CHECKING:
    from hedge_service.core.leg import Leg

asks = st.integers(1, 99).map(lambda cents: Price.of(Decimal(cents) / 100))
amounts = st.integers(0, 10**9).map(Money)
lots = st.integers(0, 10**6).map(Count)
positions = st.builds(Position, contracts=lots, outlay=amounts, fees=amounts)


@st.composite
def plans(draw: st.DrawFn) -> tuple[Terms, list[Leg], list[Position]]:
    prices = draw(st.lists(asks, min_size=1, max_size=5))
    legs = [leg(number, ask) for number, ask in enumerate(prices, 1)]
    bargain = Terms(stake=draw(amounts), payment_fee=draw(amounts), payout=draw(amounts))
    return bargain, legs, draw(st.lists(positions, min_size=len(legs), max_size=len(legs)))


def by_hand(
    bargain: Terms, legs: list[Leg], held: list[Position]
) -> dict[tuple[bool, ...], tuple[float, int]]:
    """Give probability and result per state, in plain arithmetic."""
    found = {}
    for hits in product((False, True), repeat=len(legs)):
        chance = math.prod(
            float(one.probability if hit else 1 - one.probability)
            for one, hit in zip(legs, hits, strict=True)
        )
        result = bargain.stake.micros - bargain.payment_fee.micros
        result -= bargain.payout.micros if all(hits) else 0
        for position, hit in zip(held, hits, strict=True):
            result += position.contracts.centis * 10_000 if hit else 0
            result -= position.outlay.micros + position.fees.micros
        found[hits] = (chance, result)
    return found


@given(plans())
@settings(max_examples=60, deadline=None)
def test_every_state_and_figure_agrees_with_plain_arithmetic(
    plan: tuple[Terms, list[Leg], list[Position]],
) -> None:
    bargain, legs, held = plan
    hand = by_hand(bargain, legs, held)
    found = evaluate(bargain, joint_states(legs).states, held)
    assert {state.hits: state.result.micros for state in found.states} == {
        hits: result for hits, (_, result) in hand.items()
    }
    assert sum(state.probability for state in found.states) == pytest.approx(1, abs=1e-9)
    ev = sum(chance * result for chance, result in hand.values())
    spread = math.sqrt(sum(chance * (result - ev) ** 2 for chance, result in hand.values()))
    results = [result for _, result in hand.values()]
    assert found.ev.micros == pytest.approx(ev, rel=1e-9, abs=1)
    assert found.sd.micros == pytest.approx(spread, rel=1e-6, abs=1)
    assert (found.worst.micros, found.best.micros) == (min(results), max(results))
    lost = math.fsum(chance for chance, result in hand.values() if result < 0)
    assert found.p_loss == pytest.approx(Decimal(lost), abs=Decimal("1e-9"))
    assert found.outlay.micros == sum(position.outlay.micros for position in held)
    assert found.fees.micros == sum(position.fees.micros for position in held)


@given(plans(), st.integers(0, 99))
@settings(max_examples=60, deadline=None)
def test_cvar_is_the_best_bound_of_rockafellar_and_uryasev(
    plan: tuple[Terms, list[Leg], list[Position]], percent: int
) -> None:
    """CVaR of a loss L is min over z of z + E max(L - z, 0) / (1 - alpha); the minimum lies at a result."""
    bargain, legs, held = plan
    alpha = Decimal(percent) / 100
    hand = by_hand(bargain, legs, held).values()
    bounds = [
        z + sum(chance * max(-result - z, 0) for chance, result in hand) / float(1 - alpha)
        for z in (-result for _, result in hand)
    ]
    found = evaluate(bargain, joint_states(legs).states, held, alpha=alpha)
    assert found.cvar.micros == pytest.approx(-min(bounds), rel=1e-6, abs=2)
    assert found.worst <= found.cvar
    assert found.cvar.micros <= found.ev.micros + 1


@given(st.lists(asks, min_size=2, max_size=5), st.data())
@settings(max_examples=60, deadline=None)
def test_a_plan_bought_at_fair_prices_without_costs_keeps_the_expected_value(
    prices: list[Price], data: st.DataObject
) -> None:
    events = data.draw(st.lists(st.sampled_from("AB"), min_size=len(prices), max_size=len(prices)))
    legs = [leg(n, ask, event) for n, (ask, event) in enumerate(zip(prices, events, strict=True), 1)]
    counts = data.draw(st.lists(lots, min_size=len(legs), max_size=len(legs)))
    rho = data.draw(st.sampled_from(["0", "0.3", "0.8"]))
    states = joint_states(legs, [pair(1, n, rho) for n in range(2, 6)]).states
    bargain = terms("100", "500")
    hedged = evaluate(bargain, states, fair(legs, *(str(count.contracts) for count in counts)))
    # each leg's probability is its price within 1e-8, so a contract is fair within 1e-8 dollars
    allowed = 2 + sum(count.centis for count in counts) * 1e-10 * 1e6
    assert hedged.ev.micros == pytest.approx(unhedged(bargain, states).ev.micros, abs=allowed)


def test_enumeration_and_seeded_sampling_agree() -> None:
    legs = [leg(1, "0.60", "G"), leg(2, "0.55", "G"), leg(3, "0.50"), leg(4, "0.30", "G")]
    bargain, held = terms("100", "900"), fair(legs, "55", "60", "66", "20")
    states = joint_states(legs, [pair(1, 2, "0.5")]).states
    found = evaluate(bargain, states, held)
    random = np.random.default_rng(4)
    drawn = random.choice(state_results(bargain, states, held), size=200_000, p=states.probabilities)
    noise = 5 * drawn.std() / math.sqrt(len(drawn))
    assert abs(drawn.mean() - found.ev.micros) < noise
    assert drawn.std() == pytest.approx(found.sd.micros, rel=0.02)
    assert (drawn < 0).mean() == pytest.approx(float(found.p_loss), abs=0.01)
    tail = np.sort(drawn)[: len(drawn) // 20].mean()
    assert tail == pytest.approx(found.cvar.micros, rel=0.02)


def test_a_state_that_cannot_happen_is_neither_worst_nor_listed() -> None:
    found = unhedged(terms("100", "500"), independent_states([Decimal(1), Decimal("0.5")]))
    assert [state.hits for state in found.states] == [(True, False), (True, True)]
    never = States(np.array([[False], [True]]), np.array([1.0, 0.0]))
    assert unhedged(terms("100", "500"), never).worst == Money.of(100)


def test_cvar_at_alpha_zero_is_the_expected_value_and_near_one_the_worst() -> None:
    states = joint_states(legs_of("0.6", "0.5")).states
    held = [Position()] * 2
    found = [evaluate(terms("10", "30"), states, held, alpha=Decimal(a)) for a in ("0", "0.999")]
    assert found[0].cvar == found[0].ev
    assert found[1].cvar == found[1].worst


@pytest.mark.parametrize("alpha", ["1", "-0.1"])
def test_an_alpha_without_a_tail_is_refused(alpha: str) -> None:
    with pytest.raises(ValueError, match="alpha"):
        evaluate(terms("1", "2"), joint_states(legs_of("0.5")).states, [Position()], alpha=Decimal(alpha))


def test_a_plan_for_other_legs_is_refused() -> None:
    with pytest.raises(ValueError, match="positions"):
        evaluate(terms("1", "2"), joint_states(legs_of("0.5")).states, [])


def test_amounts_that_would_overflow_are_refused() -> None:
    bargain = replace(terms("1", "2"), payout=Money(2**63))
    with pytest.raises(ValueError, match="too large"):
        evaluate(bargain, joint_states(legs_of("0.5")).states, [Position()])


def test_a_winning_hedge_has_cost_its_outlay_and_the_stake_stays_ours() -> None:
    found: Evaluation = evaluate(
        terms("10", "18", "0.5"),
        joint_states(legs_of("0.5")).states,
        [Position(contracts=Count.of(4), outlay=Money.of(2), fees=Money.of("0.07"))],
    )
    assert {state.hits: str(state.result) for state in found.states} == {(False,): "7.43", (True,): "-6.57"}
