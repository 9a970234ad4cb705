"""Calls 1 to 4."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from hedge_service.flow.bets import MOST_BETS
from tests.web.web_fakes import SEAHAWKS, USER, FakeExchange, binary_market

if TYPE_CHECKING:
    from tests.web.web_fakes import Client

PATH = f"/api/parlay/{USER}"
RAMS = "KXNFLGAME-25NOV16SEALA-LA"


def bet_body(ticker: str = SEAHAWKS, **changes: Any) -> dict[str, Any]:
    return {
        "marketId": "kxnflgame-25nov16seala",
        "marketTitle": "Seattle at Los Angeles",
        "marketUrl": "https://kalshi.com/markets/kxnflgame",
        "imageUrl": None,
        "optionId": ticker,
        "optionLabel": ticker.rsplit("-", 1)[-1],
        "prob": 43,
        "ticker": ticker,
        **changes,
    }


async def add(client: Client, body: Any, status: int = 200, path: str = PATH) -> dict[str, Any]:
    async with client.post(path, json=body, headers={"Origin": "chrome-extension://abc"}) as response:
        assert response.status == status
        answer: dict[str, Any] = await response.json()
        return answer


async def listed(client: Client, query: str = "") -> list[dict[str, Any]]:
    async with client.get(PATH + query) as response:
        assert response.status == 200
        bets: list[dict[str, Any]] = (await response.json())["bets"]
        return bets


async def test_a_market_page_lists_what_can_be_backed_at_the_yes_ask(client: Client) -> None:
    response = await client.get("/api/kalshi/market/kxnflgame-25nov16seala")
    page = await response.json()
    assert (page["id"], page["title"], page["imageUrl"]) == (
        "kxnflgame-25nov16seala",
        "Seattle at Los Angeles",
        None,
    )
    assert page["contracts"] == [
        {"id": SEAHAWKS, "ticker": SEAHAWKS, "label": "SEA", "price": 43, "prob": 43},
        {"id": RAMS, "ticker": RAMS, "label": "LA", "price": 58.5, "prob": 58.5},
    ]
    assert [market["ticker"] for market in page["raw"]["markets"]] == [SEAHAWKS, RAMS]


async def test_markets_without_an_offer_and_scalar_ones_are_not_offered(
    client: Client, exchange: FakeExchange
) -> None:
    exchange.by_ticker.clear()
    exchange.holds(binary_market("KXA-B-C", None), binary_market("KXA-B-D", market_type="scalar"))
    page = await (await client.get("/api/kalshi/market/kxa-b")).json()
    assert page["contracts"] == []
    assert [market["ticker"] for market in page["raw"]["markets"]] == ["KXA-B-C", "KXA-B-D"]


async def test_a_market_is_missing_only_when_the_exchange_says_so(
    client: Client, exchange: FakeExchange
) -> None:
    missing = await client.get("/api/kalshi/market/kxnothing")
    assert (missing.status, (await missing.json())["error"]) == (404, "Market not found")
    exchange.down = True
    down = await client.get("/api/kalshi/market/kxelse")
    text = await down.text()
    assert down.status == 502
    assert "exchange.internal" not in text


async def test_an_unknown_user_has_no_bets(client: Client) -> None:
    assert await listed(client) == []


async def test_a_saved_bet_comes_back_in_the_shape_of_the_contract(client: Client) -> None:
    saved = (await add(client, bet_body(prob=43.25)))["bet"]
    assert saved == bet_body(prob=43.25) | {"id": 1, "environment": "demo", "side": "yes"}
    assert await listed(client) == [saved]


async def test_bets_are_listed_in_the_order_added_and_the_same_one_is_saved_once(client: Client) -> None:
    for ticker in (RAMS, SEAHAWKS, RAMS):
        await add(client, bet_body(ticker))
    assert [bet["ticker"] for bet in await listed(client)] == [RAMS, SEAHAWKS]


async def test_the_same_bet_twice_at_once_is_one_bet(client: Client) -> None:
    first, second = await asyncio.gather(add(client, bet_body()), add(client, bet_body()))
    assert first == second
    assert len(await listed(client)) == 1


async def test_hostile_page_text_is_saved_cleaned(client: Client) -> None:
    hostile = bet_body(
        marketTitle="Seattle\x00 at\u202e\n Los Angeles" + "!" * 10_000, imageUrl="javascript:alert(1)"
    )
    bet = (await add(client, hostile))["bet"]
    assert bet["marketTitle"].startswith("Seattle at Los Angeles!!")
    assert (len(bet["marketTitle"]), bet["imageUrl"]) == (300, None)


async def test_a_ticker_that_the_exchange_does_not_know_is_not_saved(
    client: Client, exchange: FakeExchange
) -> None:
    exchange.holds(binary_market("KXTEMP-1-X", market_type="scalar"))
    assert (await add(client, bet_body("KXNO-SUCH-ONE"), 400))["error"] == "Market not found on the exchange"
    assert (await add(client, bet_body("KXTEMP-1-X"), 400))["error"] == "Market is not binary"
    exchange.down = True
    assert (await add(client, bet_body(), 502))["code"] == "exchange_unavailable"
    assert await listed(client) == []


async def test_a_parlay_never_mixes_environments(client: Client) -> None:
    await add(client, bet_body(environment="production"))
    refused = await add(client, bet_body(RAMS, environment="demo"), 400)
    assert refused["error"] == "A parlay never mixes environments"
    assert (await add(client, bet_body(RAMS), 400))["error"] == refused["error"]


async def test_only_the_environment_asked_for_is_listed(client: Client) -> None:
    await add(client, bet_body(environment="production"))
    assert len(await listed(client, "?environment=production")) == 1
    assert await listed(client, "?environment=demo") == []
    assert (await client.get(f"{PATH}?environment=moon")).status == 400


async def test_a_user_saves_only_so_many_bets(client: Client, exchange: FakeExchange) -> None:
    tickers = [f"KXMANY-1-T{number}" for number in range(MOST_BETS + 1)]
    exchange.holds(*(binary_market(ticker) for ticker in tickers))
    for ticker in tickers[:-1]:
        await add(client, bet_body(ticker))
    assert (await add(client, bet_body(tickers[-1]), 400))["error"] == "Too many bets"
    await add(client, bet_body(tickers[0]))


@pytest.mark.parametrize("bet_id", ["1", "99", "abc", "-1", "9" * 40, "1%00", "%0a"])
async def test_deleting_succeeds_whether_or_not_a_bet_matched(client: Client, bet_id: str) -> None:
    await add(client, bet_body())
    response = await client.delete(f"{PATH}/{bet_id}")
    assert (response.status, await response.json()) == (200, {"success": True})
    assert len(await listed(client)) == (0 if bet_id == "1" else 1)


async def test_a_bet_of_another_user_stays(client: Client) -> None:
    await add(client, bet_body())
    await client.delete("/api/parlay/somebody_else/1")
    await client.delete("/api/parlay/somebody_else")
    assert len(await listed(client)) == 1


async def test_clearing_removes_all(client: Client) -> None:
    for ticker in (SEAHAWKS, RAMS):
        await add(client, bet_body(ticker))
    assert await (await client.delete(PATH)).json() == {"success": True}
    assert await listed(client) == []
