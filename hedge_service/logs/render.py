"""Turn an event into one JSON line: fixed forms for exact numbers, no secret, never an exception."""

from __future__ import annotations

import math
import re
import traceback
from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from dataclasses import fields, is_dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from enum import Enum
from functools import singledispatch
from typing import TYPE_CHECKING

import orjson

from hedge_service.core.money import Count, Money, Price
from hedge_service.logs.redact import REDACTED, is_secret_name

if TYPE_CHECKING:
    from collections.abc import Iterable

    from hedge_service.logs.redact import Redactor

_DEEPEST = 8
_LONGEST_TEXT = 16_000
_MOST_ITEMS = 1_000
_PAIR = 2
_SHORT = 40
_MACHINE_INTEGERS = range(-(2**53), 2**53 + 1)  # what every JSON reader keeps exact

# Surrogates can't be encoded; the others move a terminal's cursor or end a line for some readers.
_UNPRINTABLE = re.compile("[\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


def iso_utc(moment: datetime) -> str:
    """Give a moment as ISO 8601 in UTC with microseconds and Z; a naive one is taken as UTC."""
    if moment.tzinfo is not UTC:
        moment = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    return f"{moment.isoformat(timespec='microseconds')[:_WITHOUT_OFFSET]}Z"


_WITHOUT_OFFSET = len("2026-01-01T00:00:00.000000")


class Renderer:
    """Renders events as JSON lines through one redactor."""

    def __init__(self, redactor: Redactor) -> None:
        self._redactor = redactor
        self._short = redactor.keep(self._clean)
        self._name = redactor.keep(self._named)

    def line(self, at: datetime, event: Mapping[str, object]) -> bytes:
        """Render one event as one line with its moment and its newline. Never raises."""
        try:
            return self._line(at, self._members(event))
        except Exception as error:  # noqa: BLE001 - a value that can't be printed must not stop an order
            bare = {key: self.text(str(event.get(key))) for key in ("level", "event")}
            return self._line(at, {**bare, "unprintable": type(error).__name__})

    def _line(self, at: datetime, members: dict[str, object]) -> bytes:
        return orjson.dumps({"timestamp": iso_utc(at), **members}) + b"\n"

    def _members(self, event: Mapping[str, object]) -> dict[str, object]:
        return dict(self._member(key, member, 0) for key, member in list(event.items())[:_MOST_ITEMS])

    def plain(self, value: object, depth: int = 0) -> object:
        """Turn a value into JSON's own types, its secrets replaced."""
        if type(value) is str:  # the commonest by far
            return self.text(value)
        value = value.value if isinstance(value, Enum) else value
        if value is None or isinstance(value, bool):
            return value
        if isinstance(value, int | float):
            return _number(value)
        pairs = _pairs(value)
        if pairs is not None and depth < _DEEPEST:
            return dict(self._member(str(key), member, depth) for key, member in pairs)
        if isinstance(value, list | tuple | AbstractSet) and depth < _DEEPEST:
            return self._items(list(value)[:_MOST_ITEMS], depth)
        return "..." if depth >= _DEEPEST else self.text(_spelt(value))

    def _member(self, name: str, value: object, depth: int) -> tuple[str, object]:
        said, secret = self._name(name) if len(name) <= _SHORT else self._named(name)
        hidden = secret and value is not None and not isinstance(value, bool)
        return said, REDACTED if hidden else self.plain(value, depth + 1)

    def _named(self, name: str) -> tuple[str, bool]:
        return self.text(name), is_secret_name(name)

    def _items(self, items: list[object], depth: int) -> list[object]:
        if len(items) == _PAIR and isinstance(items[0], str | bytes) and is_secret_name(_name(items[0])):
            # A header as its name and value, as HTTP libraries keep them.
            return list(self._member(_name(items[0]), items[1], depth))
        return [self.plain(item, depth + 1) for item in items]

    def text(self, text: str) -> str:
        """Give a text without secrets, without signs that a terminal would obey, and not endless."""
        return self._short(text) if len(text) <= _SHORT else self._clean(text)

    def _clean(self, text: str) -> str:
        clean = self._redactor.text(text)
        if not clean.isascii() or "\x7f" in clean:
            clean = _UNPRINTABLE.sub("\ufffd", clean)
        if len(clean) <= _LONGEST_TEXT:
            return clean
        half = _LONGEST_TEXT // 2
        return f"{clean[:half]} [{len(clean) - 2 * half} characters left out] {clean[-half:]}"


def _name(name: str | bytes) -> str:
    return name if isinstance(name, str) else name.decode(errors="replace")


def _number(value: float) -> object:
    if isinstance(value, int):
        return int(value) if value in _MACHINE_INTEGERS else str(value)
    return float(value) if math.isfinite(value) else str(value)


def _pairs(value: object) -> Iterable[tuple[object, object]] | None:
    """Take a mapping or a value class apart; our exact numbers are spelt instead."""
    if isinstance(value, Mapping):
        return list(value.items())[:_MOST_ITEMS]
    if isinstance(value, tuple) and hasattr(value, "_fields"):
        return list(zip(value._fields, value, strict=False))
    if isinstance(value, type | Money | Count | Price | BaseException) or not is_dataclass(value):
        return None
    return [(field.name, getattr(value, field.name)) for field in fields(value) if field.repr]


@singledispatch
def _spelt(value: object) -> str:
    """Spell a value that JSON has no type for."""
    return str(value)


@_spelt.register
def _(value: Decimal) -> str:
    return f"{value:f}"


@_spelt.register
def _(value: datetime) -> str:
    return iso_utc(value)


@_spelt.register
def _(value: timedelta) -> str:
    return f"{value / timedelta(seconds=1):.6f}"


@_spelt.register(bytes)
@_spelt.register(bytearray)
def _(value: bytes) -> str:
    return f"[{len(value)} bytes]"  # a body or a key: never its content


@_spelt.register
def _(value: BaseException) -> str:
    return f"{type(value).__name__}: {value}"


def exception_fields(error: BaseException) -> dict[str, object]:
    """Give an exception's type and its traceback as one text, causes included, without locals."""
    told = traceback.TracebackException.from_exception(error, capture_locals=False)
    return {"exception_type": type(error).__qualname__, "exception": "".join(told.format())}
