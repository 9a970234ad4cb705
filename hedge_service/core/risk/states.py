"""Every way a parlay's legs can end, with its probability: exact enumeration, no sampling.

Probabilities are statistics and live in floating point (double precision); money in a state is exact and
lives in whole micros.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence
    from decimal import Decimal

    from numpy.typing import NDArray

MOST_LEGS = 12
"""Legs up to which every state is enumerated: 4,096 of them."""
_SUM_WITHIN = 1e-9


@dataclass(frozen=True, slots=True, eq=False)
class States:
    """The joint distribution of n legs as m states.

    `hits`: shape (m, n), whether leg j hits in state i, the rows distinct. `probabilities`: shape (m,), each
    at least 0, together 1. Raises ValueError for shapes that don't match or probabilities that are none.
    """

    hits: NDArray[np.bool_]
    probabilities: NDArray[np.float64]

    def __post_init__(self) -> None:
        if self.hits.ndim != 2 or self.probabilities.shape != self.hits.shape[:1]:  # noqa: PLR2004 - a table
            raise ValueError(f"not a table of states: {self.hits.shape}, {self.probabilities.shape}")
        if (self.probabilities < 0).any() or abs(math.fsum(self.probabilities) - 1) > _SUM_WITHIN:
            raise ValueError("the probabilities of all states add up to 1")

    @property
    def legs(self) -> int:
        """Give the number of legs."""
        return len(self.hits.T)

    @property
    def won(self) -> NDArray[np.bool_]:
        """Give, per state, whether every leg hits: shape (m,)."""
        return np.asarray(self.hits.all(axis=1))


def all_hits(legs: int) -> NDArray[np.bool_]:
    """Give all 2^n combinations, shape (2^n, n); bit j of the row's number says whether leg j hits."""
    if not 1 <= legs <= MOST_LEGS:
        raise ValueError(f"states are enumerated for 1 to {MOST_LEGS} legs, not {legs}")
    numbers = np.arange(2**legs)[:, np.newaxis]
    return np.asarray((numbers >> np.arange(legs)) & 1, dtype=np.bool_)


def independent_states(probabilities: Sequence[Decimal]) -> States:
    """Enumerate legs that know nothing of each other."""
    hits = all_hits(len(probabilities))
    chances = np.array([math.fabs(p) for p in probabilities])
    return States(hits, np.where(hits, chances, 1 - chances).prod(axis=1))
