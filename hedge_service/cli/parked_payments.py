"""The payments that bought nothing, as `parked` shows them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from hedge_service.cli import ops
from hedge_service.logs import digest

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy.engine import Connection

    from hedge_service.store.payments import Payment
    from hedge_service.store.refunds import DueRefund

    ParkedPayment = tuple[Payment, DueRefund | None]


def parked_payments(tx: Connection) -> tuple[ParkedPayment, ...]:
    """Read the parked payments, oldest first, each with the refund that is due for it, if any."""
    from hedge_service.store import payments, refunds  # noqa: PLC0415 - heavy imports where they are used

    return tuple((one, refunds.get(tx, one.session_id)) for one in payments.parked(tx))


def parked_payment_body(parked: ParkedPayment, now: datetime) -> dict[str, Any]:
    """Give a parked payment as plain values; its session is a bearer secret, and told as a digest."""
    one, refund = parked
    return {
        "payment_intent": one.payment_intent,
        "session": digest(one.session_id),
        "amount_cents": one.amount_cents,
        "currency": one.currency,
        "paid_at": ops.moment(one.paid_at),
        "age_s": round((now - one.paid_at).total_seconds(), 1),
        "why": one.reason,
        "refund": None
        if refund is None
        else {"state": refund.state.value, "failure": refund.failure, "tries": refund.tries},
        "commands": {act: _command(one, act) for act in ("refund", "accept")},
    }


def show_parked_payment(parked: ParkedPayment, now: datetime) -> None:
    """Print a parked payment for a person."""
    one, refund = parked
    amount = f"{one.amount_cents / 100:.2f} {one.currency}"
    why = "" if one.reason is None else f": {one.reason.replace('_', ' ')}"
    click.echo(f"payment {_name(one)} of {amount}, paid {ops.age(now - one.paid_at)} ago{why}")
    if refund is not None:
        failure = "" if refund.failure is None else f" ({refund.failure})"
        click.echo(f"  its refund is {refund.state.value}{failure}, asked for by the running service")
    for act in ("refund", "accept"):
        click.echo(f"  to {act} it: {_command(one, act)}")


def _command(one: Payment, act: str) -> str:
    return f'hedge-service resolve-payment {_name(one)} --{act} --reason "..."'


def _name(one: Payment) -> str:
    return digest(one.session_id) if one.payment_intent is None else one.payment_intent
