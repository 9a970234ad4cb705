"""The peer: the official SDK's KalshiClient, as its documentation uses it. It journals nothing.

Runs under the peers' own Python and needs nothing of this project but the way a worker is talked to.
"""

from __future__ import annotations

import asyncio
import sys
import time
from pathlib import Path
from uuid import uuid4

from kalshi_python_async import Configuration, KalshiClient

from benchmarks.controlled import controlled, run, say

TICKERS = tuple(f"BENCH-{number:02}" for number in range(40))


async def main() -> None:
    """Obey `orders`: so many batches of so many orders at once."""
    configuration = Configuration(host=f"{sys.argv[1]}/trade-api/v2")
    configuration.api_key_id = "bench-key"
    configuration.private_key_pem = Path(sys.argv[2]).read_text()  # noqa: ASYNC240 - before anything runs
    client = KalshiClient(configuration)

    async def send(number: int) -> None:
        name = f"hs-{uuid4()}"
        reply = await client.create_order_v2(
            ticker=TICKERS[number % len(TICKERS)],
            client_order_id=name,
            side="bid",
            count="3.00",
            price="0.5200",
            time_in_force="immediate_or_cancel",
            self_trade_prevention_type="taker_at_cross",
            cancel_order_on_pause=True,
            subaccount=0,
        )
        assert reply.client_order_id == name

    async def orders(at_once: int, batches: int) -> dict[str, float]:
        seconds = 0.0
        for _ in range(batches):
            start = time.perf_counter()
            await asyncio.gather(*(send(number) for number in range(at_once)))
            seconds += time.perf_counter() - start
        return {"per_s": at_once * batches / seconds}

    say({"ready": True})
    await controlled({"orders": orders})
    await client.close()


if __name__ == "__main__":
    run(main())
