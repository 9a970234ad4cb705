"""Money to give back through Stripe: one row for each checkout session."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import Row, func, select, update

from hedge_service.clock import instant, millis
from hedge_service.core.money_back import RefundState
from hedge_service.store.rows import insert_if_absent
from hedge_service.store.schema import payments, refunds

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy.engine import Connection

_ASKED_FOR = (RefundState.DUE.value, RefundState.REFUSED.value)
_UNMADE = (*_ASKED_FOR, RefundState.FAILED.value)


@dataclass(frozen=True, slots=True, kw_only=True)
class DueRefund:
    """A refund of ours; `reason`: why it is due, `failure`: why Stripe has refused it, if it has."""

    session_id: str
    payment_intent: str | None
    parlay_id: str | None
    amount_cents: int
    reason: str
    state: RefundState
    failure: str | None
    refund_id: str | None
    tries: int
    due_at: datetime


def due(tx: Connection, session_id: str, *, parlay_id: str | None, reason: str, at: datetime) -> bool:
    """Owe a session's whole payment back; False when it is owed or given back already.

    Raises LookupError when no payment of that session is recorded.
    """
    paid = tx.execute(select(payments).where(payments.c.session_id == session_id)).one_or_none()
    if paid is None:
        raise LookupError(f"no payment of {session_id} is recorded")
    values = {
        "session_id": session_id,
        "payment_intent": paid.payment_intent,
        "parlay_id": parlay_id,
        "amount_cents": paid.amount_cents,
        "reason": reason,
        "state": RefundState.DUE.value,
        "due_ms": millis(at),
    }
    return insert_if_absent(tx, refunds, values)


def due_again(tx: Connection, session_id: str, *, amount_cents: int, at: datetime) -> None:
    """Ask for a refund anew, of what is left of the payment: a person has looked at it."""
    values = {
        "state": RefundState.DUE.value,
        "amount_cents": amount_cents,
        "failure": None,
        "refund_id": None,
        "tries": 0,
        "next_try_ms": millis(at),
    }
    tx.execute(update(refunds).where(refunds.c.session_id == session_id).values(**values))


def get(tx: Connection, session_id: str) -> DueRefund | None:
    """Find the refund of a session."""
    row = tx.execute(select(refunds).where(refunds.c.session_id == session_id)).one_or_none()
    return None if row is None else _refund(row)


def waiting(tx: Connection, at: datetime, limit: int) -> tuple[DueRefund, ...]:
    """List refunds to ask for now, oldest first."""
    now = (refunds.c.state.in_(_ASKED_FOR), refunds.c.next_try_ms <= millis(at))
    rows = tx.execute(
        select(refunds).where(*now).order_by(refunds.c.due_ms, refunds.c.session_id).limit(limit)
    )
    return tuple(_refund(row) for row in rows)


def unmade(tx: Connection) -> tuple[DueRefund, ...]:
    """List refunds that are due, refused or failed, oldest first: what operators look at."""
    rows = tx.execute(select(refunds).where(refunds.c.state.in_(_UNMADE)).order_by(refunds.c.due_ms))
    return tuple(_refund(row) for row in rows)


def unmade_since(tx: Connection) -> tuple[int, int | None]:
    """Count refunds that are not made, and say since when (epoch milliseconds) the oldest is due."""
    counted = select(func.count(), func.min(refunds.c.due_ms)).where(refunds.c.state.in_(_UNMADE))
    count, since_ms = tx.execute(counted).one()
    return count, since_ms


def postponed(tx: Connection, session_id: str, *, state: RefundState, failure: str, until: datetime) -> None:
    """Leave a refund for a later try; one that was made meanwhile stays made."""
    same = (refunds.c.session_id == session_id, refunds.c.state.in_(_ASKED_FOR))
    values = {"state": state.value, "failure": failure, "next_try_ms": millis(until)}
    tx.execute(update(refunds).where(*same).values(**values, tries=refunds.c.tries + 1))


def made(tx: Connection, session_id: str, refund_id: str, at: datetime) -> bool:
    """Record that the money is on its way back; False when there is no refund of ours that waits."""
    values = {"state": RefundState.MADE.value, "refund_id": refund_id, "failure": None, "done_ms": millis(at)}
    return _end(tx, session_id, values)


def dropped(tx: Connection, session_id: str, at: datetime) -> bool:
    """Record that nothing is to be refunded any more: the bank has taken the payment back."""
    return _end(tx, session_id, {"state": RefundState.DROPPED.value, "done_ms": millis(at)})


def failed(tx: Connection, session_id: str, *, failure: str) -> None:
    """Record that a refund of the session has failed at the payer's bank."""
    values = {"state": RefundState.FAILED.value, "failure": failure, "done_ms": None}
    tx.execute(update(refunds).where(refunds.c.session_id == session_id).values(**values))


def _end(tx: Connection, session_id: str, values: dict[str, Any]) -> bool:
    same = (refunds.c.session_id == session_id, refunds.c.state.in_(_UNMADE))
    return tx.execute(update(refunds).where(*same).values(**values)).rowcount == 1


def _refund(row: Row[Any]) -> DueRefund:
    return DueRefund(
        session_id=row.session_id,
        payment_intent=row.payment_intent,
        parlay_id=row.parlay_id,
        amount_cents=row.amount_cents,
        reason=row.reason,
        state=RefundState(row.state),
        failure=row.failure,
        refund_id=row.refund_id,
        tries=row.tries,
        due_at=instant(row.due_ms),
    )
