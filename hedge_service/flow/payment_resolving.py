"""What a person decides about a payment that waits: its money goes back, or its parlay is sold after all."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from hedge_service.core.acceptance import ParkReason
from hedge_service.core.ledger import parked_payment_accepted
from hedge_service.core.money_back import RefundState
from hedge_service.core.settlement import ParlayState
from hedge_service.errors import Conflict, NotFound
from hedge_service.flow.accepting import Sale, checkout_of
from hedge_service.flow.charges import known_trouble
from hedge_service.flow.voiding import void_and_refund
from hedge_service.logs import digest
from hedge_service.store import audit, ledger, parlays, payments, quotes, refunds
from hedge_service.store.payments import PaymentState

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy.engine import Connection

    from hedge_service.core.market import Market
    from hedge_service.flow.accepting import Accepting
    from hedge_service.flow.operating import Operator
    from hedge_service.store.db import Database
    from hedge_service.store.parlays import Parlay
    from hedge_service.store.payments import Payment

BY_A_PERSON = "by_a_person"


class Outcome(StrEnum):
    """What became of the payment."""

    REFUND_DUE = "refund_due"
    VOID_AND_REFUND_DUE = "void_and_refund_due"
    SOLD = "sold"
    RELEASED = "released"


@dataclass(frozen=True, slots=True, kw_only=True)
class Resolved:
    """A payment and what was decided about it."""

    session: str
    outcome: Outcome
    parlay_id: str | None


class Resolving:
    """Carries out an operator's word on a parked payment, in one transaction with its audit row.

    Every act raises NotFound and Conflict with the reason, and then nothing has changed.
    """

    def __init__(self, *, database: Database, accepting: Accepting) -> None:
        self._database = database
        self._accepting = accepting

    async def refund(self, name: str, by: Operator) -> Resolved:
        """Let the money go back; an open parlay of it is void."""

        def refund(tx: Connection) -> Resolved:
            payment = _parked(tx, name)
            parlay = parlays.by_session(tx, payment.session_id)
            outcome = _give_back(tx, payment, parlay, by.at)
            return _audited(tx, payment, by, outcome)

        return await self._database.write(refund)

    async def accept(self, name: str, by: Operator) -> Resolved:
        """Release the parlay of a payment, or sell its quote after all. Raises PeerError, too.

        Sold only when the whole price was paid, nothing of it went back, the quote is unsold and every leg
        is open now; at the quote's own payout, hedged at the quote's prices and their limits.
        """
        sale = await self._database.read(lambda tx: _sale(tx, name))
        markets = await self._accepting.markets_of(sale.quote)

        def accept(tx: Connection) -> Resolved:
            payment = _parked(tx, name)
            parlay = parlays.by_session(tx, payment.session_id)
            if parlay is not None:
                outcome = _release(tx, payment, parlay)
            else:
                found = _sale(tx, name)
                sold = Sale(
                    session_id=found.session_id, checkout=found.checkout, quote=found.quote, markets=markets
                )
                outcome = self._sell(tx, payment, sold, by.at)
            return _audited(tx, payment, by, outcome)

        return await self._database.write(accept)

    def _sell(self, tx: Connection, payment: Payment, sale: Sale, now: datetime) -> Outcome:
        _check_whole(tx, payment, sale)
        _check_open(sale, now)
        result = self._accepting.sell(tx, sale, now)
        if result.parlay is None:
            raise Conflict("The quote is sold already", "Refund the payment instead.")
        payments.moved(tx, payment.session_id, PaymentState.ACCEPTED, None)
        stake = result.parlay.stake
        accepted = parked_payment_accepted(
            session_id=payment.session_id, parlay_id=result.parlay.id, stake=stake
        )
        ledger.post(tx, accepted, now)
        return Outcome.SOLD


def _parked(tx: Connection, name: str) -> Payment:
    payment = payments.named(tx, name)
    if payment is None:
        raise NotFound("No such payment", "Name it by its event, payment intent, session or session digest.")
    if payment.state is not PaymentState.PARKED:
        raise Conflict(f"The payment does not wait: it is {payment.state.value}", "There is nothing to do.")
    return payment


def _sale(tx: Connection, name: str) -> Sale:
    payment = _parked(tx, name)
    checkout = checkout_of(tx, None, payment.session_id)
    quote_id = payment.quote_id if checkout is None else checkout.quote_id
    quote = None if quote_id is None else quotes.get(tx, quote_id)
    return Sale(session_id=payment.session_id, checkout=checkout, quote=quote, markets={})


def _give_back(tx: Connection, payment: Payment, parlay: Parlay | None, now: datetime) -> Outcome:
    if parlay is not None and parlay.state in (ParlayState.WON, ParlayState.LOST):
        raise Conflict(
            f"The parlay of this payment is {parlay.state}",
            "Its money is no longer the payer's. Release it with --accept; a gift is made at Stripe.",
        )
    if parlay is not None and parlay.state == ParlayState.OPEN:
        void_and_refund(tx, parlay, reason=BY_A_PERSON, at=now)
        return Outcome.VOID_AND_REFUND_DUE
    _owe(tx, payment, parlay, now)
    return Outcome.REFUND_DUE


def _owe(tx: Connection, payment: Payment, parlay: Parlay | None, now: datetime) -> None:
    parlay_id = None if parlay is None else parlay.id
    if refunds.due(tx, payment.session_id, parlay_id=parlay_id, reason=BY_A_PERSON, at=now):
        return
    row = refunds.get(tx, payment.session_id)
    if row is None or row.state in (RefundState.MADE, RefundState.DROPPED):
        raise Conflict("The money has gone back already", "There is nothing to do.")
    refunds.due_again(tx, payment.session_id, amount_cents=payment.amount_cents, at=now)


def _release(tx: Connection, payment: Payment, parlay: Parlay) -> Outcome:
    if parlay.state == ParlayState.VOID:
        raise Conflict("The parlay of this payment is void", "Refund the payment instead.")
    payments.moved(tx, payment.session_id, PaymentState.ACCEPTED, None)
    return Outcome.RELEASED


def _check_whole(tx: Connection, payment: Payment, sale: Sale) -> None:
    """Refuse to sell for money that is not all there, or not ours to keep."""
    if payment.reason == ParkReason.WRONG_STRIPE_MODE:
        raise Conflict("The payment is of Stripe's other mode", "Nothing can be sold for it.")
    if refunds.get(tx, payment.session_id) is not None:
        raise Conflict("The payment's refund is under way", "It can't be sold any more.")
    trouble = known_trouble(tx, payment.payment_intent)
    if trouble is not None:
        raise Conflict(f"Stripe says of the payment: {trouble.value}", "Refund the payment instead.")
    checkout = sale.checkout
    if checkout is None or sale.quote is None:
        raise Conflict("The payment's quote is not known", "Refund the payment instead.")
    paid = (payment.amount_cents, payment.currency.lower())
    if paid != (checkout.amount_cents, checkout.currency):
        raise Conflict("The payment is not the quote's price", "Refund the payment instead.")


def _check_open(sale: Sale, now: datetime) -> None:
    legs = () if sale.quote is None else sale.quote.legs
    closed = [leg.bet.ticker for leg in legs if not _is_open(sale.markets.get(leg.bet.ticker), now)]
    if closed:
        raise Conflict("Not every leg's market is open", f"Refund the payment instead: {', '.join(closed)}.")


def _is_open(market: Market | None, now: datetime) -> bool:
    return market is not None and market.open_at(now)


def _audited(tx: Connection, payment: Payment, by: Operator, outcome: Outcome) -> Resolved:
    parlay = parlays.by_session(tx, payment.session_id)
    parlay_id = None if parlay is None else parlay.id
    audit.put(
        tx,
        actor=by.name,
        action="resolve-payment",
        subject=digest(payment.session_id),
        reason=by.reason,
        at=by.at,
        details={
            "outcome": outcome.value,
            "event_id": payment.event_id,
            "payment_intent": payment.payment_intent,
            "parked_for": payment.reason,
            "parlay_id": parlay_id,
        },
    )
    return Resolved(session=digest(payment.session_id), outcome=outcome, parlay_id=parlay_id)
