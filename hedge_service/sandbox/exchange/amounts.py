"""Exact numbers as the exchange counts them: micros of a dollar and hundredths of a contract, plain ints."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Final

DOLLAR: Final = 1_000_000  # micros
CONTRACT: Final = 100  # centis
CENT: Final = 10_000  # micros
_PRICE = re.compile(r"[0-9]{1,9}(\.[0-9]{1,6})?", re.ASCII)
_SIGNED = re.compile(r"-?[0-9]{1,12}(\.[0-9]{1,6})?", re.ASCII)
_COUNT = re.compile(r"[0-9]{1,12}(\.[0-9]{1,2})?", re.ASCII)


def _scaled(text: str, places: int) -> int:
    whole, _, fraction = text.partition(".")
    return int(whole + fraction.ljust(places, "0"))


def micros_of(text: str) -> int:
    """Read a dollar string of at most six decimals. Raises ValueError for anything else."""
    if _PRICE.fullmatch(text) is None:
        raise ValueError(f"not a dollar amount: {text[:40]!r}")
    return _scaled(text, 6)


def signed_micros_of(text: str) -> int:
    """Read a dollar string that may be negative. Raises ValueError for anything else."""
    if _SIGNED.fullmatch(text) is None:
        raise ValueError(f"not a dollar amount: {text[:40]!r}")
    return -_scaled(text[1:], 6) if text.startswith("-") else _scaled(text, 6)


def centis_of(text: str) -> int:
    """Read a contract count of at most two decimals. Raises ValueError for anything else."""
    if _COUNT.fullmatch(text) is None:
        raise ValueError(f"not a contract count: {text[:40]!r}")
    return _scaled(text, 2)


def dollars(micros: int) -> str:
    """Write dollars with four decimals, six when finer: the exchange's own habit."""
    sign, size = ("-", -micros) if micros < 0 else ("", micros)
    whole, rest = divmod(size, DOLLAR)
    return f"{sign}{whole}.{rest // 100:04d}" if rest % 100 == 0 else f"{sign}{whole}.{rest:06d}"


def dollars6(micros: int) -> str:
    """Write dollars with six decimals, as fees are written."""
    sign, size = ("-", -micros) if micros < 0 else ("", micros)
    whole, rest = divmod(size, DOLLAR)
    return f"{sign}{whole}.{rest:06d}"


def contracts(centis: int) -> str:
    """Write a contract count with two decimals."""
    sign, size = ("-", -centis) if centis < 0 else ("", centis)
    whole, rest = divmod(size, CONTRACT)
    return f"{sign}{whole}.{rest:02d}"


def cost_of(micros: int, centis: int) -> int:
    """Give price times count in micros: exact, since no grid is finer than 0.0001."""
    return micros * centis // CONTRACT


def average(total_micros: int, centis: int) -> str:
    """Write a volume-weighted average in dollars per contract, rounded to four decimals."""
    hundreds = (total_micros * CONTRACT + 50 * centis) // (100 * centis)
    return dollars(hundreds * 100)


def rfc3339(seconds: float) -> str:
    """Write a moment as the exchange writes it: UTC, microseconds, Z."""
    moment = datetime.fromtimestamp(seconds, tz=UTC)
    return moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def seconds_of(text: str) -> float:
    """Read an RFC 3339 moment. Raises ValueError when it is none or carries no zone."""
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError(f"a moment without a zone: {text[:40]!r}")
    return moment.timestamp()
