"""Pages behind opaque cursors that stay right while rows are added."""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, TypeVar

from .faults import Effects, FaultKind

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

Row = TypeVar("Row")


@dataclass(frozen=True, slots=True)
class Page(Generic[Row]):
    """Rows and the cursor of the next page; empty at the end."""

    rows: list[Row]
    cursor: str


def cursor_of(sequence: int) -> str:
    """Make the cursor that leads past a row."""
    return base64.urlsafe_b64encode(f"s:{sequence}".encode()).decode()


def sequence_of(cursor: str | None) -> int | None:
    """Read a cursor; a garbage one counts as none, as the real exchange was seen to do."""
    if cursor is None:
        return None
    try:
        return int(base64.urlsafe_b64decode(cursor).decode().removeprefix("s:"))
    except (binascii.Error, ValueError):
        return None


def paged(
    rows: Iterable[Row],
    key: Callable[[Row], int],
    *,
    limit: int,
    cursor: str | None,
    effects: Effects,
) -> Page[Row]:
    """Cut one page out of rows whose keys fall from first to last."""
    past = sequence_of(cursor)
    found: list[Row] = []
    more = False
    for row in rows:
        if past is not None and key(row) >= past:
            continue
        if len(found) == limit:
            more = True
            break
        found.append(row)
    page = Page(found, cursor_of(key(found[-1])) if more and found else "")
    return _spoiled(page, effects)


def _spoiled(page: Page[Row], effects: Effects) -> Page[Row]:
    if effects.of(FaultKind.PAGE_DROPPED) is not None:
        page = Page([], page.cursor)
    if effects.of(FaultKind.PAGE_TRUNCATED) is not None:
        page = Page(page.rows[: len(page.rows) // 2], page.cursor)
    if effects.of(FaultKind.PAGING_ENDS_EARLY) is not None:
        page = Page(page.rows, "")
    return page
