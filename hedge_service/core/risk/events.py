"""The legs of one event together: what ties them, how they correlate, and the probability that all hit.

Events are independent of each other. The legs of one event follow, in this order: the structure where it
decides, the copula where a correlation is known, the product otherwise.
"""

from __future__ import annotations

import math
from collections import defaultdict
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from functools import cached_property
from typing import TYPE_CHECKING

from hedge_service.core.copula import joint_probability
from hedge_service.core.leg import frechet_bounds
from hedge_service.core.risk.atoms import Ties, needed, ties

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from hedge_service.core.leg import Leg, PairCorrelation
    from hedge_service.core.risk.structure import Structure

MAX_RHO = Decimal("0.8")
_PAIR = 2


# Without slots: cached properties need a place to keep what they found.
@dataclass(frozen=True, kw_only=True)
class EventLegs:
    """The legs of one event; `rho` is the largest pair value given, clamped to [-0.8, 0.8], None without."""

    event_ticker: str
    legs: tuple[Leg, ...]
    ties: Ties
    rho: Decimal | None

    @cached_property
    def core(self) -> tuple[Leg, ...]:
        """Give the legs that imply all others."""
        return tuple(self.legs[place] for place in needed(self.ties, self.legs))

    @cached_property
    def decided(self) -> bool:
        """Say whether structure alone gives the joint: one leg implies all, or at most one can miss."""
        places = [self.legs.index(leg) for leg in self.core]
        return len(places) == 1 or self.ties.one_miss_at_most(places)

    @property
    def unmodelled(self) -> bool:
        """Say whether neither the structure nor a correlation tells how the legs hang together."""
        return not self.decided and self.rho is None

    @property
    def evaluated_rho(self) -> Decimal:
        """Give the correlation for evaluation: a pair's may be negative, a larger group's is at least 0."""
        if self.rho is None or self.decided:
            return Decimal(0)
        return self.rho if len(self.core) == _PAIR else max(self.rho, Decimal(0))

    @property
    def priced(self) -> Fraction:
        """Give P(all hit) for a price: at least the product, at most the smallest leg."""
        return min(max(self._product, self.modelled), self._smallest)

    @cached_property
    def modelled(self) -> Fraction:
        """Give P(all hit) for evaluation: what structure and model say, within the Frechet bounds.

        Where one leg implies the others this is the smallest ask: an ask bounds a probability from above,
        and asks may contradict each other.
        """
        probabilities = [leg.probability for leg in self.core]
        if len(probabilities) == 1:
            return self._smallest
        lowest = Fraction(frechet_bounds(probabilities)[0])
        if self.decided:
            return min(lowest, self._smallest)
        return min(max(self._by_copula(probabilities), lowest), self._smallest)

    def _by_copula(self, probabilities: Sequence[Decimal]) -> Fraction:
        rho = self.evaluated_rho
        if rho == 0:
            return self._product
        if rho > 0:
            return Fraction(joint_probability(probabilities, rho))
        # P(A and B) = P(A) - P(A and not B), and A goes with not B as strongly as against B.
        first, second = probabilities
        opposite = [first, 1 - second]
        return Fraction(first) - (Fraction(joint_probability(opposite, -rho)) if second < 1 else 0)

    @property
    def _product(self) -> Fraction:
        return math.prod((Fraction(leg.probability) for leg in self.core), start=Fraction(1))

    @property
    def _smallest(self) -> Fraction:
        return Fraction(min(leg.probability for leg in self.legs))


def by_event(
    legs: Sequence[Leg], correlations: Iterable[PairCorrelation], structure: Structure
) -> tuple[EventLegs, ...]:
    """Group the legs, each of another market, by event in the order of their first legs.

    A correlation counts for its event; a pair of two events, or of one leg with itself, counts for nothing.
    """
    groups: defaultdict[str, list[Leg]] = defaultdict(list)
    for leg in legs:
        groups[leg.event_ticker].append(leg)
    rhos = _rhos(legs, correlations)
    return tuple(
        EventLegs(event_ticker=event, legs=tuple(group), ties=ties(group, structure), rho=rhos.get(event))
        for event, group in groups.items()
    )


def _rhos(legs: Sequence[Leg], correlations: Iterable[PairCorrelation]) -> dict[str, Decimal]:
    event_of = {leg.number: leg.event_ticker for leg in legs}
    rhos: dict[str, Decimal] = {}
    for pair in correlations:
        event = event_of.get(pair.first)
        if event is not None and event == event_of.get(pair.second) and pair.first != pair.second:
            clamped = min(max(pair.rho, -MAX_RHO), MAX_RHO)
            rhos[event] = max(rhos.get(event, -MAX_RHO), clamped)
    return rhos
