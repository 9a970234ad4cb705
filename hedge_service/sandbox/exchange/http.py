"""The way of a request: read, admit, meet its faults, process in one go, answer."""

from __future__ import annotations

import asyncio
import socket
import struct
from dataclasses import dataclass
from email.utils import formatdate
from enum import Enum, auto
from typing import TYPE_CHECKING, Any, Final

import orjson
from aiohttp import web

from .auth import KEY_HEADER, ApiKey, authorize
from .buckets import PREFIX, SHARDS, take
from .calls import Call, Reply
from .errors import ApiError, code_of, not_found, too_many_requests
from .faults import Effects, FaultKind, Stage, Subject
from .transit import Lost, carry, refusal
from .writes import batch_size

if TYPE_CHECKING:
    from collections.abc import Callable

    from .buckets import Bucket
    from .record import SeenCreate
    from .state import Exchange

    Handler = Callable[[Exchange, Call], Reply]

CREATE_PATH: Final = "/portfolio/events/orders"
_BALANCE_COST: Final = 1
_NO_LINGER: Final = struct.pack("ii", 1, 0)


class Access(Enum):
    """Who may call, and which bucket pays."""

    PUBLIC = auto()
    READ = auto()
    BALANCE = auto()
    WRITE = auto()


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """One route of the exchange; `path` is a template without the prefix."""

    method: str
    path: str
    handler: Handler
    access: Access

    @property
    def route(self) -> str:
        """The endpoint's name in records."""
        return f"{self.method} {self.path}"


async def serve(exchange: Exchange, endpoint: Endpoint, request: web.Request) -> web.Response:
    """Answer one request of the trade API."""
    call = await _read(request)
    seen = _note_create(exchange, endpoint, call)
    outcome = await _outcome(exchange, endpoint, call)
    if isinstance(outcome, Lost):
        exchange.record.answered(endpoint.route, None)
        return _hang_up(request, outcome)
    exchange.record.answered(endpoint.route, outcome.status)
    if seen is not None:
        seen.status, seen.code = outcome.status, code_of(outcome.payload)
    return _response(exchange, outcome)


async def serve_unknown(exchange: Exchange, request: web.Request) -> web.Response:
    """Answer a path that the exchange does not have."""
    exchange.record.answered(f"{request.method} (unknown)", 404)
    return _response(exchange, refusal(not_found()))


async def _read(request: web.Request) -> Call:
    body = await request.read() if request.can_read_body else b""
    return Call(
        method=request.method,
        # The path as it was sent: a signature is made over that, not over what it decodes to.
        path=request.raw_path.partition("?")[0],
        params=request.match_info,
        query=request.query,
        headers=request.headers,
        body=body,
        fields=_fields(body),
    )


def _fields(body: bytes) -> dict[str, Any]:
    try:
        parsed = orjson.loads(body) if body else None
    except orjson.JSONDecodeError:
        return {}
    return parsed if isinstance(parsed, dict) else {}


async def _outcome(exchange: Exchange, endpoint: Endpoint, call: Call) -> Reply | Lost:
    try:
        call.key = _admit(exchange, endpoint, call)
    except ApiError as error:
        return refusal(error)
    call.effects = exchange.faults.take(lambda: _subject(exchange, call))
    settings = exchange.settings
    if settings.latency_s > 0 or settings.latency_jitter_s > 0:
        await asyncio.sleep(settings.latency_s + settings.latency_jitter_s * exchange.rng.random())
    _change_state(exchange, call.effects)
    fault = call.effects.on_wire()
    if fault is None:
        return _process(exchange, endpoint, call)
    # Shielded: an order that is accepted late is accepted although its sender has hung up.
    return await asyncio.shield(
        exchange.faults.keep(carry(fault, lambda: _process(exchange, endpoint, call)))
    )


def _process(exchange: Exchange, endpoint: Endpoint, call: Call) -> Reply:
    exchange.tick()
    try:
        return endpoint.handler(exchange, call)
    except ApiError as error:
        return refusal(error)


