"""The load client: raw HTTP/1.1 over kept-alive connections, light enough not to be the limit.

`python -m benchmarks.client` obeys commands. Requests are made, and signed, before the clock starts.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import itertools
import json
import time
from collections import deque
from typing import TYPE_CHECKING, Any, cast

from benchmarks import keys
from benchmarks.controlled import controlled, run, say
from benchmarks.exchange import CREATES, MARKETS

if TYPE_CHECKING:
    from collections.abc import Iterator

HEAD_END = b"\r\n\r\n"
LENGTH = b"content-length:"
_NUMBERS = itertools.count(1)


class Connection(asyncio.Protocol):
    """One connection: a request out, its whole answer in."""

    def __init__(self) -> None:
        self._received = bytearray()
        self._answer: asyncio.Future[bytes] | None = None
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        """Collect an answer; its end is known by its length."""
        self._received += data
        head = self._received.find(HEAD_END)
        if head < 0 or len(self._received) < head + len(HEAD_END) + _length(self._received, head):
            return
        answer, self._received = bytes(self._received), bytearray()
        if self._answer is not None and not self._answer.done():
            self._answer.set_result(answer)

    def connection_lost(self, exc: Exception | None) -> None:
        """Fail the request that waits."""
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(ConnectionError(f"connection lost: {exc}"))

    async def request(self, request: bytes) -> bytes:
        """Send a request and give its answer. Raises ConnectionError, and RuntimeError unless it is a 2xx."""
        assert self._transport is not None
        self._answer = asyncio.get_running_loop().create_future()
        self._transport.write(request)
        answer = await self._answer
        if not answer.startswith(b"HTTP/1.1 20"):
            raise RuntimeError(answer[:600].decode(errors="replace"))
        return answer

    def close(self) -> None:
        """Close it."""
        if self._transport is not None:
            self._transport.close()


def _length(received: bytearray, head: int) -> int:
    lower = bytes(received[:head]).lower()
    at = lower.find(LENGTH)
    return int(lower[at + len(LENGTH) :].split(b"\r\n", 1)[0]) if at >= 0 else 0


def get(port: int, path: str) -> bytes:
    """Give the bytes of a read."""
    return f"GET {path} HTTP/1.1\r\nHost: localhost:{port}\r\nAccept: application/json\r\n\r\n".encode()


def webhook(port: int, payload: bytes, secret: str, stamp: int) -> bytes:
    """Give the bytes of a delivery, signed as Stripe signs."""
    signed = hmac.new(secret.encode(), f"{stamp}.".encode() + payload, hashlib.sha256).hexdigest()
    head = (
        f"POST /api/webhook HTTP/1.1\r\nHost: localhost:{port}\r\nContent-Type: application/json\r\n"
        f"Stripe-Signature: t={stamp},v1={signed}\r\nContent-Length: {len(payload)}\r\n\r\n"
    )
    return head.encode() + payload


def _create(port: int, key: keys.PrivateKey, number: int) -> bytes:
    order = {"ticker": MARKETS[0], "client_order_id": f"raw-{number}", "side": "bid", "count": "1.00"}
    body = json.dumps({**order, "price": "0.5000"}).encode()
    stamp = int(time.time() * 1_000)
    signature = base64.b64encode(keys.sign(key, f"{stamp}POST{CREATES}".encode())).decode()
    head = (
        f"POST {CREATES} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nContent-Type: application/json\r\n"
        f"KALSHI-ACCESS-KEY: {keys.KEY_ID}\r\nKALSHI-ACCESS-TIMESTAMP: {stamp}\r\n"
        f"KALSHI-ACCESS-SIGNATURE: {signature}\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


def unpaid_event(number: int) -> bytes:
    """Give an event of the size Stripe sends, about a session nobody has paid: kept, read, and noted."""
    session = {
        "id": f"cs_test_{time.time_ns()}_{number}",
        "object": "checkout.session",
        "client_reference_id": f"chk_{number:032x}",
        "status": "open",
        "payment_status": "unpaid",
        "amount_total": 500,
        "currency": "usd",
        "payment_intent": None,
        "livemode": False,
        "metadata": {f"key_{place}": "v" * 40 for place in range(30)},
    }
    return event(f"evt_bench_{time.time_ns()}_{number}", "checkout.session.async_payment_failed", session)


def paid_event(session_id: str, reference: str, payment_intent: str) -> bytes:
    """Give the event of a paid session."""
    session = {
        "id": session_id,
        "object": "checkout.session",
        "client_reference_id": reference,
        "status": "complete",
        "payment_status": "paid",
        "amount_total": 500,
        "currency": "usd",
        "payment_intent": payment_intent,
        "livemode": False,
        "metadata": {f"key_{place}": "v" * 40 for place in range(30)},
    }
    return event(f"evt_{session_id}", "checkout.session.completed", session)


def event(event_id: str, kind: str, session: dict[str, Any]) -> bytes:
    """Give the body of a delivery."""
    body = {
        "id": event_id,
        "object": "event",
        "type": kind,
        "created": int(time.time()),
        "livemode": False,
        "api_version": "2026-10-28",
        "data": {"object": session},
    }
    return json.dumps(body).encode()


class Client:
    """Connections to one port at a time."""

    def __init__(self) -> None:
        self._idle: deque[Connection] = deque()
        self._port = 0

    async def webhooks(
        self, port: int, secret: str, at_once: int, count: int, per_s: float = 0.0
    ) -> dict[str, Any]:
        """Deliver distinct events, so many at once, or at a fixed rate."""
        stamp = int(time.time())
        made = [webhook(port, unpaid_event(next(_NUMBERS)), secret, stamp) for _ in range(count)]
        return await self._load(port, made, at_once, per_s)

    async def deliver(
        self, port: int, secret: str, sessions: list[tuple[str, str, str]], per_s: float
    ) -> dict[str, Any]:
        """Deliver the events of paid sessions (id, reference, payment intent) at a fixed rate."""
        stamp = int(time.time())
        made = [webhook(port, paid_event(*session), secret, stamp) for session in sessions]
        return await self._load(port, made, 8, per_s)

    async def reads(
        self, port: int, path: str, at_once: int, count: int, per_s: float = 0.0
    ) -> dict[str, Any]:
        """Read one path over and over."""
        return await self._load(port, [get(port, path)] * count, at_once, per_s)

    async def creates(self, port: int, pem: str, count: int) -> dict[str, Any]:
        """Send distinct orders, signed beforehand, as fast as the stand-in takes them."""
        key = keys.private_key(pem)
        made = [_create(port, key, next(_NUMBERS)) for _ in range(count)]
        return await self._load(port, made, 64, 0.0)

    async def body(self, port: int, path: str) -> str:
        """Read one path once; give its body."""
        await self._connect(port, 1)
        answer = await self._idle[0].request(get(port, path))
        return answer.partition(HEAD_END)[2].decode()

    async def _load(self, port: int, made: list[bytes], at_once: int, per_s: float) -> dict[str, Any]:
        await self._connect(port, at_once)
        return await (self._open(made, per_s) if per_s else self._closed(made, at_once))

    async def _connect(self, port: int, count: int) -> None:
        if port != self._port:
            for connection in self._idle:
                connection.close()
            self._idle.clear()
            self._port = port
        loop = asyncio.get_running_loop()
        while len(self._idle) < count:
            _, connection = await loop.create_connection(Connection, "127.0.0.1", port)
            self._idle.append(connection)

    async def _closed(self, made: list[bytes], at_once: int) -> dict[str, Any]:
        """Keep so many under way; each connection sends its next request when it has its answer."""
        rest, took = iter(made), list[float]()
        start = time.perf_counter()
        connections = list(itertools.islice(self._idle, at_once))
        await asyncio.gather(*(_one_by_one(connection, rest, took) for connection in connections))
        seconds = time.perf_counter() - start
        return {
            "per_s": len(made) / seconds,
            "took_ms": sorted(took),
            # On the machine's monotonic clock: runs of several clients are put together by it.
            "from": start,
            "until": start + seconds,
        }

    async def _open(self, made: list[bytes], per_s: float) -> dict[str, Any]:
        """Send at fixed moments whatever happens; times count from the moment it should have been sent."""
        loop, took, births = asyncio.get_running_loop(), list[float](), list[float]()
        start = time.monotonic() + 0.05
        tasks = []
        for number, request in enumerate(made):
            due = start + number / per_s
            if (early := due - time.monotonic()) > 0:
                await asyncio.sleep(early)
            births.append(due)
            tasks.append(loop.create_task(self._sent(request, due, took)))
        await asyncio.gather(*tasks)
        return {"per_s": len(made) / (time.monotonic() - start), "took_ms": sorted(took), "births": births}

    async def _sent(self, request: bytes, due: float, took: list[float]) -> None:
        if not self._idle:
            _, connection = await asyncio.get_running_loop().create_connection(
                Connection, "127.0.0.1", self._port
            )
        else:
            connection = self._idle.popleft()
        await connection.request(request)
        took.append((time.monotonic() - due) * 1_000)
        self._idle.append(connection)


async def _one_by_one(connection: Connection, rest: Iterator[bytes], took: list[float]) -> None:
    for request in rest:
        start = time.perf_counter()
        await connection.request(request)
        took.append((time.perf_counter() - start) * 1_000)


async def main() -> None:
    """Obey."""
    client = Client()
    say({"ready": True})
    names = ("webhooks", "deliver", "reads", "creates", "body")
    await controlled({name: getattr(client, name) for name in names})


if __name__ == "__main__":
    run(main())
