"""Typed reading of one JSON object: each function names the field it could not read.

Amounts come as decimal strings; a JSON number is refused, since it has passed through a float.
Unknown fields are ignored.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, TypeVar

from hedge_service.core.market import BookSide, Side
from hedge_service.core.money import Count, Money, Price, decimal_of
from hedge_service.wire.kalshi.errors import Unreadable

if TYPE_CHECKING:
    from collections.abc import Callable
    from decimal import Decimal

Row = dict[str, Any]
T = TypeVar("T")
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# Plain digits only: an exponent could spell a number that takes minutes to expand.
_AMOUNT = re.compile(r"-?[0-9]{1,15}(\.[0-9]{1,12})?")


def text(row: Row, key: str) -> str:
    """Read a non-empty string."""
    value = row.get(key)
    if not isinstance(value, str) or not value:
        raise Unreadable(f"{key} is not a text")
    return value


def words(row: Row, key: str) -> str:
    """Read a string that may be empty or absent."""
    value = row.get(key)
    return value if isinstance(value, str) else ""


def whole(row: Row, key: str) -> int:
    """Read an integer."""
    value = row.get(key)
    if not isinstance(value, int) or isinstance(value, bool):
        raise Unreadable(f"{key} is not a whole number")
    return value


def flag(row: Row, key: str) -> bool:
    """Read a boolean."""
    value = row.get(key)
    if not isinstance(value, bool):
        raise Unreadable(f"{key} is not a boolean")
    return value


def decimal(row: Row, key: str) -> Decimal:
    """Read an exact decimal from a string."""
    return _exact(row, key, decimal_of)


def multiplier(row: Row, key: str) -> Decimal:
    """Read a rate that the wire carries as a JSON number: its shortest decimal form is what was sent."""
    value = row.get(key)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise Unreadable(f"{key} is not a number")
    return decimal_of(str(value))


def money(row: Row, key: str) -> Money:
    """Read dollars from a decimal string."""
    return _exact(row, key, Money.of)


def cents(row: Row, key: str) -> Money:
    """Read whole cents from an integer."""
    return Money.cents(whole(row, key))


def count(row: Row, key: str) -> Count:
    """Read contracts from a decimal string."""
    return _exact(row, key, Count.of)


def price(row: Row, key: str) -> Price:
    """Read a price from a decimal string of dollars."""
    return _exact(row, key, Price.of)


def moment(row: Row, key: str) -> datetime:
    """Read an RFC 3339 time with an offset; finer than a microsecond is cut off."""
    try:
        at = datetime.fromisoformat(text(row, key))
    except ValueError:
        raise Unreadable(f"{key} is not a time") from None
    if at.tzinfo is None:
        raise Unreadable(f"{key} is a time without an offset")
    return at.astimezone(UTC)


def unix_seconds(row: Row, key: str) -> datetime:
    """Read a time given in seconds since 1970."""
    try:
        return EPOCH + timedelta(seconds=whole(row, key))
    except OverflowError:
        raise Unreadable(f"{key} is not a time") from None


def book_side(row: Row) -> BookSide:
    """Read which side of the YES book an order or fill is on (`side` and `action` are deprecated)."""
    try:
        if row.get("book_side") is not None:
            return BookSide(text(row, "book_side"))
        return BookSide.buying(Side(text(row, "outcome_side")))
    except ValueError:
        raise Unreadable("book_side is neither bid nor ask") from None


def maybe(read: Callable[[Row, str], T], row: Row, key: str) -> T | None:
    """Read a field that may be absent, null or empty; any other value must be readable."""
    return None if row.get(key) in (None, "") else read(row, key)


def rows(payload: Row, key: str) -> list[Row]:
    """Read a list of objects; an absent list is an error, since it would pass for an empty one."""
    value = payload.get(key)
    if not isinstance(value, list) or not all(isinstance(row, dict) for row in value):
        raise Unreadable(f"{key} is not a list of objects")
    return value


def member(payload: Row, key: str) -> Row:
    """Read a nested object."""
    value = payload.get(key)
    if not isinstance(value, dict):
        raise Unreadable(f"{key} is not an object")
    return value


def cursor(payload: Row) -> str:
    """Read where the next page starts; empty at the end."""
    value = payload.get("cursor")
    if value is not None and not isinstance(value, str):
        raise Unreadable("cursor is not a text")
    return "" if value is None else value


def _exact(row: Row, key: str, of: Callable[[str], T]) -> T:
    value = row.get(key)
    if not isinstance(value, str) or _AMOUNT.fullmatch(value) is None:
        raise Unreadable(f"{key} is not an amount in plain digits")
    try:
        return of(value)
    except ValueError:
        raise Unreadable(f"{key} is out of its range or too fine") from None
