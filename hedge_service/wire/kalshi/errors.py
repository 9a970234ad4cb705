"""The exchange's error bodies: four shapes, and whatever a gateway puts in between."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import orjson

HEADER_TIMESTAMP_EXPIRED = "header_timestamp_expired"
ORDER_ALREADY_EXISTS = "order_already_exists"
TRADING_IS_PAUSED = "trading_is_paused"
FILL_OR_KILL_INSUFFICIENT = "fill_or_kill_insufficient_resting_volume"
# Spellings for "no orders now" seen on REST or named for FIX; which of them REST uses is not established.
PAUSED_CODES = frozenset({TRADING_IS_PAUSED, "trading_paused", "exchange_is_paused", "exchange_paused"})

_CODE_LENGTH = 80
_MESSAGE_LENGTH = 200


class Unreadable(ValueError):  # noqa: N818 - named for what happened, as elsewhere
    """A reply that does not have the promised form; the message names the field, never its content."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WireError:
    """An error as far as it can be read: `code` in lower case, or empty.

    `readable` is False for a body that is no JSON object: a gateway speaks, not the exchange.
    """

    code: str = ""
    message: str = ""
    details: str = ""
    readable: bool = True


def load_object(body: bytes) -> dict[str, Any]:
    """Read a JSON object. Raises Unreadable for anything else."""
    try:
        payload = orjson.loads(body)
    except orjson.JSONDecodeError:
        raise Unreadable("the reply is not JSON") from None
    if not isinstance(payload, dict):
        raise Unreadable("the reply is not a JSON object")
    return payload


def read_error(body: bytes) -> WireError:
    """Read any error body; one that can't be read (HTML, text, nothing) gives an empty WireError.

    Shapes: {"error": {"code", "message", "details"}}, {"code", "message", "details"}, {"msg"}
    and {"error": "too many requests"}. Codes come in both cases and may embed ids after a colon.
    """
    try:
        payload = load_object(body)
    except Unreadable:
        return WireError(readable=False)
    inner = payload.get("error")
    if isinstance(inner, str):
        return WireError(message=_clean(inner, _MESSAGE_LENGTH))
    if not isinstance(inner, dict):
        inner = payload
    message = inner.get("message", inner.get("msg"))
    return WireError(
        code=read_code(inner.get("code")),
        message=_clean(message, _MESSAGE_LENGTH),
        details=_clean(inner.get("details"), _MESSAGE_LENGTH),
    )


def read_code(value: object) -> str:
    """Normalise a code: lower case, without an id embedded after a colon; empty when it is no text."""
    return _clean(value, _CODE_LENGTH).lower().split(":", 1)[0].strip()


def _clean(value: object, length: int) -> str:
    return re.sub(r"[^\x20-\x7e]+", " ", value)[:length] if isinstance(value, str) else ""
