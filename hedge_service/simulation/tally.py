"""Statistics of results that arrive in stretches, in memory that does not grow with their number."""

from __future__ import annotations

import math
from collections import Counter
from decimal import ROUND_HALF_EVEN, Decimal
from typing import TYPE_CHECKING

import numpy as np

from hedge_service.core.money import MICROS_PER_CENT, MICROS_PER_DOLLAR, Money

if TYPE_CHECKING:
    from hedge_service.simulation.paths import Floats, Ints

_SHARE_PLACES = Decimal("0.0001")


class Moments:
    """Count, sum and spread of amounts in micros; the sum is exact."""

    def __init__(self) -> None:
        self.count = 0
        self.total = Money.ZERO
        self._squares = 0.0

    def add(self, micros: Ints) -> None:
        """Take more amounts."""
        self.count += len(micros)
        self.total += Money(micros.sum().item())
        self._squares += math.fsum((micros / MICROS_PER_DOLLAR) ** 2)

    @property
    def mean(self) -> Money:
        """Give the mean, rounded to the nearest micro. Raises ZeroDivisionError without amounts."""
        return Money(round(self.total.micros / self.count))

    @property
    def sd(self) -> Money:
        """Give the standard deviation of the amounts (of a sample: n - 1), 0 for a single one."""
        if self.count == 1:
            return Money.ZERO
        total = self.total.micros / MICROS_PER_DOLLAR
        square = max(self._squares - total * total / self.count, 0.0) / (self.count - 1)
        return Money(round(math.sqrt(square) * MICROS_PER_DOLLAR))

    @property
    def standard_error(self) -> Money:
        """Give the standard error of the mean."""
        return Money(round(self.sd.micros / math.sqrt(self.count)))


class Tally(Moments):
    """Moments, and where the amounts lie to the cent (rounded down): quantiles, worst, share below zero."""

    def __init__(self) -> None:
        super().__init__()
        self.worst: Money | None = None
        self.losing = 0
        self._cents: Counter[int] = Counter()

    def add(self, micros: Ints) -> None:
        """Take more amounts."""
        super().add(micros)
        lowest = Money(micros.min().item())
        self.worst = lowest if self.worst is None else min(self.worst, lowest)
        self.losing += int((micros < 0).sum())
        values, counts = np.unique(micros // MICROS_PER_CENT, return_counts=True)
        self._cents.update(dict(zip(values.tolist(), counts.tolist(), strict=True)))

    def quantile(self, share: Decimal) -> Money:
        """Give the smallest amount, to the cent, that at least this share of all do not exceed."""
        needed, seen = math.ceil(share * self.count), 0
        for cents, count in sorted(self._cents.items()):
            seen += count
            if seen >= needed:
                return Money.cents(cents)
        raise ValueError("there are no amounts")

    def distribution(self) -> tuple[Floats, Ints]:
        """Give the amounts, in dollars to the cent and rising, and how often each was."""
        pairs = sorted(self._cents.items())
        return np.array([cents for cents, _ in pairs]) / 100, np.array([count for _, count in pairs])


def share_of(part: int, whole: int) -> Decimal:
    """Give a share to four places."""
    return (Decimal(part) / Decimal(whole)).quantize(_SHARE_PLACES, ROUND_HALF_EVEN)
