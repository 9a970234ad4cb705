"""Bad input from the extension's side: a clear error in JSON, nothing lost, nothing spent."""

from __future__ import annotations

import asyncio
from copy import deepcopy
from itertools import count
from typing import TYPE_CHECKING, Any

import orjson
import pytest
import pytest_asyncio

from tests.system.extension import BOS, CLOSED, HOT, NO_ASK, PAUSED, SEA, WARM, Extension
from tests.system.stage import open_stage

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from tests.system.extension import Json, Reply
    from tests.system.stage import Stage

pytestmark = pytest.mark.asyncio(loop_scope="module")

ERROR = {"error", "details"}
NUMBERS = count()


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def shared(
    tmp_path_factory: pytest.TempPathFactory, credentials: dict[str, str]
) -> AsyncIterator[Stage]:
    """Give one service for all bad input; at the end it must not have sent a single order."""
    async with open_stage(tmp_path_factory.mktemp("bad"), credentials, {}) as opened:
        yield opened
        assert opened.sandbox.creates() == {}
        assert opened.events.named("payment.confirmed") == []
        assert [line for line in opened.events.lines if line["level"] in {"error", "critical"}] == []


@pytest.fixture
def user(shared: Stage) -> Extension:
    """Give a user of this test's own."""
    return Extension(shared.sandbox.http, shared.base, f"user_1795300000000_{next(NUMBERS):09d}")


@pytest.fixture
def stage(shared: Stage, user: Extension) -> Stage:
    """Give the shared service with this test's own user."""
    return type(shared)(shared.sandbox, user, shared.events, shared.base)


def refused(reply: Reply, status: int, *, naming: str = "") -> None:
    """Fail unless a call was refused so, in words for a person."""
    assert reply.status == status, reply
    assert reply.body.keys() >= ERROR
    assert naming in reply.body["details"] + reply.body["error"]


@pytest.mark.parametrize(
    "stake",
    [-5, 0, -0.01, 0.001, 1.005, 1e9, 10**30, 100.01, "5", "abc", None, True, [5], {"a": 5}],
    ids=repr,
)
async def test_a_stake_that_is_no_amount_we_take_is_refused(stage: Stage, stake: Any) -> None:
    await stage.extension.save(WARM)
    refused(await stage.extension.ask(stake), 400)


@pytest.mark.parametrize("stake", [b"NaN", b"Infinity", b"-Infinity", b"1e999", b"5,0", b""])
async def test_a_stake_that_is_not_json_is_refused(user: Extension, stake: bytes) -> None:
    body = b'{"bets": [{"marketTitle": "t", "optionLabel": "o", "prob": 5}], "stake": ' + stake + b"}"
    reply = await user.call("POST", "/api/quote", data=body, headers={"Content-Type": "application/json"})
    refused(reply, 400)


async def test_bets_and_stake_are_asked_for_in_the_words_the_extension_knows(user: Extension) -> None:
    without_bets: list[Json] = [{}, {"bets": []}, {"bets": {}, "stake": 5}, {"bets": "x", "stake": 5}]
    for body in without_bets:
        reply = await user.call("POST", "/api/quote", body)
        assert (reply.status, reply.body["error"]) == (400, "Bets array is required")
    body = {"bets": [{"marketTitle": "t", "optionLabel": "o", "prob": 5}]}
    reply = await user.call("POST", "/api/quote", body)
    assert (reply.status, reply.body["error"]) == (400, "Valid stake amount is required")


@pytest.mark.parametrize("path", ["/api/quote", "/api/create-checkout-session", "/api/parlay/user_1"])
@pytest.mark.parametrize(
    "body", [b"", b"{", b"[]", b'"text"', b"null", b"stake=5", b"\xff\xfe", b"[" * 100_000, b'{"a": NaN}']
)
async def test_a_body_that_is_no_json_object_is_refused_in_json(
    user: Extension, path: str, body: bytes
) -> None:
    refused(await user.call("POST", path, data=body), 400)


