"""Send 100 orders through client and limiter from a full basic bucket to a strict exchange, in real time.

Run with `python -m benchmarks.limiter`. The floor is 9.0 s: 10 orders at once, then 10 a second.
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace
from typing import TYPE_CHECKING

import orjson
from aiohttp import web
from aiohttp.test_utils import TestServer
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from hedge_service.clients.kalshi import KalshiClient, Signer, Transport
from hedge_service.clients.limiter import RateLimiter
from hedge_service.clock import SystemClock
from hedge_service.core.market import BookSide
from hedge_service.core.money import Count, Price
from hedge_service.core.orders import Accepted, Order, Throttled
from hedge_service.core.pacing import Bucket, tier_limits
from hedge_service.wire.kalshi.orders import create_bytes

if TYPE_CHECKING:
    from hedge_service.core.orders import Reply

ORDERS = 100
GOAL_S = 9.5
LIMITS = tier_limits("basic")
TEMPLATE = Order(
    client_order_id="hs-0",
    ticker="BENCH-1",
    side=BookSide.BID,
    count=Count.of(1),
    price=Price.of("0.5"),
)


class StrictExchange:
    """Grants an order only when its bucket holds all of the cost at the moment it arrives."""

    def __init__(self) -> None:
        self._bucket = Bucket.full(LIMITS.write, time.monotonic())

    async def create(self, request: web.Request) -> web.Response:
        """Answer a create-order."""
        order = orjson.loads(await request.read())
        self._bucket = self._bucket.refilled(time.monotonic())
        if self._bucket.available < 10:
            return web.json_response({"error": "too many requests"}, status=429)
        # Here it has arrived: the exchange's own bucket waits for nobody's reply.
        self._bucket = self._bucket.hold(10).written(10).arrived()
        counts = {"fill_count": "0.00", "remaining_count": "0.00", "ts_ms": 1}
        reply = {"order_id": order["client_order_id"], **counts}
        return web.json_response(reply, status=201)


def ed25519_pem() -> str:
    """Make a key of the kind the exchange gives out by default."""
    return (
        Ed25519PrivateKey.generate()
        .private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        .decode()
    )


async def send(client: KalshiClient, number: int) -> Reply:
    """Wait for the limiter, then send one order once."""
    order = replace(TEMPLATE, client_order_id=f"hs-{number}")
    async with client.limiter.write.acquire(client.create_cost) as grant:
        return await client.create_order(order, create_bytes(order), on_written=grant.written)


async def measure() -> tuple[float, list[Reply]]:
    """Give the seconds from the first order's wish to the last one's reply, and all replies."""
    app = web.Application()
    app.router.add_post("/trade-api/v2/portfolio/events/orders", StrictExchange().create)
    clock, transport = SystemClock(), Transport()
    async with TestServer(app) as server:
        client = KalshiClient(
            base_url=f"http://127.0.0.1:{server.port}/trade-api/v2",
            signer=Signer(key_id="bench", pem=ed25519_pem()),
            transport=transport,
            limiter=RateLimiter(LIMITS, clock),
            clock=clock,
        )
        start = clock.monotonic()
        replies = await asyncio.gather(*(send(client, number) for number in range(ORDERS)))
        seconds = clock.monotonic() - start
        await transport.close()
    return seconds, replies


def main() -> None:
    """Measure once and print the figures."""
    seconds, replies = asyncio.run(measure())
    throttled = sum(isinstance(reply, Throttled) for reply in replies)
    accepted = sum(isinstance(reply, Accepted) for reply in replies)
    print(f"{ORDERS} orders in {seconds:.2f} s (floor 9.00, goal {GOAL_S})")
    print(f"{accepted} accepted, {throttled} times 429")


if __name__ == "__main__":
    main()
