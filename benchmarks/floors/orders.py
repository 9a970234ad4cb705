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
from typing import TYPE_CHECKING
from uuid import uuid4

import aiohttp
import orjson

from benchmarks import keys
from benchmarks.controlled import controlled, run, say
from benchmarks.exchange import CREATES, MARKETS
from benchmarks.group_commit import Journal

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

SCHEMA = """
CREATE TABLE IF NOT EXISTS sends (
  client_order_id TEXT PRIMARY KEY, state TEXT NOT NULL, body BLOB NOT NULL, sent_ms INTEGER NOT NULL,
  order_id TEXT, fill_count TEXT, reply BLOB, done_ms INTEGER
) STRICT;
"""
MARKET_PATH = "/trade-api/v2/markets"
# About what accepting a paid parlay of three legs writes in its one transaction.
ROWS_ACCEPTED = 14
SENDING = "INSERT INTO sends (client_order_id, state, body, sent_ms) VALUES (?, 'sending', ?, ?)"
OUTCOME = (
    "UPDATE sends SET state = 'filled', order_id = ?, fill_count = ?, reply = ?, done_ms = ?"
    " WHERE client_order_id = ? AND state = 'sending'"
)


class BareClient:
    """Signs and sends orders; `journal` None: writes nothing down."""

    def __init__(self, base: str, pem: str, journal: Journal | None) -> None:
        self._base = base
        self._url = base + CREATES
        self._key = keys.private_key(pem)
        self._journal = journal
        self._threads = ThreadPoolExecutor(2)
        self._aside = "BEGIN PRIVATE KEY" in pem and hasattr(self._key, "key_size")
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=128), cookie_jar=aiohttp.DummyCookieJar()
        )
        self._names = itertools.count()

    async def send(self, name: str | None = None) -> None:
        """Have one order exist, filled."""
        name = f"hs-{uuid4()}" if name is None else name
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

    async def read_markets(self) -> None:
        """Read three markets in one request."""
        url = f"{self._base}{MARKET_PATH}?tickers={','.join(MARKETS[:3])}"
        async with self._session.get(url, headers=await self._headers("GET", MARKET_PATH)) as response:
            assert len(orjson.loads(await response.read())["markets"]) == 3

    async def sign(self) -> None:
        """Sign one order, and nothing else."""
        await self._headers()

    async def _headers(self, method: str = "POST", path: str = CREATES) -> dict[str, str]:
        stamp = str(_now_ms())
        message = f"{stamp}{method}{path}".encode()
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


class Parts:
    """The parts between a payment's event and the first order's byte, each alone, at a fixed rate."""

    def __init__(self, client: BareClient, journal: Journal) -> None:
        self._client = client
        self._journal = journal

    async def measure(self, count: int, per_s: float) -> dict[str, list[float]]:
        """Give the milliseconds of: a read of three markets, a commit of a parlay's rows, one of SENDING."""
        works = {"read": self._client.read_markets, "accept": self._accept, "sending": self._sending}
        return {name: await paced(work, count, per_s) for name, work in works.items()}

    async def sends(self, count: int, per_s: float) -> dict[str, float]:
        """Sign and send orders; give when each was begun, on the monotonic clock."""
        begun: dict[str, float] = {}

        async def send() -> None:
            name = f"hs-{uuid4()}"
            begun[name] = time.monotonic()
            await self._client.send(name)

        await paced(send, count, per_s)
        return begun

    async def signing(self, count: int, rounds: int) -> list[float]:
        """Give the milliseconds that so many signatures at once take."""
        took = []
        for _ in range(rounds):
            start = time.perf_counter()
            await asyncio.gather(*(self._client.sign() for _ in range(count)))
            took.append((time.perf_counter() - start) * 1_000)
        return sorted(took)

    async def _accept(self) -> None:
        rows = [(SENDING, (f"row-{uuid4()}", b"x" * 400, 1)) for _ in range(ROWS_ACCEPTED)]
        await self._journal.write_all(list(rows))

    async def _sending(self) -> None:
        await self._journal.write(SENDING, f"hs-{uuid4()}", b"x" * 250, _now_ms())


async def paced(work: Callable[[], Awaitable[None]], count: int, per_s: float) -> list[float]:
    """Do a work at a fixed rate; give its times in milliseconds, sorted."""
    took = []
    for _ in range(count):
        start = time.perf_counter()
        await work()
        spent = time.perf_counter() - start
        took.append(spent * 1_000)
        await asyncio.sleep(max(1 / per_s - spent, 0))
    return sorted(took)


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

    parts = Parts(clients[False], journal)
    say({"ready": True})
    await controlled(
        {"orders": orders, "parts": parts.measure, "sends": parts.sends, "signing": parts.signing}
    )
    for client in clients.values():
        await client.close()
    journal.close()


if __name__ == "__main__":
    run(main())
