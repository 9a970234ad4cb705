"""What Stripe's failures mean to us: nothing done, refused, or unknown."""

from __future__ import annotations

import re
from http import HTTPStatus

from hedge_service.errors import OutcomeUnknown, Peer, PeerError, PeerUnavailable
from hedge_service.wire.stripe.fields import BadObject
from hedge_service.wire.stripe.library import stripe

_TRY_AGAIN = "Try again in a moment; nothing is charged twice."
# 409: another request with our idempotency key still runs. 429: after a lost first try it proves nothing.
_UNPROVED = frozenset({HTTPStatus.CONFLICT, HTTPStatus.TOO_MANY_REQUESTS})
_CODE = re.compile(r"[a-z0-9_]{1,80}")


class PaymentsUnavailable(PeerUnavailable):
    """Stripe can't be asked, or its answer can't be read; nothing was changed."""

    default_details = _TRY_AGAIN


class PaymentsUnknown(OutcomeUnknown):
    """A write was sent and Stripe has not proved what became of it; send it again unchanged."""

    default_details = _TRY_AGAIN


class PaymentsRefused(PeerError):  # noqa: N818 - named for what happened, as its siblings in errors.py are
    """Stripe answered no: `stripe_code` is its code (or the kind of error), `message` its own sentence.

    The message may name a session, which is a bearer secret: it is no part of the log's fields.
    """

    sentence = "{peer} refused the request"
    suffix = "refused"
    default_details = "Nothing was charged. Ask for a new quote, or try again later."

    def __init__(self, stripe_code: str, message: str, *, http_status: int | None) -> None:
        super().__init__(Peer.PAYMENTS, stripe_code=stripe_code, http_status=http_status)
        self.stripe_code = stripe_code
        self.message = message


def not_configured() -> PaymentsUnavailable:
    """Give the error of a service without a Stripe key."""
    return PaymentsUnavailable(
        Peer.PAYMENTS,
        "Payments are not configured",
        "The operator has to set STRIPE_API_KEY.",
        reason="not_configured",
    )


def failure_of(error: Exception, *, write: bool) -> PeerError:
    """Translate anything that a call may raise; `write`: the request changes something at Stripe."""
    status = error.http_status if isinstance(error, stripe.StripeError) else None
    if isinstance(error, stripe.StripeError) and error.error is not None and _refusal(status):
        message = error.user_message
        return PaymentsRefused(_code(error), "" if message is None else message, http_status=status)
    kind = PaymentsUnknown if write else PaymentsUnavailable
    return kind(Peer.PAYMENTS, reason=type(error).__name__, problem=_problem(error), http_status=status)


def _problem(error: Exception) -> str | None:
    # Only our own words: foreign ones may carry bodies, keys and ids.
    return error.error if isinstance(error, BadObject) else None


def _refusal(status: int | None) -> bool:
    if status is None or status in _UNPROVED:
        return False
    return HTTPStatus.BAD_REQUEST <= status < HTTPStatus.INTERNAL_SERVER_ERROR


def _code(error: stripe.StripeError) -> str:
    # Codes go to the log, so anything that isn't shaped like one is replaced by the kind of error.
    code = error.code
    return code if code is not None and _CODE.fullmatch(code) else type(error).__name__
