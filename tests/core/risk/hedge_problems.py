"""Legs, books and joint distributions for the tests of sizing, and risk computed the plain way."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from hedge_service.core.book import Book, Level
from hedge_service.core.market import Side
from hedge_service.core.money import Count, Price
from hedge_service.core.pricing import Leg
from hedge_service.core.risk.states import States, all_hits

if TYPE_CHECKING:
    from collections.abc import Sequence
    from decimal import Decimal

    from numpy.typing import NDArray


def legs(*asks: str | Decimal) -> list[Leg]:
    return [
        Leg(number=n, ticker=f"KX-{n}", event_ticker=f"EV-{n}", side=Side.YES, ask=Price.of(ask))
        for n, ask in enumerate(asks, 1)
    ]


def book(*levels: tuple[str, str]) -> Book:
    return Book(tuple(Level(price=Price.of(price), count=Count.of(count)) for price, count in levels))


def any_states(rng: np.random.Generator, count: int) -> States:
    """Any joint distribution at all: positive, negative and mixed dependence."""
    return States(all_hits(count), rng.dirichlet(np.full(2**count, 0.7)))


def asks_of(states: States) -> list[str]:
    """Give cent prices near the legs' own probabilities."""
    chances = states.probabilities @ states.hits
    return [f"{min(max(round(chance, 2), 0.02), 0.98):.2f}" for chance in chances.tolist()]


def variances(states: States, payout: float, plans: NDArray[np.float64]) -> NDArray[np.float64]:
    """Give Var(h x - N prod x) of plans, shape (k, n), by definition."""
    results = plans @ states.hits.T - payout * states.won
    means = results @ states.probabilities
    return np.asarray(((results - means[:, np.newaxis]) ** 2) @ states.probabilities)


def tail_losses(
    states: States, payout: float, plans: NDArray[np.float64], costs: Sequence[float], alpha: float
) -> NDArray[np.float64]:
    """Give CVaR_alpha of the loss of plans, shape (k, n), that cost so much, by sorting the states."""
    found = []
    for plan, cost in zip(plans, costs, strict=True):
        losses = payout * states.won - states.hits @ plan + cost
        order = np.argsort(-losses)
        left, total = 1 - alpha, 0.0
        for chance, loss in zip(states.probabilities[order], losses[order], strict=True):
            taken = min(left, chance)
            total, left = total + taken * loss, left - taken
        found.append(total / (1 - alpha))
    return np.array(found)
