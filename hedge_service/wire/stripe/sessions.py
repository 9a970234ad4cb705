"""Checkout Sessions: the parameters that open one, and the object that comes back.

https://docs.stripe.com/api/checkout/sessions
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from hedge_service.wire.stripe import fields

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from stripe.params.checkout import SessionCreateParams

MAX_REFERENCE = 200
MAX_METADATA_VALUE = 500
_KIND = "checkout.session"


class SessionStatus(StrEnum):
    """Stripe's status of a session; OTHER stands for a word this version does not know."""

    OPEN = "open"
    COMPLETE = "complete"
    EXPIRED = "expired"
    OTHER = "other"

    @classmethod
    def _missing_(cls, value: object) -> SessionStatus:
        del value
        return cls.OTHER


class PaymentStatus(StrEnum):
    """Stripe's payment status of a session; only PAID means that money has come."""

    PAID = "paid"
    UNPAID = "unpaid"
    NO_PAYMENT_REQUIRED = "no_payment_required"
    OTHER = "other"

    @classmethod
    def _missing_(cls, value: object) -> PaymentStatus:
        del value
        return cls.OTHER


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckoutSession:
    """What we keep of a session; amounts in the currency's smallest unit, no customer data."""

    id: str
    client_reference_id: str | None
    status: SessionStatus
    payment_status: PaymentStatus
    amount_total: int | None
    currency: str | None
    payment_intent: str | None
    quote_id: str | None
    environment: str | None
    created: datetime | None
    expires_at: datetime | None
    livemode: bool
    url: str | None = None

    @property
    def paid(self) -> bool:
        """Say whether the money has come."""
        return self.payment_status is PaymentStatus.PAID


@dataclass(frozen=True, slots=True, kw_only=True)
class NewSession:
    """A session to open: every try must send equal values, since Stripe refuses a key used otherwise."""

    quote_id: str
    reference: str
    environment: str
    legs: int
    amount_cents: int
    currency: str
    expires_at: datetime
    public_url: str

    def __post_init__(self) -> None:
        if self.legs < 1 or self.amount_cents < 1:
            raise ValueError("a session sells at least one leg for at least a cent")
        if not 0 < len(self.reference) <= MAX_REFERENCE:
            raise ValueError(f"a client_reference_id has 1 to {MAX_REFERENCE} characters")
        if max(len(self.quote_id), len(self.environment)) > MAX_METADATA_VALUE:
            raise ValueError(f"a metadata value has at most {MAX_METADATA_VALUE} characters")


def session_params(new: NewSession) -> SessionCreateParams:
    """Give the parameters of `POST /v1/checkout/sessions`: one payment by card, one line item."""
    base = new.public_url.rstrip("/")
    return {
        "mode": "payment",
        # payment_method_types is a 400 since API version 2026-09-30.endive, the one of stripe 16.
        # https://docs.stripe.com/changelog/endive/2026-09-30/remove-payment-method-types-checkout-sessions
        "allowed_payment_method_types": ["card"],
        "line_items": [{"quantity": 1, "price_data": _price(new)}],
        "client_reference_id": new.reference,
        "metadata": {"quote_id": new.quote_id, "environment": new.environment, "legs": str(new.legs)},
        # Stripe fills in the braces itself.
        "success_url": f"{base}/payment-success?session_id={{CHECKOUT_SESSION_ID}}",
        "cancel_url": f"{base}/payment-cancel",
        "expires_at": fields.seconds_of(new.expires_at),
    }


def _price(new: NewSession) -> Any:
    name = f"Parlay, {new.legs} leg{'' if new.legs == 1 else 's'}"
    return {"currency": new.currency, "unit_amount": new.amount_cents, "product_data": {"name": name}}


def read_session(body: Mapping[str, Any]) -> CheckoutSession:
    """Read a session object: only the id must be there. Raises BadObject when a field has the wrong shape."""
    if body.get("object", _KIND) != _KIND:
        raise fields.BadObject("The object is not a Checkout Session")
    metadata = fields.section(body, "metadata")
    return CheckoutSession(
        id=fields.text(body, "id"),
        client_reference_id=fields.optional_text(body, "client_reference_id"),
        status=SessionStatus(fields.word(body, "status")),
        payment_status=PaymentStatus(fields.word(body, "payment_status")),
        amount_total=fields.optional_integer(body, "amount_total"),
        currency=fields.optional_text(body, "currency"),
        payment_intent=fields.reference(body, "payment_intent"),
        quote_id=fields.optional_text(metadata, "quote_id"),
        environment=fields.optional_text(metadata, "environment"),
        created=fields.optional_instant(body, "created"),
        expires_at=fields.optional_instant(body, "expires_at"),
        livemode=fields.flag(body, "livemode"),
        url=_url(body),
    )


def _url(body: Mapping[str, Any]) -> str | None:
    # Real checkout addresses run to about 400 characters, most of it in the fragment: no limit of ours here.
    value = body.get("url")
    return value if isinstance(value, str) and value.isascii() and value.isprintable() else None
