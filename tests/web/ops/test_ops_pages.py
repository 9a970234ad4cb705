"""The pages: what they show of a filled and of an empty database, how they find, page and follow."""

from __future__ import annotations

import asyncio
import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from aiohttp import web

from hedge_service.core.ledger import Account, Posting, PostingSet, stake_received
from hedge_service.core.money import Money
from hedge_service.core.orders import AttemptState
from hedge_service.logs import digest
from hedge_service.store import ledger, parlays, quotes
from hedge_service.web.ops import live
from hedge_service.web.ops.access import Sessions
from tests.store.parlay_samples import NOW, put_attempt, put_parlay, put_sent, put_sold, put_state
from tests.web.ops.test_ops_api import conforms

if TYPE_CHECKING:
    from sqlalchemy.engine import Connection

    from hedge_service.store.db import Database
    from tests.web.ops.ops_stage import OpsStage, StageClock

S = AttemptState
LISTS = (
    *("/ops/parlays", "/ops/orders", "/ops/payments", "/ops/inbox", "/ops/inbox?which=failed"),
    *("/ops/inbox?which=all", "/ops/money", "/ops/reconciliations", "/ops/audit", "/ops/exposure"),
)


def park(tx: Connection) -> str:
    attempt = put_sent(tx, put_attempt(tx), epoch=1, at=NOW)
    return put_state(tx, attempt, S.UNKNOWN, S.PARKED).client_order_id


@pytest.mark.parametrize("path", ["/ops", *LISTS])
async def test_an_empty_database_says_what_to_do_next(ops: OpsStage, path: str) -> None:
    await ops.log_in()
    status, text, _ = await ops.page(path)
    assert status == 200
    assert 'class="empty"' in text or "Nothing is open." in text


@pytest.mark.parametrize("path", ["/ops", *LISTS])
async def test_a_page_shows_what_programs_read_and_no_style_or_script_of_its_own(
    ops: OpsStage, database: Database, path: str
) -> None:
    await database.write(park)
    await ops.log_in()
    status, text, _ = await ops.page(path)
    assert status == 200
    assert re.search(r"<script(?! src)|<style|\sstyle=|\son\w+=|javascript:", text) is None
    # The skip link has somewhere to lead to, and the page says which one it is.
    assert '<a class="skip" href="#main">' in text
    assert text.count('aria-current="page"') == 1


async def test_every_input_that_is_seen_has_a_label(ops: OpsStage, database: Database) -> None:
    await database.write(park)
    await ops.log_in()
    for path in ("/ops", *LISTS):
        _, text, _ = await ops.page(path)
        inside = "".join(re.findall(r"<label.*?</label>", text, re.DOTALL))
        seen = re.findall(r'<input (?!type="hidden")', text)
        assert len(seen) == len(re.findall(r"<input ", inside)), path


async def test_a_search_that_finds_one_parlay_leads_to_it(ops: OpsStage, database: Database) -> None:
    order = await database.write(park)
    parlay = await database.read(lambda tx: parlays.by_session(tx, "cs_test_1"))
    assert parlay is not None
    await ops.log_in()
    names = (order, parlay.id, "cs_test_1", digest("cs_test_1"), "quote-1", "KXA-1-SEA", f"  {order} ")
    for name in names:
        params = {"q": name}
        _, text, reply = await ops.page("/ops/parlays", params=params, allow_redirects=False)
        assert (reply.status, reply.headers.get("Location")) == (303, f"/ops/parlays/{parlay.id}"), text
    for name, told in (("KXNONE", "Nothing is known by that name."), ("a b<c", "Search by a whole id")):
        status, text, _ = await ops.page("/ops/parlays", params={"q": name})
        assert (status, told in text, "b<c" in text) == (200, True, False)


async def test_a_drill_down_explains_and_offers_what_a_person_may_do(
    ops: OpsStage, database: Database
) -> None:
    def put(tx: Connection) -> str:
        order = park(tx)
        parlay = parlays.by_session(tx, "cs_test_1")
        assert parlay is not None
        entry = stake_received(session_id="cs_test_1", parlay_id=parlay.id, stake=Money.of(5))
        ledger.post(tx, entry, NOW)
        assert order
        return parlay.id

    parlay_id = await database.write(put)
    await ops.log_in()
    status, text, _ = await ops.page(f"/ops/parlays/{parlay_id}")
    assert status == 200
    for told in ("14.53%", "KXA-1-SEA", "older than the records of decisions", "Resolve", "Rehedge", "owed"):
        assert told in text, told
    assert "cs_test_1" not in text
    assert (await ops.page("/ops/parlays/par_none"))[0] == 404


