"""What operators look at: how everything stands, and which orders wait for a person."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import func, select

from hedge_service.clock import instant
from hedge_service.core.orders import AttemptState
from hedge_service.store import (
    charges,
    halts,
    journal,
    leases,
    parlays,
    payments,
    reconciliations,
    refunds,
)
from hedge_service.store.rows import from_json
from hedge_service.store.schema import attempts, inbox, order_events
from hedge_service.store.schema import halts as halt_rows
from hedge_service.store.schema import parlays as parlay_rows

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy.engine import Connection

    from hedge_service.core.journal import Attempt, Intent
    from hedge_service.core.money import Money
    from hedge_service.core.reconcile_views import Difference, Result
    from hedge_service.store.leases import Lease

# What is asked about: an order that has ended needs nobody.
OPEN_STATES = (
    AttemptState.PLANNED,
    AttemptState.SENDING,
    AttemptState.RESTING,
    AttemptState.UNKNOWN,
    AttemptState.PARKED,
)


@dataclass(frozen=True, slots=True)
class Waiting:
    """How many things wait, and since when the oldest does."""

    count: int
    oldest: datetime | None


@dataclass(frozen=True, slots=True)
class Halt:
    """Why sending is halted, since when and by whom."""

    reason: str
    at: datetime
    actor: str


@dataclass(frozen=True, slots=True)
class LastReconciliation:
    """The last comparison with the exchange."""

    at: datetime
    result: Result
    differences: tuple[Difference, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Overview:
    """How everything stands at one moment."""

    halt: Halt | None
    lease: Lease | None
    parlays: dict[str, int]
    orders: dict[AttemptState, Waiting]
    inbox: Waiting
    parked_payments: int
    refunds_unmade: Waiting
    open_disputes: Waiting
    reserved_today: Money
    open_payout: Money
    reconciliation: LastReconciliation | None


@dataclass(frozen=True, slots=True)
class Tried:
    """One event of an order's life, and what it rests on."""

    at: datetime
    event: str
    evidence: dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class ParkedOrder:
    """An order that only a person, or late evidence, may end."""

    intent: Intent
    attempt: Attempt
    tried: tuple[Tried, ...]


def overview(tx: Connection, *, account: str, now: datetime) -> Overview:
    """Read how everything stands; the day is the UTC day of `now`."""
    last = reconciliations.last(tx)
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    return Overview(
        halt=_halt(tx),
        lease=leases.read(tx, account),
        parlays=_parlays(tx),
        orders={state: _orders(tx, state) for state in OPEN_STATES},
        inbox=_inbox(tx),
        parked_payments=payments.count_parked(tx),
        refunds_unmade=_waiting(refunds.unmade_since(tx)),
        open_disputes=_waiting(charges.open_disputes_since(tx)),
        reserved_today=journal.reserved_since(tx, midnight),
        open_payout=parlays.open_payout(tx, now),
        reconciliation=None if last is None else LastReconciliation(*last),
    )


def parked_orders(tx: Connection) -> tuple[ParkedOrder, ...]:
    """List parked orders with everything that was tried, oldest first."""
    parked = select(attempts.c.client_order_id).where(attempts.c.state == AttemptState.PARKED.value)
    ids = tx.execute(parked.order_by(attempts.c.planned_ms)).scalars().all()
    return tuple(_parked(tx, client_order_id) for client_order_id in ids)


def _parked(tx: Connection, client_order_id: str) -> ParkedOrder:
    intent, attempt = journal.attempt_with_intent(tx, client_order_id)
    told = select(order_events).where(order_events.c.client_order_id == client_order_id)
    rows = tx.execute(told.order_by(order_events.c.id))
    tried = tuple(Tried(instant(row.at_ms), row.event, from_json(row.evidence)) for row in rows)
    return ParkedOrder(intent=intent, attempt=attempt, tried=tried)


def _halt(tx: Connection) -> Halt | None:
    if halts.reason(tx) is None:
        return None
    row = tx.execute(select(halt_rows).order_by(halt_rows.c.id.desc()).limit(1)).one()
    return Halt(row.reason, instant(row.at_ms), row.actor)


def _parlays(tx: Connection) -> dict[str, int]:
    counted = select(parlay_rows.c.state, func.count()).group_by(parlay_rows.c.state)
    return {str(state): int(count) for state, count in tx.execute(counted)}


def _orders(tx: Connection, state: AttemptState) -> Waiting:
    since = func.min(func.coalesce(attempts.c.first_sent_ms, attempts.c.planned_ms))
    return _waiting(tx.execute(select(func.count(), since).where(attempts.c.state == state.value)).one())


def _inbox(tx: Connection) -> Waiting:
    since = func.min(inbox.c.received_ms)
    return _waiting(tx.execute(select(func.count(), since).where(inbox.c.handled_ms.is_(None))).one())


def _waiting(row: Any) -> Waiting:
    count, oldest_ms = row
    return Waiting(int(count), None if oldest_ms is None else instant(oldest_ms))
