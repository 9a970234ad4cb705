"""Refunds that are due: asked of Stripe until the money is on its way, once, whatever is lost between."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from hedge_service.clients.payments_errors import PaymentsRefused
from hedge_service.core.ids import refund_key
from hedge_service.core.money_back import RefundState, StripeRefund, gone, wait_before_next
from hedge_service.errors import PeerError
from hedge_service.flow.charges import settle_charge
from hedge_service.flow.notes import Note, tell
from hedge_service.logs import digest
from hedge_service.store import charges, refunds
from hedge_service.store.leases import Deposed
from hedge_service.wire.stripe.refunds import RefundStatus

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from datetime import datetime

    from sqlalchemy.engine import Connection

    from hedge_service.clock import Clock
    from hedge_service.flow.sender import Sender
    from hedge_service.store.db import Database
    from hedge_service.store.refunds import DueRefund
    from hedge_service.wire.stripe.refunds import Refund

AT_ONCE = 50
NO_PAYMENT_INTENT = "no_payment_intent"
CAME_BACK = frozenset({RefundStatus.FAILED, RefundStatus.CANCELED})


class RefundDoor(Protocol):
    """What is asked of Stripe; both raise PeerError."""

    async def refund(self, payment_intent: str, amount_cents: int, *, idempotency_key: str) -> Refund:
        """Send money back, once for a key."""

    async def refunds_of(self, payment_intent: str) -> tuple[Refund, ...]:
        """Read all refunds of a payment, whoever made them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Ask:
    """What to ask for: what is left of the payment, under a key that only this refund has."""

    row: DueRefund
    payment_intent: str
    cents: int
    key: str


class Refunds:
    """Asks Stripe for every refund that is due. Only the holder of the sender's lease asks, halted or not."""

    def __init__(
        self, *, database: Database, payments: RefundDoor, sender: Sender, clock: Clock, log: Any
    ) -> None:
        self._database = database
        self._payments = payments
        self._sender = sender
        self._clock = clock
        self._log = log
        self._told: set[str] = set()

    async def step(self) -> None:
        """Ask for every refund whose time has come; what Stripe does not prove is asked again."""
        if not self._sender.alive():
            return
        now = self._clock.now()
        rows = await self._database.read(lambda tx: refunds.waiting(tx, now, AT_ONCE))
        try:
            for row in rows:
                self._tell_due(row)
                await self._make(row)
        except Deposed as error:
            self._log.warning("refund.left", reason=str(error))

    def _tell_due(self, row: DueRefund) -> None:
        if row.session_id not in self._told:
            self._told.add(row.session_id)
            self._log.info("refund.due", **_fields(row), reason=row.reason)

    async def _make(self, row: DueRefund) -> None:
        if row.payment_intent is None:
            await self._postpone(row, RefundState.REFUSED, NO_PAYMENT_INTENT)
            return
        ask = await self._database.read(_asking(row, row.payment_intent))
        try:
            told = await self._told_by_stripe(ask)
        except PaymentsRefused as refusal:
            await self._postpone(row, RefundState.REFUSED, refusal.stripe_code)
        except PeerError as error:
            await self._postpone(row, RefundState.DUE, error.code)
        else:
            await self._record(ask.payment_intent, told)

    async def _told_by_stripe(self, ask: _Ask) -> tuple[Refund, ...]:
        """Ask for the refund. A refusal may mean that it was made before: Stripe's own list decides."""
        if ask.cents <= 0:
            return await self._payments.refunds_of(ask.payment_intent)
        try:
            made = await self._payments.refund(ask.payment_intent, ask.cents, idempotency_key=ask.key)
        except PaymentsRefused:
            known = await self._payments.refunds_of(ask.payment_intent)
            if gone(as_facts(known), ()).cents < ask.row.amount_cents:
                raise
            return known
        return (made,)

    async def _record(self, payment_intent: str, told: tuple[Refund, ...]) -> None:
        now = self._clock.now()

        def record(tx: Connection) -> tuple[Note, ...]:
            self._sender.guard(tx)
            return learned(tx, payment_intent, told, now)

        tell(self._log, await self._database.write(record))

    async def _postpone(self, row: DueRefund, state: RefundState, failure: str) -> None:
        refused = state is RefundState.REFUSED
        wait = wait_before_next(row.tries, refused=refused)
        until = self._clock.now() + wait

        def postpone(tx: Connection) -> None:
            self._sender.guard(tx)
            refunds.postponed(tx, row.session_id, state=state, failure=failure, until=until)

        await self._database.write(postpone)
        fields = {
            **_fields(row),
            "code": failure,
            "tries": row.tries + 1,
            "wait_s": str(wait.total_seconds()),
        }
        tell(self._log, (Note(event="refund.failed", fields=fields, person=refused),))


def as_facts(told: Iterable[Refund]) -> tuple[StripeRefund, ...]:
    """Give Stripe's refunds as what matters of them; any status but failed and canceled counts as gone."""
    return tuple(
        StripeRefund(id=each.id, amount_cents=each.amount, came_back=each.status in CAME_BACK)
        for each in told
    )


def learned(tx: Connection, payment_intent: str, told: Iterable[Refund], at: datetime) -> tuple[Note, ...]:
    """Keep what Stripe tells of a payment's refunds, and bring everything in line with it."""
    news = [charges.put_refund(tx, payment_intent, fact, at) for fact in as_facts(told)]
    return settle_charge(tx, payment_intent, at, news=any(news))


def _asking(row: DueRefund, payment_intent: str) -> Callable[[Connection], _Ask]:
    def asking(tx: Connection) -> _Ask:
        known = charges.refunds_of(tx, payment_intent)
        cents = row.amount_cents - gone(known, ()).cents
        came_back = sum(refund.came_back for refund in known)
        key = refund_key(row.session_id, cents, came_back)
        return _Ask(row=row, payment_intent=payment_intent, cents=cents, key=key)

    return asking


def _fields(row: DueRefund) -> dict[str, object]:
    return {
        "session": digest(row.session_id),
        "parlay_id": row.parlay_id,
        "amount_cents": row.amount_cents,
    }
