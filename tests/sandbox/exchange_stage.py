"""The exchange behind a real socket, with a clock that stands still and a client that signs."""

from __future__ import annotations

import base64
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import aiohttp
import orjson
from aiohttp import web
from aiohttp.test_utils import TestServer
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

from hedge_service.sandbox.exchange import Exchange, exchange_control_routes, exchange_routes
from hedge_service.sandbox.exchange.auth import ApiKey, public_key_of

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from openapi_core import OpenAPI
    from yarl import URL

START = 1_795_000_000.0
KEY_ID = "a952bcbe-ec3b-4b5b-b8f9-11dae589608c"
PREFIX = "/trade-api/v2"
ORDERS = "/portfolio/events/orders"
SEA = "KXNFLGAME-26NOV29SEALA-SEA"
BOS = "KXNBAGAME-26NOV29BOSNYK-BOS"
BTC = "KXBTCD-26NOV29-T100000"
CLOSED = "KXNFLGAME-26NOV15DALPHI-DAL"
PAUSED = "KXNFLGAME-26NOV29GBCHI-GB"
NO_ASK = "KXNFLGAME-26NOV29MIABUF-MIA"
SCALAR = "KXTURNOUT-26NOV29-SHARE"

PrivateKey = RSAPrivateKey | Ed25519PrivateKey


@dataclass
class Clock:
    """A wall clock and a monotonic one that move only when told."""

    elapsed: float = 0.0

    def __call__(self) -> float:
        return START + self.elapsed

    def monotonic(self) -> float:
        return self.elapsed

    def forward(self, seconds: float) -> None:
        self.elapsed += seconds


def public_pem(key: PrivateKey) -> str:
    return (
        key.public_key()
        .public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
        .decode()
    )


def signature_of(key: PrivateKey, text: str) -> str:
    if isinstance(key, RSAPrivateKey):
        pss = padding.PSS(mgf=padding.MGF1(hashes.SHA256()), salt_length=padding.PSS.DIGEST_LENGTH)
        return base64.b64encode(key.sign(text.encode(), pss, hashes.SHA256())).decode()
    return base64.b64encode(key.sign(text.encode())).decode()


@dataclass
class Answer:
    status: int
    headers: dict[str, str]
    raw: bytes

    @property
    def json(self) -> Any:
        return orjson.loads(self.raw)


@dataclass
class Stage:
    exchange: Exchange
    clock: Clock
    session: aiohttp.ClientSession
    base: URL
    key: PrivateKey
    key_id: str = KEY_ID
    made: int = field(default=0)

    def signed(self, method: str, path: str) -> dict[str, str]:
        timestamp = str(int(self.exchange.now() * 1000))
        return {
            "KALSHI-ACCESS-KEY": self.key_id,
            "KALSHI-ACCESS-TIMESTAMP": timestamp,
            "KALSHI-ACCESS-SIGNATURE": signature_of(self.key, f"{timestamp}{method}{PREFIX}{path}"),
        }

    async def call(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        query: dict[str, str] | None = None,
        headers: dict[str, str] | None = None,
    ) -> Answer:
        """Send one signed request; `headers` replaces the signature."""
        sent = self.signed(method, path) if headers is None else dict(headers)
        data = None
        if body is not None:
            sent.setdefault("Content-Type", "application/json")
            data = body if isinstance(body, bytes) else orjson.dumps(body)
        url = self.base.with_path(PREFIX + path).with_query(query or {})
        async with self.session.request(method, url, data=data, headers=sent) as reply:
            return Answer(reply.status, dict(reply.headers), await reply.read())

    async def get(self, path: str, **query: str) -> Any:
        """Read something that has to be there."""
        answer = await self.call("GET", path, query=query)
        assert answer.status == 200, answer.raw
        return answer.json

    async def control(self, path: str, method: str = "POST", **body: Any) -> Any:
        url = self.base.with_path(f"/sandbox/exchange{path}")
        async with self.session.request(method, url, json=body) as reply:
            assert reply.status == 200, await reply.text()
            return await reply.json()

    def order(self, **changes: Any) -> dict[str, Any]:
        """Make a good create request with a new id; a change to None leaves the field out."""
        self.made += 1
        body = {
            "ticker": SEA,
            "client_order_id": f"hs-{self.made}",
            "side": "bid",
            "count": "10.00",
            "price": "0.4500",
            "time_in_force": "immediate_or_cancel",
            "self_trade_prevention_type": "taker_at_cross",
            "cancel_order_on_pause": True,
        } | changes
        return {name: value for name, value in body.items() if value is not None}

    async def create(self, **changes: Any) -> Answer:
        return await self.call("POST", ORDERS, self.order(**changes))

    async def created(self, **changes: Any) -> Any:
        """Create an order that has to be accepted."""
        answer = await self.create(**changes)
        assert answer.status == 201, answer.raw
        return answer.json

    async def refusal(self, **changes: Any) -> tuple[int, Any]:
        """Create an order and give status and body of its refusal."""
        answer = await self.create(**changes)
        return answer.status, answer.json

    def cash(self, shard: int = 0) -> int:
        """Give the truth about a shard's cash in micros."""
        return self.exchange.account(0).cash[shard]


@asynccontextmanager
async def open_stage() -> AsyncIterator[Stage]:
    clock = Clock()
    exchange = Exchange(clock=clock, monotonic=clock.monotonic, seed=7)
    key = Ed25519PrivateKey.generate()
    exchange.keys.register(ApiKey(key_id=KEY_ID, public_key=public_key_of(public_pem(key))))
    exchange.limits.set_tier("prestige")
    app = web.Application()
    app.add_routes(exchange_routes(exchange))
    app.add_routes(exchange_control_routes(exchange))
    async with TestServer(app) as server, aiohttp.ClientSession() as session:
        yield Stage(exchange=exchange, clock=clock, session=session, base=server.make_url("/"), key=key)
        exchange.close()


HOST = "http://exchange.test"


@dataclass(frozen=True)
class KalshiSpec:
    """The published description of the API, as a judge of requests and replies.

    Paths are as sent, `/trade-api/v2` included. Both checks raise openapi-core's errors.
    """

    api: OpenAPI

    def check_request(
        self, method: str, path: str, query: dict[str, str], headers: dict[str, str], body: bytes | None
    ) -> None:
        self.api.validate_request(self._request(method, path, query, headers, body))

    def check_response(
        self, method: str, path: str, status: int, headers: dict[str, str], body: bytes
    ) -> None:
        from openapi_core.testing import MockResponse

        kind = headers.get("Content-Type", "application/json").partition(";")[0]
        reply = MockResponse(body, status_code=status, headers=headers, content_type=kind)
        self.api.validate_response(self._request(method, path, {}, {}, None), reply)

    @staticmethod
    def _request(
        method: str, path: str, query: dict[str, str], headers: dict[str, str], body: bytes | None
    ) -> Any:
        from openapi_core.testing import MockRequest

        return MockRequest(
            HOST,
            method.lower(),
            path,
            args=query,
            headers=headers,
            data=body,
            content_type="application/json",
        )
