"""Wallets: winnings claimed, less what was paid out to the user outside this service."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import func, select

from hedge_service.clock import millis
from hedge_service.core.ledger import paid_out
from hedge_service.core.money import Money
from hedge_service.store import ledger, parlays
from hedge_service.store.rows import insert_if_absent
from hedge_service.store.schema import payouts

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy.engine import Connection


class Overdrawn(Exception):  # noqa: N818 - says what the wallet would be
    """The wallet holds less than the payout; nothing of it was kept."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Payout:
    """Winnings that an operator paid outside; `reference` (a transfer's own number) is its unique key."""

    reference: str
    user_id: str
    amount: Money
    actor: str


def record(tx: Connection, payout: Payout, at: datetime) -> bool:
    """Record and book a payout; False when its reference is recorded already.

    Raises ValueError unless the amount is positive, Overdrawn when the wallet holds less.
    """
    if payout.amount <= Money.ZERO:
        raise ValueError(f"a payout is a positive amount: {payout.amount}")
    before = wallet(tx, payout.user_id)
    values = {
        "reference": payout.reference,
        "user_id": payout.user_id,
        "amount_micros": payout.amount.micros,
        "actor": payout.actor,
        "at_ms": millis(at),
    }
    if not insert_if_absent(tx, payouts, values):
        return False
    if before < payout.amount:
        raise Overdrawn(f"the wallet holds {before}, not {payout.amount}")
    return ledger.post(tx, paid_out(reference=payout.reference, amount=payout.amount), at)


def is_same(tx: Connection, payout: Payout) -> bool:
    """Say whether what is recorded under this reference went to the same user, in the same amount."""
    same = select(payouts.c.reference).where(
        payouts.c.reference == payout.reference,
        payouts.c.user_id == payout.user_id,
        payouts.c.amount_micros == payout.amount.micros,
    )
    return tx.execute(same).scalar() is not None


def wallet(tx: Connection, user_id: str) -> Money:
    """Give what a user has claimed and not been paid."""
    total = select(func.coalesce(func.sum(payouts.c.amount_micros), 0))
    paid = Money(int(tx.execute(total.where(payouts.c.user_id == user_id)).scalar_one()))
    return parlays.claimed(tx, user_id) - paid
