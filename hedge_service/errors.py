"""Errors say whose fault they are, carry data, and map to HTTP by one table.

`error` and `details` are written by us for the person who reads the answer; the text of a foreign
exception never gets into them. What only operators may see goes into `context`, for the log.
"""
# ruff: noqa: N818 - these are named for what happened, as HTTP names them: NotFound, Conflict

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from collections.abc import Mapping


class Fault(Enum):
    """Whose fault an error is."""

    OURS = "ours"
    CALLER = "caller"
    PEER = "peer"
    UNKNOWN = "unknown"


class Peer(Enum):
    """The parties this service depends on."""

    EXCHANGE = "exchange"
    PAYMENTS = "payments"
    MODEL = "model"


class HedgeError(Exception):
    """An error with a code, a short sentence and what to do about it.

    `error` and `details` are safe to show to anyone; `context` is for the log alone.
    """

    fault: ClassVar[Fault] = Fault.OURS
    default_code: ClassVar[str] = "internal_error"
    default_details: ClassVar[str] = "Try again later."

    def __init__(
        self, error: str, details: str | None = None, *, code: str | None = None, **context: object
    ) -> None:
        super().__init__(error)
        self.error = error
        self.details = self.default_details if details is None else details
        self.code = self.default_code if code is None else code
        self.context: Mapping[str, object] = context

    @property
    def status(self) -> int:
        """HTTP status of the answer that tells this error."""
        return status_of(self)

    def log_context(self) -> dict[str, object]:
        """Give the fields of the log event that tells this error."""
        return {**self.context, "code": self.code, "fault": self.fault.value, "error": self.error}


class CallerError(HedgeError):
    """The caller asked for something that can't be done."""

    fault = Fault.CALLER
    default_details = "Correct the request and send it again."


class BadRequest(CallerError):
    """The request is malformed or breaks a rule."""

    default_code = "bad_request"


class NotAuthenticated(CallerError):
    """The caller has not shown who it is."""

    default_code = "not_authenticated"
    default_details = "Send the token of an operator."


class Forbidden(CallerError):
    """The caller may not do this."""

    default_code = "forbidden"
    default_details = "This caller is not allowed to do this."


class NotFound(CallerError):
    """The thing asked for does not exist."""

    default_code = "not_found"
    default_details = "Check the address and the id."


class Conflict(CallerError):
    """The request was fine, but not for what is true now."""

    default_code = "conflict"
    default_details = "Ask for a new quote."


class TooLarge(CallerError):
    """The request body is larger than `limit_bytes`."""

    default_code = "too_large"

    def __init__(self, error: str = "The request is too large", *, limit_bytes: int) -> None:
        super().__init__(error, f"Send at most {limit_bytes} bytes.", limit_bytes=limit_bytes)
        self.limit_bytes = limit_bytes


class UnsupportedBody(CallerError):
    """The body is of a kind that is not taken here."""

    default_code = "unsupported_body"


class TooMany(CallerError):
    """The caller asks too often; `retry_after_s` says when to ask again."""

    default_code = "too_many_requests"

    def __init__(self, error: str = "Too many requests", *, retry_after_s: int) -> None:
        super().__init__(error, f"Try again in {retry_after_s} s.", retry_after_s=retry_after_s)
        self.retry_after_s = retry_after_s


class NotReady(HedgeError):
    """We are up but may not do this now: halted, reconciling, or without a secret it needs."""

    default_code = "not_ready"


class PeerError(HedgeError):
    """Another party is at fault; `peer` names it."""

    fault = Fault.PEER
    default_code = "peer_error"

    def __init__(
        self,
        peer: Peer,
        error: str | None = None,
        details: str | None = None,
        *,
        code: str | None = None,
        **context: object,
    ) -> None:
        sentence = self.sentence.format(peer=PEER_NAMES[peer]) if error is None else error
        code = f"{peer.value}_{self.suffix}" if code is None else code
        super().__init__(sentence, details, code=code, peer=peer.value, **context)
        self.peer = peer

    sentence: ClassVar[str] = "{peer} failed"
    suffix: ClassVar[str] = "failed"


class PeerUnavailable(PeerError):
    """The peer can't be asked, or its answer can't be read; nothing was done there."""

    sentence = "{peer} can't be reached"
    suffix = "unavailable"


class PeerPaused(PeerError):
    """The peer answers that it takes no such request for now (a pause, maintenance)."""

    sentence = "{peer} is paused"
    suffix = "paused"


class OutcomeUnknown(PeerError):
    """A write was sent and the peer has not proved what became of it: never the same as failed."""

    fault = Fault.UNKNOWN
    sentence = "{peer} has not confirmed the request"
    suffix = "outcome_unknown"
    default_details = "Do not repeat it under another id; the service looks up what became of it."


class ConfigError(HedgeError):
    """The configuration stops the start: `problems` holds one readable line for each reason."""

    default_code = "bad_configuration"
    default_details = "Correct config.toml, the HEDGE_* variables or .env and start again."

    def __init__(self, problems: tuple[str, ...], *, code: str | None = None) -> None:
        super().__init__("The configuration is not usable", code=code)
        self.problems = problems

    def __str__(self) -> str:
        return "\n".join(self.problems)


PEER_NAMES: Mapping[Peer, str] = {
    Peer.EXCHANGE: "The exchange",
    Peer.PAYMENTS: "The payment service",
    Peer.MODEL: "The language model",
}

# The nearest class on an error's line of descent decides; everything else is a 500.
STATUSES: Mapping[type[BaseException], int] = {
    BadRequest: 400,
    NotAuthenticated: 401,
    Forbidden: 403,
    NotFound: 404,
    Conflict: 409,
    TooLarge: 413,
    UnsupportedBody: 415,
    TooMany: 429,
    CallerError: 400,
    PeerUnavailable: 502,
    OutcomeUnknown: 502,
    PeerPaused: 503,
    PeerError: 502,
    NotReady: 503,
}


def status_of(error: BaseException) -> int:
    """Give the HTTP status for an error: 500 unless the table knows it."""
    return next((STATUSES[kind] for kind in type(error).__mro__ if kind in STATUSES), 500)


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What an HTTP client may know about an error."""

    status: int
    code: str
    error: str
    details: str
    retry_after_s: int | None = None

    def body(self) -> dict[str, str]:
        """Give the JSON object: `error` and `details` as the extension reads them, and `code`."""
        return {"error": self.error, "details": self.details, "code": self.code}


INTERNAL = Answer(
    status=500,
    code=HedgeError.default_code,
    error="Internal error",
    details="Nothing you sent was wrong. Try again later.",
)


def answer_for(error: BaseException) -> Answer:
    """Turn any exception into what a client may see: foreign and inner ones tell nothing."""
    status = status_of(error)
    if status == INTERNAL.status or not isinstance(error, HedgeError):
        return INTERNAL
    return Answer(
        status=status,
        code=error.code,
        error=error.error,
        details=error.details,
        retry_after_s=error.retry_after_s if isinstance(error, TooMany) else None,
    )
