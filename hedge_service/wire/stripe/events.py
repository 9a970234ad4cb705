"""Stripe's events as frozen values, freed of personal data on the way in.

https://docs.stripe.com/api/events/object
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import orjson

from hedge_service.core.inbox import NewEvent
from hedge_service.wire.stripe import fields
from hedge_service.wire.stripe.redact import redacted
from hedge_service.wire.stripe.sessions import CheckoutSession, read_session

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

COMPLETED = "checkout.session.completed"
ASYNC_SUCCEEDED = "checkout.session.async_payment_succeeded"
ASYNC_FAILED = "checkout.session.async_payment_failed"
EXPIRED = "checkout.session.expired"

CHARGE_REFUNDED = "charge.refunded"
REFUND_FAILED = "refund.failed"
DISPUTE_CREATED = "charge.dispute.created"
DISPUTE_CLOSED = "charge.dispute.closed"

FULFILLING = frozenset({COMPLETED, ASYNC_SUCCEEDED})
SESSION_TYPES = frozenset({*FULFILLING, ASYNC_FAILED, EXPIRED})
REFUND_TYPES = frozenset({CHARGE_REFUNDED, REFUND_FAILED})
DISPUTE_TYPES = frozenset({DISPUTE_CREATED, DISPUTE_CLOSED})
HANDLED_TYPES = SESSION_TYPES | REFUND_TYPES | DISPUTE_TYPES
"""What an endpoint at Stripe has to be subscribed to."""

SOURCE = "stripe"


@dataclass(frozen=True, slots=True, kw_only=True)
class StripeEvent:
    """One event; `object` is data.object, holding only what the books need (see redact.py)."""

    id: str
    type: str
    created: datetime
    livemode: bool
    api_version: str | None
    object: Mapping[str, Any]

    def storable(self) -> bytes:
        """Give the JSON that the inbox keeps; `parse_event` reads it back as an equal event."""
        return orjson.dumps(
            {
                "id": self.id,
                "object": "event",
                "type": self.type,
                "created": fields.seconds_of(self.created),
                "livemode": self.livemode,
                "api_version": self.api_version,
                "data": {"object": self.object},
            }
        )


def parse_event(payload: bytes) -> StripeEvent:
    """Read an event from a verified webhook body, or from what `storable` gave.

    Raises BadObject (a ValueError, answered with 400) when the body is not JSON, not a snapshot event, or a
    field has the wrong shape. Depth is bounded by the parser.
    """
    try:
        body = orjson.loads(payload)
    except orjson.JSONDecodeError:
        raise fields.BadObject("The body is not JSON") from None
    return read_event(body)


def read_event(body: object) -> StripeEvent:
    """Read an event from parsed JSON. Raises BadObject."""
    if not isinstance(body, dict) or body.get("object", "event") != "event":
        raise fields.BadObject("The body is not a Stripe event")
    inner = fields.section(body, "data").get("object")
    if not isinstance(inner, dict):
        raise fields.BadObject("data.object is not an object")
    return StripeEvent(
        id=fields.text(body, "id"),
        type=fields.text(body, "type"),
        created=fields.instant(body, "created"),
        livemode=fields.flag(body, "livemode"),
        api_version=fields.optional_text(body, "api_version"),
        object=redacted(inner),
    )


def storable(payload: bytes) -> bytes:
    """Give a webhook body without personal data: what the inbox keeps. Raises BadObject."""
    return parse_event(payload).storable()


def session_of(event: StripeEvent) -> CheckoutSession | None:
    """Read the Checkout Session an event is about; None for other types. Raises BadObject."""
    return read_session(event.object) if event.type in SESSION_TYPES else None


def paid_session(event: StripeEvent) -> CheckoutSession | None:
    """Give the session that this event says has been paid, or None. Raises BadObject.

    A completed session may still be unpaid (delayed methods): only its payment_status counts.
    https://docs.stripe.com/checkout/fulfillment
    """
    session = session_of(event) if event.type in FULFILLING else None
    return session if session is not None and session.paid else None


def inbox_event(event: StripeEvent) -> NewEvent:
    """Give an event as the inbox keeps it: without what the customer typed, since it outlives the payment."""
    return NewEvent(
        source=SOURCE,
        external_id=event.id,
        type=event.type,
        created_at=event.created,
        payload=event.storable(),
    )


def payment_of(event: StripeEvent) -> str | None:
    """Give the payment intent that a charge, refund or dispute is about. Raises BadObject."""
    return fields.reference(event.object, "payment_intent")


def completed_event(session: CheckoutSession, *, event_id: str, created: datetime) -> StripeEvent:
    """Make the event of a completed session that Stripe's own events do not tell of (any more)."""
    return StripeEvent(
        id=event_id,
        type=COMPLETED,
        created=created,
        livemode=session.livemode,
        api_version=None,
        object={
            "id": session.id,
            "object": "checkout.session",
            "client_reference_id": session.client_reference_id,
            "status": session.status.value,
            "payment_status": session.payment_status.value,
            "amount_total": session.amount_total,
            "currency": session.currency,
            "payment_intent": session.payment_intent,
            "livemode": session.livemode,
        },
    )
