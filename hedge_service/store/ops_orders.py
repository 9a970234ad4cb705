"""Orders as operators look for them: those in doubt and parked ones first, oldest first."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import select

from hedge_service.store import journal
from hedge_service.store.ops_drill import Tried, tried
from hedge_service.store.ops_paging import Cursor, Page, page_of, past
from hedge_service.store.schema import attempts

if TYPE_CHECKING:
    from collections.abc import Collection

    from sqlalchemy.engine import Connection

    from hedge_service.core.journal import Intent
    from hedge_service.core.orders import AttemptState


@dataclass(frozen=True, slots=True, kw_only=True)
class FollowedOrder:
    """An attempt with its events, and the intent it is of."""

    intent: Intent
    tried: Tried


def listed(
    tx: Connection, *, states: Collection[AttemptState], limit: int, after: Cursor | None = None
) -> Page[FollowedOrder]:
    """List orders in these states, the oldest plan first."""
    wanted = attempts.c.state.in_(sorted(state.value for state in states))
    found = select(attempts.c.client_order_id, attempts.c.planned_ms).where(wanted)
    if after is not None:
        place = past(attempts.c.planned_ms, attempts.c.client_order_id, after, newest_first=False)
        found = found.where(place)
    ordered = found.order_by(attempts.c.planned_ms, attempts.c.client_order_id).limit(limit + 1)
    return page_of(
        tx.execute(ordered).all(),
        limit,
        lambda row: Cursor(row.planned_ms, row.client_order_id),
        lambda row: _followed(tx, row.client_order_id),
    )


def holder_of(tx: Connection, order_id: str) -> str | None:
    """Give the attempt that is known to be this order of the exchange; None when none is."""
    same = select(attempts.c.client_order_id).where(attempts.c.order_id == order_id)
    return tx.execute(same).scalar()


def _followed(tx: Connection, client_order_id: str) -> FollowedOrder:
    intent, attempt = journal.attempt_with_intent(tx, client_order_id)
    return FollowedOrder(intent=intent, tried=tried(tx, attempt))
