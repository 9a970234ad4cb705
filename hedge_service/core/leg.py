"""A leg as it is priced, what is said of two of them, and the bounds that hold whatever their dependence."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hedge_service.core.market import Side
    from hedge_service.core.money import Price


@dataclass(frozen=True, slots=True, kw_only=True)
class Leg:
    """One leg of a parlay: an outcome of a market, at what it costs to back it (its ask).

    `number` counts from 1 in the parlay's order. Raises ValueError for an ask of $0: no offer is no price.
    """

    number: int
    ticker: str
    event_ticker: str
    side: Side
    ask: Price

    def __post_init__(self) -> None:
        if self.ask.micros == 0:
            raise ValueError(f"leg {self.number} has no price")

    @property
    def probability(self) -> Decimal:
        """Give the probability that the price implies, in (0, 1]."""
        return self.ask.dollars


@dataclass(frozen=True, slots=True, kw_only=True)
class PairCorrelation:
    """How two legs, by number, move together in the model's view (1: as one). Raises ValueError for NaN."""

    first: int
    second: int
    rho: Decimal

    def __post_init__(self) -> None:
        if not self.rho.is_finite():
            raise ValueError("a correlation is a finite number")


def frechet_bounds(probabilities: Sequence[Decimal]) -> tuple[Decimal, Decimal]:
    """Give the least and the greatest probability that all happen, whatever their dependence.

    max(0, sum p_i - n + 1) <= q <= min p_i (Frechet 1935). Raises ValueError without probabilities.
    """
    lowest = sum(probabilities, Decimal(0)) - len(probabilities) + 1
    return max(lowest, Decimal(0)), min(probabilities)
