"""The inbox as operators see it: what waits, what failed, never what the events say."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from sqlalchemy import and_, or_, select

from hedge_service.clock import instant
from hedge_service.store.ops_paging import Cursor, Page, page_of
from hedge_service.store.schema import inbox

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import ColumnElement, Row
    from sqlalchemy.engine import Connection

UNREADABLE = "unreadable"
"""The result of an event that was verified but could not be read."""


class Which(StrEnum):
    """Which events are listed."""

    WAITING = "waiting"
    FAILED = "failed"
    ALL = "all"


@dataclass(frozen=True, slots=True, kw_only=True)
class InboxEvent:
    """One event without its payload; `result` of one that waits is why it was put off."""

    id: int
    source: str
    external_id: str
    type: str
    created_at: datetime
    received_at: datetime
    handled_at: datetime | None
    result: str | None
    tries: int
    next_try_at: datetime | None

    @property
    def failed(self) -> bool:
        """Say whether it was tried in vain: put off, or closed as unreadable."""
        return self.result == UNREADABLE if self.handled_at is not None else self.tries > 0


# All but the payload, which holds people's data and may be large.
COLUMNS = tuple(column for column in inbox.c if column.name != "payload")
FAILED = or_(inbox.c.result == UNREADABLE, and_(inbox.c.handled_ms.is_(None), inbox.c.tries > 0))
CHOSEN: dict[Which, ColumnElement[bool] | None] = {
    Which.WAITING: inbox.c.handled_ms.is_(None),
    Which.FAILED: FAILED,
    Which.ALL: None,
}


def listed(tx: Connection, which: Which, *, limit: int, after: Cursor | None = None) -> Page[InboxEvent]:
    """List events, newest first."""
    found = select(*COLUMNS).order_by(inbox.c.id.desc()).limit(limit + 1)
    chosen = CHOSEN[which]
    if chosen is not None:
        found = found.where(chosen)
    if after is not None:
        found = found.where(inbox.c.id < after.number)
    return page_of(tx.execute(found).all(), limit, lambda row: Cursor(row.id), _event)


def named(tx: Connection, external_id: str) -> InboxEvent | None:
    """Find an event by its id at its source, the newest of several sources."""
    same = select(*COLUMNS).where(inbox.c.external_id == external_id)
    row = tx.execute(same.order_by(inbox.c.id.desc()).limit(1)).one_or_none()
    return None if row is None else _event(row)


def _event(row: Row[Any]) -> InboxEvent:
    waits = row.handled_ms is None and row.next_try_ms > 0
    return InboxEvent(
        id=row.id,
        source=row.source,
        external_id=row.external_id,
        type=row.type,
        created_at=instant(row.created_ms),
        received_at=instant(row.received_ms),
        handled_at=None if row.handled_ms is None else instant(row.handled_ms),
        result=row.result,
        tries=row.tries,
        next_try_at=instant(row.next_try_ms) if waits else None,
    )
