from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING, Any

import orjson
import pytest
from aiohttp.test_utils import unused_port

from hedge_service.clients.kalshi import ExchangeRefused, Transport
from hedge_service.core.money import Count
from hedge_service.core.orders import Accepted, ClockExpired, Refused, Throttled, Unproved, Unsent
from hedge_service.core.venue import CancelResult
from hedge_service.errors import OutcomeUnknown, PeerPaused, PeerUnavailable
from hedge_service.wire.kalshi.orders import create_body, create_bytes
from tests.clients.exchange_stub import Reply, make_client
from tests.wire import kalshi_samples as samples

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from tests.clients.exchange_stub import Stage

CREATE = "/portfolio/events/orders"
ORDER = samples.order()


def nothing() -> None:
    """Take no notice of the first byte."""


async def test_an_order_is_signed_sent_once_and_accepted(stage: Stage) -> None:
    stage.exchange.answers("POST", CREATE, Reply(samples.created(), status=201))
    written: list[int] = []
    reply = await stage.client.create_order(ORDER, create_bytes(ORDER), on_written=lambda: written.append(1))
    assert isinstance(reply, Accepted)
    assert (reply.fill_count, written) == (Count.of(2), [1])
    (request,) = stage.exchange.requests
    assert request.target == "/trade-api/v2/portfolio/events/orders"
    assert orjson.loads(request.body) == create_body(ORDER)
    assert request.headers["Content-Type"] == "application/json"
    assert request.headers["KALSHI-ACCESS-KEY"] == "key-1"
    assert request.headers["KALSHI-ACCESS-TIMESTAMP"] == "1795348800000"
    assert "Cookie" not in request.headers


@pytest.mark.parametrize(
    ("reply", "kind"),
    [
        (Reply({"error": {"code": "insufficient_balance"}}, status=400), Refused),
        (Reply({"error": {"code": "header_timestamp_expired"}}, status=401), ClockExpired),
        (Reply({"error": {"code": "order_already_exists"}}, status=409), Unproved),
        (Reply(body=b"<html>Bad Gateway</html>", status=502), Unproved),
        (Reply(body=b"garbage", status=201), Unproved),
        (Reply(status=307, headers={"Location": "/elsewhere"}), Unproved),
        (Reply(cuts=True), Unproved),
        (Reply(samples.created(), status=201, headers={"Content-Encoding": "gzip"}), Unproved),
    ],
)
async def test_an_order_is_never_sent_again_by_the_client(stage: Stage, reply: Reply, kind: type) -> None:
    stage.exchange.answers("POST", CREATE, reply)
    assert isinstance(await stage.client.create_order(ORDER, create_bytes(ORDER), on_written=nothing), kind)
    assert stage.paths == [CREATE]


async def test_a_429_on_an_order_pauses_the_write_bucket(stage: Stage) -> None:
    stage.exchange.answers("POST", CREATE, Reply({"error": "too many requests"}, status=429))
    assert await stage.client.create_order(ORDER, create_bytes(ORDER), on_written=nothing) == Throttled()
    assert stage.client.limiter.write.state.available == 0
    async with stage.client.limiter.write.acquire(10):
        assert stage.clock.monotonic() == pytest.approx(1000.25)


async def test_a_grant_is_spent_when_the_first_byte_goes_out(stage: Stage) -> None:
    stage.exchange.answers("POST", CREATE, Reply(samples.created(), status=201))
    async with stage.client.limiter.write.acquire(stage.client.create_cost) as grant:
        await stage.client.create_order(ORDER, create_bytes(ORDER), on_written=grant.written)
    assert stage.client.limiter.write.state.available == 90


async def test_a_hook_that_objects_stops_the_send_before_the_first_byte(stage: Stage) -> None:
    class LeaseOverError(Exception):
        pass

    def object_to_it() -> None:
        raise LeaseOverError

    stage.exchange.answers("POST", CREATE, Reply(samples.created(), status=201))
    with pytest.raises(LeaseOverError):
        await stage.client.create_order(ORDER, create_bytes(ORDER), on_written=object_to_it)
    assert stage.exchange.requests == []
    assert isinstance(
        await stage.client.create_order(ORDER, create_bytes(ORDER), on_written=nothing), Accepted
    )


async def test_no_exchange_is_proof_that_nothing_was_sent() -> None:
    transport, written = Transport(), []
    client = make_client(f"http://127.0.0.1:{unused_port()}/trade-api/v2", transport)
    reply = await client.create_order(ORDER, create_bytes(ORDER), on_written=lambda: written.append(1))
    await transport.close()
    assert (reply, written) == (Unsent(reason="connect_failed"), [])


async def test_a_failed_tls_handshake_is_proof_that_nothing_was_sent(stage: Stage) -> None:
    client = make_client(stage.base_url.replace("http:", "https:"), stage.transport)
    assert isinstance(await client.create_order(ORDER, create_bytes(ORDER), on_written=nothing), Unsent)


