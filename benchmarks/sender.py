"""The product's client and limiter as a controlled process: as many orders as the limiter lets through."""

from __future__ import annotations

import asyncio
import itertools
import sys
from dataclasses import replace
from pathlib import Path

from benchmarks import keys
from benchmarks.controlled import controlled, run, say
from benchmarks.exchange import MARKETS
from hedge_service.clients.kalshi import KalshiClient, Signer, Transport
from hedge_service.clients.limiter import RateLimiter
from hedge_service.clock import SystemClock
from hedge_service.core.market import BookSide
from hedge_service.core.money import Count, Price
from hedge_service.core.orders import Order, Throttled
from hedge_service.core.pacing import tier_limits
from hedge_service.wire.kalshi.orders import create_bytes

CALLERS = 120
TEMPLATE = Order(
    client_order_id="",
    ticker=MARKETS[0],
    side=BookSide.BID,
    count=Count.of(1),
    price=Price.of("0.5"),
)


async def main() -> None:
    """Obey `flood`: send at a tier's limits for so many seconds, always more wanted than allowed."""
    base, pem = sys.argv[1], Path(sys.argv[2]).read_text()  # noqa: ASYNC240 - before anything is sent
    clock, transport = SystemClock(), Transport()
    signer = Signer(key_id=keys.KEY_ID, pem=pem)
    numbers = itertools.count()

    async def flood(tier: str, seconds: float) -> dict[str, float]:
        client = KalshiClient(
            base_url=f"{base}/trade-api/v2",
            signer=signer,
            transport=transport,
            limiter=RateLimiter(tier_limits(tier), clock),
            clock=clock,
        )
        start, throttled = clock.monotonic(), 0

        async def send() -> int:
            refused = 0
            while clock.monotonic() < start + seconds:
                async with client.limiter.write.acquire(client.create_cost) as grant:
                    if clock.monotonic() >= start + seconds:
                        break
                    order = replace(TEMPLATE, client_order_id=f"hs-{tier}-{next(numbers)}")
                    reply = await client.create_order(order, create_bytes(order), on_written=grant.written)
                    refused += isinstance(reply, Throttled)
            return refused

        throttled = sum(await asyncio.gather(*(send() for _ in range(CALLERS))))
        return {"throttled": throttled, "start": start, "end": start + seconds}

    say({"ready": True})
    await controlled({"flood": flood})
    await transport.close()
    signer.close()


if __name__ == "__main__":
    run(main())
