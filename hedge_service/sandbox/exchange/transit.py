"""Faults on the wire: what happens to a request before and after it is processed."""

from __future__ import annotations

from dataclasses import replace
from enum import Enum, auto
from http import HTTPStatus
from typing import TYPE_CHECKING, Final

from .calls import Reply
from .errors import ApiError, nested, too_many_requests
from .faults import Fault, FaultKind
from .writes import retired

if TYPE_CHECKING:
    from collections.abc import Callable

_PAGE: Final = b"<html><head><title>502</title></head><body><h1>502 Bad Gateway</h1></body></html>"


class Lost(Enum):
    """How a connection ends without a reply."""

    CLOSED = auto()
    RESET = auto()


def refusal(error: ApiError) -> Reply:
    """Make the reply of a refusal."""
    return Reply(status=error.status, payload=error.payload)


_SERVER_ERROR: Final = refusal(nested(HTTPStatus.INTERNAL_SERVER_ERROR, "internal_server_error"))
_UNAVAILABLE: Final = refusal(nested(HTTPStatus.SERVICE_UNAVAILABLE, "service_unavailable"))
_BAD_GATEWAY: Final = Reply(status=HTTPStatus.BAD_GATEWAY, raw=_PAGE, content_type="text/html")

_INSTEAD: Final[dict[FaultKind, Reply | Lost]] = {
    FaultKind.RESET_BEFORE_ACCEPT: Lost.RESET,
    FaultKind.SERVER_ERROR_BEFORE_ACCEPT: _SERVER_ERROR,
    FaultKind.HTML_BAD_GATEWAY_BEFORE_ACCEPT: _BAD_GATEWAY,
    FaultKind.SERVICE_UNAVAILABLE_BEFORE_ACCEPT: _UNAVAILABLE,
    FaultKind.GONE: refusal(retired()),
    FaultKind.TOO_MANY_REQUESTS: refusal(too_many_requests()),
}

_AFTERWARDS: Final[dict[FaultKind, Callable[[Reply], Reply | Lost]]] = {
    FaultKind.REPLY_LOST_AFTER_ACCEPT: lambda _: Lost.CLOSED,
    FaultKind.SERVER_ERROR_AFTER_ACCEPT: lambda _: _SERVER_ERROR,
    FaultKind.HTML_BAD_GATEWAY_AFTER_ACCEPT: lambda _: _BAD_GATEWAY,
    FaultKind.SERVICE_UNAVAILABLE_AFTER_ACCEPT: lambda _: _UNAVAILABLE,
    FaultKind.GARBAGE_BODY: lambda reply: replace(reply, raw=b"\x00\x01 not what you expect \xff"),
    FaultKind.TRUNCATED_BODY: lambda reply: replace(reply, raw=reply.body[: len(reply.body) // 2]),
    FaultKind.NO_ORDER_ID: lambda reply: replace(reply, payload=_without_order_id(reply.payload)),
}


async def carry(fault: Fault, process: Callable[[], Reply]) -> Reply | Lost:
    """Process a request under a fault on the wire: not at all, late, or with another reply."""
    if fault.kind is FaultKind.RESEND_REFUSED:
        return refusal(nested(HTTPStatus.BAD_REQUEST, fault.code))
    if fault.kind in _INSTEAD:
        return _INSTEAD[fault.kind]
    if fault.kind in _AFTERWARDS:
        return _AFTERWARDS[fault.kind](process())
    return await _hang(fault, process)


async def _hang(fault: Fault, process: Callable[[], Reply]) -> Reply | Lost:
    if fault.kind is FaultKind.HANG_AFTER_ACCEPT:
        process()
    await fault.wait()
    return process() if fault.kind is FaultKind.ACCEPT_LATE else Lost.CLOSED


def _without_order_id(payload: object) -> object:
    if not isinstance(payload, dict):
        return payload
    return {name: value for name, value in payload.items() if name != "order_id"}
