"""The inbox: one row per outside event, however often it is delivered."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import BindParameter, Row, bindparam, select, update

from hedge_service.clock import instant, millis
from hedge_service.core.inbox import StoredEvent
from hedge_service.store.prepared import Prepared
from hedge_service.store.rows import insert_new
from hedge_service.store.schema import inbox

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    from sqlalchemy.engine import Connection

    from hedge_service.core.inbox import NewEvent

IDS_AT_ONCE = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """Which process handles events, and until when no other one does: a dead one's come free after that."""

    holder: str
    until: datetime

    @property
    def columns(self) -> dict[str, Any]:
        """Give it as columns."""
        return {"claimed_by": self.holder, "claimed_until_ms": millis(self.until)}


def put(tx: Connection, event: NewEvent, at: datetime, claim: Claim | None = None) -> bool:
    """Keep an event, claimed by whoever took it in; say whether it is new. (source, external id) decides."""
    return put_each(tx, [event], at, claim)[0]


def put_each(
    tx: Connection, events: Sequence[NewEvent], at: datetime, claim: Claim | None = None
) -> list[bool]:
    """Keep events; say of each whether it is new. Of two of the same id the first is."""
    claimed = {} if claim is None else claim.columns
    # Always in the order of their keys: two processes that keep the same events at once wait for each other's
    # rows, and must not each hold one that the other wants.
    rows = [_new_row(event, at) | claimed for event in sorted(events, key=_key)]
    new = insert_new(tx, inbox, rows, ("source", "external_id"))
    said = []
    for event in events:
        said.append(_key(event) in new)
        new.discard(_key(event))
    return said


def _key(event: NewEvent) -> tuple[str, str]:
    return event.source, event.external_id


def _new_row(event: NewEvent, at: datetime) -> dict[str, Any]:
    return {
        "source": event.source,
        "external_id": event.external_id,
        "type": event.type,
        "created_ms": millis(event.created_at),
        "received_ms": millis(at),
        "payload": event.payload,
    }


def due(tx: Connection, at: datetime, limit: int, holder: str | None = None) -> tuple[StoredEvent, ...]:
    """List events that wait to be handled, oldest first; with `holder` those it has claimed."""
    values: dict[str, Any] = {"at": millis(at), "most": limit}
    rows = _DUE.all(tx, values) if holder is None else _MINE.all(tx, {**values, "holder": holder})
    return tuple(_event(row) for row in rows)


def any_free(tx: Connection, at: datetime) -> bool:
    """Say whether an event is due that nobody has claimed."""
    return bool(_FREE.all(tx, {"at": millis(at)}))


def claim_free(tx: Connection, claim: Claim, at: datetime, limit: int) -> None:
    """Claim the oldest events that are due and that nobody has claimed.

    The race: two processes that look at once. Each locks the rows it takes and skips the other's.
    """
    free = select(inbox.c.id).where(inbox.c.claimed_until_ms <= _AT, *_IS_DUE)
    taken = free.order_by(inbox.c.id).limit(limit).with_for_update(skip_locked=True)
    tx.execute(update(inbox).where(inbox.c.id.in_(taken)).values(**claim.columns), {"at": millis(at)})


def unclaim(tx: Connection, holder: str) -> None:
    """Free what a process has claimed and not handled, on its clean stop."""
    mine = (inbox.c.claimed_by == holder, inbox.c.handled_ms.is_(None))
    tx.execute(update(inbox).where(*mine).values(claimed_until_ms=0))


def known(tx: Connection, source: str, external_ids: list[str]) -> set[str]:
    """Give those ids of a source that the inbox holds; asked in parts, since a statement takes so many."""
    held: set[str] = set()
    for start in range(0, len(external_ids), IDS_AT_ONCE):
        some = inbox.c.external_id.in_(external_ids[start : start + IDS_AT_ONCE])
        held.update(tx.execute(select(inbox.c.external_id).where(inbox.c.source == source, some)).scalars())
    return held


def unhandled(tx: Connection, types: Iterable[str]) -> tuple[StoredEvent, ...]:
    """List events of these types that are not handled yet, due or not."""
    waiting = (inbox.c.handled_ms.is_(None), inbox.c.type.in_(sorted(types)))
    return tuple(_event(row) for row in tx.execute(select(inbox).where(*waiting).order_by(inbox.c.id)))


def is_open(tx: Connection, event_id: int) -> bool:
    """Say whether an event is not handled yet; asked inside the transaction that handles it."""
    return bool(_OPEN.all(tx, {"key": event_id}))


def handled(tx: Connection, event_id: int, result: str, at: datetime) -> None:
    """Mark an event handled, in the transaction of its effects."""
    handled_each(tx, [(event_id, result)], at)


def handled_each(tx: Connection, ended: Sequence[tuple[int, str]], at: datetime) -> None:
    """Mark events handled, each with what came of it."""
    _HANDLED.each(tx, [{"key": key, "at": millis(at), "why": result} for key, result in ended])


_AT: BindParameter[int] = bindparam("at")
_KEY: BindParameter[int] = bindparam("key")
_IS_DUE = (inbox.c.handled_ms.is_(None), inbox.c.next_try_ms <= _AT)
_MOST: BindParameter[int] = bindparam("most")
_DUE = Prepared(select(inbox).where(*_IS_DUE).order_by(inbox.c.id).limit(_MOST))
_MINE = Prepared(
    select(inbox)
    .where(inbox.c.claimed_by == bindparam("holder"), inbox.c.claimed_until_ms > _AT, *_IS_DUE)
    .order_by(inbox.c.id)
    .limit(_MOST)
)
_FREE = Prepared(select(inbox.c.id).where(inbox.c.claimed_until_ms <= _AT, *_IS_DUE).limit(1))
_OPEN = Prepared(select(inbox.c.id).where(inbox.c.id == _KEY, inbox.c.handled_ms.is_(None)))
_HANDLED = Prepared(
    update(inbox).where(inbox.c.id == _KEY).values(handled_ms=bindparam("at"), result=bindparam("why"))
)


def postponed(tx: Connection, event_id: int, *, until: datetime, reason: str) -> None:
    """Leave an event for a later try, by whichever process is first then."""
    values = {
        "tries": inbox.c.tries + 1,
        "next_try_ms": millis(until),
        "result": reason,
        "claimed_until_ms": 0,
    }
    tx.execute(update(inbox).where(inbox.c.id == event_id, inbox.c.handled_ms.is_(None)).values(**values))


def woken(tx: Connection, source: str, external_id: str) -> None:
    """Make an unhandled event due at once: a duplicate delivery wakes unfinished work."""
    same = (inbox.c.source == source, inbox.c.external_id == external_id, inbox.c.handled_ms.is_(None))
    tx.execute(update(inbox).where(*same).values(next_try_ms=0))


def reopened(tx: Connection, event_id: int) -> None:
    """Let an event be handled anew, at once, by any process."""
    values = {"handled_ms": None, "result": None, "tries": 0, "next_try_ms": 0, "claimed_until_ms": 0}
    tx.execute(update(inbox).where(inbox.c.id == event_id).values(**values))


def _event(row: Row[Any]) -> StoredEvent:
    return StoredEvent(
        id=row.id,
        source=row.source,
        external_id=row.external_id,
        type=row.type,
        created_at=instant(row.created_ms),
        received_at=instant(row.received_ms),
        payload=row.payload,
        tries=row.tries,
    )
