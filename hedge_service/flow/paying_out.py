"""Winnings paid to users outside this service: booked once by their reference, and audited."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hedge_service.flow.operating import NotAllowed
from hedge_service.logs import digest
from hedge_service.store import audit, payouts

if TYPE_CHECKING:
    from sqlalchemy.engine import Connection

    from hedge_service.core.money import Money
    from hedge_service.flow.operating import Operator


def pay_out(
    tx: Connection, *, user_id: str, amount: Money, reference: str, by: Operator
) -> tuple[bool, Money]:
    """Book a payout; give whether it is new and what the wallet holds then.

    A payout that was booked before changes nothing. Raises ValueError unless the amount is positive,
    Overdrawn when the wallet holds less, NotAllowed when the reference is another payout's.
    """
    paid = payouts.Payout(reference=reference, user_id=user_id, amount=amount, actor=by.name)
    new = payouts.record(tx, paid, by.at)
    if not payouts.is_same(tx, paid):
        raise NotAllowed(f"{reference} is booked already, for another user or amount")
    if new:
        audit.put(
            tx,
            actor=by.name,
            action="payout",
            subject=digest(user_id),
            reason=by.reason,
            at=by.at,
            details={"reference": reference, "amount_dollars": str(amount)},
        )
    return new, payouts.wallet(tx, user_id)
