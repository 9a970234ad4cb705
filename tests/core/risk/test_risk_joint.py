"""States of correlated and structured legs: probabilities, supports and marginals, against other oracles."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from itertools import product
from statistics import NormalDist
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, reject, settings
from hypothesis import strategies as st
from scipy.stats import multivariate_normal

from hedge_service.core.leg import Leg, frechet_bounds
from hedge_service.core.money import Price
from hedge_service.core.pricing import Impossible, joint
from hedge_service.core.risk.joint import Modelled, View, joint_states
from hedge_service.core.risk.states import independent_states
from hedge_service.core.risk.structure import NO_STRUCTURE, Structure
from tests.core.risk.joint_samples import NO, YES, leg, legs_of, over, pair, under, within

if TYPE_CHECKING:
    from hedge_service.core.leg import PairCorrelation

NORMAL = NormalDist()
asks = st.integers(1, 99).map(lambda cents: Price.of(Decimal(cents) / 100))
ends = st.integers(0, 4).map(str)
strikes = st.one_of(
    ends.map(over),
    ends.map(under),
    st.tuples(ends, ends).map(lambda pair: within(*sorted(pair))),
)
EXCLUSIVE = Structure(exclusive_events=frozenset({"G"}))


@st.composite
def parlays(draw: st.DrawFn) -> tuple[list[Leg], list[PairCorrelation], Structure]:
    events = draw(st.lists(st.sampled_from("GH"), min_size=1, max_size=5))
    legs = [
        leg(number, draw(asks), event, draw(st.sampled_from([YES, NO])))
        for number, event in enumerate(events, 1)
    ]
    on_line = draw(st.lists(st.sampled_from([one.ticker for one in legs]), unique=True))
    structure = Structure(
        exclusive_events=draw(st.frozensets(st.sampled_from("GH"))),
        strikes={ticker: draw(strikes) for ticker in on_line},
    )
    numbers, rho = st.integers(1, 5), st.integers(-80, 80).map(lambda percent: str(Decimal(percent) / 100))
    pairs = draw(st.lists(st.builds(pair, numbers, numbers, rho), max_size=3))
    return legs, pairs, structure


def off(found: Modelled, legs: list[Leg]) -> float:
    """Give by how much the worst leg's probability is off its price."""
    states = found.states
    prices = np.array([float(one.probability) for one in legs])
    return float(np.abs(states.probabilities @ states.hits - prices).max())


def won(found: Modelled) -> float:
    return float(found.states.probabilities[found.states.won].sum())


@given(parlays(), st.sampled_from(View))
@settings(max_examples=60, deadline=None)
def test_states_carry_the_price_and_only_possible_outcomes(
    parlay: tuple[list[Leg], list[PairCorrelation], Structure], view: View
) -> None:
    legs, pairs, structure = parlay
    try:
        found = joint_states(legs, pairs, structure, view=view)
    except Impossible:
        reject()
    low, high = frechet_bounds([one.probability for one in legs])
    assert max(low, found.joint.product) <= found.joint.q <= high
    assert found.joint == joint(legs, pairs, structure=structure)
    states = found.states
    assert abs(states.probabilities.sum() - 1) < 1e-12
    assert (states.probabilities > 0).all()
    if view is View.PRICED:
        assert abs(won(found) - float(found.joint.q)) < 1e-9
    allowed = set(outcomes(legs, structure))
    assert {tuple(row) for row in states.hits.tolist()} <= allowed


def outcomes(legs: list[Leg], structure: Structure) -> list[tuple[bool, ...]]:
    """Give the patterns of hits that can be seen, by trying values of each event's number by brute force."""
    values = [Fraction(step, 2) - 1 for step in range(13)]
    events = sorted({one.event_ticker for one in legs})
    found = []
    for chosen in product(values, repeat=len(events)):
        value = dict(zip(events, chosen, strict=True))
        yes = [
            [structure.strikes[one.ticker].holds(value[one.event_ticker])]
            if one.ticker in structure.strikes
            else [False, True]
            for one in legs
        ]
        found += [
            tuple(answer == (one.side is YES) for answer, one in zip(answers, legs, strict=True))
            for answers in product(*yes)
            if not crowded(answers, legs, structure)
        ]
    return found


