"""The hedge of least variance: published figures, no plan better, ties, bounds."""

from __future__ import annotations

import itertools
from decimal import Decimal

import numpy as np
import pytest

from hedge_service.core.money import Count, Money
from hedge_service.core.risk.min_variance import min_variance, moments
from hedge_service.core.risk.states import States, all_hits, independent_states
from tests.core.risk.hedge_problems import any_states, variances


def independent(*probabilities: str) -> States:
    return independent_states([Decimal(p) for p in probabilities])


def sd(states: States, payout: float, targets: tuple[Decimal, ...]) -> str:
    plan = np.array([targets], dtype=np.float64)
    return f"{variances(states, payout, plan)[0] ** 0.5:.4g}"


def test_the_published_optimum_of_the_hundred_dollar_parlay() -> None:
    states = independent("0.60", "0.55", "0.50")
    targets = min_variance(states, Money.of(500))
    assert targets == (Decimal("137.5"), Decimal(150), Decimal(165))
    assert sd(states, 500, targets) == "132.4"


def test_the_published_optimum_of_the_classic_parlay() -> None:
    states = independent("0.43", "0.52", "0.65")
    targets = min_variance(states, Money.of("30.96"))
    assert targets == (Decimal("10.464480"), Decimal("8.653320"), Decimal("6.922656"))
    assert sd(states, 30.96, targets) == "7.914"


@pytest.mark.parametrize("count", range(1, 9))
def test_independent_legs_are_held_at_their_delta(count: int) -> None:
    chances = [Decimal(30 + 7 * n).scaleb(-2) for n in range(count)]
    targets = min_variance(independent_states(chances), Money.of(100))
    product = np.prod([np.double(p) for p in chances])
    expected = [100 * product / np.double(p) for p in chances]
    assert np.allclose(np.array(targets, dtype=np.float64), expected, rtol=0, atol=1e-6)


@pytest.mark.parametrize("seed", range(12))
def test_no_random_plan_without_shorts_varies_less(seed: int) -> None:
    """1,000 plans near the optimum and far from it, any dependence, some books too thin for the optimum."""
    rng = np.random.default_rng(seed)
    count = 2 + seed % 5
    states = any_states(rng, count)
    most = [Count(int(centis)) for centis in rng.choice([2_000, 5_000, 10**7], count)]
    best = np.array(min_variance(states, Money.of(300), most), dtype=np.float64)
    bound = np.array([c.centis / 100 for c in most])
    assert (best >= 0).all()
    assert (best <= bound).all()
    near = best + rng.normal(0, 1, (500, count)) * rng.choice([0.01, 1, 30], (500, 1))
    plans = np.clip(np.vstack([near, rng.uniform(0, 300, (500, count))]), 0, bound)
    least = variances(states, 300, best[np.newaxis])[0]
    assert variances(states, 300, plans).min() >= least * (1 - 1e-9)


@pytest.mark.parametrize("seed", range(8))
def test_the_active_set_is_the_best_of_all_active_sets(seed: int) -> None:
    """Brute force: the free optimum of every subset of legs, those without shorts, the best of them."""
    rng = np.random.default_rng(100 + seed)
    states = any_states(rng, 4)
    sigma, covariance = moments(states)
    candidates = [np.zeros(4)]
    for size in range(1, 5):
        for held in itertools.combinations(range(4), size):
            plan = np.zeros(4)
            plan[list(held)] = np.linalg.solve(sigma[np.ix_(held, held)], covariance[list(held)])
            candidates.append(plan)
    feasible = [plan * 100 for plan in candidates if (plan >= 0).all()]
    expected = feasible[int(variances(states, 100, np.array(feasible)).argmin())]
    targets = np.array(min_variance(states, Money.of(100)), dtype=np.float64)
    assert np.allclose(targets, expected, rtol=0, atol=2e-6)


def test_a_leg_that_would_be_sold_is_left_out_and_the_others_know_it() -> None:
    """Leg 2 often hits with just one of the others: the free optimum sells it."""
    states = States(all_hits(3), np.array([0.3, 0.05, 0, 0.3, 0, 0, 0.2, 0.15]))
    sigma, covariance = moments(states)
    free = np.linalg.solve(sigma, covariance) * 100
    assert (free[1] < 0, free[0] > 0, free[2] > 0) == (True, True, True)
    first, second, third = np.array(min_variance(states, Money.of(100)), dtype=np.float64).tolist()
    assert second == 0
    assert abs(first - free[0]) > 1
    plans = np.array([[first, 0, third], np.clip(free, 0, None)])
    held, cut_off = variances(states, 100, plans)
    assert held < cut_off


def test_a_leg_implied_by_another_is_not_needed() -> None:
    """Leg 1 implies leg 2, so the parlay is leg 1: held in full, the variance is gone."""
    states = States(all_hits(2), np.array([0.4, 0.0, 0.3, 0.3]))
    assert min_variance(states, Money.of(50)) == (Decimal(50), Decimal(0))


def test_legs_that_are_one_are_held_in_equal_parts() -> None:
    states = States(all_hits(3), np.array([0.3, 0, 0, 0.2, 0.3, 0, 0, 0.2]))
    first, second, other = min_variance(states, Money.of(100))
    assert first == second
    assert first + second == Decimal(50)
    assert other == Decimal(40)


def test_a_certain_leg_is_not_bought() -> None:
    states = States(all_hits(2), np.array([0, 0, 0.4, 0.6]))
    assert min_variance(states, Money.of(10)) == (Decimal(10), Decimal(0))


def test_where_nothing_varies_nothing_is_bought() -> None:
    for chances in ([0, 0, 0, 1.0], [1.0, 0, 0, 0], [0.5, 0.5, 0, 0]):
        assert min_variance(States(all_hits(2), np.array(chances)), Money.of(10)) == (Decimal(0), Decimal(0))
    assert min_variance(independent("0.5"), Money.ZERO) == (Decimal(0),)


def test_an_empty_book_moves_the_hedge_to_the_other_legs() -> None:
    states = independent("0.60", "0.55", "0.50")
    endless = Count.of(10**6)
    assert min_variance(states, Money.of(500), [Count.ZERO, endless, endless])[0] == 0
    capped = min_variance(states, Money.of(500), [Count.of(100), endless, endless])
    assert capped == (Decimal(100), Decimal(150), Decimal(165))


@pytest.mark.parametrize("count", [8, 12])
def test_many_legs_of_any_dependence_are_solved(count: int) -> None:
    rng = np.random.default_rng(count)
    states = any_states(rng, count)
    best = np.array([min_variance(states, Money.of(1000))], dtype=np.float64)
    plans = np.clip(best + rng.normal(0, 1, (200, count)), 0, None)
    assert variances(states, 1000, plans).min() >= variances(states, 1000, best)[0] * (1 - 1e-9)
