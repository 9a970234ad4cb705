"""A stored decision made again: what differs, named by its place."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any

from hedge_service.core.choice import decide
from hedge_service.core.pricing import Impossible
from hedge_service.wire.advice_record import STATISTICS, read_facts, write_decision

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

# Statistics rest on floating point, whose last digits another machine may round otherwise.
MOST_ROUNDING = Decimal("0.00001")
_ROUNDED = frozenset({*STATISTICS, "p_loss", "wanted", "default"})


def replay(record: Mapping[str, Any]) -> tuple[str, ...]:
    """Decide a record's facts again; give each difference as `place: then, now`, none when all is the same.

    Raises OtherVersion, and KeyError, TypeError or ValueError for a record that can't be read.
    """
    try:
        now = write_decision(decide(read_facts(record)))
    except Impossible as found:
        return (f"choice: {record['decided']['choice']['id']} then, refused now ({found.reason})",)
    return tuple(_differences(record["decided"], now, "", ""))


def _differences(then: Any, now: Any, place: str, name: str) -> Iterator[str]:
    if isinstance(then, dict) and isinstance(now, dict):
        for key in dict.fromkeys((*then, *now)):
            inner = f"{place}.{key}" if place else key
            yield from _differences(then.get(key), now.get(key), inner, key)
    elif isinstance(then, list) and isinstance(now, list) and len(then) == len(now):
        for number, (one, other) in enumerate(zip(then, now, strict=True)):
            yield from _differences(one, other, f"{place}[{_title(one, number)}]", name)
    elif isinstance(then, list) and isinstance(now, list):
        yield f"{place}: {len(then)} then, {len(now)} now"
    elif then != now and not (name in _ROUNDED and _close(then, now)):
        yield f"{place}: {then} then, {now} now"


def _title(item: Any, number: int) -> str:
    """Name an item of a list by what it is: a plan by its id, a hedge by its leg."""
    if isinstance(item, dict) and "id" in item:
        return str(item["id"])
    return f"leg {item['leg']}" if isinstance(item, dict) and "leg" in item else str(number)


def _close(then: Any, now: Any) -> bool:
    try:
        return abs(Decimal(then) - Decimal(now)) <= MOST_ROUNDING
    except (InvalidOperation, TypeError):
        return False
