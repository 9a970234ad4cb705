"""What a run measures: figures, each ours beside its floor or peer, and the effort that goes into one."""

from __future__ import annotations

import statistics
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    Measure = Callable[["Effort"], Iterator["Figure"]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One line of the table. `ratio`: what was found in each round, ours by floor, in the middle.

    `floor` and `ratio` None: nothing else does this work, or, with a `note`, it could not be measured here.
    """

    name: str
    what: str
    unit: str
    ours: float | None
    floor: float | None = None
    ratio: float | None = None
    against: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One row of the issue's table: its figures' names, and how they are measured."""

    name: str
    figures: tuple[str, ...]
    measure: Measure


@dataclass(frozen=True, slots=True, kw_only=True)
class Effort:
    """How much work a run does: the median is of so many rounds, in which ours and the floor take turns."""

    quick: bool = False

    @property
    def rounds(self) -> int:
        """How often each side is measured."""
        return 3 if self.quick else 5

    def of(self, full: int, quick: int) -> int:
        """Give a size."""
        return quick if self.quick else full

    def say(self, words: str) -> None:
        """Tell how far the run has got."""
        sys.stderr.write(f"bench: {words}\n")
        sys.stderr.flush()


@dataclass(frozen=True, slots=True)
class Pair:
    """Medians of both sides, and of the ratios of their rounds: what disturbs one round disturbs both."""

    ours: float
    floor: float
    ratio: float


def in_turns(ours: Callable[[], float], floor: Callable[[], float], rounds: int) -> Pair:
    """Measure both sides round by round."""
    return paired([(ours(), floor()) for _ in range(rounds)])


def paired(found: Sequence[tuple[float, float]]) -> Pair:
    """Give the medians of what both sides came to."""
    return Pair(
        statistics.median(one for one, _ in found),
        statistics.median(other for _, other in found),
        statistics.median(one / other for one, other in found),
    )


def percentile(ordered: Sequence[float], share: float) -> float:
    """Give the value below which a share of a sorted list lies."""
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]
