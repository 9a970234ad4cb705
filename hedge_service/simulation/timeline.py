"""Amounts in order of time, though they arrive by parlay: cash, and results as parlays settle."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from hedge_service.simulation.paths import Floats, Ints


class Timeline:
    """Holds events back until none can come before them.

    An event has a time and an amount for each of s strategies. What is kept is what lies past the horizon:
    as many events as parlays are open, however long the book.
    """

    def __init__(self, strategies: int) -> None:
        self._times: Floats = np.zeros(0)
        self._amounts: Ints = np.zeros((strategies, 0), dtype=np.int64)

    def advance(self, times: Floats, amounts: Ints, horizon: float) -> Ints:
        """Add events, `times` (k,) and `amounts` (s, k); give the amounts before `horizon`, in order of time.

        No event added later may lie before the horizon. Those of one time come in the order added.
        """
        times = np.concatenate((self._times, times))
        amounts = np.concatenate((self._amounts, amounts), axis=1)
        order = np.argsort(times, kind="stable")
        due = int(np.searchsorted(times[order], horizon))
        self._times, self._amounts = times[order[due:]], amounts[:, order[due:]]
        return amounts[:, order[:due]]


class Capital:
    """The most that was ever paid out above what had come in: per strategy (s,), in micros."""

    def __init__(self, strategies: int) -> None:
        self._balance = np.zeros(strategies, dtype=np.int64)
        self.needed = np.zeros(strategies, dtype=np.int64)

    def add(self, amounts: Ints) -> None:
        """Take cash flows in order of time."""
        if not amounts.shape[1]:
            return
        balances = self._balance[:, np.newaxis] + amounts.cumsum(axis=1)
        self._balance = balances[:, -1]
        self.needed = np.maximum(self.needed, -balances.min(axis=1))


class Curve:
    """Cumulated results in order of settlement, their deepest fall, and a few hundred points for a plot.

    `stride`: parlays from point to point. A fall is from the highest sum so far, 0 included.
    """

    def __init__(self, strategies: int, stride: int) -> None:
        self._sum = np.zeros(strategies, dtype=np.int64)
        self._peak = np.zeros(strategies, dtype=np.int64)
        self._settled, self._stride = 0, stride
        self._points: list[tuple[int, Ints, Ints]] = [(0, self._sum, self._sum)]
        self.drawdown = np.zeros(strategies, dtype=np.int64)

    def add(self, amounts: Ints) -> None:
        """Take results, (s, k), in order of settlement."""
        count = amounts.shape[1]
        if not count:
            return
        sums = self._sum[:, np.newaxis] + amounts.cumsum(axis=1)
        peaks = np.maximum(np.maximum.accumulate(sums, axis=1), self._peak[:, np.newaxis])
        falls = peaks - sums
        self.drawdown = np.maximum(self.drawdown, falls.max(axis=1))
        numbers = self._settled + np.arange(1, count + 1)
        self._points += [
            (int(numbers[at]), sums[:, at].copy(), falls[:, at].copy())
            for at in np.flatnonzero(numbers % self._stride == 0)
        ]
        self._sum, self._peak, self._settled = sums[:, -1], peaks[:, -1], self._settled + count

    def points(self) -> tuple[Ints, Ints, Ints]:
        """Give parlays settled (k,), and per strategy the sum and the fall there, (s, k) in micros."""
        numbers, sums, falls = zip(*self._points, strict=True)
        return np.array(numbers), np.array(sums).T, np.array(falls).T
