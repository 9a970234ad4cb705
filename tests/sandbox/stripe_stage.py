"""A Stripe stand-in behind a real socket, a client of it, and the door it delivers to."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import aiohttp
import stripe
from aiohttp import web
from aiohttp.test_utils import TestServer

from hedge_service.sandbox.control import STOPPING
from hedge_service.sandbox.stripe import (
    DeliverySettings,
    StripeStandIn,
    pay_routes,
    stripe_control_routes,
    stripe_routes,
)

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

KEY = "sk_test_sandbox"
SECRET = "whsec_sandbox"
START = 1_800_000_000


@dataclass
class Clock:
    now: float = START

    def __call__(self) -> float:
        return self.now


class Door:
    """A webhook endpoint that checks signatures as the service does and remembers what came."""

    def __init__(self) -> None:
        self.received: list[dict[str, Any]] = []
        self.refused = 0
        self.statuses: list[int] = []

    async def handle(self, request: web.Request) -> web.Response:
        payload = await request.read()
        header = request.headers["Stripe-Signature"]
        try:
            stripe.WebhookSignature.verify_header(payload.decode(), header, SECRET, tolerance=300)
        except stripe.SignatureVerificationError:
            self.refused += 1
            return web.Response(status=400)
        self.received.append(await request.json())
        return web.Response(status=self.statuses.pop(0) if self.statuses else 200)

    @property
    def types(self) -> list[str]:
        return [event["type"] for event in self.received]


class Stage:
    """A stand-in behind a real socket, a client of it, and the door it delivers to."""

    def __init__(self, standin: StripeStandIn, base: str, http: aiohttp.ClientSession, door: Door) -> None:
        self.standin = standin
        self.base = base
        self.http = http
        self.door = door
        self.transport = stripe.AIOHTTPClient()
        self.client = self.client_for(KEY)

    async def close(self) -> None:
        await self.transport.close_async()  # type: ignore[no-untyped-call] # the library's own gap

    def client_for(self, key: str, retries: int = 0) -> stripe.StripeClient:
        return stripe.StripeClient(
            key, http_client=self.transport, base_addresses={"api": self.base}, max_network_retries=retries
        )

    @property
    def v1(self) -> Any:
        return self.client.v1

    def params(self, **changes: Any) -> dict[str, Any]:
        name = "Parlay <b>& more"
        price = {"currency": "usd", "unit_amount": 500, "product_data": {"name": name}}
        return {
            "mode": "payment",
            "line_items": [{"quantity": 1, "price_data": price}],
            "success_url": "http://localhost:4000/payment-success?session_id={CHECKOUT_SESSION_ID}",
            "cancel_url": "http://localhost:4000/payment-cancel",
            "client_reference_id": "quote_1",
            "metadata": {"quote_id": "quote_1", "user": "user_1"},
            "expires_at": int(self.standin.books.now()) + 1860,
            **changes,
        }

    async def create(self, key: str | None = None, **changes: Any) -> Any:
        options: dict[str, Any] = {} if key is None else {"idempotency_key": key}
        return await self.v1.checkout.sessions.create_async(self.params(**changes), options)

    async def pay(self, session_id: str, method: str = "card") -> dict[str, Any]:
        return await self.post(f"pay/{session_id}", method=method)

    async def post(self, path: str, /, *, status: int = 200, **body: Any) -> dict[str, Any]:
        async with self.http.post(f"{self.base}/sandbox/{path}", json=body) as reply:
            assert reply.status == status, await reply.text()
            return dict(await reply.json())

    async def get(self, path: str) -> dict[str, Any]:
        async with self.http.get(f"{self.base}/sandbox/{path}") as reply:
            assert reply.status == 200
            return dict(await reply.json())


@asynccontextmanager
async def open_stage(clock: Clock, **settings: Any) -> AsyncIterator[Stage]:
    """Start everything on free ports; deliveries are by command unless `auto` says otherwise."""
    door = Door()
    door_app = web.Application()
    door_app.router.add_post("/api/webhook", door.handle)
    async with TestServer(door_app) as door_server:
        url = str(door_server.make_url("/api/webhook"))
        delivery = DeliverySettings(
            url=url, secret=SECRET, **{"auto": False, "retry_wait_s": 0.0, **settings}
        )
        standin = StripeStandIn(api_key=KEY, clock=clock, seed=7, delivery=delivery)
        async with standin, TestServer(_app(standin)) as server, aiohttp.ClientSession() as http:
            stage = Stage(standin, str(server.make_url("")).rstrip("/"), http, door)
            yield stage
            await stage.close()


def _app(standin: StripeStandIn) -> web.Application:
    app = web.Application()
    app[STOPPING] = asyncio.Event()
    for routes in (pay_routes, stripe_control_routes, stripe_routes):
        app.add_routes(routes(standin))

    async def stop(_: web.Application) -> None:
        app[STOPPING].set()

    app.on_shutdown.append(stop)
    return app
