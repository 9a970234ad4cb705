"""What was paid for each checkout session, and what became of it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from sqlalchemy import select

from hedge_service.clock import millis
from hedge_service.store.rows import insert_if_absent
from hedge_service.store.schema import payments

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy.engine import Connection


class PaymentState(StrEnum):
    """Whether a payment became a parlay, or waits for a person."""

    ACCEPTED = "accepted"
    PARKED = "parked"


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
    found = tx.execute(select(payments.c.state).where(payments.c.session_id == session_id)).scalar()
    return None if found is None else PaymentState(found)
