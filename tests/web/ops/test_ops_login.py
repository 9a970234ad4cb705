"""The way in: form, cookie, headers, foreign pages and names, and the closed listener."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from tests.web.ops.ops_stage import ANN, OpsStage, StageClock, listening

if TYPE_CHECKING:
    from hedge_service.store.db import Database

LIVE = '<script src="/ops/static/live.js" defer></script>'


async def test_without_a_token_everything_is_closed_and_says_what_to_set(
    database: Database, clock: StageClock
) -> None:
    async with listening(database, clock) as ops:
        for path in ("/", "/ops", "/ops/login", "/ops/nothing"):
            status, text, _ = await ops.page(path)
            assert (status, "Set HEDGE_OPS_TOKEN" in text) == (503, True)
        status, body = await ops.api("GET", "/status")
        assert (status, body["code"]) == (503, "no_ops_token")
        assert (await ops.post("/ops/login", {"token": ""}))[0] == 503
        assert (await ops.page("/ops/static/ops.css"))[0] == 200


async def test_a_page_leads_to_the_form_and_from_there_back(ops: OpsStage) -> None:
    status, _, reply = await ops.page("/ops?x=1", allow_redirects=False)
    assert (status, reply.headers["Location"]) == (303, "/ops/login?next=/ops?x%3D1")
    _, text, _ = await ops.page(reply.headers["Location"])
    assert 'name="next" value="/ops?x=1"' in text
    status, _, reply = await ops.post("/ops/login", {"token": ANN, "next": "/ops?x=1"})
    assert (status, reply.headers["Location"]) == (303, "/ops?x=1")
    cookie = reply.headers["Set-Cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=Strict" in cookie
    assert "Path=/ops" in cookie
    assert "Secure" not in cookie
    status, text, _ = await ops.page("/ops")
    assert (status, "Sending is allowed" in text, "ann" in text) == (200, True, True)
    status, _, reply = await ops.page("/ops/login", allow_redirects=False)
    assert (status, reply.headers["Location"]) == (303, "/ops")


@pytest.mark.parametrize(
    "next_page", ["https://evil.example/", "//evil.example", "/ops/../x", "/ops\\evil", "/opsevil", "/ops//e"]
)
async def test_nobody_is_sent_to_another_place_after_the_login(ops: OpsStage, next_page: str) -> None:
    _, _, reply = await ops.post("/ops/login", {"token": ANN, "next": next_page})
    assert reply.headers["Location"] == "/ops"


async def test_wrong_tokens_are_refused_and_then_have_to_wait(ops: OpsStage, clock: StageClock) -> None:
    for _ in range(4):
        status, text, reply = await ops.post("/ops/login", {"token": "wrong"})
        assert (status, "no operator" in text, "Set-Cookie" in reply.headers) == (401, True, False)
    status, _, reply = await ops.post("/ops/login", {"token": ANN})
    assert (status, reply.headers["Retry-After"]) == (429, "2")
    clock.elapsed_s += 2
    await ops.log_in()
    assert [line["address"] for line in ops.log.named("operator.refused")] == ["127.0.0.1"] * 5


async def test_wrong_bearer_tokens_do_not_keep_people_out(ops: OpsStage) -> None:
    for _ in range(4):
        status, body = await ops.api("GET", "/status", headers={"Authorization": "Bearer wrong"})
        assert (status, body["code"]) == (401, "not_authenticated")
    assert (await ops.api("GET", "/status"))[0] == 429
    await ops.log_in()


async def test_every_answer_carries_the_headers_that_keep_a_browser_in_check(ops: OpsStage) -> None:
    await ops.log_in()
    for path in ("/ops", "/ops/login", "/ops/nothing", "/ops/static/ops.css", "/ops/api/status", "/nothing"):
        _, _, reply = await ops.page(path, allow_redirects=False)
        policy = reply.headers["Content-Security-Policy"]
        assert policy.startswith("default-src 'none'; ")
        assert "unsafe" not in policy
        assert {"frame-ancestors 'none'", "base-uri 'none'", "form-action 'self'"} <= set(policy.split("; "))
        assert reply.headers["X-Content-Type-Options"] == "nosniff"
        assert reply.headers["Referrer-Policy"] == "same-origin"
        assert reply.headers["Cache-Control"] == "no-store"


async def test_no_page_holds_a_script_or_a_style_of_its_own(ops: OpsStage) -> None:
    for path in ("/ops/login", "/ops/parlays", "/ops/money", "/ops"):
        _, text, _ = await ops.page(path)
        assert re.findall("<script[^>]*>", text.replace(LIVE, "")) == []
        assert "<style" not in text
        assert "style=" not in text
        assert "://" not in text
        await ops.log_in()


async def test_an_act_needs_the_sessions_own_token(ops: OpsStage) -> None:
    csrf = await ops.log_in()
    for form in ({"reason": "x"}, {"reason": "x", "csrf": "wrong"}, {"reason": "x", "csrf": csrf + "1"}):
        assert (await ops.post("/ops/acts/halt", form))[0] == 403
    assert (await ops.post("/ops/acts/halt", {"reason": "x", "csrf": csrf}))[0] == 303


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://127.0.0.1:1"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Site": "none"},
    ],
)
async def test_other_pages_can_neither_act_nor_log_in(ops: OpsStage, headers: dict[str, str]) -> None:
    csrf = await ops.log_in()
    assert (await ops.post("/ops/acts/halt", {"reason": "x", "csrf": csrf}, headers=headers))[0] == 403
    assert (await ops.post("/ops/login", {"token": ANN}, headers=headers))[0] == 403
    status, _ = await ops.api("POST", "/halt", {"reason": "x"}, headers={**ops.headers, **headers})
    assert status == 403


async def test_our_own_page_may_act(ops: OpsStage) -> None:
    csrf = await ops.log_in()
    own = {"Origin": ops.base, "Sec-Fetch-Site": "same-origin"}
    assert (await ops.post("/ops/acts/halt", {"reason": "x", "csrf": csrf}, headers=own))[0] == 303


async def test_a_name_that_is_not_ours_is_refused(ops: OpsStage) -> None:
    for host in ("evil.example", "evil.example:4001", "", "["):
        status, text, _ = await ops.page("/ops/login", headers={"Host": host})
        assert (status, "public_url" in text) == (403, True)


async def test_a_cookie_alone_opens_no_interface_and_a_bearer_token_no_page(ops: OpsStage) -> None:
    await ops.log_in()
    assert (await ops.api("GET", "/status", headers={}))[0] == 401
    ops.http.cookie_jar.clear()
    status, _, _ = await ops.page("/ops", headers=ops.headers, allow_redirects=False)
    assert status == 303


async def test_the_interface_says_how_to_authenticate(ops: OpsStage) -> None:
    for headers in ({}, {"Authorization": "Basic eDp5"}, {"Authorization": "Bearer "}):
        async with ops.http.get(f"{ops.base}/ops/api/status", headers=headers) as reply:
            assert (reply.status, reply.headers["WWW-Authenticate"][:6]) == (401, "Bearer")
    # An absent token is no guess.
    assert (await ops.api("GET", "/status"))[0] == 200


async def test_logging_out_ends_the_session_here_too(ops: OpsStage) -> None:
    csrf = await ops.log_in()
    cookies = {one.key: one.value for one in ops.http.cookie_jar}
    status, _, _ = await ops.post("/ops/logout", {"csrf": csrf})
    assert status == 303
    status, _, _ = await ops.page("/ops", cookies=cookies, allow_redirects=False)
    assert status == 303
    assert (await ops.post("/ops/acts/halt", {"csrf": csrf, "reason": "x"}))[0] == 401


async def test_a_login_never_takes_over_a_known_session(ops: OpsStage) -> None:
    await ops.log_in()
    (before,) = [one.value for one in ops.http.cookie_jar]
    await ops.log_in()
    (after,) = [one.value for one in ops.http.cookie_jar]
    assert before != after
    assert ops.desk.sessions.find(before) is None


async def test_a_proxys_word_counts_only_where_one_is_configured(
    database: Database, clock: StageClock
) -> None:
    told = {"X-Forwarded-For": "198.51.100.9, 203.0.113.7", "X-Forwarded-Proto": "https"}
    async with listening(database, clock, token=ANN) as ops:
        _, _, reply = await ops.post("/ops/login", {"token": ANN}, headers=told)
        assert "Secure" not in reply.headers["Set-Cookie"]
        assert ops.log.named("operator.logged_in")[0]["address"] == "127.0.0.1"
    knobs = {"HEDGE_OPS__BEHIND_PROXY": "true", "HEDGE_OPS__PUBLIC_URL": "https://ops.example"}
    async with listening(database, clock, token=ANN, knobs=knobs) as ops:
        host = {"Host": "ops.example", "Origin": "https://ops.example"}
        _, _, reply = await ops.post("/ops/login", {"token": ANN}, headers={**told, **host})
        assert "Secure" in reply.headers["Set-Cookie"]
        # What stands before the last address is the client's own word.
        assert ops.log.named("operator.logged_in")[0]["address"] == "203.0.113.7"


async def test_files_are_given_by_name_only(ops: OpsStage) -> None:
    for name in ("..%2fapp.py", "base.html", "none.css", "ops.css%00", "OPS.CSS"):
        assert (await ops.page(f"/ops/static/{name}"))[0] in {404, 400}