def crowded(answers: tuple[bool, ...], legs: list[Leg], structure: Structure) -> bool:
    winners = [one.event_ticker for answer, one in zip(answers, legs, strict=True) if answer]
    return any(winners.count(event) > 1 for event in structure.exclusive_events)


@given(parlays())
@settings(max_examples=60, deadline=None)
def test_legs_are_refused_exactly_when_no_outcome_makes_all_of_them_hit(
    parlay: tuple[list[Leg], list[PairCorrelation], Structure],
) -> None:
    legs, pairs, structure = parlay
    possible = any(all(hits) for hits in outcomes(legs, structure))
    try:
        joint(legs, pairs, structure=structure)
    except Impossible:
        assert not possible
    else:
        assert possible


@given(st.lists(asks, min_size=1, max_size=6))
@settings(max_examples=50, deadline=None)
def test_legs_without_correlation_are_the_product_measure(prices: list[Price]) -> None:
    legs = [leg(number, ask) for number, ask in enumerate(prices, 1)]
    same_event = [leg(number, ask, "G") for number, ask in enumerate(prices, 1)]
    expected = independent_states([one.probability for one in legs])
    for found in (joint_states(legs), joint_states(same_event)):
        np.testing.assert_array_equal(found.states.hits, expected.hits)
        np.testing.assert_allclose(found.states.probabilities, expected.probabilities, atol=1e-15)


@given(st.lists(asks, min_size=2, max_size=6), st.integers(-80, 80), st.sampled_from(View))
@settings(max_examples=60, deadline=None)
def test_every_leg_keeps_its_price_where_only_a_model_speaks(
    prices: list[Price], percent: int, view: View
) -> None:
    legs = [leg(number, ask, "G") for number, ask in enumerate(prices, 1)]
    found = joint_states(legs, [pair(1, 2, str(Decimal(percent) / 100))], view=view)
    assert off(found, legs) < 1e-8


@pytest.mark.parametrize("rho", ["-0.8", "-0.3", "0.3", "0.8"])
@pytest.mark.parametrize(
    ("first", "second"), [("0.6", "0.55"), ("0.9", "0.05"), ("0.5", "0.5"), ("1", "0.3")]
)
def test_a_pairs_states_are_those_of_the_bivariate_normal(first: str, second: str, rho: str) -> None:
    legs = legs_of(first, second, event="G")
    found = joint_states(legs, [pair(1, 2, rho)], view=View.MODELLED)
    limits = [NORMAL.inv_cdf(float(p)) if Decimal(p) < 1 else 12.0 for p in (first, second)]
    exact = multivariate_normal.cdf(limits, cov=[[1, float(rho)], [float(rho), 1]])
    assert won(found) == pytest.approx(exact, abs=2e-5)
    assert off(found, legs) < 1e-8


@pytest.mark.parametrize("rho", [0.3, 0.8])
def test_all_states_of_a_group_are_those_of_the_multivariate_normal(rho: float) -> None:
    chances = ["0.6", "0.35", "0.5"]
    found = joint_states(legs_of(*chances, event="G"), [pair(1, 2, str(rho))]).states
    for hits, probability in zip(found.hits, found.probabilities, strict=True):
        signs = np.where(hits, 1, -1)
        covariance = np.outer(signs, signs) * (rho + (1 - rho) * np.eye(3))
        limits = signs * np.array([NORMAL.inv_cdf(float(p)) for p in chances])
        exact = multivariate_normal.cdf(limits, cov=covariance, abseps=1e-6, rng=np.random.default_rng(1))
        assert probability == pytest.approx(exact, abs=2e-4)


def test_larger_groups_are_never_evaluated_with_a_negative_correlation() -> None:
    legs = legs_of("0.6", "0.5", "0.4", event="G")
    found = joint_states(legs, [pair(1, 2, "-0.5")], view=View.MODELLED)
    assert won(found) == pytest.approx(0.12)


def test_a_nested_leg_costs_nothing_more_and_is_never_seen_missing_alone() -> None:
    """Above 50 means above 40."""
    legs, line = legs_of("0.4", "0.6", event="G"), Structure(strikes={"K1": over("50"), "K2": over("40")})
    found = joint_states(legs, structure=line)
    assert (found.joint.q, found.joint.unmodelled) == (Decimal("0.4"), ())
    assert {tuple(row) for row in found.states.hits.tolist()} == {
        (False, False),
        (False, True),
        (True, True),
    }
    assert off(found, legs) < 1e-8


