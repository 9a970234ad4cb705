"""Money going back: refunds and disputes.

https://docs.stripe.com/api/refunds
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from hedge_service.sandbox.stripe.errors import StripeError, invalid
from hedge_service.sandbox.stripe.params import Params, metadata_of
from hedge_service.sandbox.stripe.payments import book_balance

if TYPE_CHECKING:
    from hedge_service.sandbox.control import Json
    from hedge_service.sandbox.stripe.books import Books

DISPUTE_FEE_CENTS = 1500
_REASONS = (None, "duplicate", "fraudulent", "requested_by_customer")
_DISPUTE_OPEN = "needs_response"
_EVIDENCE_S = 7 * 24 * 60 * 60


def create_refund(books: Books, params: Params) -> Json:
    """Give a charge's money back, in full or in part; Stripe keeps its fee.

    Records `refund.created` and `charge.refunded`. Raises StripeError: 404 unknown charge, 400 too much.
    """
    params.only(("charge", "payment_intent", "amount", "reason", "metadata", "expand", "currency"))
    charge = _charge_of(books, params)
    amount = _refundable(charge, params.integer("amount"))
    if (reason := params.text("reason")) not in _REASONS:
        raise invalid(f"Invalid reason: {str(reason)[:40]}", param="reason")
    refund = _new_refund(books, charge, amount, reason)
    refund["metadata"] = metadata_of(params)
    booked = book_balance(books, kind="refund", source=refund, amount=-amount, fee=0)
    refund["balance_transaction"] = booked["id"]
    charge["amount_refunded"] += amount
    charge["refunded"] = charge["amount_refunded"] == charge["amount"]
    books.record("refund.created", refund)
    books.record("charge.refunded", charge)
    return refund


def open_dispute(books: Books, charge_id: str, *, reason: str = "fraudulent") -> Json:
    """Take a charge's money away and give the `charge.dispute.created` event.

    Raises StripeError: 404 unknown charge, 400 when it is disputed already or was never paid.
    """
    charge = books.charges.get(charge_id, param="charge")
    if charge["disputed"] or not charge["paid"]:
        raise StripeError(400, "Only a paid charge that is not disputed yet can be disputed.")
    charge["disputed"] = True
    dispute = books.disputes.add(
        {
            "id": books.new_id("dp"),
            "object": "dispute",
            "amount": charge["amount"],
            "charge": charge["id"],
            "created": books.now(),
            "currency": charge["currency"],
            "evidence_details": {"due_by": books.now() + _EVIDENCE_S, "has_evidence": False},
            "is_charge_refundable": False,
            "livemode": books.livemode,
            "metadata": {},
            "payment_intent": charge["payment_intent"],
            "reason": reason,
            "status": _DISPUTE_OPEN,
        }
    )
    taken = book_balance(
        books, kind="adjustment", source=dispute, amount=-charge["amount"], fee=DISPUTE_FEE_CENTS
    )
    dispute["balance_transactions"] = [taken]
    return books.record("charge.dispute.created", dispute)


def close_dispute(books: Books, dispute_id: str, *, won: bool) -> Json:
    """End a dispute and give the `charge.dispute.closed` event; a won one brings the amount back.

    Raises StripeError: 404 unknown, 400 when it is closed already.
    """
    dispute = books.disputes.get(dispute_id, param="dispute")
    if dispute["status"] != _DISPUTE_OPEN:
        raise StripeError(400, "This dispute is already closed.")
    dispute["status"] = "won" if won else "lost"
    if won:
        given = book_balance(books, kind="adjustment", source=dispute, amount=dispute["amount"], fee=0)
        dispute["balance_transactions"].append(given)
    return books.record("charge.dispute.closed", dispute)


def _charge_of(books: Books, params: Params) -> Json:
    charge_id, intent_id = params.text("charge"), params.text("payment_intent")
    if charge_id is not None:
        return books.charges.get(charge_id, param="charge")
    if intent_id is None:
        raise invalid(
            "One of the following params should be provided for this request: payment_intent or charge.",
            param="charge",
            code="parameter_missing",
        )
    intent = books.payment_intents.get(intent_id, param="payment_intent")
    return books.charges.get(intent["latest_charge"], param="payment_intent")


def _refundable(charge: Json, asked: int | None) -> int:
    left = int(charge["amount"] - charge["amount_refunded"])
    if not charge["paid"]:
        raise StripeError(400, f"Charge {charge['id']} was not paid.", code="charge_not_refundable")
    if charge["disputed"]:
        raise StripeError(400, f"Charge {charge['id']} has been charged back.", code="charge_disputed")
    if left == 0:
        message = f"Charge {charge['id']} has already been refunded."
        raise StripeError(400, message, code="charge_already_refunded")
    amount = left if asked is None else asked
    if amount < 1:
        raise invalid("This value must be greater than or equal to 1.", param="amount")
    if amount > left:
        raise invalid(
            f"Refund amount ({amount} cents) is greater than unrefunded amount on charge ({left} cents)",
            param="amount",
        )
    return amount


def _new_refund(books: Books, charge: Json, amount: int, reason: str | None) -> Json:
    return books.refunds.add(
        {
            "id": books.new_id("re"),
            "object": "refund",
            "amount": amount,
            "balance_transaction": None,
            "charge": charge["id"],
            "created": books.now(),
            "currency": charge["currency"],
            "metadata": {},
            "payment_intent": charge["payment_intent"],
            "reason": reason,
            "status": "succeeded",
        }
    )
