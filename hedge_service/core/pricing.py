"""The price of a parlay: its joint probability, the payout that leaves the house its share, and the edge."""

from __future__ import annotations

import math
from collections import defaultdict
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Decimal
from enum import StrEnum
from fractions import Fraction
from itertools import combinations
from typing import TYPE_CHECKING

from hedge_service.core.copula import joint_probability
from hedge_service.core.market import Side
from hedge_service.core.money import Money, Price

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

MAX_RHO = Decimal("0.8")
_SCALE = 10**12
_NOTHING_EXCLUSIVE: frozenset[str] = frozenset()


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


class Impossibility(StrEnum):
    """Why legs are not sold together."""

    SAME_MARKET_TWICE = "same_market_twice"
    BOTH_SIDES_OF_A_MARKET = "both_sides_of_a_market"
    MUTUALLY_EXCLUSIVE = "mutually_exclusive"


class Impossible(Exception):  # noqa: N818 - named for the finding, as IllegalMove is
    """Two legs, by number, that no parlay can hold together."""

    def __init__(self, reason: Impossibility, first: Leg, second: Leg) -> None:
        super().__init__(f"legs {first.number} and {second.number}: {reason}")
        self.reason = reason
        self.legs = (first.number, second.number)


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


def frechet_bounds(probabilities: Sequence[Decimal]) -> tuple[Decimal, Decimal]:
    """Give the least and the greatest probability that all happen, whatever their dependence.

    max(0, sum p_i - n + 1) <= q <= min p_i (Frechet 1935). Raises ValueError without probabilities.
    """
    lowest = sum(probabilities, Decimal(0)) - len(probabilities) + 1
    return max(lowest, Decimal(0)), min(probabilities)


def joint(
    legs: Sequence[Leg],
    correlations: Iterable[PairCorrelation] = (),
    exclusive_events: Collection[str] = _NOTHING_EXCLUSIVE,
) -> Joint:
    """Price the legs together: events independent of each other, the legs of one event by copula.

    Per event rho is the largest pair value given, clamped to [0, 0.8]; a pair of two events counts for
    nothing. `exclusive_events`: events of which at most one market ends in YES, so that a YES leg implies
    the NO legs beside it. The result can only exceed the product, so a model can lower a payout, never
    raise it. Raises Impossible for legs that exclude or repeat each other, ValueError without legs.
    """
    if not legs:
        raise ValueError("a parlay has legs")
    _refuse_impossible(legs, exclusive_events)
    events = _by_event(legs)
    rhos = _event_rhos(legs, correlations)
    shares = [
        _event_probability(group, rhos.get(event), exclusive=event in exclusive_events)
        for event, group in events.items()
    ]
    unmodelled = (
        event
        for event, group in events.items()
        if len(group) > 1 and event not in rhos and not _implied(group, exclusive=event in exclusive_events)
    )
    return Joint(
        product=independent(leg.probability for leg in legs),
        q=_ceil(math.prod(shares, start=Fraction(1))),
        unmodelled=tuple(unmodelled),
    )


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


def _refuse_impossible(legs: Sequence[Leg], exclusive_events: Collection[str]) -> None:
    for first, second in combinations(legs, 2):
        reason = _impossibility(first, second, exclusive_events)
        if reason is not None:
            raise Impossible(reason, first, second)


def _impossibility(first: Leg, second: Leg, exclusive_events: Collection[str]) -> Impossibility | None:
    if first.ticker == second.ticker:
        same = first.side is second.side
        return Impossibility.SAME_MARKET_TWICE if same else Impossibility.BOTH_SIDES_OF_A_MARKET
    both_yes = first.side is Side.YES and second.side is Side.YES
    one_event = first.event_ticker == second.event_ticker
    if both_yes and one_event and first.event_ticker in exclusive_events:
        return Impossibility.MUTUALLY_EXCLUSIVE
    return None


def _by_event(legs: Sequence[Leg]) -> dict[str, list[Leg]]:
    events: defaultdict[str, list[Leg]] = defaultdict(list)
    for leg in legs:
        events[leg.event_ticker].append(leg)
    return dict(events)


def _event_rhos(legs: Sequence[Leg], correlations: Iterable[PairCorrelation]) -> dict[str, Decimal]:
    event_of = {leg.number: leg.event_ticker for leg in legs}
    rhos: dict[str, Decimal] = {}
    for pair in correlations:
        event = event_of.get(pair.first)
        if event is not None and event == event_of.get(pair.second) and pair.first != pair.second:
            clamped = min(max(pair.rho, Decimal(0)), MAX_RHO)
            rhos[event] = max(rhos.get(event, Decimal(0)), clamped)
    return rhos


def _event_probability(legs: Sequence[Leg], rho: Decimal | None, *, exclusive: bool) -> Fraction:
    probabilities = [leg.probability for leg in legs]
    product = math.prod(map(Fraction, probabilities), start=Fraction(1))
    highest = Fraction(min(probabilities))
    if _implied(legs, exclusive=exclusive):
        return highest
    if not rho or len(legs) == 1:
        return product
    # The product of one event is the lower clamp here: it never lies below the Frechet bound.
    return min(max(product, Fraction(joint_probability(probabilities, rho))), highest)


def _implied(legs: Sequence[Leg], *, exclusive: bool) -> bool:
    """Say whether the YES leg of an exclusive event makes all its other legs hit."""
    return exclusive and any(leg.side is Side.YES for leg in legs)


def _ceil(probability: Fraction) -> Decimal:
    return Decimal(math.ceil(probability * _SCALE)).scaleb(-12)
