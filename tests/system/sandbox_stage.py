"""The sandbox on a loopback port of the test's own loop, with an ear on the exchange's wire."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import aiohttp
from aiohttp import web

from hedge_service.sandbox.credentials import kalshi_keys_of, service_environment
from hedge_service.sandbox.exchange import matching
from hedge_service.sandbox.exchange.faults import NO_EFFECTS
from hedge_service.sandbox.exchange.validation import create_order_of
from hedge_service.sandbox.server import Sandbox, build_sandbox, create_sandbox_app
from hedge_service.sandbox.stripe.delivery import payload_of, signature_header

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Mapping

    from aiohttp.typedefs import Handler

Json = dict[str, Any]
CREATES = "/trade-api/v2/portfolio/events/orders"


@dataclass(frozen=True)
class Exchanged:
    """One request to the exchange and the reply that went out; `status` None: none did."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes
    status: int | None
    reply_headers: dict[str, str]
    reply: bytes


@dataclass
class SandboxStage:
    sandbox: Sandbox
    base: str
    http: aiohttp.ClientSession
    credentials: Mapping[str, str]
    wire: list[Exchanged]
    environment: dict[str, str] = field(default_factory=dict)

    async def control(self, path: str, method: str = "POST", /, **body: Any) -> Json:
        """Use a control endpoint, such as exchange/faults."""
        async with self.http.request(method, f"{self.base}/sandbox/{path}", json=body) as reply:
            assert reply.status == 200, await reply.text()
            answer: Json = await reply.json()
            return answer

    async def fault(self, kind: str, **details: Any) -> None:
        await self.control("exchange/faults", kind=kind, **details)

    async def deliver_to(self, service: str, **settings: Any) -> None:
        """Say where webhooks go, and how."""
        await self.control("stripe/settings", url=f"{service}/api/webhook", retry_wait_s=0.1, **settings)

    async def pay(self, session_id: str, method: str = "card") -> str:
        """Pay as the customer does; give the id of the event that tells it."""
        async with self.http.post(f"{self.base}/sandbox/pay/{session_id}", json={"method": method}) as reply:
            assert reply.status == 200, await reply.text()
            return str((await reply.json())["event"])

    async def until(self, met: Callable[[], bool]) -> None:
        """Ask the sandbox, over and over, until something is true of it."""
        async with asyncio.timeout(60):
            while not met():
                await self.control("exchange/faults", "GET")

    def forget_strikes(self, *tickers: str) -> None:
        """Leave out what orders markets of one event, so that only a model can tell how they correlate."""
        for ticker in tickers:
            self.sandbox.exchange.catalogue.markets[ticker].strike_type = None

    def met_faults(self) -> int:
        """Say how often a fault was met."""
        return sum(fault.taken for fault in self.sandbox.exchange.faults.faults)

    def signed(
        self, event: Json | bytes, *, secret: str | None = None, offset_s: int = 0
    ) -> tuple[bytes, dict[str, str]]:
        """Sign a webhook body as Stripe would, or nearly."""
        payload = event if isinstance(event, bytes) else payload_of(event)
        key = self.credentials["STRIPE_WEBHOOK_SECRET"] if secret is None else secret
        stamp = int(self.sandbox.exchange.now()) + offset_s
        return payload, {"Stripe-Signature": signature_header(payload, secret=key, timestamp=stamp)}

    def place(self, body: Json) -> None:
        """Have an order accepted that no request told of: an earlier copy, long on its way."""
        matching.create(self.sandbox.exchange, create_order_of(body), NO_EFFECTS)

    def orders(self) -> list[Json]:
        """Give the exchange's own book of accepted orders."""
        listed: list[Json] = self.sandbox.exchange.book()["orders"]
        return listed

    def creates(self) -> dict[str, list[Json]]:
        """Give every create request that came, by client_order_id."""
        seen: dict[str, list[Json]] = self.sandbox.exchange.book()["creates"]
        return seen

    def filled(self) -> dict[str, float]:
        """Give the contracts bought by ticker; floats do, since tests buy whole ones."""
        bought: dict[str, float] = {}
        for order in self.orders():
            bought[order["ticker"]] = bought.get(order["ticker"], 0) + float(order["contracts"])
        return bought

    def check_nothing_doubled(self, plan: Mapping[str, float]) -> None:
        """Fail unless each id was accepted at most once and no market holds more than planned."""
        accepted = self.sandbox.exchange.book()["accepted"]
        assert all(times == 1 for times in accepted.values()), accepted
        filled = self.filled()
        assert all(count <= plan.get(ticker, 0) for ticker, count in filled.items()), (filled, plan)


@asynccontextmanager
async def open_sandbox(credentials: Mapping[str, str]) -> AsyncIterator[SandboxStage]:
    """Serve a sandbox with these credentials on a free port; its buckets are wide."""
    sandbox = build_sandbox(
        stripe_key=credentials["STRIPE_API_KEY"],
        openai_key=credentials["OPENAI_API_KEY"],
        kalshi_keys=kalshi_keys_of(credentials),
        webhook_secret=credentials["STRIPE_WEBHOOK_SECRET"],
        seed=11,
    )
    sandbox.exchange.limits.set_tier("prestige")
    wire: list[Exchanged] = []
    app = create_sandbox_app(sandbox)
    app.middlewares.append(_ear(wire))
    runner = web.AppRunner(app, access_log=None, max_line_size=65_536, shutdown_timeout=1)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        port = runner.addresses[0][1]
        async with aiohttp.ClientSession() as http:
            stage = SandboxStage(sandbox, f"http://127.0.0.1:{port}", http, credentials, wire)
            stage.environment = service_environment(credentials, host="127.0.0.1", port=port)
            yield stage
    finally:
        await runner.cleanup()


def _ear(wire: list[Exchanged]) -> Any:
    @web.middleware
    async def listen(request: web.Request, handler: Handler) -> web.StreamResponse:
        if not request.path.startswith("/trade-api/"):
            return await handler(request)
        reply = await handler(request)
        # Afterwards: the exchange asks whether there is a body left to read, and keeps what it read.
        body = await request.read()
        lost = request.transport is None or request.transport.is_closing()
        assert isinstance(reply, web.Response)
        wire.append(
            Exchanged(
                method=request.method,
                path=request.raw_path.partition("?")[0],
                query=dict(request.query),
                headers=dict(request.headers),
                body=body,
                status=None if lost else reply.status,
                reply_headers=dict(reply.headers),
                reply=reply.body if isinstance(reply.body, bytes) else b"",
            )
        )
        return reply

    return listen
