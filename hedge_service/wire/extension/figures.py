"""JSON numbers to exact values and back."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from hedge_service.core.money import decimal_of

if TYPE_CHECKING:
    from decimal import Decimal

    from hedge_service.core.money import Money


def exact(value: Any) -> Decimal | None:
    """Read a JSON number as the decimal that was typed; None for anything that is no finite number.

    The parser has made it a float, whose shortest spelling is what the sender wrote (to 15 digits).
    """
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        return decimal_of(repr(value))
    except ValueError:
        return None


def number(value: Decimal) -> int | float:
    """Give a decimal as a JSON number, whole where it is whole: for display, never for sums."""
    return int(value) if value == value.to_integral_value() else float(value)


def dollars(amount: Money) -> int | float:
    """Give money as a JSON number of dollars."""
    return number(amount.dollars)


def iso(at: datetime) -> str:
    """Give a time as JavaScript writes it: UTC, milliseconds, Z."""
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def iso_or_null(at: datetime | None) -> str | None:
    """Give a time as `iso` does, or null."""
    return None if at is None else iso(at)
