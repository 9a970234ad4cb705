"""Who may call, ids that are attacks, pages, health, and the canonical line."""

from __future__ import annotations

from io import BytesIO
from typing import TYPE_CHECKING, Any

import pytest
from structlog.contextvars import merge_contextvars
from structlog.testing import capture_logs
from yarl import URL

from hedge_service.web.guards import own_hosts
from tests.web.web_fakes import USER, FakeQuoting, FakeReadiness

if TYPE_CHECKING:
    from aiohttp import ClientResponse

    from tests.web.web_fakes import Client

LEG = {"marketTitle": "Seattle at Los Angeles", "optionLabel": "SEA", "prob": 43}


async def error_of(response: ClientResponse) -> dict[str, Any]:
    assert response.content_type == "application/json"
    body: dict[str, Any] = await response.json()
    assert body["error"]
    assert body["details"]
    return body


@pytest.mark.parametrize("origin", ["https://evil.example", "http://localhost:4000", "null", "", "file://"])
async def test_a_web_page_may_change_nothing(client: Client, quoting: FakeQuoting, origin: str) -> None:
    headers = {"Origin": origin}
    for method, path in [
        ("POST", "/api/quote"),
        ("POST", f"/api/parlay/{USER}"),
        ("POST", "/api/claim-winnings/cs_test_1"),
        ("DELETE", f"/api/parlay/{USER}"),
        ("POST", "/api/webhook"),
        ("POST", "/nowhere"),
    ]:
        response = await client.request(method, path, json={"bets": [LEG], "stake": 5}, headers=headers)
        assert response.status == 403
        await error_of(response)
    assert quoting.asked == []


@pytest.mark.parametrize(
    "origin", ["chrome-extension://abc", "moz-extension://abc", "safari-web-extension://abc", None]
)
async def test_extensions_and_programs_may(client: Client, origin: str | None) -> None:
    headers = {} if origin is None else {"Origin": origin}
    response = await client.post("/api/quote", json={"bets": [LEG], "stake": 5}, headers=headers)
    assert response.status == 200


@pytest.mark.parametrize("host", ["evil.example", "evil.example:4000", "localhost.evil.example", "[::1"])
async def test_a_foreign_name_for_this_machine_is_refused(client: Client, host: str) -> None:
    response = await client.get(f"/api/parlay/{USER}", headers={"Host": host})
    assert response.status == 403
    await error_of(response)


@pytest.mark.parametrize(
    "host", ["localhost", "localhost:4000", "127.0.0.1:4000", "[::1]:4000", "LOCALHOST", "parlay.example"]
)
async def test_our_own_names_are_answered(client: Client, host: str) -> None:
    response = await client.get(f"/api/parlay/{USER}", headers={"Host": host})
    assert response.status == 200


def test_our_own_names_are_loopbacks_and_the_public_one() -> None:
    assert own_hosts("http://localhost:4000") == {"localhost", "127.0.0.1", "::1"}
    assert "parlay.example" in own_hosts("https://Parlay.Example:8443/x")


@pytest.mark.parametrize("hostile", ["%00", "a%0ab", "a%2Fb", "a%2fb", "..%2F..", "%F0%28", "x" * 3000])
@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/api/kalshi/market/{}"),
        ("GET", "/api/parlay/{}"),
        ("POST", "/api/parlay/{}"),
        ("DELETE", "/api/parlay/{}"),
        ("DELETE", "/api/parlay/{}/1"),
        ("GET", "/api/parlay-history/{}"),
        ("GET", "/api/purchase-history/{}"),
        ("GET", "/api/wallet/{}"),
        ("POST", "/api/claim-winnings/{}"),
    ],
)
async def test_ids_that_are_none_are_refused(client: Client, method: str, path: str, hostile: str) -> None:
    url = URL(path.format(hostile), encoded=True)
    response = await client.request(method, url, json={})
    assert response.status == 400
    body = await error_of(response)
    assert "x" * 300 not in str(body)


