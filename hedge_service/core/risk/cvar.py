"""The static hedge of least tail loss: min CVaR_alpha(-W) over h >= 0 and cost <= budget, a linear program.

Rockafellar and Uryasev (2000): with losses L_s(h) in states of probability p_s,

    CVaR_alpha = min over z of  z + sum_s p_s max(L_s - z, 0) / (1 - alpha).

Each price level of each book is a variable of its own with its size as a bound, so depth and model fees are
inside. What is solved is the dual of that program, which has one row for each level instead of one for each
state: the worst reweighting pi of the states, 0 <= pi_s <= p_s / (1 - alpha); the contracts of a level are
the shadow price of its row. Both have the same value (strong duality); the tests solve the primal beside it.

No leg is held beyond the payout: a hedge needs no more, and a price below the probability that the states
give would otherwise be bet on without end.
"""

from __future__ import annotations

import math
from decimal import Decimal
from typing import TYPE_CHECKING

import numpy as np

from hedge_service.core.money import CENTIS_PER_CONTRACT, MICROS_PER_DOLLAR
from hedge_service.core.risk.min_variance import CONTRACT_PLACES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from hedge_service.core.money import Money
    from hedge_service.core.risk.costs import Offer
    from hedge_service.core.risk.states import States

_ENOUGH = 1.0


def load_solver() -> None:
    """Load what the first program needs; it takes a while, and is safe in a thread."""
    import scipy.optimize  # noqa: F401, PLC0415 - 40 MiB, of which other commands need nothing


def min_cvar(
    states: States, payout: Money, offers: Sequence[Sequence[Offer]], *, budget: Money, alpha: Decimal
) -> tuple[Decimal, ...]:
    """Give each leg's contracts, to a millionth; `offers`: the levels of each leg, cheapest first.

    Of several best plans one is taken, the same each time. Raises ValueError for an alpha outside (0, 1) and
    RuntimeError when the solver fails, which a program that always has an answer gives it no reason to.
    """
    if not 0 < alpha < 1:
        raise ValueError(f"alpha lies between 0 and 1: {alpha}")
    legs = np.array([leg for leg, levels in enumerate(offers) for _ in levels], dtype=np.intp)
    if not (legs.size and budget.micros > 0 and payout.micros > 0):
        return (Decimal(0),) * states.legs
    scale = payout.micros / MICROS_PER_DOLLAR
    prices = np.array([math.fabs(offer.cost) for levels in offers for offer in levels])
    counts = np.array([offer.count.centis / CENTIS_PER_CONTRACT for levels in offers for offer in levels])
    sizes = np.minimum(counts / scale, _ENOUGH)
    taken = _solve(states, legs, prices, sizes, budget.micros / payout.micros, math.fabs(1 - alpha))
    held = np.bincount(legs, weights=np.clip(taken, 0, sizes), minlength=states.legs) * scale
    return tuple(Decimal(contracts).quantize(CONTRACT_PLACES) for contracts in held.tolist())


def _solve(
    states: States,
    legs: NDArray[np.intp],
    prices: NDArray[np.float64],
    sizes: NDArray[np.float64],
    budget: float,
    tail: float,
) -> NDArray[np.float64]:
    """Give the contracts of each level; all amounts per dollar of payout.

    Columns: pi of each state that can happen, the price of the budget, of each leg's bound, of each level's
    size. A level's row says that no reweighting makes it worth more than it costs.
    """
    from scipy.optimize import linprog  # noqa: PLC0415 - 40 MiB that only this strategy needs

    possible = states.probabilities > 0
    hits = states.hits[possible].astype(np.float64)
    count, levels = len(hits), len(legs)
    of_leg = (legs[:, np.newaxis] == np.arange(states.legs)).astype(np.float64)
    bounds = np.concatenate([[budget], np.full(states.legs, _ENOUGH), sizes])
    ceiling = np.full(count + len(bounds), np.inf)
    ceiling[:count] = states.probabilities[possible] / tail
    result = linprog(
        np.concatenate([-states.won[possible].astype(np.float64), bounds]),
        A_ub=np.hstack([hits[:, legs].T, -prices[:, np.newaxis], -of_leg, -np.eye(levels)]),
        b_ub=prices,
        A_eq=np.concatenate([np.ones(count), np.zeros(len(bounds))])[np.newaxis],
        b_eq=[1.0],
        bounds=np.column_stack([np.zeros_like(ceiling), ceiling]),
        method="highs",
        # It finds nothing to take out of so small a program, and costs as much again as the simplex does.
        options={"presolve": False},
    )
    if not result.success:
        raise RuntimeError(f"the linear program was not solved: {result.message}")
    return np.asarray(-result.ineqlin.marginals)
