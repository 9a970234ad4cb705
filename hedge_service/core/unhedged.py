"""What of a parlay's plan was not bought, once nothing more is tried."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from hedge_service.core.journal import filled
from hedge_service.core.market import BookSide
from hedge_service.core.money import Count, Money
from hedge_service.core.orders import Purpose

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hedge_service.core.journal import Attempt, Intent

    Worked = tuple[Intent, tuple[Attempt, ...]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Unhedged:
    """Contracts planned and not bought, and what they would have cost at their limit prices."""

    contracts: Count = Count.ZERO
    dollars: Money = Money.ZERO


def hedges(intents: Sequence[Worked]) -> tuple[Worked, ...]:
    """Give the intents that buy a hedge, as they were made; those that sell one again are none."""
    buying = (each for each in intents if each[0].purpose is not Purpose.UNWIND)
    return tuple(sorted(buying, key=lambda each: (each[0].leg, each[0].created_at, each[0].sequence)))


def planned(intents: Sequence[Worked]) -> Count:
    """Add up what was planned, each leg once; see `wanted`."""
    return sum((wanted(leg) for leg in _by_leg(intents)), Count.ZERO)


def wanted(leg: Sequence[Worked]) -> Count:
    """Give what a leg's intents, as they were made, are for in all.

    A later hedge tries for the rest of the first. A roll is for more: for its own count on top of what was
    bought before it, since it was sized by what was held then.
    """
    target = bought = Count.ZERO
    for number, (intent, attempts) in enumerate(leg):
        if intent.purpose is Purpose.ROLL:
            target = bought + intent.count
        elif number == 0:
            target = intent.count
        bought += filled(attempts)
    return target


def unhedged(intents: Sequence[Worked]) -> Unhedged:
    """Add up what is left unbought of legs of which nothing is open or in doubt any more."""
    rests = [_rest(leg) for leg in _by_leg(intents)]
    return Unhedged(
        contracts=sum((rest.contracts for rest in rests), Count.ZERO),
        dollars=sum((rest.dollars for rest in rests), Money.ZERO),
    )


def over(intents: Sequence[Worked]) -> bool:
    """Say whether nothing more is tried and nothing is in doubt."""
    return all(
        intent.ended_at is not None and all(attempt.state.ended for attempt in attempts)
        for intent, attempts in intents
    )


def _rest(leg: Sequence[Worked]) -> Unhedged:
    if not over(leg):
        return Unhedged()
    bought = sum((filled(attempts) for _, attempts in leg), Count.ZERO)
    rest = Count(max(wanted(leg).centis - bought.centis, 0))
    last = leg[-1][0]
    limit = last.price if last.side is BookSide.BID else last.price.complement
    return Unhedged(contracts=rest, dollars=limit.times(rest))


def _by_leg(intents: Sequence[Worked]) -> list[list[Worked]]:
    found: dict[int, list[Worked]] = {}
    for each in hedges(intents):
        found.setdefault(each[0].leg, []).append(each)
    return list(found.values())
