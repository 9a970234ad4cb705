"""Which saved bets a quote request means.

Older clients name a leg by market title and option label alone. The whole set of legs is matched against
one user's saved bets at a time, so that a look-alike bet saved by somebody else disturbs nobody.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from enum import StrEnum
from itertools import combinations
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from hedge_service.core.parlay import AskedLeg, Bet


@dataclass(frozen=True, slots=True, kw_only=True)
class SavedParlay:
    """Those of a user's saved bets that may be meant, and how many bets the user has in `total`."""

    user_id: str
    total: int
    bets: tuple[Bet, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Match:
    """The bets meant, in the order asked; `user_id` is empty when several users' bets serve alike."""

    user_id: str
    bets: tuple[Bet, ...]


class LegProblem(StrEnum):
    """Why legs can't be matched or don't go together."""

    UNKNOWN = "unknown"
    AMBIGUOUS = "ambiguous"
    SAME_MARKET_TWICE = "same_market_twice"
    BOTH_SIDES_OF_A_MARKET = "both_sides_of_a_market"
    MIXED_ENVIRONMENTS = "mixed_environments"


class Unmatched(Exception):  # noqa: N818 - named for the finding, as pricing.Impossible is
    """The legs asked for, by number from 1, that no bets can be found for, and why."""

    def __init__(self, problem: LegProblem, legs: tuple[int, ...]) -> None:
        super().__init__(f"legs {', '.join(map(str, legs))}: {problem}")
        self.problem = problem
        self.legs = legs


def match_legs(asked: Sequence[AskedLeg], saved: Sequence[SavedParlay]) -> Match:
    """Find the bets that the legs mean.

    Users whose saved bets are exactly the set asked for come first; without any, users whose bets contain
    it. Users of the same rank have to agree on tickers and sides. Raises Unmatched.
    """
    found = [(parlay, bets) for parlay in saved if (bets := _assigned(asked, parlay.bets)) is not None]
    exact = [(parlay, bets) for parlay, bets in found if parlay.total == len(asked)]
    if not found:
        raise _why_not(asked, saved)
    match = _agreed(exact or found)
    _refuse_bad_sets(match.bets)
    return match


def outcomes(bets: Iterable[Bet]) -> frozenset[tuple[str, str]]:
    """Give the (ticker, side) pairs that bets back: what a price depends on, whoever saved them."""
    return frozenset((bet.ticker, bet.side.value) for bet in bets)


def _agreed(found: Sequence[tuple[SavedParlay, tuple[Bet, ...]]]) -> Match:
    first, bets = found[0]
    if any(outcomes(other) != outcomes(bets) for _, other in found):
        raise Unmatched(LegProblem.AMBIGUOUS, tuple(range(1, len(bets) + 1)))
    return Match(user_id=first.user_id if len(found) == 1 else "", bets=bets)


def _assigned(asked: Sequence[AskedLeg], bets: Sequence[Bet]) -> tuple[Bet, ...] | None:
    """Give one bet for each leg, or None when there are too few or more than one way."""
    choices = {leg: [bet for bet in bets if _fits(leg, bet)] for leg in asked}
    if any(len(choices[leg]) != times for leg, times in Counter(asked).items()):
        return None
    # Legs asked for alike take the bets they fit in the order saved.
    waiting = {leg: iter(fitting) for leg, fitting in choices.items()}
    return tuple(next(waiting[leg]) for leg in asked)


def _fits(leg: AskedLeg, bet: Bet) -> bool:
    if leg.ticker not in (None, bet.ticker):
        return False
    if leg.bet_id is not None:
        return leg.bet_id == bet.id
    return (leg.market_title, leg.option_label) == (bet.market_title, bet.option_label)


def _why_not(asked: Sequence[AskedLeg], saved: Sequence[SavedParlay]) -> Unmatched:
    times = Counter(asked)
    most = {leg: max((_fitting(leg, parlay) for parlay in saved), default=0) for leg in times}
    numbered = list(enumerate(asked, start=1))
    twice = tuple(number for number, leg in numbered if times[leg] > 1 and most[leg] < times[leg])
    if twice:
        return Unmatched(LegProblem.SAME_MARKET_TWICE, twice)
    unknown = tuple(number for number, leg in numbered if most[leg] == 0)
    if unknown:
        return Unmatched(LegProblem.UNKNOWN, unknown)
    alike = tuple(number for number, leg in numbered if most[leg] > times[leg])
    every = tuple(range(1, len(asked) + 1))
    return Unmatched(LegProblem.AMBIGUOUS, alike) if alike else Unmatched(LegProblem.UNKNOWN, every)


def _fitting(leg: AskedLeg, parlay: SavedParlay) -> int:
    return sum(_fits(leg, bet) for bet in parlay.bets)


def _refuse_bad_sets(bets: Sequence[Bet]) -> None:
    for (first, one), (second, other) in combinations(enumerate(bets, start=1), 2):
        problem = _problem(one, other)
        if problem is not None:
            raise Unmatched(problem, (first, second))


def _problem(one: Bet, other: Bet) -> LegProblem | None:
    if one.environment != other.environment:
        return LegProblem.MIXED_ENVIRONMENTS
    if one.ticker != other.ticker:
        return None
    return LegProblem.SAME_MARKET_TWICE if one.side is other.side else LegProblem.BOTH_SIDES_OF_A_MARKET