async def test_what_a_listing_or_a_model_says_is_text(ops: OpsStage, database: Database) -> None:
    evil = "<img src=x onerror=alert(1)>"

    def put(tx: Connection) -> str:
        quote, _ = put_sold(tx, 7)
        legs = tuple(replace(leg, bet=replace(leg.bet, market_title=evil)) for leg in quote.legs)
        advice = {"asked": True, "answered": True, "model": evil, "response_id": evil, "notes": [evil]}
        hostile = replace(
            quote, id="quote-8", legs=legs, body={"analysis": {"reasoning": evil}}, advice=advice
        )
        quotes.put(tx, hostile)
        parlay = put_parlay(tx, 9)
        stored = replace(parlay, id="par_evil", session_id="cs_test_8", quote_id="quote-8")
        parlays.put(tx, stored)
        for leg in legs:
            parlays.put_leg(tx, stored.id, leg, None)
        return stored.id

    parlay_id = await database.write(put)
    await ops.log_in()
    _, text, _ = await ops.page(f"/ops/parlays/{parlay_id}")
    assert "<img src=x" not in text
    assert text.count("&lt;img src=x") >= 4


async def test_lists_are_paged(ops: OpsStage, database: Database) -> None:
    def put(tx: Connection) -> None:
        for number in range(1, 4):
            put_parlay(tx, number)

    await database.write(put)
    await ops.log_in()
    path, shown = "/ops/parlays?limit=2", []
    while True:
        _, text, _ = await ops.page(path)
        shown.append(len(re.findall(r'<td data-label="Parlay">', text)))
        more = re.search(r'<a href="([^"]+)">Next page', text)
        if more is None:
            break
        path = more[1].replace("&amp;", "&")
    assert shown == [2, 1]
    assert "Back to the first page" in text


async def test_the_forms_of_a_page_act(ops: OpsStage, database: Database) -> None:
    order = await database.write(park)
    csrf = await ops.log_in()
    _, text, _ = await ops.page("/ops/orders")
    form = dict.fromkeys(re.findall(r'name="(\w+)"', text[text.index('action="/ops/acts/resolve"') :]), "")
    form |= {
        "csrf": csrf,
        "back": "/ops/orders",
        "client_order_id": order,
        "as": "absent",
        "evidence": "none",
    }
    _, _, reply = await ops.post("/ops/acts/resolve", form)
    assert reply.headers["Location"] == "/ops/orders"
    _, text, _ = await ops.page("/ops/orders")
    assert "No order is in doubt." in text
    assert f"{order} is " in text


async def test_plots_are_images_without_a_script_under_a_policy_of_their_own(
    ops: OpsStage, database: Database
) -> None:
    await ops.log_in()
    for name in ("profit", "strategies"):
        for query in ("", "?size=narrow&period=day", "?period=year"):
            status, text, reply = await ops.page(f"/ops/plots/{name}.svg{query}")
            assert (status, reply.content_type) == (200, "image/svg+xml")
            assert reply.headers["Content-Security-Policy"].startswith("default-src 'none'; ")
            assert "script" not in text
            assert "://" not in text.replace("http://www.w3.org/2000/svg", "").partition("<defs>")[2]
    for query in ("size=huge", "period=week", "x=y"):
        assert (await ops.page(f"/ops/plots/profit.svg?{query}"))[0] == 400
    ops.http.cookie_jar.clear()
    assert (await ops.page("/ops/plots/profit.svg", allow_redirects=False))[0] == 303


async def test_profit_is_told_by_step_and_by_strategy(ops: OpsStage, database: Database) -> None:
    def put(tx: Connection) -> None:
        parlay = put_parlay(tx)
        lost = PostingSet(
            cause="lost:1",
            kind="parlay_lost",
            parlay_id=parlay.id,
            ticker=None,
            postings=(Posting(Account.OWED, 5_000_000), Posting(Account.STAKES, -5_000_000)),
        )
        ledger.post(tx, lost, NOW)

    await database.write(put)
    status, body = await ops.api("GET", "/profit")
    conforms(body, "/profit")
    assert (status, len(body["steps"]), body["total_dollars"]) == (200, 30, "5.00")
    assert body["steps"][-1]["dollars"] == "5.00"
    [share] = body["strategies"]
    assert (share["strategy"], share["parlays"], share["realized"]) == ("bands", 1, "5.00")
    _, body = await ops.api("GET", "/profit?period=day")
    assert (len(body["steps"]), body["before_dollars"], body["total_dollars"]) == (24, "0.00", "5.00")
    assert (await ops.api("GET", "/profit?period=week"))[0] == 400


