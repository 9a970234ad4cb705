"""The atoms of an event: every way in which its legs can end together, each a pattern of hits.

An event about a number falls into the points and open intervals between its strikes, one with exclusive
outcomes into "which one won, if any". Contradictions, implied legs and exact joints are read off the atoms.
Nothing finer than the strikes is assumed about the number: between 50 and 51 there may be values.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from itertools import combinations, pairwise
from typing import TYPE_CHECKING

from hedge_service.core.market import Side

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Sequence

    from hedge_service.core.leg import Leg
    from hedge_service.core.risk.structure import Structure
    from hedge_service.core.strike import Strike

Pattern = tuple[bool, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Ties:
    """How legs of one event are tied: `tied` are their places, `atoms` the patterns they can end in.

    Legs of the event that are not tied may end either way in every atom.
    """

    tied: tuple[int, ...] = ()
    atoms: frozenset[Pattern] = frozenset({()})

    def hit_together(self, legs: Collection[int]) -> bool:
        """Say whether these legs, by their places, can all hit."""
        return next(self._with(legs), None) is not None

    def implied(self, leg: int, given: Collection[int]) -> bool:
        """Say whether this leg hits whenever all the `given` ones do."""
        if leg not in self.tied:
            return leg in given
        place = self.tied.index(leg)
        return all(atom[place] for atom in self._with(given))

    def one_miss_at_most(self, legs: Collection[int]) -> bool:
        """Say whether at most one of these legs can miss, so that P(all hit) = 1 - sum of (1 - p) exactly."""
        if not set(legs) <= set(self.tied):
            return False
        places = [self.tied.index(leg) for leg in legs]
        return all(sum(not atom[place] for place in places) <= 1 for atom in self.atoms)

    def contradiction(self) -> tuple[int, ...] | None:
        """Give the legs that can't hit together, two where two suffice; None when all can."""
        pairs = (pair for pair in combinations(self.tied, 2) if not self.hit_together(pair))
        return next(pairs, None if self.hit_together(self.tied) else self.tied)

    def _with(self, legs: Collection[int]) -> Iterator[Pattern]:
        places = [place for place, leg in enumerate(self.tied) if leg in legs]
        return (atom for atom in self.atoms if all(atom[place] for place in places))


def ties(legs: Sequence[Leg], structure: Structure) -> Ties:
    """Find how the legs of one event, each of another market, are tied."""
    lined = [place for place, leg in enumerate(legs) if leg.ticker in structure.strikes]
    rest = [place for place in range(len(legs)) if place not in lined]
    answers = _answers([structure.strikes[legs[place].ticker] for place in lined])
    if legs[0].event_ticker in structure.exclusive_events:
        tied, answers = (*lined, *rest), set(_exclusive(answers, len(rest)))
    else:
        tied = tuple(lined)
    sides = [legs[place].side is Side.YES for place in tied]
    hits = (tuple(yes == side for yes, side in zip(answer, sides, strict=True)) for answer in answers)
    return Ties(tied=tied, atoms=frozenset(hits))


def needed(ties: Ties, legs: Sequence[Leg]) -> tuple[int, ...]:
    """Give places of legs that together imply all others: a single one if there is one, else as few as found.

    Dear legs are dropped first, since the cheap ones bound the joint from above.
    """
    places = sorted(range(len(legs)), key=lambda place: (legs[place].ask, place))
    for place in places:
        if all(ties.implied(other, {place}) for other in places if other != place):
            return (place,)
    left = set(places)
    for place in reversed(places):
        if ties.implied(place, left - {place}):
            left.remove(place)
    return tuple(sorted(left))


def _answers(strikes: Sequence[Strike]) -> set[Pattern]:
    return {tuple(strike.holds(value) for strike in strikes) for value in _probes(strikes)}


def _probes(strikes: Iterable[Strike]) -> list[Fraction]:
    """Give one value of every atom of the line: each end, and one value between and beyond the ends."""
    ends = sorted({Fraction(end) for strike in strikes for end in strike.ends})
    if not ends:
        return [Fraction(0)]
    between = [(low + high) / 2 for low, high in pairwise(ends)]
    return [ends[0] - 1, *ends, *between, ends[-1] + 1]


def _exclusive(answers: Iterable[Pattern], others: int) -> Iterator[Pattern]:
    """Keep the answers with at most one YES, and let each of the `others` win where nobody else does."""
    nobody = (False,) * others
    for answer in answers:
        if sum(answer) <= 1:
            yield answer + nobody
        if not any(answer):
            yield from (answer + tuple(place == won for place in range(others)) for won in range(others))