@pytest.mark.parametrize("path", ["/", "/nowhere", "/api/parlay/", "/api/parlay/a/b/c", "/favicon.ico"])
async def test_an_unknown_path_is_told_in_json(client: Client, path: str) -> None:
    response = await client.get(path)
    assert (response.status, (await error_of(response))["error"]) == (404, "Not found")


async def test_a_wrong_method_is_told_in_json(client: Client) -> None:
    response = await client.put("/api/quote")
    assert (response.status, response.headers["Allow"]) == (405, "POST")
    assert (await error_of(response))["error"] == "Method not allowed"


@pytest.mark.parametrize("payload", [b"", b"{", b"<html>", b"[]", b'{"stake": NaN}'])
@pytest.mark.parametrize("path", ["/api/quote", "/api/create-checkout-session", f"/api/parlay/{USER}"])
async def test_a_body_that_is_no_json_object_is_told_in_json(
    client: Client, path: str, payload: bytes
) -> None:
    response = await client.post(path, data=payload)
    assert response.status == 400
    assert "JSON" in (await error_of(response))["error"]


async def test_a_body_that_is_too_large_is_refused(client: Client) -> None:
    response = await client.post("/api/quote", data=b" " * (256 * 1024 + 1))
    assert (response.status, (await error_of(response))["code"]) == (413, "too_large")


async def test_a_compressed_body_counts_at_its_true_size(client: Client) -> None:
    response = await client.post("/api/quote", data=BytesIO(b" " * 4_000_000), compress="deflate")
    assert response.status == 413


async def test_a_body_that_is_not_what_it_says_is_refused(client: Client) -> None:
    response = await client.post("/api/quote", data=b"{}", headers={"Content-Encoding": "gzip"})
    assert response.status == 400
    await error_of(response)


@pytest.mark.parametrize("path", ["/health", "/api/health"])
async def test_health_says_what_is_running(client: Client, path: str) -> None:
    body = await (await client.get(path)).json()
    assert body == {"status": "ok", "version": "0.1.0", "mode": "dry_run", "environment": "sandbox"}


async def test_ready_names_what_is_in_the_way(client: Client, readiness: FakeReadiness) -> None:
    response = await client.get("/ready")
    assert (response.status, await response.json()) == (200, {"ready": True})
    readiness.reasons = ("reconciliation has not finished",)
    response = await client.get("/ready")
    reasons = ["reconciliation has not finished"]
    assert (response.status, await response.json()) == (503, {"ready": False, "reasons": reasons})


@pytest.mark.parametrize("path", ["/payment-success?session_id=<script>alert(1)</script>", "/payment-cancel"])
async def test_pages_close_themselves_and_run_nothing_else(client: Client, path: str) -> None:
    response = await client.get(path)
    text = await response.text()
    assert (response.status, response.content_type) == (200, "text/html")
    assert "window.close()" in text
    assert "alert(1)" not in text
    policy = response.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy


async def test_a_request_leaves_one_line_without_its_ids(client: Client) -> None:
    with capture_logs(processors=[merge_contextvars]) as lines:
        response = await client.get(f"/api/parlay/{USER}?environment=demo")
        await client.get("/nowhere/at/all")
    assert [(line["event"], line["route"], line["status"]) for line in lines] == [
        ("request.handled", "/api/parlay/{userId}", 200),
        ("request.handled", "unmatched", 404),
    ]
    assert lines[0]["request_id"] == response.headers["X-Request-Id"]
    assert lines[0]["duration_ms"] >= 0
    assert USER not in str(lines)


async def test_an_unforeseen_failure_is_in_the_log_and_not_in_the_answer(
    client: Client, quoting: FakeQuoting
) -> None:
    quoting.failure = RuntimeError("column hunter2 is missing")
    with capture_logs() as lines:
        response = await client.post("/api/quote", json={"bets": [LEG], "stake": 5})
    assert "hunter2" not in await response.text()
    assert [line["event"] for line in lines] == ["request.failed", "request.handled"]
