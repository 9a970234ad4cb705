"""Lists in pages: each page says where the next one begins, so that no list is ever read whole."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, Self, TypeVar

from sqlalchemy import and_, or_

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any

    from sqlalchemy import Column, ColumnElement

T = TypeVar("T")
CURSOR = "[0-9]{1,15}(~[A-Za-z0-9_.:-]{1,200})?"
"""What a cursor looks like: a number, and a key where the number alone names no row."""


@dataclass(frozen=True, slots=True)
class Cursor:
    """The last row of a page: the number it is ordered by, and its key among equals."""

    number: int
    key: str = ""

    @classmethod
    def of(cls, text: str) -> Self:
        """Read a cursor. Raises ValueError."""
        if re.fullmatch(CURSOR, text, re.ASCII) is None:
            raise ValueError("not a cursor of this list")
        number, _, key = text.partition("~")
        return cls(int(number), key)

    def __str__(self) -> str:
        return str(self.number) if self.key == "" else f"{self.number}~{self.key}"


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """Some rows of a list; `next` is where more of them begin, None at the end."""

    items: tuple[T, ...]
    next: Cursor | None


def page_of(
    rows: Sequence[Any], limit: int, place: Callable[[Any], Cursor], item: Callable[[Any], T]
) -> Page[T]:
    """Make a page of at most `limit` rows out of one row more than that."""
    shown = rows[:limit]
    more = len(rows) > limit
    return Page(tuple(item(row) for row in shown), place(shown[-1]) if more else None)


def past(number: Column[int], key: Column[str], after: Cursor, *, newest_first: bool) -> ColumnElement[bool]:
    """Select the rows behind a cursor in a list ordered by a number and, among equals, by a key."""
    if newest_first:
        return or_(number < after.number, and_(number == after.number, key < after.key))
    return or_(number > after.number, and_(number == after.number, key > after.key))
