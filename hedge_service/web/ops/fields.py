"""The fields of an act or a query: one table both reads what came in and describes it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from hedge_service.core.money import Count, Money, Price
from hedge_service.errors import BadRequest
from hedge_service.store.ops_paging import CURSOR, Cursor
from hedge_service.wire.extension.text import clean

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from hedge_service.web.ops.schemas import Schema

LONGEST_REASON = 500
AMOUNT = r"[0-9]{1,9}(\.[0-9]{1,6})?"
CONTRACTS = r"[0-9]{1,9}(\.[0-9]{1,2})?"
DOLLARS_EACH = r"(0(\.[0-9]{1,6})?|1(\.0{1,6})?)"
DAY_OR_MOMENT = r"[0-9]{4}-[0-9]{2}-[0-9]{2}(T[0-9]{2}:[0-9]{2}:[0-9]{2}Z?)?"


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """One field: text that matches a pattern, and what it is read into. `read` raises ValueError."""

    name: str
    what: str
    pattern: str | None = None
    choices: tuple[str, ...] = ()
    longest: int = 200
    required: bool = True
    example: str | None = None
    read: Callable[[str], Any] = str

    def schema(self) -> Schema:
        """Describe the field."""
        told: Schema = {"type": "string", "description": self.what}
        if self.choices:
            return {**told, "enum": list(self.choices)}
        if self.pattern is not None:
            told["pattern"] = f"^{self.pattern}$"
        examples = {} if self.example is None else {"examples": [self.example]}
        return {**told, "minLength": 1, "maxLength": self.longest, **examples}

    def value(self, given: object) -> Any:
        """Read the field. Raises BadRequest."""
        if not isinstance(given, str):
            raise _wrong(self, "is not text")
        if self.choices and given not in self.choices:
            raise _wrong(self, f"is none of {', '.join(self.choices)}")
        if not 1 <= len(given) <= self.longest:
            raise _wrong(self, f"is not 1 to {self.longest} signs long")
        if self.pattern is not None and re.fullmatch(self.pattern, given, re.ASCII) is None:
            raise _wrong(self, f"is not {self.what[:1].lower()}{self.what[1:]}")
        try:
            return self.read(given)
        except ValueError as error:
            raise _wrong(self, str(error)) from None


def _wrong(field: Field, why: str) -> BadRequest:
    return BadRequest(f"{field.name}: {why}", "Correct the field and send the request again.")


def read_all(
    fields: tuple[Field, ...], given: Mapping[str, object], *, blank_is_absent: bool = False
) -> dict[str, Any]:
    """Read every field, None for an optional one that is absent. Raises BadRequest, for unknown ones too.

    A form sends its empty inputs, too (`blank_is_absent`).
    """
    known = {field.name for field in fields}
    unknown = sorted(set(given) - known)
    if unknown:
        raise BadRequest(f"{unknown[0][:40]!r} is no field of this", f"Known: {', '.join(sorted(known))}.")
    return {field.name: _read(field, given.get(field.name), blank_is_absent) for field in fields}


def _read(field: Field, given: object, blank_is_absent: bool) -> Any:  # noqa: FBT001 - as read_all got it
    if given is None or (blank_is_absent and given == ""):
        if field.required:
            raise _wrong(field, "is missing")
        return None
    return field.value(given)


def _said(text: str) -> str:
    said = clean(text, LONGEST_REASON)
    if said == "":
        raise ValueError("is empty: say something, it is kept with the act")
    return said


def said(name: str, what: str) -> Field:
    """Ask for what a person says; control characters are dropped, white space is folded."""
    return Field(name=name, what=what, longest=LONGEST_REASON, read=_said, example="checked with Ann")


def word(name: str, what: str, *, longest: int = 200, required: bool = True) -> Field:
    """Ask for an id."""
    pattern = f"[A-Za-z0-9_.:-]{{1,{longest}}}"
    return Field(name=name, what=what, pattern=pattern, longest=longest, required=required)


def choice(name: str, what: str, choices: tuple[str, ...], *, required: bool = True) -> Field:
    """Ask for one of some words."""
    return Field(name=name, what=what, choices=tuple(str(one) for one in choices), required=required)


def contracts(name: str, what: str) -> Field:
    """Ask for a number of contracts, if there is one to be told."""
    return Field(name=name, what=what, pattern=CONTRACTS, longest=12, required=False, read=Count.of)


def dollars(name: str, what: str, *, required: bool = False) -> Field:
    """Ask for an amount."""
    return Field(name=name, what=what, pattern=AMOUNT, longest=16, required=required, read=Money.of)


def dollars_each(name: str, what: str) -> Field:
    """Ask for a price, if there is one to be told."""
    return Field(name=name, what=what, pattern=DOLLARS_EACH, longest=8, required=False, read=Price.of)


def _since(text: str) -> datetime:
    try:
        at = datetime.fromisoformat(text.removesuffix("Z"))
    except ValueError:
        raise ValueError("is not in the calendar") from None
    return at.replace(tzinfo=UTC)


SINCE = Field(
    name="since",
    what="A day or a moment (UTC): 2026-11-01 or 2026-11-01T12:00:00Z",
    pattern=DAY_OR_MOMENT,
    longest=20,
    required=False,
    read=_since,
)

MOST_ROWS, USUAL_ROWS = 200, 50


def _limit(text: str) -> int:
    number = int(text)
    if not 1 <= number <= MOST_ROWS:
        raise ValueError(f"is not 1 to {MOST_ROWS}")
    return number


LIMIT = Field(
    name="limit",
    what=f"How many rows: 1 to {MOST_ROWS}, usually {USUAL_ROWS}",
    pattern="([1-9][0-9]?|1[0-9][0-9]|200)",
    longest=3,
    required=False,
    read=_limit,
)
CURSOR_FIELD = Field(
    name="cursor",
    what="The `next` of the page before",
    pattern=CURSOR,
    longest=220,
    required=False,
    read=Cursor.of,
)
PAGED = (LIMIT, CURSOR_FIELD)