async def test_a_body_above_256_kib_is_refused_in_json(user: Extension) -> None:
    refused(await user.call("POST", "/api/quote", data=b" " * (256 * 1024 + 1)), 413)


@pytest.mark.parametrize("prob", ["43", "43%", None, -1, 101, True, [43]], ids=repr)
async def test_a_bet_whose_prob_is_no_number_of_percent_is_refused(user: Extension, prob: Any) -> None:
    refused(await user.add(SEA, prob=prob), 400, naming="prob")
    assert await user.bets() == []


@pytest.mark.parametrize(
    "changes",
    [
        {"ticker": "KXNOSUCH-26NOV29-X"},
        {"ticker": "KXTURNOUT-26NOV29-SHARE"},
        {"ticker": "../../portfolio/orders"},
        {"ticker": "A" * 10_000},
        {"ticker": "KX\r\nHost: x"},
        {"ticker": 5},
        {"ticker": None},
        {"side": "maybe"},
        {"environment": "mainnet"},
        {"environment": 5},
        {"optionLabel": ""},
        {"optionLabel": "\x00\x1b"},
        {"marketTitle": None},
        {"marketTitle": {"x": 1}},
    ],
    ids=lambda changes: repr(changes)[:40],
)
async def test_a_bet_that_the_exchange_does_not_confirm_or_nobody_can_read_is_refused(
    user: Extension, changes: Json
) -> None:
    refused(await user.add(SEA, **changes), 400)
    assert await user.bets() == []


async def test_text_from_a_page_is_kept_short_and_free_of_control_characters(user: Extension) -> None:
    hostile = "<script>alert(1)</script>\x00\x1b[31m\u202e" + "x" * 20_000
    image = "javascript:alert(1)"
    reply = await user.add(SEA, marketTitle=hostile, imageUrl=image)
    assert reply.status == 200
    bet = reply.body["bet"]
    assert len(bet["marketTitle"]) <= 1_000
    assert not set("\x00\x1b\u202e") & set(bet["marketTitle"])
    assert bet["imageUrl"] is None


@pytest.mark.parametrize("segment", ["x" * 10_000, "%00", "a%2Fb", "a%0d%0ab", "%ff%fe", "..%2f..", "a%20b"])
async def test_an_id_that_is_none_is_refused_in_json(stage: Stage, segment: str) -> None:
    for method, path in (
        ("GET", "/api/parlay/{}"),
        ("GET", "/api/kalshi/market/{}"),
        ("DELETE", "/api/parlay/{}/1"),
        ("GET", "/api/parlay-history/{}"),
        ("GET", "/api/wallet/{}"),
        ("POST", "/api/claim-winnings/{}"),
    ):
        status, kind, body = await raw(stage, f"{method} {path.format(segment)} HTTP/1.1")
        assert (status, kind) in {(400, "application/json"), (404, "application/json")}, (path, status)
        assert orjson.loads(body).keys() >= ERROR


@pytest.mark.parametrize(
    "line",
    ["GET /api/parlay/a\x01b HTTP/1.1", "GET /api/parlay/a\x00 HTTP/1.1", "NOT HTTP AT ALL", "\x16\x03"],
)
async def test_what_is_no_http_request_gets_a_json_400(stage: Stage, line: str) -> None:
    status, kind, body = await raw(stage, line)
    assert (status, kind) == (400, "application/json")
    assert orjson.loads(body).keys() >= ERROR


async def test_unknown_paths_and_methods_are_answered_in_json(user: Extension) -> None:
    refused(await user.call("GET", "/api/nothing/here"), 404)
    refused(await user.call("GET", "/api/quote"), 405)
    refused(await user.call("GET", "/api/kalshi/market/kxnosuchevent-26"), 404)


async def test_deleting_a_bet_that_is_not_there_succeeds(user: Extension) -> None:
    for bet_id in ("1", "0", "abc", "9" * 40, "-1"):
        reply = await user.call("DELETE", f"/api/parlay/{user.user}/{bet_id}")
        assert (reply.status, reply.body) == (200, {"success": True})


