"""The price of a parlay: its joint probability, the payout that leaves the house its share, and the edge."""

from __future__ import annotations

import math
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Decimal
from enum import StrEnum
from fractions import Fraction
from itertools import combinations
from typing import TYPE_CHECKING

from hedge_service.core.leg import Leg, PairCorrelation, frechet_bounds
from hedge_service.core.market import Side
from hedge_service.core.money import Money
from hedge_service.core.risk.events import by_event
from hedge_service.core.risk.structure import NO_STRUCTURE, Structure

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

    from hedge_service.core.risk.events import EventLegs

__all__ = [
    "Impossibility",
    "Impossible",
    "Joint",
    "Leg",
    "PairCorrelation",
    "ParlayPrice",
    "edge",
    "frechet_bounds",
    "independent",
    "joint",
    "payout",
    "percent_text",
    "possible_events",
]

_SCALE = 10**12
_NOTHING_EXCLUSIVE: frozenset[str] = frozenset()


class Impossibility(StrEnum):
    """Why legs are not sold together."""

    SAME_MARKET_TWICE = "same_market_twice"
    BOTH_SIDES_OF_A_MARKET = "both_sides_of_a_market"
    MUTUALLY_EXCLUSIVE = "mutually_exclusive"
    CONTRADICTING_THRESHOLDS = "contradicting_thresholds"


class Impossible(Exception):  # noqa: N818 - named for the finding, as IllegalMove is
    """Legs, by number, that no parlay can hold together: two where two suffice."""

    def __init__(self, reason: Impossibility, *legs: Leg) -> None:
        self.reason = reason
        self.legs = tuple(leg.number for leg in legs)
        super().__init__(f"legs {' and '.join(map(str, self.legs))}: {reason}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Joint:
    """The probability that every leg hits: `product` if independent, `q` as priced, both rounded up.

    product <= q <= the smallest leg's. `unmodelled` names the events with several legs of which no
    correlation is known, priced as if independent.
    """

    product: Decimal
    q: Decimal
    unmodelled: tuple[str, ...] = ()

    @property
    def correlation_factor(self) -> Decimal:
        """Give q over the product, at least 1, with four decimals."""
        return (self.q / self.product).quantize(Decimal("0.0001"), ROUND_HALF_EVEN)


@dataclass(frozen=True, slots=True, kw_only=True)
class ParlayPrice:
    """What a stake buys: `share` of the fair payout at the joint probability."""

    stake: Money
    share: Decimal
    joint: Joint

    @property
    def payout(self) -> Money:
        """Give what is owed if every leg hits, the stake included."""
        return payout(self.stake, self.share, self.joint.q)

    @property
    def naive_payout(self) -> Money:
        """Give the payout of independent legs without the house's share."""
        return payout(self.stake, Decimal(1), self.joint.product)

    @property
    def potential_profit(self) -> Money:
        """Give the payout less the stake."""
        return self.payout - self.stake

    @property
    def effective_odds(self) -> Decimal:
        """Give the payout per dollar staked, with two decimals."""
        return (self.payout.dollars / self.stake.dollars).quantize(Decimal("0.01"), ROUND_HALF_EVEN)


def independent(probabilities: Iterable[Decimal]) -> Decimal:
    """Give the product, rounded up to 12 places."""
    return _ceil(math.prod(map(Fraction, probabilities), start=Fraction(1)))


def joint(
    legs: Sequence[Leg],
    correlations: Iterable[PairCorrelation] = (),
    exclusive_events: Collection[str] = _NOTHING_EXCLUSIVE,
    structure: Structure = NO_STRUCTURE,
) -> Joint:
    """Price the legs together: events independent of each other, the legs of one event by what is known.

    Structure decides where it can: a leg that implies all others of its event is priced as the smallest of
    them, legs of which at most one can miss as the product (their true joint is below it). Else the copula
    with the event's rho, the largest pair value given, clamped to [0, 0.8]; a pair of two events counts for
    nothing. The result can only exceed the product, so a model can lower a payout, never raise it.

    `exclusive_events` adds to those of `structure`. Raises Impossible for legs that exclude, contradict or
    repeat each other, ValueError without legs.
    """
    whole = Structure(
        exclusive_events=structure.exclusive_events | frozenset(exclusive_events), strikes=structure.strikes
    )
    events = possible_events(legs, correlations, whole)
    return Joint(
        product=independent(leg.probability for leg in legs),
        q=_ceil(math.prod((event.priced for event in events), start=Fraction(1))),
        unmodelled=tuple(event.event_ticker for event in events if event.unmodelled),
    )


def possible_events(
    legs: Sequence[Leg], correlations: Iterable[PairCorrelation], structure: Structure
) -> tuple[EventLegs, ...]:
    """Group the legs by event. Raises Impossible for legs that can't all hit, ValueError without legs."""
    if not legs:
        raise ValueError("a parlay has legs")
    for first, second in combinations(legs, 2):
        reason = _impossibility(first, second, structure)
        if reason is not None:
            raise Impossible(reason, first, second)
    events = by_event(legs, correlations, structure)
    for event in events:
        places = event.ties.contradiction()
        if places is not None:
            raise Impossible(
                Impossibility.CONTRADICTING_THRESHOLDS, *(event.legs[place] for place in sorted(places))
            )
    return events


def payout(stake: Money, share: Decimal, q: Decimal) -> Money:
    """Give stake * share / q, rounded down to the cent. Raises ValueError for a share or q outside (0, 1]."""
    if not (0 < share <= 1 and 0 < q <= 1):
        raise ValueError(f"not a share and a probability: {share}, {q}")
    return Money.cents(int(stake.dollars * share * 100 // q))


def edge(
    *, stake: Money, payment_fee: Money, payout: Money, q: Decimal, hedge_cost: Money, fees: Money
) -> Money:
    """Give the house's expected profit, S - F - N * q - costs, rounded down to a micro.

    `hedge_cost` is what the hedge costs above its fair value (spread and slippage), not its outlay:
    contracts bought at a fair price only move risk.
    """
    exact = stake.dollars - payment_fee.dollars - payout.dollars * q - hedge_cost.dollars - fees.dollars
    return Money.floor(exact)


def percent_text(probability: Decimal) -> str:
    """Write a probability as a percentage with two decimals, such as 14.53%."""
    return f"{(probability * 100).quantize(Decimal('0.01'), ROUND_HALF_EVEN)}%"


def _impossibility(first: Leg, second: Leg, structure: Structure) -> Impossibility | None:
    if first.ticker == second.ticker:
        same = first.side is second.side
        return Impossibility.SAME_MARKET_TWICE if same else Impossibility.BOTH_SIDES_OF_A_MARKET
    both_yes = first.side is Side.YES and second.side is Side.YES
    one_event = first.event_ticker == second.event_ticker
    if both_yes and one_event and first.event_ticker in structure.exclusive_events:
        return Impossibility.MUTUALLY_EXCLUSIVE
    return None


def _ceil(probability: Fraction) -> Decimal:
    return Decimal(math.ceil(probability * _SCALE)).scaleb(-12)
