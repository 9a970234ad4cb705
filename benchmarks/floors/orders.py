"""The floor of sending orders: a bare aiohttp client that signs and, where told, journals both rows.

The least that exactly-once needs: SENDING is on disk before the first byte, the outcome after the reply.
RSA is signed in two threads, Ed25519 in place; rows are committed in groups by a thread of plain sqlite3.
"""

from __future__ import annotations

import asyncio
import base64
import itertools
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from uuid import uuid4

import aiohttp
import orjson

from benchmarks import keys
from benchmarks.controlled import controlled, run, say
from benchmarks.exchange import CREATES, MARKETS
from benchmarks.group_commit import Journal

SCHEMA = """
CREATE TABLE IF NOT EXISTS sends (
  client_order_id TEXT PRIMARY KEY, state TEXT NOT NULL, body BLOB NOT NULL, sent_ms INTEGER NOT NULL,
  order_id TEXT, fill_count TEXT, reply BLOB, done_ms INTEGER
) STRICT;
"""
SENDING = "INSERT INTO sends (client_order_id, state, body, sent_ms) VALUES (?, 'sending', ?, ?)"
OUTCOME = (
    "UPDATE sends SET state = 'filled', order_id = ?, fill_count = ?, reply = ?, done_ms = ?"
    " WHERE client_order_id = ? AND state = 'sending'"
)


class BareClient:
    """Signs and sends orders; `journal` None: writes nothing down."""

    def __init__(self, base: str, pem: str, journal: Journal | None) -> None:
        self._url = base + CREATES
        self._key = keys.private_key(pem)
        self._journal = journal
        self._threads = ThreadPoolExecutor(2)
        self._aside = "BEGIN PRIVATE KEY" in pem and hasattr(self._key, "key_size")
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=128), cookie_jar=aiohttp.DummyCookieJar()
        )
        self._names = itertools.count()

    async def send(self) -> None:
        """Have one order exist, filled."""
        name = f"hs-{uuid4()}"
        body = orjson.dumps(_order(name, MARKETS[next(self._names) % len(MARKETS)]))
        if self._journal is not None:
            await self._journal.write(SENDING, name, body, _now_ms())
        headers = await self._headers()
        async with self._session.post(self._url, data=body, headers=headers) as response:
            raw = await response.read()
        reply = orjson.loads(raw)
        assert response.status == 201, raw
        assert reply["client_order_id"] == name
        if self._journal is not None:
            await self._journal.write(OUTCOME, reply["order_id"], reply["fill_count"], raw, _now_ms(), name)

    async def close(self) -> None:
        """Close all connections."""
        await self._session.close()
        self._threads.shutdown()

    async def _headers(self) -> dict[str, str]:
        stamp = str(_now_ms())
        message = f"{stamp}POST{CREATES}".encode()
        if self._aside:
            loop = asyncio.get_running_loop()
            signature = await loop.run_in_executor(self._threads, keys.sign, self._key, message)
        else:
            signature = keys.sign(self._key, message)
        return {
            "KALSHI-ACCESS-KEY": keys.KEY_ID,
            "KALSHI-ACCESS-TIMESTAMP": stamp,
            "KALSHI-ACCESS-SIGNATURE": base64.b64encode(signature).decode(),
            "Content-Type": "application/json",
        }


def _order(name: str, ticker: str) -> dict[str, object]:
    return {
        "ticker": ticker,
        "client_order_id": name,
        "side": "bid",
        "count": "3.00",
        "price": "0.5200",
        "time_in_force": "immediate_or_cancel",
        "self_trade_prevention_type": "taker_at_cross",
        "cancel_order_on_pause": True,
        "subaccount": 0,
    }


def _now_ms() -> int:
    return time.time_ns() // 1_000_000


async def main() -> None:
    """Obey `orders`: so many batches of so many orders at once."""
    base, pem, folder = sys.argv[1], Path(sys.argv[2]).read_text(), Path(sys.argv[3])  # noqa: ASYNC240
    journal = Journal(folder / "floor.db", SCHEMA)
    clients = {True: BareClient(base, pem, journal), False: BareClient(base, pem, None)}

    async def orders(at_once: int, batches: int, *, journaled: bool) -> dict[str, float]:
        client = clients[journaled]
        seconds = 0.0
        for _ in range(batches):
            start = time.perf_counter()
            await asyncio.gather(*(client.send() for _ in range(at_once)))
            seconds += time.perf_counter() - start
        return {"per_s": at_once * batches / seconds}

    say({"ready": True})
    await controlled({"orders": orders})
    for client in clients.values():
        await client.close()
    journal.close()


if __name__ == "__main__":
    run(main())