async def test_the_money_page_shows_every_figure_that_the_realized_profit_comes_from(
    ops: OpsStage, database: Database
) -> None:
    await database.write(put_parlay)
    await ops.log_in()
    _, text, _ = await ops.page("/ops/money")
    # Contracts without a result are in "Hedge cost", and not in "Realized".
    assert text.count(">Open hedge</th>") == 2
    assert text.count('data-label="Open hedge"') == text.count('data-label="Realized"') == 4


async def test_room_that_is_left_is_told(ops: OpsStage, database: Database) -> None:
    await database.write(put_parlay)
    status, body = await ops.api("GET", "/exposure?limit=2")
    conforms(body, "/exposure")
    assert (status, len(body["markets"]["items"]), body["markets"]["left_out"]) == (200, 2, 1)
    status, body = await ops.api("GET", "/buckets")
    conforms(body, "/buckets")
    assert {one["name"]: one["tokens_left"] for one in body["buckets"]} == {
        "write": 100,
        "read": 200,
        "balance": 1,
    }


async def test_the_exchanges_cash_is_compared_only_when_asked_for(ops: OpsStage, database: Database) -> None:
    from hedge_service.store import books

    status, body = await ops.api("GET", "/report?exchange=ask")
    assert (status, body["code"]) == (409, "books_not_open")
    await database.write(lambda tx: books.begin(tx, books.Opening(NOW, Money.of(99), {}), NOW))
    status, body = await ops.api("GET", "/report?exchange=ask")
    conforms(body, "/report")
    [check] = [one for one in body["checks"] if "change there" in one["name"]]
    assert (check["difference"], body["adds_up"]) == ("1.00", False)
    ops.exchange.away = True
    assert (await ops.api("GET", "/report?exchange=ask"))[0] == 502
    assert (await ops.api("GET", "/report"))[0] == 200


async def test_a_page_that_follows_uses_up_no_notice_and_keeps_no_session_alive(
    ops: OpsStage, clock: StageClock
) -> None:
    csrf = await ops.log_in()
    await ops.post("/ops/acts/halt", {"csrf": csrf, "reason": "x"})
    following = {"headers": {"Hedge-Live": "1"}}
    _, text, _ = await ops.page("/ops", **following)
    assert "Sending is halted." not in text
    _, text, _ = await ops.page("/ops")
    assert "Sending is halted." in text
    clock.elapsed_s += Sessions.IDLE_S - 1
    assert (await ops.page("/ops", allow_redirects=False, **following))[0] == 200
    clock.elapsed_s += 2
    assert (await ops.page("/ops", allow_redirects=False, **following))[0] == 303


async def _next(reply: Any, begins: bytes) -> bytes:
    async with asyncio.timeout(60):
        while True:
            line: bytes = await reply.content.readline()
            assert line, "the stream has ended"
            if line.startswith(begins):
                return line


async def test_a_stream_tells_of_every_change_until_the_session_ends(
    ops: OpsStage, database: Database, clock: StageClock
) -> None:
    await ops.log_in()
    _, text, _ = await ops.page("/ops")
    shown = re.search(r'data-seen="([^"]+)"', text)
    assert shown is not None
    async with ops.http.get(f"{ops.base}/ops/live") as reply:
        assert (reply.status, reply.content_type) == (200, "text/event-stream")
        assert reply.headers["Content-Security-Policy"].startswith("default-src 'none'")
        assert await _next(reply, b"data:") == f"data: {shown[1]}\n".encode()
        await database.write(park)
        clock.elapsed_s += 2
        assert await _next(reply, b"data:") != f"data: {shown[1]}\n".encode()
        clock.elapsed_s += Sessions.LONGEST_S
        assert await _next(reply, b"event:") == b"event: ended\n"


async def test_streams_are_few_and_need_a_session(ops: OpsStage, monkeypatch: pytest.MonkeyPatch) -> None:
    assert (await ops.page("/ops/live", allow_redirects=False))[0] == 303
    await ops.log_in()
    monkeypatch.setattr(live, "MOST_STREAMS", 1)
    async with ops.http.get(f"{ops.base}/ops/live") as reply:
        await _next(reply, b"data:")
        assert (await ops.page("/ops/live"))[0] == 429


async def test_the_head_of_a_stream_is_not_given(ops: OpsStage) -> None:
    await ops.log_in()
    async with ops.http.head(f"{ops.base}/ops/live") as reply:
        assert reply.status == 405


async def test_a_listener_that_closes_ends_its_streams(ops: OpsStage) -> None:
    watch = live.Watch(ops.desk)
    app = web.Application()
    app[live.WATCH] = watch
    resting = asyncio.create_task(watch.rest())
    await live.stop(app)
    await resting
    assert watch.stopping.is_set()
