"""A scripted exchange on loopback: it verifies every signature, remembers every request, answers in turn."""

from __future__ import annotations

import base64
from collections import defaultdict, deque
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import orjson
from aiohttp import web
from aiohttp.test_utils import TestServer
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from hedge_service.clients.kalshi import KalshiClient, Signer, Transport
from hedge_service.clients.limiter import RateLimiter
from hedge_service.core.pacing import tier_limits
from tests.clients.fake_clock import JumpClock

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

PREFIX = "/trade-api/v2"
KEY = Ed25519PrivateKey.generate()
PEM = KEY.private_bytes(
    serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
).decode()


@dataclass(frozen=True)
class Reply:
    """One answer: a JSON value, or raw bytes; `cuts` drops the connection instead."""

    payload: Any = None
    status: int = 200
    body: bytes | None = None
    headers: dict[str, str] = field(default_factory=dict)
    cuts: bool = False


@dataclass(frozen=True)
class Request:
    method: str
    target: str
    headers: dict[str, str]
    body: bytes

    @property
    def path(self) -> str:
        return self.target.split("?")[0].removeprefix(PREFIX)


class Exchange:
    """Give it replies by method and path; the last one repeats."""

    def __init__(self) -> None:
        self.requests: list[Request] = []
        self._replies: dict[tuple[str, str], deque[Reply]] = defaultdict(deque)

    def answers(self, method: str, path: str, *replies: Reply) -> None:
        self._replies[method, path].extend(replies)

    async def handle(self, request: web.Request) -> web.StreamResponse:
        seen = Request(request.method, request.raw_path, dict(request.headers), await request.read())
        self.requests.append(seen)
        self._verify(seen)
        replies = self._replies[seen.method, seen.path]
        reply = replies[0] if len(replies) == 1 else replies.popleft()
        if reply.cuts:
            assert request.transport is not None
            request.transport.abort()
        body = orjson.dumps(reply.payload) if reply.body is None else reply.body
        return web.Response(status=reply.status, body=body, headers=reply.headers)

    @staticmethod
    def _verify(request: Request) -> None:
        signed = f"{request.headers['KALSHI-ACCESS-TIMESTAMP']}{request.method}{request.target.split('?')[0]}"
        signature = base64.b64decode(request.headers["KALSHI-ACCESS-SIGNATURE"], validate=True)
        KEY.public_key().verify(signature, signed.encode())


@dataclass
class Stage:
    exchange: Exchange
    client: KalshiClient
    clock: JumpClock
    base_url: str
    transport: Transport

    @property
    def paths(self) -> list[str]:
        return [request.path for request in self.exchange.requests]


def make_client(
    base_url: str, transport: Transport, *, clock: JumpClock | None = None, timeout_s: float = 2
) -> KalshiClient:
    time = JumpClock() if clock is None else clock
    return KalshiClient(
        base_url=base_url,
        signer=Signer(key_id="key-1", pem=PEM),
        transport=transport,
        limiter=RateLimiter(tier_limits("basic"), time),
        clock=time,
        subaccount=2,
        order_timeout_s=timeout_s,
        read_timeout_s=timeout_s,
    )


@asynccontextmanager
async def open_stage() -> AsyncIterator[Stage]:
    exchange, clock = Exchange(), JumpClock()
    app = web.Application()
    app.router.add_route("*", "/{rest:.*}", exchange.handle)
    async with TestServer(app) as server:
        transport = Transport()
        base_url = f"http://127.0.0.1:{server.port}{PREFIX}"
        client = make_client(base_url, transport, clock=clock)
        try:
            yield Stage(exchange, client, clock, base_url, transport)
        finally:
            await transport.close()
