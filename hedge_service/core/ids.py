"""Ids that any process derives alike from the same facts: never a clock, never random."""

from __future__ import annotations

from uuid import UUID, uuid5

# Any fixed value serves; changing it would give every order a second id, so it never changes.
NAMESPACE = UUID("6d0f7e52-3a63-5d0c-9a1e-8f6f0c1d7b41")
ORDER_PREFIX = "hs-"
CHECKOUT_PREFIX = "chk_"


def client_order_id(*, session_id: str, leg: int, purpose: str, sequence: int, attempt: int) -> str:
    """Derive the exchange's idempotency key of one attempt (39 characters of [a-z0-9-]).

    The parts are length-prefixed, so that no two different tuples spell the same name.
    """
    parts = ("order", session_id, str(leg), purpose, str(sequence), str(attempt))
    return ORDER_PREFIX + str(_uuid(parts))


def parlay_id(session_id: str) -> str:
    """Derive the id of the one parlay that a checkout session can become."""
    return "par_" + _uuid(("parlay", session_id)).hex


def checkout_reference(quote_id: str) -> str:
    """Derive the client_reference_id, and idempotency key, of the one checkout of a quote."""
    return CHECKOUT_PREFIX + _uuid(("checkout", quote_id)).hex


def intent_id(*, parlay: str, leg: int, purpose: str, sequence: int) -> str:
    """Derive the id of one intent of a parlay."""
    return "int_" + _uuid(("intent", parlay, str(leg), purpose, str(sequence))).hex


def missed_event_id(session_id: str) -> str:
    """Derive the inbox's id of a paid session that no event has told of."""
    return "missed_" + _uuid(("missed", session_id)).hex


def refund_key(session_id: str, amount_cents: int, came_back: int) -> str:
    """Derive Stripe's idempotency key of the refund of a session's payment.

    The amount belongs to it, since Stripe refuses a key that comes back with another one, and how many
    refunds came back before, since the key of one that failed gives the failed one for ever.
    """
    return "ref_" + _uuid(("refund", session_id, str(amount_cents), str(came_back))).hex


def _uuid(parts: tuple[str, ...]) -> UUID:
    return uuid5(NAMESPACE, "".join(f"{len(part)}:{part}" for part in parts))
