"""What was paid for each checkout session, and what became of it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from sqlalchemy import BindParameter, Row, bindparam, func, or_, select, update

from hedge_service.clock import instant, millis
from hedge_service.logs import digest
from hedge_service.store.prepared import Prepared
from hedge_service.store.rows import insert_if_absent
from hedge_service.store.schema import payments

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy.engine import Connection

    from hedge_service.core.money import Money


class PaymentState(StrEnum):
    """Whether a payment became a parlay, waits (for its refund or for a person), or has gone back."""

    ACCEPTED = "accepted"
    PARKED = "parked"
    REFUNDED = "refunded"
    CHARGED_BACK = "charged_back"


@dataclass(frozen=True, slots=True, kw_only=True)
class Payment:
    """One confirmed payment; `reason` says why a parked one bought nothing."""

    session_id: str
    quote_id: str | None
    event_id: str
    payment_intent: str | None
    amount_cents: int
    currency: str
    paid_at: datetime
    state: PaymentState
    reason: str | None = None


def put(tx: Connection, payment: Payment, at: datetime) -> bool:
    """Record a payment; False when its session has one already (the first decision stands)."""
    values = {
        "session_id": payment.session_id,
        "quote_id": payment.quote_id,
        "event_id": payment.event_id,
        "payment_intent": payment.payment_intent,
        "amount_cents": payment.amount_cents,
        "currency": payment.currency,
        "paid_ms": millis(payment.paid_at),
        "recorded_ms": millis(at),
        "state": payment.state.value,
        "reason": payment.reason,
    }
    return insert_if_absent(tx, payments, values)


def state_of(tx: Connection, session_id: str) -> PaymentState | None:
    """Say what became of a session's payment; None when none is recorded."""
    found = _STATE.scalar(tx, {"key": session_id})
    return None if found is None else PaymentState(found)


def get(tx: Connection, session_id: str) -> Payment | None:
    """Find the payment of a session."""
    return _one(tx, _BY_SESSION, session_id)


def by_intent(tx: Connection, payment_intent: str) -> Payment | None:
    """Find the payment that Stripe's charge events name."""
    return _one(tx, _BY_INTENT, payment_intent)


def named(tx: Connection, name: str) -> Payment | None:
    """Find the payment an operator names: by session, payment intent or event; a parked one by digest."""
    known = (payments.c.session_id, payments.c.payment_intent, payments.c.event_id)
    rows = tx.execute(select(payments).where(or_(*(column == name for column in known)))).all()
    if not rows:
        waiting = select(payments).where(payments.c.state == PaymentState.PARKED.value)
        rows = [row for row in tx.execute(waiting) if digest(row.session_id) == name]
    return _payment(rows[0]) if len(rows) == 1 else None


def parked(tx: Connection) -> tuple[Payment, ...]:
    """List payments that wait for their refund or for a person, oldest first."""
    waiting = select(payments).where(payments.c.state == PaymentState.PARKED.value)
    return tuple(_payment(row) for row in tx.execute(waiting.order_by(payments.c.recorded_ms)))


def count_parked(tx: Connection) -> int:
    """Count payments that wait for their refund or for a person."""
    waiting = select(func.count()).where(payments.c.state == PaymentState.PARKED.value)
    return tx.execute(waiting).scalar_one()


def moved(tx: Connection, session_id: str, state: PaymentState, reason: str | None) -> None:
    """Record what became of a payment after its first decision."""
    same = payments.c.session_id == session_id
    tx.execute(update(payments).where(same).values(state=state.value, reason=reason))


_KEY: BindParameter[str] = bindparam("key")
_FIRST = select(payments).order_by(payments.c.recorded_ms).limit(1)
_STATE = Prepared(select(payments.c.state).where(payments.c.session_id == _KEY))
_BY_SESSION = Prepared(_FIRST.where(payments.c.session_id == _KEY))
# One payment intent belongs to one session; should Stripe ever say otherwise, the first one counts.
_BY_INTENT = Prepared(_FIRST.where(payments.c.payment_intent == _KEY))


def _one(tx: Connection, found: Prepared, key: str) -> Payment | None:
    row = found.one_or_none(tx, {"key": key})
    return None if row is None else _payment(row)


def _payment(row: Row[Any]) -> Payment:
    return Payment(
        session_id=row.session_id,
        quote_id=row.quote_id,
        event_id=row.event_id,
        payment_intent=row.payment_intent,
        amount_cents=row.amount_cents,
        currency=row.currency,
        paid_at=instant(row.paid_ms),
        state=PaymentState(row.state),
        reason=row.reason,
    )


def fee_unknown(tx: Connection, limit: int) -> tuple[Payment, ...]:
    """List payments of which Stripe has not said yet what it kept, oldest first."""
    unknown = (payments.c.fee_cents.is_(None), payments.c.payment_intent.is_not(None))
    found = select(payments).where(*unknown).order_by(payments.c.recorded_ms).limit(limit)
    return tuple(_payment(row) for row in tx.execute(found))


def fee_told(tx: Connection, session_id: str, fee: Money) -> bool:
    """Record what Stripe kept; False when that was recorded before."""
    unknown = (payments.c.session_id == session_id, payments.c.fee_cents.is_(None))
    return tx.execute(update(payments).where(*unknown).values(fee_cents=fee.to_cents())).rowcount == 1