@asynccontextmanager
async def raw_exchange(
    behave: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]],
) -> AsyncIterator[str]:
    """Serve bytes as `behave` writes them, for what no HTTP library would send."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        await behave(reader, writer)
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()

    async def serve_and_tell(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        served = asyncio.create_task(serve(reader, writer))
        serving.append(served)
        await served

    serving: list[asyncio.Task[None]] = []
    server = await asyncio.start_server(serve_and_tell, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/trade-api/v2"
    finally:
        server.close()
        await asyncio.gather(*serving)
        await server.wait_closed()


async def hang(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read()


async def hang_after_headers(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 201 Created\r\nContent-Length: 500\r\n\r\n{")
    await reader.read()


async def cut_the_body(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 500\r\n\r\n{")
    await writer.drain()


async def speak_nonsense(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"\x00\x01 nonsense\r\n\r\n")
    await writer.drain()


async def close_at_once(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    del reader, writer


@pytest.mark.parametrize(
    ("behave", "reason"),
    [
        (hang, "timeout"),
        (hang_after_headers, "timeout"),
        (cut_the_body, "connection_lost"),
        (speak_nonsense, "connection_lost"),
        (close_at_once, "connection_lost"),
    ],
)
async def test_whatever_happens_after_the_first_byte_leaves_the_order_unproved(
    behave: Any, reason: str
) -> None:
    transport, written = Transport(), []
    async with raw_exchange(behave) as base_url:
        client = make_client(base_url, transport, timeout_s=0.3)
        reply = await client.create_order(ORDER, create_bytes(ORDER), on_written=lambda: written.append(1))
        await transport.close()
    assert (reply, written) == (Unproved(reason=reason), [1])


async def test_a_reply_without_end_is_cut_off_and_unproved(monkeypatch: pytest.MonkeyPatch) -> None:
    async def flood(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 201 Created\r\nContent-Length: 1000000\r\n\r\n" + b" " * 70_000)
        await reader.read()

    monkeypatch.setattr("hedge_service.clients.kalshi.transport.MAX_BODY_BYTES", 65_536)
    transport = Transport()
    async with raw_exchange(flood) as base_url:
        reply = await make_client(base_url, transport).create_order(
            ORDER, create_bytes(ORDER), on_written=nothing
        )
        await transport.close()
    assert reply == Unproved(reason="reply_too_large")


async def test_a_cancelled_send_comes_out_as_a_cancel() -> None:
    transport, begun = Transport(), asyncio.Event()
    async with raw_exchange(hang) as base_url:
        client = make_client(base_url, transport)
        sending = asyncio.create_task(client.create_order(ORDER, create_bytes(ORDER), on_written=begun.set))
        await begun.wait()
        sending.cancel()
        with pytest.raises(asyncio.CancelledError):
            await sending
        await transport.close()


async def test_a_cancel_names_the_market_and_the_subaccount(stage: Stage) -> None:
    reply = Reply({"order_id": "o-1", "reduced_by": "1.00", "ts_ms": 1})
    stage.exchange.answers("DELETE", f"{CREATE}/o-1", reply)
    result = await stage.client.cancel_order("o-1", "TICK")
    assert result == CancelResult(order_id="o-1", reduced_by=Count.of(1))
    assert stage.exchange.requests[0].target.endswith("/o-1?market_ticker=TICK&subaccount=2")
    assert stage.client.limiter.write.state.available == 98


async def test_an_order_that_is_gone_cannot_be_cancelled(stage: Stage) -> None:
    stage.exchange.answers("DELETE", f"{CREATE}/o-1", Reply({"error": {"code": "not_found"}}, status=404))
    assert await stage.client.cancel_order("o-1", "TICK") is None


async def test_a_lost_cancel_is_sent_again_freshly_signed(stage: Stage) -> None:
    gone = Reply({"error": {"code": "not_found"}}, status=404)
    stage.exchange.answers("DELETE", f"{CREATE}/o-1", Reply(cuts=True), gone)
    assert await stage.client.cancel_order("o-1", "TICK") is None
    first, second = (r.headers["KALSHI-ACCESS-SIGNATURE"] for r in stage.exchange.requests)
    assert first != second


async def test_a_cancel_nobody_confirms_is_unknown_and_not_failed(stage: Stage) -> None:
    stage.exchange.answers("DELETE", f"{CREATE}/o-1", Reply({"error": {"code": "internal"}}, status=500))
    with pytest.raises(OutcomeUnknown):
        await stage.client.cancel_order("o-1", "TICK")
    assert len(stage.paths) == 4


async def test_a_cancel_that_never_left_is_no_unknown() -> None:
    transport = Transport()
    client = make_client(f"http://127.0.0.1:{unused_port()}/trade-api/v2", transport)
    with pytest.raises(PeerUnavailable):
        await client.cancel_order("o-1", "TICK")
    await transport.close()
    assert client.limiter.write.state.available == 100


async def test_a_pause_and_a_refusal_of_a_cancel_are_told_apart(stage: Stage) -> None:
    paused = Reply({"error": {"code": "EXCHANGE_IS_PAUSED"}}, status=409)
    closed = Reply({"error": {"code": "MARKET_INACTIVE"}}, status=400)
    stage.exchange.answers("DELETE", f"{CREATE}/o-1", paused, closed)
    with pytest.raises(PeerPaused):
        await stage.client.cancel_order("o-1", "TICK")
    with pytest.raises(ExchangeRefused) as caught:
        await stage.client.cancel_order("o-1", "TICK")
    assert (caught.value.http_status, caught.value.refusal) == (400, "market_inactive")


async def test_an_id_with_slashes_is_signed_as_it_is_sent(stage: Stage) -> None:
    stage.exchange.answers("DELETE", f"{CREATE}/a%2Fb%20%C3%A9", Reply({"msg": "no"}, status=404))
    assert await stage.client.cancel_order("a/b é", "TICK") is None
