"""What the HTTP parser refuses, over a raw socket and the real runner."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import orjson
import pytest
from aiohttp import web
from structlog.testing import capture_logs

from hedge_service.web.routes import web_application
from hedge_service.web.runner import DoorRunner

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from hedge_service.web.keys import Doors


@pytest.fixture
async def port(doors: Doors) -> AsyncIterator[int]:
    runner = DoorRunner(web_application(doors), shutdown_timeout_s=1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield runner.addresses[0][1]
    await runner.cleanup()


async def told(port: int, raw: bytes) -> tuple[int, str, dict[str, str]]:
    """Send bytes, read to the end of the answer, give status, headers and JSON."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(raw)
    answer = await asyncio.wait_for(reader.read(), 10)
    writer.close()
    await writer.wait_closed()
    head, _, body = answer.partition(b"\r\n\r\n")
    return int(head.split()[1]), head.decode().lower(), orjson.loads(body)


def get(target: bytes) -> bytes:
    return b"GET " + target + b" HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"


@pytest.mark.parametrize(
    "target", [b"/api/parlay/" + b"a" * 10_000, b"/api/kalshi/market/" + b"k" * 10_000, b"/api/wallet/a%0Ab"]
)
async def test_an_id_of_ten_kilobytes_is_refused_in_json(port: int, target: bytes) -> None:
    status, head, body = await told(port, get(target))
    assert status == 400
    assert "application/json" in head
    assert len(str(body)) < 300
    assert set(body) == {"error", "details", "code"}


@pytest.mark.parametrize(
    "raw",
    [
        get(b"/api/parlay/a\x00b"),
        get(b"/api/parlay/a\x01b"),
        get(b"/" + b"a" * 100_000),
        b"NONSENSE\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03 secret\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: localhost\r\nbad header\r\n\r\n",
        b"POST /api/quote HTTP/1.1\r\nHost: localhost\r\nContent-Length: -5\r\n\r\n",
        (
            b"POST /api/quote HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n"
            b"Transfer-Encoding: chunked\r\n\r\n{}"
        ),
    ],
)
async def test_what_is_no_http_request_gets_a_json_error_too(port: int, raw: bytes) -> None:
    with capture_logs() as lines:
        status, head, body = await told(port, raw)
    assert (status, body["code"]) == (400, "malformed_request")
    assert "application/json" in head
    assert [(line["event"], line["log_level"]) for line in lines] == [("request.handled", "info")]


async def test_a_body_that_is_badly_framed_is_refused_in_json(port: int) -> None:
    raw = (
        b"POST /api/quote HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
        b"Transfer-Encoding: chunked\r\n\r\nZZ\r\n{}\r\n0\r\n\r\n"
    )
    status, head, body = await told(port, raw)
    assert status == 400
    assert "application/json" in head
    assert body["details"]


async def test_a_request_without_a_host_is_refused(port: int) -> None:
    status, _, body = await told(port, b"GET /api/wallet/u HTTP/1.0\r\n\r\n")
    assert (status, body["error"]) == (403, "Unknown host")
