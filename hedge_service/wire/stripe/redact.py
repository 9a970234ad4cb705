"""Keep of Stripe's objects what the books need, and nothing about a person.

A list of what stays, since a list of what goes would miss the next field that Stripe adds.
"""

from __future__ import annotations

from typing import Any

MAX_DEPTH = 12

KEPT = frozenset(
    {
        # every object; lists
        *("id", "object", "type", "created", "livemode", "data", "has_more", "total_count"),
        # checkout sessions
        *("client_reference_id", "payment_status", "status", "mode", "expires_at", "payment_intent"),
        *("amount_total", "amount_subtotal", "currency", "metadata"),
        # our own metadata; other keys belong to someone else
        *("quote_id", "environment", "legs"),
        # payment intents and charges
        *("amount", "amount_received", "amount_captured", "amount_refunded", "latest_charge", "captured"),
        *("paid", "refunded", "disputed", "failure_code", "balance_transaction", "charge", "refunds"),
        # balance transactions: what Stripe kept
        *("fee", "net"),
        # refunds and disputes
        *("reason", "failure_reason", "dispute", "is_charge_refundable", "balance_transactions"),
    }
)


def redacted(value: Any, depth: int = MAX_DEPTH) -> Any:
    """Copy parsed JSON with the kept fields only; anything nested deeper than `depth` becomes null."""
    if isinstance(value, dict):
        kept = {name: inner for name, inner in value.items() if name in KEPT}
        return {name: redacted(inner, depth - 1) for name, inner in kept.items()} if depth else None
    if isinstance(value, list):
        return [redacted(inner, depth - 1) for inner in value] if depth else None
    return value