@pytest.mark.parametrize(
    "origin", ["https://kalshi.com", "http://localhost:4000", "null", "https://evil.test"]
)
@pytest.mark.parametrize("path", ["/api/quote", "/api/create-checkout-session", "/api/parlay/user_1"])
async def test_a_post_from_a_web_page_is_forbidden(user: Extension, origin: str, path: str) -> None:
    refused(await user.call("POST", path, {"stake": 5}, headers={"Origin": origin}), 403)


async def test_a_name_that_is_not_ours_is_forbidden(user: Extension) -> None:
    refused(await user.call("GET", f"/api/wallet/{user.user}", headers={"Host": "rebound.evil.test"}), 403)


@pytest.mark.parametrize("ticker", [CLOSED, PAUSED, NO_ASK])
async def test_a_market_that_nobody_can_buy_in_is_a_409_that_names_the_leg(stage: Stage, ticker: str) -> None:
    user = stage.extension
    [bet] = await user.save(SEA)
    # From a page that showed the market while it could be bought.
    other = await user.add(SEA, ticker=ticker, optionId=ticker, optionLabel=ticker)
    assert other.status == 200
    reply = await user.ask(5, [bet, other.body["bet"]])
    refused(reply, 409, naming=ticker)
    refused(reply, 409, naming="Leg 2")


async def test_the_same_market_twice_is_refused(stage: Stage) -> None:
    user = stage.extension
    [bet] = await user.save(SEA)
    refused(await user.ask(5, [bet, bet]), 400)
    await user.add(SEA, side="no", optionLabel="Not Seattle")
    both = await user.bets()
    assert len(both) == 2
    refused(await user.ask(5, both), 400)


async def test_legs_that_exclude_each_other_are_refused(stage: Stage) -> None:
    await stage.extension.save(SEA, SEA.replace("-SEA", "-LA"))
    refused(await stage.extension.ask(5), 400, naming="at most one")


async def test_a_leg_that_was_never_saved_is_refused(stage: Stage) -> None:
    [bet] = await stage.extension.save(SEA)
    refused(await stage.extension.ask(5, [{**bet, "optionLabel": "Portland"}]), 400)
    refused(await stage.extension.ask(5, [{**bet, "marketTitle": "Some other game"}]), 400)


async def test_more_legs_than_a_parlay_may_have_are_refused(stage: Stage) -> None:
    [bet] = await stage.extension.save(SEA)
    refused(await stage.extension.ask(5, [bet] * 9), 400, naming="max_legs")
    refused(await stage.extension.ask(5, [bet] * 1_000), 400)


async def test_a_payout_above_the_cap_is_refused_with_the_largest_stake_that_goes(stage: Stage) -> None:
    await stage.extension.save(SEA, BOS, HOT)
    refused(await stage.extension.ask(100), 400, naming="max_payout_dollars")


def _richer(quote: Json) -> None:
    quote["payout"]["adjustedPayout"] = "3096.00"


def _cheaper(quote: Json) -> None:
    quote["hedgingStrategy"]["hedgeBets"] = []


def _other_ticker(quote: Json) -> None:
    quote["hedgingStrategy"]["hedgeBets"][0]["ticker"] = HOT


def _likelier(quote: Json) -> None:
    quote["bets"][0]["probability"] = 99


def _longer(quote: Json) -> None:
    quote["expiresAt"] = "2099-01-01T00:00:00Z"


def _more(quote: Json) -> None:
    quote["extra"] = 1


def _less(quote: Json) -> None:
    del quote["analysis"]


def _foreign_id(quote: Json) -> None:
    quote["quoteId"] = "0" * 32


def _no_id(quote: Json) -> None:
    del quote["quoteId"]


def _odd_id(quote: Json) -> None:
    quote["quoteId"] = {"$ne": 1}