def _admit(exchange: Exchange, endpoint: Endpoint, call: Call) -> ApiKey | None:
    key = None if endpoint.access is Access.PUBLIC else _authenticated(exchange, endpoint, call)
    if not _paid(exchange, endpoint, call):
        raise too_many_requests()
    return key


def _authenticated(exchange: Exchange, endpoint: Endpoint, call: Call) -> ApiKey:
    key = exchange.keys.authenticate(
        call.headers,
        method=call.method,
        path=call.path,
        now_s=exchange.now(),
        window_s=exchange.settings.auth_window_s,
    )
    if endpoint.access is Access.WRITE:
        # Which subaccount a write names stands in its body: the handler checks that.
        authorize(key, write=True, subaccount=key.subaccount)
    else:
        authorize(key, write=False, subaccount=call.number("subaccount"))
    return key


def _paid(exchange: Exchange, endpoint: Endpoint, call: Call) -> bool:
    limits = exchange.limits
    cost = limits.cost(endpoint.method, PREFIX + endpoint.path)
    if endpoint.access is Access.BALANCE:
        return take([limits.balance], _BALANCE_COST)
    if endpoint.access is Access.WRITE:
        return _paid_write(exchange, endpoint, call, cost)
    known = call.headers.get(KEY_HEADER, "") in exchange.keys.keys
    return take([limits.read if known or endpoint.access is Access.READ else limits.public], cost)


def _paid_write(exchange: Exchange, endpoint: Endpoint, call: Call, cost: int) -> bool:
    limits = exchange.limits
    if endpoint.path.endswith("/batched"):
        return take([limits.writes[0]], cost * batch_size(call))
    return take(_write_buckets(exchange, call), cost)


def _write_buckets(exchange: Exchange, call: Call) -> list[Bucket]:
    index = call.fields.get("exchange_index", call.query.get("exchange_index", ""))
    known = {str(shard): shard for shard in SHARDS}
    return exchange.limits.write_buckets(known.get(str(index)))


def _subject(exchange: Exchange, call: Call) -> Subject:
    order = exchange.registry.by_id.get(call.params.get("order_id", ""))
    if order is not None:
        client_order_id, ticker = order.request.client_order_id, order.ticker
    else:
        client_order_id = str(call.fields.get("client_order_id", ""))
        asked = call.query.get("ticker", call.params.get("ticker", ""))
        ticker = str(call.fields.get("ticker", asked))
    return Subject(
        route=f"{call.method} {call.path.removeprefix(PREFIX)}",
        client_order_id=client_order_id,
        ticker=ticker,
        resend=exchange.registry.knows(client_order_id, None),
    )


def _change_state(exchange: Exchange, effects: Effects) -> None:
    for fault in effects.staged(Stage.STATE):
        if fault.kind is FaultKind.PAUSE:
            exchange.pause(list(SHARDS) if fault.shard is None else [fault.shard])
        if fault.kind is FaultKind.CLOCK_OFFSET:
            exchange.settings.clock_offset_s = 0.0 if fault.seconds is None else fault.seconds


def _note_create(exchange: Exchange, endpoint: Endpoint, call: Call) -> SeenCreate | None:
    if endpoint.method != "POST" or endpoint.path != CREATE_PATH:
        return None
    client_order_id = str(call.fields.get("client_order_id", ""))
    return exchange.record.saw_create(client_order_id, exchange.now_ms(), call.body)


def _response(exchange: Exchange, reply: Reply) -> web.Response:
    headers = {"Date": formatdate(exchange.now(), usegmt=True), "Content-Type": reply.content_type}
    return web.Response(status=reply.status, body=reply.body, headers=headers)


def _hang_up(request: web.Request, how: Lost) -> web.Response:
    transport = request.transport
    if transport is not None and how is Lost.RESET:
        _reset_on_close(transport)
        transport.abort()
    elif transport is not None:
        transport.close()
    return web.Response(status=500)  # never written: there is nobody to write it to


def _reset_on_close(transport: asyncio.Transport) -> None:
    # Without lingering the peer gets RST instead of FIN.
    peer = transport.get_extra_info("socket")
    if peer is not None:
        peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _NO_LINGER)
