"""What Stripe keeps of each payment: asked until it is told, then booked once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from hedge_service.core.ledger import stripe_fee
from hedge_service.errors import PeerError
from hedge_service.logs import digest
from hedge_service.store import ledger, parlays, payments
from hedge_service.store.leases import Deposed

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy.engine import Connection

    from hedge_service.clock import Clock
    from hedge_service.core.money import Money
    from hedge_service.flow.sender import Sender
    from hedge_service.store.db import Database
    from hedge_service.store.payments import Payment

AT_ONCE = 50
FIRST_WAIT_S = 2.0
LONGEST_WAIT_S = 300.0


class FeeReads(Protocol):
    """The one question to Stripe."""

    async def fee_of(self, payment_intent: str) -> Money | None:
        """Tell what was kept of a payment; None while that is not known."""


class PaymentFees:
    """Asks for each payment's fee, waiting longer each time it is not told."""

    def __init__(
        self, *, database: Database, reads: FeeReads, sender: Sender, clock: Clock, log: Any
    ) -> None:
        self._database = database
        self._reads = reads
        self._sender = sender
        self._clock = clock
        self._log = log
        self._later: dict[str, tuple[float, float]] = {}

    async def step(self) -> None:
        """Ask for the fees not known; what can't be asked is tried again later."""
        if not self._sender.may_send():
            return
        unknown = await self._database.read(lambda tx: payments.fee_unknown(tx, AT_ONCE))
        try:
            for payment in unknown:
                if self._later.get(payment.session_id, (0.0, 0.0))[0] <= self._clock.monotonic():
                    await self._ask(payment)
        except Deposed as error:
            self._log.warning("payment.fees_left", reason=str(error))

    async def _ask(self, payment: Payment) -> None:
        try:
            fee = None if payment.payment_intent is None else await self._reads.fee_of(payment.payment_intent)
        except PeerError as error:
            fee = None
            self._log.warning("payment.fee_unreadable", **_named(payment), reason=error.code)
        if fee is None:
            self._wait(payment.session_id)
            return
        self._later.pop(payment.session_id, None)
        if await self._database.write(self._booking(payment, fee)):
            self._log.info("payment.fee_booked", **_named(payment), fee_dollars=str(fee))

    def _wait(self, session_id: str) -> None:
        wait_s = min(max(self._later.get(session_id, (0.0, 0.0))[1] * 2, FIRST_WAIT_S), LONGEST_WAIT_S)
        self._later[session_id] = (self._clock.monotonic() + wait_s, wait_s)

    def _booking(self, payment: Payment, fee: Money) -> Callable[[Connection], bool]:
        now = self._clock.now()

        def book(tx: Connection) -> bool:
            self._sender.guard(tx)
            if not payments.fee_told(tx, payment.session_id, fee):
                return False
            parlay = parlays.by_session(tx, payment.session_id)
            parlay_id = None if parlay is None else parlay.id
            entry = stripe_fee(session_id=payment.session_id, parlay_id=parlay_id, fee=fee)
            return ledger.post(tx, entry, now)

        return book


def _named(payment: Payment) -> dict[str, Any]:
    return {"session": digest(payment.session_id)}
