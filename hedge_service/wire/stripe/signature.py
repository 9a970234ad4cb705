"""Verify that a webhook body comes from Stripe, and lately.

https://docs.stripe.com/webhooks#verify-manually
"""

from __future__ import annotations

import re
from enum import StrEnum

from hedge_service.errors import BadRequest
from hedge_service.wire.stripe.library import stripe

# Stripe signs at the moment it sends: a stamp ahead of us only ever means two clocks apart.
MAX_CLOCK_LEAD_S = 60

_STAMP = re.compile(r"t=([0-9]{1,12})")
_SIGNATURE = re.compile(r"v1=[0-9a-f]{64}")


class Refusal(StrEnum):
    """Why a signature is refused."""

    MISSING = "missing"
    MALFORMED = "malformed"
    NOT_TEXT = "not_text"
    MISMATCH = "mismatch"
    STALE = "stale"
    FUTURE = "future"


class SignatureRefused(BadRequest):
    """The body is not proved to come from Stripe; `reason` is for the log, not for the sender."""

    default_code = "bad_signature"
    default_details = "Send the body unchanged with a fresh Stripe-Signature header."

    def __init__(self, reason: Refusal) -> None:
        super().__init__("The signature is not valid", reason=reason.value)
        self.reason = reason


def verify(payload: bytes, header: str | None, secret: str, *, now: int, tolerance_s: int) -> None:
    """Check the Stripe-Signature header against the raw body; `now` in seconds since 1970.

    Raises SignatureRefused. A stamp older than `tolerance_s` is stale; one ahead of `now` by more than
    clocks may differ (`MAX_CLOCK_LEAD_S`, never more than `tolerance_s`) comes from the future.
    """
    if header is None or not header.strip():
        raise SignatureRefused(Refusal.MISSING)
    stamp = _stamp(header)
    _match(payload, header, secret)
    if stamp < now - tolerance_s:
        raise SignatureRefused(Refusal.STALE)
    if stamp > now + min(tolerance_s, MAX_CLOCK_LEAD_S):
        raise SignatureRefused(Refusal.FUTURE)


def _stamp(header: str) -> int:
    # Exactly one stamp, so that the one judged here is the one that the signature covers.
    items = header.split(",")
    stamps = [item for item in items if item.startswith("t=")]
    matched = _STAMP.fullmatch(stamps[0]) if len(stamps) == 1 and header.isascii() else None
    if matched is None or not any(_SIGNATURE.fullmatch(item) for item in items):
        raise SignatureRefused(Refusal.MALFORMED)
    return int(matched[1])


def _match(payload: bytes, header: str, secret: str) -> None:
    # The library compares in constant time. Its own clock check is left out (it reads the time itself
    # and lets the future pass), and so is its exception, which carries the body.
    try:
        stripe.WebhookSignature.verify_header(payload, header, secret, tolerance=None)
    except UnicodeDecodeError:
        raise SignatureRefused(Refusal.NOT_TEXT) from None
    except stripe.SignatureVerificationError:
        raise SignatureRefused(Refusal.MISMATCH) from None
