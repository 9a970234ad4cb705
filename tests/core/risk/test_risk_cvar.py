"""The hedge of least tail loss: no feasible plan better, the primal program agrees, budget and depth hold."""

from __future__ import annotations

import math
import subprocess
import sys
from decimal import Decimal

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.optimize import linprog

from hedge_service.core.money import Count, Money
from hedge_service.core.risk.costs import Offer
from hedge_service.core.risk.cvar import min_cvar
from hedge_service.core.risk.states import States, all_hits, independent_states
from tests.core.risk.hedge_problems import any_states, tail_losses

Offers = list[list[Offer]]
Plans = NDArray[np.float64]
ALPHA = Decimal("0.95")


def offer(cost: str | Decimal, count: str | int) -> Offer:
    return Offer(cost=Decimal(cost), count=Count.of(count))


def decimals(*numbers: int) -> tuple[Decimal, ...]:
    return tuple(map(Decimal, numbers))


def random_offers(rng: np.random.Generator, states: States) -> Offers:
    """Two or three rising levels for each leg, around its probability."""
    found = []
    for chance in (states.probabilities @ states.hits).tolist():
        start = Decimal(f"{min(max(chance - 0.02, 0.01), 0.9):.2f}")
        steps = range(int(rng.integers(2, 4)))
        found.append([offer(start + Decimal("0.03") * k, int(rng.integers(5, 60))) for k in steps])
    return found


def cost_of(offers: Offers, plan: Plans) -> float:
    """Walk each leg's levels."""
    total = 0.0
    for levels, contracts in zip(offers, plan.tolist(), strict=True):
        left = contracts
        for level in levels:
            taken = min(left, level.count.centis / 100)
            total, left = total + taken * math.fabs(level.cost), left - taken
    return total


def depth_of(offers: Offers) -> Plans:
    return np.array([sum(level.count.centis for level in levels) / 100 for levels in offers])


def tail(states: States, payout: float, offers: Offers, plans: Plans, alpha: Decimal) -> Plans:
    costs = [cost_of(offers, plan) for plan in plans]
    return tail_losses(states, payout, plans, costs, math.fabs(alpha))


def primal(states: States, payout: float, offers: Offers, budget: float, alpha: Decimal) -> float:
    """Solve Rockafellar and Uryasev's program as they wrote it, and give its value."""
    levels = [(leg, level) for leg, of_leg in enumerate(offers) for level in of_leg]
    costs = np.array([math.fabs(level.cost) for _, level in levels])
    states_count, n = len(states.hits), len(levels)
    gains = states.hits[:, [leg for leg, _ in levels]] - costs
    rows = np.hstack([-gains, -np.ones((states_count, 1)), -np.eye(states_count)])
    spent = np.concatenate([costs, np.zeros(1 + states_count)])
    result = linprog(
        np.concatenate([np.zeros(n), [1.0], states.probabilities / (1 - math.fabs(alpha))]),
        A_ub=np.vstack([rows, spent]),
        b_ub=np.concatenate([-payout * states.won, [budget]]),
        bounds=[(0, min(level.count.centis / 100, payout)) for _, level in levels]
        + [(None, None)]
        + [(0, None)] * states_count,
        method="highs",
    )
    assert result.success
    return math.fsum([result.fun])


@pytest.mark.parametrize("seed", range(12))
def test_no_feasible_plan_has_a_smaller_tail(seed: int) -> None:
    rng = np.random.default_rng(seed)
    count = 2 + seed % 4
    states = (
        any_states(rng, count)
        if seed % 2
        else independent_states([Decimal(int(p)).scaleb(-2) for p in rng.integers(35, 80, count)])
    )
    offers = random_offers(rng, states)
    budget, alpha = Money.of(int(rng.integers(5, 60))), [ALPHA, Decimal("0.8")][seed % 2]
    best = np.array([min_cvar(states, Money.of(100), offers, budget=budget, alpha=alpha)], dtype=np.float64)
    assert (best >= 0).all()
    assert (best <= depth_of(offers)).all()
    assert cost_of(offers, best[0]) <= budget.micros / 1e6 + 1e-5
    near = best + rng.normal(0, 1, (500, count)) * rng.choice([0.1, 3, 20], (500, 1))
    plans = np.clip(np.vstack([near, rng.uniform(0, 60, (500, count))]), 0, depth_of(offers))
    costs = np.array([cost_of(offers, plan) for plan in plans])
    plans *= np.minimum(1, budget.micros / 1e6 / np.maximum(costs, 1e-9))[:, np.newaxis]
    least = tail(states, 100, offers, best, alpha)[0]
    assert tail(states, 100, offers, plans, alpha).min() >= least - 1e-5


