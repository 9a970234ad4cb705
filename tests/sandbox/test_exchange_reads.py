"""Reads: filters, pages, archives, settlements, the seeded markets, and the exchange's own book."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from tests.sandbox.exchange_stage import (
    BOS,
    BTC,
    CLOSED,
    NO_ASK,
    ORDERS,
    PAUSED,
    SCALAR,
    SEA,
    START,
    Stage,
)


@pytest.mark.parametrize(
    ("ticker", "ask", "shard"),
    [
        (SEA, "0.4300", 0),
        ("KXNFLGAME-26NOV29SEALA-LA", "0.5900", 0),
        (BOS, "0.5200", 3),
        ("KXNBAGAME-26NOV29BOSNYK-NYK", "0.5000", 3),
        ("KXHIGHNY-26NOV29-T60", "0.6500", 0),
        ("KXHIGHNY-26NOV29-T65", "0.4000", 0),
        ("KXHIGHNY-26NOV29-T70", "0.1500", 0),
        (BTC, "0.3570", 2),
        (NO_ASK, "1.0000", 0),
    ],
)
async def test_the_seeded_markets_stand_as_promised(
    exchange_stage: Stage, ticker: str, ask: str, shard: int
) -> None:
    market = (await exchange_stage.get(f"/markets/{ticker}"))["market"]
    assert (market["yes_ask_dollars"], market["exchange_index"]) == (ask, shard)
    assert (market["status"], market["market_type"]) == ("active", "binary")
    depth = (await exchange_stage.get(f"/markets/{ticker}/orderbook"))["orderbook_fp"]["no_dollars"]
    assert len(depth) == (0 if ticker == NO_ASK else 6)
    assert [float(price) for price, _ in depth] == sorted(float(price) for price, _ in depth)


async def test_the_odd_markets_are_odd(exchange_stage: Stage) -> None:
    page = await exchange_stage.get("/markets", tickers=f"{CLOSED},{PAUSED},{SCALAR},NONE")
    assert {m["ticker"]: (m["status"], m["market_type"]) for m in page["markets"]} == {
        CLOSED: ("closed", "binary"),
        PAUSED: ("inactive", "binary"),
        SCALAR: ("active", "scalar"),
    }
    for status, ticker in (("closed", CLOSED), ("paused", PAUSED)):
        rows = (await exchange_stage.get("/markets", status=status))["markets"]
        assert [row["ticker"] for row in rows] == [ticker]
    event = await exchange_stage.get("/events/KXNFLGAME-26NOV29SEALA", with_nested_markets="true")
    assert event["event"]["mutually_exclusive"]
    assert [m["yes_sub_title"] for m in event["event"]["markets"]] == ["Seattle", "Los Angeles"]


async def test_markets_come_in_pages(exchange_stage: Stage) -> None:
    seen: list[str] = []
    cursor = ""
    while True:
        page = await exchange_stage.get("/markets", limit="4", cursor=cursor)
        seen += [market["ticker"] for market in page["markets"]]
        cursor = page["cursor"]
        if cursor == "":
            break
    assert len(seen) == len(set(seen)) == len(exchange_stage.exchange.catalogue.markets)


@pytest.mark.parametrize(
    "path", ["/portfolio/orders", "/portfolio/fills", "/portfolio/settlements", "/markets"]
)
async def test_a_page_size_out_of_bounds_is_refused_not_clamped(exchange_stage: Stage, path: str) -> None:
    for limit in ("1001", "-1", "many"):
        answer = await exchange_stage.call("GET", path, query={"limit": limit})
        assert answer.status == 400
        assert set(answer.json) == {"msg"}


async def test_a_garbage_cursor_silently_starts_over(exchange_stage: Stage) -> None:
    await exchange_stage.created()
    assert len((await exchange_stage.get("/portfolio/orders", cursor="%%%"))["orders"]) == 1


async def test_pages_stay_right_while_orders_are_added(exchange_stage: Stage) -> None:
    for _ in range(4):
        await exchange_stage.created(count="1")
    first = await exchange_stage.get("/portfolio/orders", limit="2")
    await exchange_stage.created(count="1")
    second = await exchange_stage.get("/portfolio/orders", limit="2", cursor=first["cursor"])
    rows = [order["client_order_id"] for order in first["orders"] + second["orders"]]
    assert rows == ["hs-4", "hs-3", "hs-2", "hs-1"]
    assert second["cursor"] == ""


async def test_orders_are_filtered(exchange_stage: Stage) -> None:
    await exchange_stage.created()
    exchange_stage.clock.forward(100)
    await exchange_stage.created(ticker=BOS, price="0.54")
    await exchange_stage.created(time_in_force="good_till_canceled", price="0.10")
    filters: list[tuple[dict[str, str], list[str]]] = [
        ({"ticker": SEA}, ["hs-3", "hs-1"]),
        ({"event_ticker": "KXNBAGAME-26NOV29BOSNYK,X"}, ["hs-2"]),
        ({"status": "resting"}, ["hs-3"]),
        ({"min_ts": str(int(START) + 100)}, ["hs-3", "hs-2"]),
        ({"max_ts": str(int(START) + 99)}, ["hs-1"]),
        ({"exchange_index": "3"}, ["hs-2"]),
        ({"subaccount": "1"}, []),
    ]
    for query, expected in filters:
        rows = (await exchange_stage.get("/portfolio/orders", **query))["orders"]
        assert [row["client_order_id"] for row in rows] == expected, query
    assert (await exchange_stage.call("GET", "/portfolio/orders", query={"status": "pending"})).status == 400


async def test_old_ended_orders_are_found_in_the_archive_only(exchange_stage: Stage) -> None:
    ended = await exchange_stage.created()
    await exchange_stage.created(time_in_force="good_till_canceled", price="0.10")
    await exchange_stage.control("/settings", historical_age_s=60)
    exchange_stage.clock.forward(61)
    live = (await exchange_stage.get("/portfolio/orders"))["orders"]
    assert [row["client_order_id"] for row in live] == ["hs-2"], "a resting order always stays live"
    archived = (await exchange_stage.get("/historical/orders", ticker=SEA))["orders"]
    assert [row["client_order_id"] for row in archived] == ["hs-1"]
    assert (await exchange_stage.call("GET", f"/portfolio/orders/{ended['order_id']}")).status == 404
    assert (await exchange_stage.get("/portfolio/fills"))["fills"] == []
    assert len((await exchange_stage.get("/historical/fills"))["fills"]) == 1


async def test_a_market_settled_long_ago_is_found_in_the_archive_only(exchange_stage: Stage) -> None:
    await exchange_stage.created()
    await exchange_stage.control("/settle", ticker=SEA, status="finalized", result="yes")
    assert (await exchange_stage.call("GET", f"/historical/markets/{SEA}")).status == 404
    await exchange_stage.control("/settings", historical_age_s=60)
    exchange_stage.clock.forward(61)
    assert (await exchange_stage.call("GET", f"/markets/{SEA}")).status == 404
    assert (await exchange_stage.get("/markets", tickers=SEA))["markets"] == []
    assert (await exchange_stage.get(f"/historical/markets/{SEA}"))["market"]["result"] == "yes"
    assert (await exchange_stage.get("/portfolio/settlements"))["settlements"] == []


async def test_cash_moves_at_finalized_only_and_once(exchange_stage: Stage) -> None:
    await exchange_stage.created()
    before = exchange_stage.cash()
    for status, result in (("determined", "no"), ("disputed", "no"), ("amended", "yes")):
        market = await exchange_stage.control("/settle", ticker=SEA, status=status, result=result)
        assert (market["status"], market["result"], exchange_stage.cash()) == (status, result, before)
    assert (await exchange_stage.refusal())[0] == 400
    await exchange_stage.control("/settle", ticker=SEA, status="finalized", result="yes")
    assert exchange_stage.cash() == before + 10_000_000
    url = exchange_stage.base.with_path("/sandbox/exchange/settle")
    body = {"ticker": SEA, "status": "finalized", "result": "yes"}
    async with exchange_stage.session.post(url, json=body) as reply:
        assert reply.status == 400
    assert exchange_stage.cash() == before + 10_000_000
    row = (await exchange_stage.get("/portfolio/settlements"))["settlements"][0]
    assert (row["revenue"], row["value"], row["yes_count_fp"]) == (1000, 100, "10.00")
    assert row["yes_total_cost_dollars"] == "4.3000"
    positions = await exchange_stage.get("/portfolio/positions")
    assert positions["market_positions"] == []
    settled = await exchange_stage.get("/portfolio/positions", settlement_status="settled")
    assert settled["market_positions"][0]["realized_pnl_dollars"] == "5.7000"


@pytest.mark.parametrize(("side", "revenue"), [("bid", 502), ("ask", 497)])
async def test_a_scalar_result_pays_its_value(exchange_stage: Stage, side: str, revenue: int) -> None:
    price = "0.65" if side == "bid" else "0.55"
    await exchange_stage.created(ticker=SCALAR, side=side, price=price)
    before = exchange_stage.cash()
    await exchange_stage.control(
        "/settle", ticker=SCALAR, status="finalized", result="scalar", settlement_value_dollars="0.5025"
    )
    assert exchange_stage.cash() - before == (5_025_000 if side == "bid" else 4_975_000)
    row = (await exchange_stage.get("/portfolio/settlements"))["settlements"][0]
    assert (row["market_result"], row["revenue"], row["value"]) == ("scalar", revenue, 50)


async def test_a_book_can_be_set_and_is_used_up(exchange_stage: Stage) -> None:
    market = await exchange_stage.control("/market", ticker=SEA, no_bids=[["0.5000", "3.00"]], yes_bids=[])
    assert (market["yes_ask_dollars"], market["yes_ask_size_fp"], market["yes_bid_dollars"]) == (
        "0.5000",
        "3.00",
        "0.0000",
    )
    assert (await exchange_stage.created(price="0.60", count="5"))["fill_count"] == "3.00"
    await exchange_stage.control("/market", ticker=SEA, yes_ask="0.48", yes_bid="0.46")
    await exchange_stage.control("/settings", endless_books=True)
    for _ in range(3):
        assert (await exchange_stage.created(price="0.48", count="150"))["fill_count"] == "150.00"


async def test_subaccounts_hold_their_own_cash_and_positions(exchange_stage: Stage) -> None:
    await exchange_stage.control("/balances", subaccount=1, balances={"0": "50.00"})
    await exchange_stage.created(subaccount=1)
    assert (await exchange_stage.get("/portfolio/positions"))["market_positions"] == []
    assert len((await exchange_stage.get("/portfolio/positions", subaccount="1"))["market_positions"]) == 1
    assert len((await exchange_stage.get("/portfolio/orders"))["orders"]) == 1, "omitted: all of them"


async def test_the_exchange_s_own_book_tells_everything(exchange_stage: Stage) -> None:
    body = exchange_stage.order()
    statuses = [(await exchange_stage.call("POST", ORDERS, body)).status for _ in range(2)]
    await exchange_stage.call("POST", ORDERS, headers={})
    book = await exchange_stage.control("/book", "GET")
    assert statuses == [201, 409]
    assert book["requests"] == {"POST /portfolio/events/orders": {"201": 1, "409": 1, "401": 1}}
    assert book["create_requests"]["hs-1"] == 2
    first, second = book["creates"]["hs-1"]
    assert first["body"] == second["body"]
    assert (first["status"], second["status"], second["code"]) == (201, 409, "order_already_exists")
    assert book["accounts"]["0"]["positions"][0]["position_fp"] == "10.00"
    await exchange_stage.control("/reset")
    assert (await exchange_stage.control("/book", "GET"))["orders"] == []
    assert (await exchange_stage.create()).status == 201, "keys stay registered"


async def test_a_thousand_orders_at_once_keep_every_sum(exchange_stage: Stage) -> None:
    await exchange_stage.control("/settings", endless_books=True)
    await exchange_stage.control("/limits", write={"refill_rate": 0, "bucket_capacity": 8_000})

    async def one() -> int:
        return (await exchange_stage.create(count="0.37", price="0.44")).status

    statuses = await asyncio.gather(*(one() for _ in range(1_000)))
    assert (statuses.count(201), statuses.count(429)) == (800, 200)
    book: Any = await exchange_stage.control("/book", "GET")
    assert len({order["order_id"] for order in book["orders"]}) == 800
    assert book["accounts"]["0"]["positions"][0]["position_fp"] == "296.00"
    moved = sum(fill.cash for fill in exchange_stage.exchange.registry.fills)
    assert exchange_stage.cash() == 10_000_000_000 + moved
    fees = sum(fill.fee for fill in exchange_stage.exchange.registry.fills)
    assert moved == -(43 * 10_000 * 37 // 100 * 800) - fees
