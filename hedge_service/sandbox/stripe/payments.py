"""Payments: intents, charges and Stripe's own fee on them.

https://docs.stripe.com/api/payment_intents
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

from hedge_service.sandbox.stripe.errors import StripeError
from hedge_service.sandbox.stripe.sessions import expire_due_sessions

if TYPE_CHECKING:
    from hedge_service.sandbox.control import Json
    from hedge_service.sandbox.stripe.books import Books


class PayMethod(StrEnum):
    """How the customer pays: a card at once, or a bank debit that is proved later."""

    CARD = "card"
    ASYNC = "async"


class AsyncOutcome(StrEnum):
    """How a bank debit ended."""

    SUCCEEDED = "succeeded"
    FAILED = "failed"


def processing_fee(amount_cents: int) -> int:
    """Give Stripe's fee in cents on a US card: 2.9 % (half a cent rounds up) + 30 cents.

    https://stripe.com/pricing
    """
    return (amount_cents * 29 + 500) // 1000 + 30


def pay_session(books: Books, session_id: str, method: PayMethod) -> Json:
    """Complete an open session and give its `checkout.session.completed` event.

    A card payment is paid; an asynchronous one is unpaid until `end_async_payment`.
    Raises StripeError: 404 unknown, 400 when the session is no longer open.
    """
    expire_due_sessions(books)
    session = books.sessions.get(session_id)
    if session["status"] != "open":
        raise StripeError(400, f"This Checkout Session is {session['status']} and takes no payment.")
    intent = _new_intent(books, session)
    charge = _new_charge(books, intent, method)
    intent["latest_charge"] = charge["id"]
    session.update(
        payment_intent=intent["id"], status="complete", url=None, customer_details=charge["billing_details"]
    )
    if method is PayMethod.CARD:
        _succeed(books, session, intent, charge)
    return books.record("checkout.session.completed", session)


def end_async_payment(books: Books, session_id: str, outcome: AsyncOutcome) -> Json:
    """End a pending payment and give its `checkout.session.async_payment_*` event.

    Raises StripeError: 404 unknown, 400 when no payment is pending.
    """
    session = books.sessions.get(session_id)
    intent = books.payment_intents.find(session["payment_intent"] or "")
    if intent is None or intent["status"] != "processing":
        raise StripeError(400, "This Checkout Session has no pending payment.")
    charge = books.charges.get(intent["latest_charge"])
    if outcome is AsyncOutcome.SUCCEEDED:
        _succeed(books, session, intent, charge)
    else:
        intent["status"] = "requires_payment_method"
        charge.update(status="failed", failure_code="insufficient_funds")
        books.record("charge.failed", charge)
        books.record("payment_intent.payment_failed", intent)
    return books.record(f"checkout.session.async_payment_{outcome}", session)


def book_balance(books: Books, *, kind: str, source: Json, amount: int, fee: int) -> Json:
    """Book one movement of the account's balance, in cents; `net` is amount less fee."""
    details = [{"amount": fee, "currency": source["currency"], "type": "stripe_fee"}] if fee else []
    return books.balance_transactions.add(
        {
            "id": books.new_id("txn"),
            "object": "balance_transaction",
            "amount": amount,
            "available_on": books.now(),
            "created": books.now(),
            "currency": source["currency"],
            "description": None,
            "exchange_rate": None,
            "fee": fee,
            "fee_details": details,
            "net": amount - fee,
            "reporting_category": kind,
            "source": source["id"],
            "status": "available",
            "type": kind,
        }
    )


def _succeed(books: Books, session: Json, intent: Json, charge: Json) -> None:
    amount = charge["amount"]
    booked = book_balance(books, kind="charge", source=charge, amount=amount, fee=processing_fee(amount))
    charge.update(
        status="succeeded", paid=True, captured=True, amount_captured=amount, balance_transaction=booked["id"]
    )
    intent.update(status="succeeded", amount_received=amount)
    session["payment_status"] = "paid"
    books.record("charge.succeeded", charge)
    books.record("payment_intent.succeeded", intent)


def _new_intent(books: Books, session: Json) -> Json:
    asked = books.intent_data[session["id"]]
    return books.payment_intents.add(
        {
            "id": books.new_id("pi"),
            "object": "payment_intent",
            "amount": session["amount_total"],
            "amount_received": 0,
            "capture_method": "automatic_async",
            "created": books.now(),
            "currency": session["currency"],
            "customer": None,
            "description": asked["description"],
            "latest_charge": None,
            "livemode": books.livemode,
            "metadata": asked["metadata"],
            "payment_method_types": session["payment_method_types"],
            "status": "processing",
        }
    )


def _new_charge(books: Books, intent: Json, method: PayMethod) -> Json:
    card = {"type": "card", "card": {"brand": "visa", "last4": "4242", "exp_month": 12, "exp_year": 2034}}
    debit = {"type": "us_bank_account", "us_bank_account": {"last4": "6789"}}
    return books.charges.add(
        {
            "id": books.new_id("ch"),
            "object": "charge",
            "amount": intent["amount"],
            "amount_captured": 0,
            "amount_refunded": 0,
            "balance_transaction": None,
            "billing_details": {"email": "buyer@example.com", "name": "Sandbox Buyer", "phone": None},
            "captured": False,
            "created": books.now(),
            "currency": intent["currency"],
            "customer": None,
            "description": intent["description"],
            "disputed": False,
            "failure_code": None,
            "livemode": books.livemode,
            "metadata": intent["metadata"],
            "paid": False,
            "payment_intent": intent["id"],
            "payment_method_details": card if method is PayMethod.CARD else debit,
            "receipt_email": None,
            "refunded": False,
            "status": "pending",
        }
    )