@pytest.mark.parametrize("seed", range(10))
def test_the_value_is_that_of_the_program_as_published(seed: int) -> None:
    rng = np.random.default_rng(50 + seed)
    states = any_states(rng, 2 + seed % 4)
    offers = random_offers(rng, states)
    budget = int(rng.integers(5, 100))
    best = min_cvar(states, Money.of(100), offers, budget=Money.of(budget), alpha=ALPHA)
    value = tail(states, 100, offers, np.array([best], dtype=np.float64), ALPHA)[0]
    assert value == pytest.approx(primal(states, 100, offers, budget, ALPHA), abs=1e-4)


def test_a_certain_loss_below_its_price_is_hedged_on_the_cheapest_leg() -> None:
    """Where the whole tail is the state in which all legs hit, a dollar on the cheapest leg moves most."""
    states = independent_states([Decimal("0.60"), Decimal("0.55"), Decimal("0.50")])
    offers = [[offer("0.60", 1000)], [offer("0.55", 1000)], [offer("0.50", 1000)]]
    assert min_cvar(states, Money.of(500), offers, budget=Money.of(20), alpha=ALPHA) == decimals(0, 0, 40)


def test_the_cheapest_level_is_taken_first_and_depth_is_the_bound() -> None:
    states = independent_states([Decimal("0.5")])
    offers = [[offer("0.5", 10), offer("0.6", 20), offer("0.7", 5)]]

    def bought(budget: str) -> Decimal:
        (contracts,) = min_cvar(states, Money.of(100), offers, budget=Money.of(budget), alpha=ALPHA)
        return contracts

    assert [bought("4"), bought("8"), bought("1000")] == [8, 15, 35]


def test_a_hedge_dearer_than_what_it_can_pay_is_not_bought() -> None:
    states = independent_states([Decimal("0.5")])
    assert min_cvar(
        states, Money.of(100), [[offer("1.01", 10)]], budget=Money.of(50), alpha=ALPHA
    ) == decimals(0)


def test_a_price_below_the_probability_is_not_bet_on_beyond_the_payout() -> None:
    states = States(all_hits(1), np.array([0.01, 0.99]))
    offers = [[offer("0.10", 100_000)]]
    assert min_cvar(states, Money.of(100), offers, budget=Money.of(10_000), alpha=ALPHA) == decimals(100)


def test_without_budget_payout_or_offers_nothing_is_bought() -> None:
    states = independent_states([Decimal("0.5"), Decimal("0.5")])
    offers = [[offer("0.5", 10)], [offer("0.5", 10)]]
    nothing = (Decimal(0), Decimal(0))
    assert min_cvar(states, Money.of(10), offers, budget=Money.ZERO, alpha=ALPHA) == nothing
    assert min_cvar(states, Money.ZERO, offers, budget=Money.of(1), alpha=ALPHA) == nothing
    assert min_cvar(states, Money.of(10), [[], []], budget=Money.of(1), alpha=ALPHA) == nothing


@pytest.mark.parametrize("alpha", ["0", "1", "-0.5", "2"])
def test_an_alpha_without_a_tail_is_refused(alpha: str) -> None:
    states = independent_states([Decimal("0.5")])
    with pytest.raises(ValueError, match="alpha"):
        min_cvar(states, Money.of(1), [[offer("0.5", 1)]], budget=Money.of(1), alpha=Decimal(alpha))


def test_the_solver_is_loaded_when_asked_and_nothing_is_left_for_the_first_program() -> None:
    script = """
import sys
from decimal import Decimal
from hedge_service.core.money import Count, Money
from hedge_service.core.risk.costs import Offer
from hedge_service.core.risk.cvar import load_solver, min_cvar
from hedge_service.core.risk.states import independent_states
assert "scipy" not in sys.modules
load_solver()
loaded = {name for name in sys.modules if name.startswith("scipy")}
offers = [[Offer(cost=Decimal("0.5"), count=Count.of(9))]]
min_cvar(independent_states([Decimal("0.5")]), Money.of(9), offers, budget=Money.of(9), alpha=Decimal("0.95"))
assert loaded == {name for name in sys.modules if name.startswith("scipy")}
"""
    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert (ran.returncode, ran.stderr) == (0, "")
