"""What Stripe has told of payments: refunds and disputes, kept even when known before the payment."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Any

from sqlalchemy import bindparam, func, select, update

from hedge_service.clock import millis
from hedge_service.core.money_back import Dispute, DisputeFee, DisputeState, StripeRefund
from hedge_service.store.payments import PaymentState
from hedge_service.store.prepared import Prepared
from hedge_service.store.rows import from_json, insert_if_absent, to_json
from hedge_service.store.schema import disputes, payments, stripe_refunds

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from sqlalchemy.engine import Connection

_MADE, _CAME_BACK = "made", "came_back"


class Hold(StrEnum):
    """Why nothing is paid out for a payment now."""

    DISPUTED = "disputed"
    PARKED = "parked"


def put_refund(tx: Connection, payment_intent: str, refund: StripeRefund, at: datetime) -> bool:
    """Keep a refund that Stripe tells of; say whether it is news. One that came back stays so."""
    status = _CAME_BACK if refund.came_back else _MADE
    values = {
        "id": refund.id,
        "payment_intent": payment_intent,
        "amount_cents": refund.amount_cents,
        "status": status,
        "seen_ms": millis(at),
    }
    if insert_if_absent(tx, stripe_refunds, values):
        return True
    if not refund.came_back:
        return False
    same = (stripe_refunds.c.id == refund.id, stripe_refunds.c.status != _CAME_BACK)
    return tx.execute(update(stripe_refunds).where(*same).values(status=_CAME_BACK)).rowcount == 1


def refunds_of(tx: Connection, payment_intent: str) -> tuple[StripeRefund, ...]:
    """List the refunds of a payment."""
    return tuple(
        StripeRefund(id=row.id, amount_cents=row.amount_cents, came_back=row.status == _CAME_BACK)
        for row in _REFUNDS.all(tx, {"key": payment_intent})
    )


_REFUNDS = Prepared(
    select(stripe_refunds)
    .where(stripe_refunds.c.payment_intent == bindparam("key"))
    .order_by(stripe_refunds.c.id)
)
_DISPUTES = Prepared(
    select(disputes).where(disputes.c.payment_intent == bindparam("key")).order_by(disputes.c.id)
)


def open_disputes_since(tx: Connection) -> tuple[int, int | None]:
    """Count disputes that are not closed, and say since when (epoch milliseconds) the oldest is open."""
    counted = select(func.count(), func.min(disputes.c.opened_ms)).where(disputes.c.closed_ms.is_(None))
    count, since_ms = tx.execute(counted).one()
    return count, since_ms


def put_dispute(tx: Connection, dispute: Dispute, at: datetime) -> bool:
    """Keep a dispute as Stripe tells it; say whether it is news. A closed one never opens again."""
    closed_ms = millis(at) if dispute.state is not DisputeState.OPEN else None
    values = {
        "id": dispute.id,
        "payment_intent": dispute.payment_intent,
        "amount_cents": dispute.amount_cents,
        "state": dispute.state.value,
        "fees": _fees_text(dispute.fees),
        "opened_ms": millis(at),
        "closed_ms": closed_ms,
    }
    if insert_if_absent(tx, disputes, values):
        return True
    row = tx.execute(select(disputes).where(disputes.c.id == dispute.id)).one()
    changes: dict[str, Any] = {"fees": _fees_text((*_fees(row.fees), *dispute.fees))}
    news = row.state == DisputeState.OPEN.value and closed_ms is not None
    if news:
        told = {"state": dispute.state.value, "amount_cents": dispute.amount_cents, "closed_ms": closed_ms}
        changes |= told
    tx.execute(update(disputes).where(disputes.c.id == dispute.id).values(**changes))
    return news


def disputes_of(tx: Connection, payment_intent: str) -> tuple[Dispute, ...]:
    """List the disputes of a payment."""
    return tuple(
        Dispute(
            id=row.id,
            payment_intent=row.payment_intent,
            amount_cents=row.amount_cents,
            state=DisputeState(row.state),
            fees=_fees(row.fees),
        )
        for row in _DISPUTES.all(tx, {"key": payment_intent})
    )


def hold(tx: Connection, session_id: str) -> Hold | None:
    """Say why nothing is paid out for a session now: an open dispute, or a payment that a person looks at."""
    same = payments.c.session_id == session_id
    payment = tx.execute(select(payments.c.state, payments.c.payment_intent).where(same)).one_or_none()
    if payment is None:
        return None
    known = () if payment.payment_intent is None else disputes_of(tx, payment.payment_intent)
    if any(dispute.state is DisputeState.OPEN for dispute in known):
        return Hold.DISPUTED
    return None if payment.state == PaymentState.ACCEPTED.value else Hold.PARKED


def _fees_text(fees: Iterable[DisputeFee]) -> str:
    # Each movement once, however many events name it.
    return to_json({fee.transaction_id: fee.cents for fee in fees})


def _fees(text: str) -> tuple[DisputeFee, ...]:
    return tuple(DisputeFee(name, cents) for name, cents in from_json(text).items())
