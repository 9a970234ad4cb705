"""An operator's second try for events that were put off or could not be read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from hedge_service.flow.operating import NotAllowed
from hedge_service.store import audit, inbox, ops_inbox
from hedge_service.store.ops_inbox import Which

if TYPE_CHECKING:
    from sqlalchemy.engine import Connection

    from hedge_service.flow.operating import Operator
    from hedge_service.store.ops_inbox import InboxEvent

AT_ONCE = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Replayed:
    """The events that are handled anew, by their ids at their source; `more`: others wait for another act."""

    events: tuple[str, ...]
    more: bool


def replay(tx: Connection, external_id: str, by: Operator) -> Replayed:
    """Let one failed event be handled anew. Raises NotAllowed for one that was handled or never came."""
    event = ops_inbox.named(tx, external_id)
    if event is None:
        raise NotAllowed(f"there is no event {external_id}; `hedge-service replay` lists the failed ones")
    if event.handled_at is not None and not event.failed:
        raise NotAllowed(f"{external_id} was handled ({event.result}): its effects are there already")
    return _reopen(tx, (event,), by, more=False)


def replay_failed(tx: Connection, by: Operator) -> Replayed:
    """Let all failed events be handled anew, 500 of them at most, the newest first."""
    page = ops_inbox.listed(tx, Which.FAILED, limit=AT_ONCE)
    return _reopen(tx, page.items, by, more=page.next is not None)


def _reopen(tx: Connection, events: tuple[InboxEvent, ...], by: Operator, *, more: bool) -> Replayed:
    for event in events:
        inbox.reopened(tx, event.id)
        # Handling is idempotent on the event's key: one whose effects are there has none a second time.
        audit.put(
            tx,
            actor=by.name,
            action="replay",
            subject=event.external_id,
            reason=by.reason,
            at=by.at,
            details={"type": event.type, "was": event.result, "tries": event.tries},
        )
    return Replayed(events=tuple(event.external_id for event in events), more=more)
