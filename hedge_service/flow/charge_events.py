"""Stripe's events about money that goes back: refunds and disputes, in any order, any number of times."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from hedge_service.core.money_back import DisputeState
from hedge_service.flow.charges import settle_charge
from hedge_service.flow.notes import Note, tell
from hedge_service.flow.refunds import learned
from hedge_service.store import charges, inbox
from hedge_service.wire.stripe import events
from hedge_service.wire.stripe.disputes import read_dispute

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy.engine import Connection

    from hedge_service.clock import Clock
    from hedge_service.core.inbox import StoredEvent
    from hedge_service.core.money_back import Dispute
    from hedge_service.store.db import Database
    from hedge_service.wire.stripe.events import StripeEvent
    from hedge_service.wire.stripe.refunds import Refund


class RefundReads(Protocol):
    """What is asked of Stripe; raises PeerError."""

    async def refunds_of(self, payment_intent: str) -> tuple[Refund, ...]:
        """Read all refunds of a payment, whoever made them."""


class ChargeEvents:
    """Handles refund and dispute events.

    A refund event only says that something is to be read: Stripe's own list of the payment's refunds is what
    counts, so that late and reordered events can't tell an older truth. A dispute's states only go forward.
    """

    def __init__(self, *, database: Database, payments: RefundReads, clock: Clock, log: Any) -> None:
        self._database = database
        self._payments = payments
        self._clock = clock
        self._log = log

    async def handle(self, event: StoredEvent, told: StripeEvent) -> None:
        """Handle one event, once. Raises PeerError (try again later) and BadObject (unreadable)."""
        if told.type in events.DISPUTE_TYPES:
            dispute = read_dispute(told.object)
            await self._apply(event, None if dispute is None else self._disputed(dispute))
            return
        payment_intent = events.payment_of(told)
        if payment_intent is None:
            await self._apply(event, None)
            return
        listed = await self._payments.refunds_of(payment_intent)
        now = self._clock.now()
        await self._apply(event, lambda tx: learned(tx, payment_intent, listed, now))

    async def _apply(self, event: StoredEvent, act: Callable[[Connection], tuple[Note, ...]] | None) -> None:
        now = self._clock.now()

        def apply(tx: Connection) -> tuple[Note, ...]:
            if not inbox.is_open(tx, event.id):
                return ()
            notes = () if act is None else act(tx)
            inbox.handled(tx, event.id, "noted" if act is None else "settled", now)
            return notes

        tell(self._log, await self._database.write(apply))

    def _disputed(self, dispute: Dispute) -> Callable[[Connection], tuple[Note, ...]]:
        now = self._clock.now()

        def disputed(tx: Connection) -> tuple[Note, ...]:
            news = charges.put_dispute(tx, dispute, now)
            notes = settle_charge(tx, dispute.payment_intent, now, news=news)
            return (*((_note(dispute),) if news else ()), *notes)

        return disputed


def _note(dispute: Dispute) -> Note:
    opened = dispute.state is DisputeState.OPEN
    return Note(
        event="dispute.opened" if opened else "dispute.closed",
        fields={
            "dispute_id": dispute.id,
            "payment_intent": dispute.payment_intent,
            "amount_cents": dispute.amount_cents,
            "state": dispute.state.value,
        },
        person=opened,
    )
