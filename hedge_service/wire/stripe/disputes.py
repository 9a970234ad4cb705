"""Disputes, as far as the books need them.

https://docs.stripe.com/api/disputes/object
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hedge_service.core.money_back import Dispute, DisputeFee, DisputeState
from hedge_service.wire.stripe import fields

if TYPE_CHECKING:
    from collections.abc import Mapping

# An inquiry that ends without a chargeback, and one that was prevented, take nothing: as good as won.
_STATES = {
    "won": DisputeState.WON,
    "warning_closed": DisputeState.WON,
    "prevented": DisputeState.WON,
    "lost": DisputeState.LOST,
}


def read_dispute(body: Mapping[str, Any]) -> Dispute | None:
    """Read a dispute object; None when it names no payment intent: it is none of ours. Raises BadObject.

    Any status this version does not know counts as open.
    """
    payment_intent = fields.reference(body, "payment_intent")
    if payment_intent is None:
        return None
    return Dispute(
        id=fields.text(body, "id"),
        payment_intent=payment_intent,
        amount_cents=fields.integer(body, "amount"),
        state=_STATES.get(fields.word(body, "status"), DisputeState.OPEN),
        fees=_fees(body),
    )


def _fees(body: Mapping[str, Any]) -> tuple[DisputeFee, ...]:
    rows = body.get("balance_transactions")
    told = [row for row in rows if isinstance(row, dict)] if isinstance(rows, list) else []
    fees = (DisputeFee(fields.text(row, "id"), fields.integer(row, "fee")) for row in told)
    return tuple(fee for fee in fees if fee.cents != 0)
