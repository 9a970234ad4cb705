"""What was done, found and kept back: the audit, reconciliations and parked payments, in pages."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from hedge_service.clock import instant
from hedge_service.store import payments, refunds
from hedge_service.store.ops_paging import Cursor, Page, page_of, past
from hedge_service.store.payments import PaymentState
from hedge_service.store.rows import from_json
from hedge_service.store.schema import audit, halts, reconciliations
from hedge_service.store.schema import payments as payment_rows

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Row
    from sqlalchemy.engine import Connection

    from hedge_service.store.payments import Payment
    from hedge_service.store.refunds import DueRefund


@dataclass(frozen=True, slots=True, kw_only=True)
class Act:
    """One act of a person: who, when, what, to what, and why."""

    id: int
    at: datetime
    actor: str
    action: str
    subject: str
    reason: str
    details: dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Reconciled:
    """One comparison with the exchange, its differences as plain values."""

    id: int
    at: datetime
    result: str
    differences: tuple[dict[str, Any], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ParkedPayment:
    """A payment that waits for its refund or for a person."""

    payment: Payment
    refund: DueRefund | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Switched:
    """One halt or resume of sending."""

    id: int
    at: datetime
    halted: bool
    reason: str
    actor: str


def acts(tx: Connection, *, limit: int, after: Cursor | None = None) -> Page[Act]:
    """List the audit, newest first."""
    found = select(audit).order_by(audit.c.id.desc()).limit(limit + 1)
    if after is not None:
        found = found.where(audit.c.id < after.number)
    return page_of(tx.execute(found).all(), limit, lambda row: Cursor(row.id), _act)


def reconciled(tx: Connection, *, limit: int, after: Cursor | None = None) -> Page[Reconciled]:
    """List comparisons with the exchange, newest first."""
    found = select(reconciliations).order_by(reconciliations.c.id.desc()).limit(limit + 1)
    if after is not None:
        found = found.where(reconciliations.c.id < after.number)
    return page_of(tx.execute(found).all(), limit, lambda row: Cursor(row.id), _reconciled)


def parked_payments(tx: Connection, *, limit: int, after: Cursor | None = None) -> Page[ParkedPayment]:
    """List parked payments, oldest first."""
    wanted = payment_rows.c.state == PaymentState.PARKED.value
    # Not by session: its id is a bearer secret, and a cursor is shown.
    order = (payment_rows.c.recorded_ms, payment_rows.c.event_id)
    found = select(payment_rows.c.session_id, *order).where(wanted)
    if after is not None:
        found = found.where(past(*order, after, newest_first=False))
    rows = tx.execute(found.order_by(*order).limit(limit + 1)).all()
    page = page_of(rows, limit, lambda row: Cursor(row.recorded_ms, row.event_id), lambda row: row.session_id)
    return Page(tuple(one for each in page.items for one in _payment(tx, each)), page.next)


def newest_switch(tx: Connection) -> Switched | None:
    """Give the halt or resume that decides now; None when there was none ever."""
    row = tx.execute(select(halts).order_by(halts.c.id.desc()).limit(1)).one_or_none()
    return None if row is None else _switched(row)


def switched_since(tx: Connection, last: int, limit: int) -> tuple[Switched, ...]:
    """List halts and resumes after the one with this id, oldest first."""
    found = select(halts).where(halts.c.id > last).order_by(halts.c.id).limit(limit)
    return tuple(_switched(row) for row in tx.execute(found))


def _payment(tx: Connection, session_id: str) -> tuple[ParkedPayment, ...]:
    payment = payments.get(tx, session_id)
    if payment is None:
        return ()
    return (ParkedPayment(payment=payment, refund=refunds.get(tx, session_id)),)


def _act(row: Row[Any]) -> Act:
    return Act(
        id=row.id,
        at=instant(row.at_ms),
        actor=row.actor,
        action=row.action,
        subject=row.subject,
        reason=row.reason,
        details=from_json(row.details),
    )


def _reconciled(row: Row[Any]) -> Reconciled:
    differences = tuple(from_json(row.differences))
    return Reconciled(id=row.id, at=instant(row.at_ms), result=row.result, differences=differences)


def _switched(row: Row[Any]) -> Switched:
    at = instant(row.at_ms)
    return Switched(id=row.id, at=at, halted=bool(row.halted), reason=row.reason, actor=row.actor)