def test_asks_that_contradict_the_structure_give_the_smallest_ask() -> None:
    """A higher strike dearer than a lower one: asks bound probabilities from above, so the lower counts."""
    legs, line = legs_of("0.6", "0.4", event="G"), Structure(strikes={"K1": over("50"), "K2": over("40")})
    found = joint_states(legs, structure=line)
    assert found.joint.q == Decimal("0.4")
    assert found.states.probabilities.tolist() == pytest.approx([0.6, 0.4])


def test_two_ends_of_a_range_are_sold_at_the_product_and_evaluated_as_they_are() -> None:
    """P(40 < x < 60) = 0.6 + 0.8 - 1; legs that can't both miss are never sold below their product."""
    legs = legs_of("0.6", "0.8", event="G")
    line = Structure(strikes={"K1": over("40"), "K2": under("60")})
    priced = joint_states(legs, [pair(1, 2, "0.8")], line)
    assert (priced.joint.q, priced.joint.unmodelled) == (Decimal("0.48"), ())
    # 0.48 + P(only 1) + P(only 2) = 1 leaves 0.52 for 0.12 + 0.32: each leg is 0.04 too likely
    assert off(priced, legs) == pytest.approx(0.04, abs=1e-6)
    modelled = joint_states(legs, structure=line, view=View.MODELLED)
    assert won(modelled) == pytest.approx(0.4)
    assert off(modelled, legs) < 1e-8


def test_a_leg_that_others_imply_together_leaves_the_price_alone() -> None:
    legs = legs_of("0.4", "0.7", "0.6", event="G")
    line = Structure(strikes={"K1": within("40", "60"), "K2": over("39"), "K3": under("61")})
    assert joint(legs, structure=line).q == Decimal("0.4")
    pair_alone = joint([legs[1], legs[2]], structure=line)
    assert pair_alone.q == pair_alone.product


def test_exclusive_outcomes_that_all_fail_are_told_from_who_won() -> None:
    legs = [leg(1, "0.7", "G", NO), leg(2, "0.8", "G", NO), leg(3, "0.9", "G", NO)]
    found = joint_states(legs, structure=EXCLUSIVE, view=View.MODELLED)
    chances = {
        tuple(row): p
        for row, p in zip(found.states.hits.tolist(), found.states.probabilities.tolist(), strict=True)
    }
    expected = {
        (True, True, True): 0.4,
        (False, True, True): 0.3,
        (True, False, True): 0.2,
        (True, True, False): 0.1,
    }
    assert chances == pytest.approx(expected, abs=1e-8)
    assert found.joint.q == found.joint.product == Decimal("0.504")


def test_a_leg_without_a_strike_beside_nested_ones_is_correlated_with_what_is_left() -> None:
    legs = legs_of("0.4", "0.6", "0.5", event="G")
    line = Structure(strikes={"K1": over("50"), "K2": over("40")})
    assert joint(legs, structure=line).q == Decimal("0.2")
    assert joint(legs, structure=line).unmodelled == ("G",)
    expected = joint([legs[0], legs[2]], [pair(1, 3, "0.5")]).q
    assert joint(legs, [pair(1, 3, "0.5")], structure=line).q == expected


def test_unstructured_legs_and_legs_of_other_events_are_not_compared() -> None:
    line = Structure(strikes={"K1": over("50"), "K2": over("40")})
    apart = joint(legs_of("0.4", "0.6"), structure=line)
    assert apart.q == apart.product
    assert joint(legs_of("0.4", "0.6", event="G"), structure=NO_STRUCTURE).unmodelled == ("G",)


def test_more_than_twelve_legs_are_not_enumerated() -> None:
    with pytest.raises(ValueError, match="12"):
        joint_states(legs_of(*["0.9"] * 13))


def test_twelve_legs_of_one_event_are() -> None:
    found = joint_states(legs_of(*["0.5"] * 12, event="G"), [pair(1, 2, "0.8")])
    assert len(found.states.probabilities) == 4096
    assert abs(won(found) - float(found.joint.q)) < 1e-9
