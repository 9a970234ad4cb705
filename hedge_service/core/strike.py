"""Strikes: which values of an event's underlying number make a market end in YES."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from decimal import Decimal
    from fractions import Fraction


class StrikeKind(StrEnum):
    """The exchange's strike types that are ranges of a number; its other types say nothing about order."""

    GREATER = "greater"
    GREATER_OR_EQUAL = "greater_or_equal"
    LESS = "less"
    LESS_OR_EQUAL = "less_or_equal"
    BETWEEN = "between"


# Which of (floor, cap) each kind carries.
_BOUNDS = {
    StrikeKind.GREATER: (True, False),
    StrikeKind.GREATER_OR_EQUAL: (True, False),
    StrikeKind.LESS: (False, True),
    StrikeKind.LESS_OR_EQUAL: (False, True),
    StrikeKind.BETWEEN: (True, True),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Strike:
    """One range of an underlying number; `between` includes both its ends.

    Source: Market.strike_type, floor_strike and cap_strike ("minimum" and "maximum expiration value that
    leads to a YES settlement"). Raises ValueError where the bounds are not exactly those of the kind.
    """

    kind: StrikeKind
    floor: Decimal | None = None
    cap: Decimal | None = None

    def __post_init__(self) -> None:
        if (self.floor is not None, self.cap is not None) != _BOUNDS[self.kind]:
            raise ValueError(f"not the bounds of {self.kind}: {self.floor} to {self.cap}")
        if self.floor is not None and self.cap is not None and self.floor > self.cap:
            raise ValueError(f"a range ends before it starts: {self.floor} to {self.cap}")

    @property
    def ends(self) -> tuple[Decimal, ...]:
        """Give the numbers at which the answer may change."""
        return tuple(end for end in (self.floor, self.cap) if end is not None)

    def holds(self, value: Fraction) -> bool:
        """Say whether the market ends in YES when the underlying is `value`."""
        strict = self.kind in (StrikeKind.GREATER, StrikeKind.LESS)
        if strict and value in self.ends:
            return False
        above = self.floor is None or value >= self.floor
        return above and (self.cap is None or value <= self.cap)