@pytest.mark.parametrize(
    "edit",
    [
        *(_richer, _cheaper, _other_ticker, _likelier, _longer, _more, _less),
        *(_foreign_id, _no_id, _odd_id),
    ],
    ids=lambda edit: edit.__name__.strip("_"),
)
async def test_an_edited_quote_opens_no_checkout(stage: Stage, edit: Callable[[Json], None]) -> None:
    await stage.extension.save(SEA, BOS, WARM)
    edited = deepcopy(await stage.extension.quote(5))
    edit(edited)
    refused(await stage.extension.check_out(edited), 409, naming="new quote")


async def test_a_quote_that_a_browser_has_rewritten_is_still_the_same(stage: Stage) -> None:
    await stage.extension.save(SEA, BOS, WARM)
    quote = await stage.extension.quote(5)
    shuffled = dict(sorted(quote.items())) | {"stake": 5.0}
    assert (await stage.extension.check_out(shuffled)).status == 200


async def test_checking_out_twice_gives_the_same_session(stage: Stage) -> None:
    await stage.extension.save(WARM)
    quote = await stage.extension.quote(5)
    replies = await asyncio.gather(*(stage.extension.check_out(quote) for _ in range(5)))
    assert {reply.status for reply in replies} == {200}
    assert len({reply.body["sessionId"] for reply in replies}) == 1


async def test_a_stake_other_than_the_quotes_is_refused(stage: Stage) -> None:
    await stage.extension.save(WARM)
    quote = await stage.extension.quote(5)
    refused(await stage.extension.check_out(quote, stake=4), 409)
    refused(await stage.extension.check_out({**quote, "stake": 4}), 409)


async def test_somebody_elses_quote_is_refused(stage: Stage) -> None:
    await stage.extension.save(WARM)
    quote = await stage.extension.quote(5)
    other = Extension(stage.sandbox.http, stage.base, stage.extension.user + "9")
    refused(await other.check_out(quote, stage.extension.saved), 409)


async def test_legs_other_than_the_quotes_are_refused(stage: Stage) -> None:
    user = stage.extension
    await user.save(SEA, BOS, WARM)
    quote = await user.quote(5)
    for bets in (user.saved[:2], [*user.saved, user.saved[0]], [{**user.saved[0], "id": 10**9}]):
        refused(await user.check_out(quote, bets), 409)
    other = (await user.add(HOT)).body["bet"]
    refused(await user.check_out(quote, [user.saved[0], user.saved[1], other]), 409)


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"userId": ""}, "User ID is required"),
        ({"userId": None}, "User ID is required"),
        ({"stake": None}, "Valid stake amount is required"),
        ({"parlayBets": []}, "Parlay bets are required"),
        ({"parlayBets": None}, "Parlay bets are required"),
    ],
)
async def test_a_checkout_lacks_something_in_the_words_the_extension_knows(
    stage: Stage, changes: Json, error: str
) -> None:
    await stage.extension.save(WARM)
    reply = await stage.extension.check_out(await stage.extension.quote(5), **changes)
    assert (reply.status, reply.body["error"]) == (400, error)


async def test_claims_of_unknown_parlays_are_refused_in_the_words_the_extension_knows(
    user: Extension,
) -> None:
    reply = await user.call("POST", "/api/claim-winnings/cs_test_nothing")
    assert (reply.status, reply.body["error"]) == (404, "Parlay not found")


async def raw(stage: Stage, line: str) -> tuple[int, str, bytes]:
    """Send a request line as it is, and give status, content type and body."""
    port = int(stage.base.rpartition(":")[2])
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        host = f"Host: localhost:{port}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
        writer.write(f"{line}\r\n{host}".encode("latin-1"))
        head, _, body = (await asyncio.wait_for(reader.read(), 10)).partition(b"\r\n\r\n")
    finally:
        writer.close()
    status, *headers = head.decode().split("\r\n")
    kinds = [text.partition(":")[2].strip() for text in headers if text.lower().startswith("content-type")]
    return int(status.split()[1]), kinds[0].partition(";")[0], body
