"""Every reply of the exchange fits the published API description."""

from __future__ import annotations

from typing import Any

import pytest
from openapi_core.exceptions import OpenAPIError

from tests.sandbox.exchange_stage import BTC, CLOSED, ORDERS, PREFIX, SCALAR, SEA, KalshiSpec, Stage

READS = [
    ("/markets", {}),
    ("/markets", {"tickers": f"{SEA},{BTC}", "limit": "1"}),
    ("/markets", {"status": "open", "series_ticker": "KXNFLGAME"}),
    (f"/markets/{SEA}", {}),
    (f"/markets/{SCALAR}", {}),
    (f"/markets/{CLOSED}", {}),
    (f"/markets/{SEA}/orderbook", {"depth": "2"}),
    ("/markets/orderbooks", {"tickers": SEA}),
    ("/events/KXNFLGAME-26NOV29SEALA", {"with_nested_markets": "true"}),
    ("/events/KXHIGHNY-26NOV29", {"exclude_markets": "true"}),
    ("/series/KXMLBGAME", {}),
    ("/series/KXBTCD", {}),
    ("/exchange/status", {}),
    ("/exchange/schedule", {}),
    ("/exchange/user_data_timestamp", {}),
    ("/historical/cutoff", {}),
    (f"/historical/markets/{SCALAR}", {}),
    ("/historical/orders", {"ticker": SEA}),
    ("/historical/fills", {}),
    ("/portfolio/orders", {"limit": "2"}),
    ("/portfolio/orders", {"status": "executed", "min_ts": "1", "subaccount": "0"}),
    ("/portfolio/fills", {}),
    ("/portfolio/positions", {"settlement_status": "all"}),
    ("/portfolio/settlements", {}),
    ("/portfolio/balance", {}),
    ("/account/limits", {}),
    ("/account/endpoint_costs", {}),
    ("/api_keys", {}),
]


async def trade_a_little(stage: Stage) -> None:
    """Leave filled, killed, resting and cancelled orders, positions on both sides and a settlement."""
    await stage.created()
    await stage.created(count="500", price="0.44")
    await stage.created(side="ask", price="0.3500", count="3")
    await stage.created(ticker=BTC, price="0.358", count="2.5")
    await stage.created(ticker=SCALAR, price="0.6500")
    resting = await stage.created(
        time_in_force="good_till_canceled", price="0.1000", expiration_time=1_799_000_000
    )
    gone = await stage.created(time_in_force="good_till_canceled", price="0.1100")
    await stage.control("/trade", order_id=resting["order_id"], count="4")
    await stage.call("DELETE", f"{ORDERS}/{gone['order_id']}", query={"market_ticker": SEA})
    await stage.control(
        "/settle", ticker=SCALAR, status="finalized", result="scalar", settlement_value_dollars="0.5025"
    )
    await stage.control("/settings", region_expiration_ts=1_799_000_000)


@pytest.mark.parametrize(("path", "query"), READS)
async def test_reads_have_the_published_shape(
    exchange_stage: Stage, kalshi_spec: KalshiSpec, path: str, query: dict[str, str]
) -> None:
    await trade_a_little(exchange_stage)
    if path.startswith("/historical"):
        await exchange_stage.control("/settings", historical_age_s=0)
        exchange_stage.clock.forward(10)
    headers = exchange_stage.signed("GET", path)
    if path != "/markets/orderbooks":  # a repeated parameter, which a dict can't hold
        kalshi_spec.check_request("GET", PREFIX + path, query, headers, None)
    answer = await exchange_stage.call("GET", path, query=query)
    assert answer.status == 200
    kalshi_spec.check_response("GET", PREFIX + path, 200, answer.headers, answer.raw)
    rows = next((value for value in answer.json.values() if isinstance(value, list)), ["no list"])
    assert rows or path in {"/events/KXHIGHNY-26NOV29", "/account/limits"}, "an empty list proves nothing"


async def test_an_accepted_order_has_the_published_shape(
    exchange_stage: Stage, kalshi_spec: KalshiSpec
) -> None:
    for changes in ({}, {"price": "0.0100"}, {"time_in_force": "good_till_canceled"}):
        answer = await exchange_stage.create(**changes)
        assert answer.status == 201
        kalshi_spec.check_response("POST", PREFIX + ORDERS, 201, answer.headers, answer.raw)


async def test_one_order_and_a_cancel_have_the_published_shape(
    exchange_stage: Stage, kalshi_spec: KalshiSpec
) -> None:
    order = await exchange_stage.created(time_in_force="good_till_canceled", price="0.10")
    one = f"/portfolio/orders/{order['order_id']}"
    answer = await exchange_stage.call("GET", one)
    kalshi_spec.check_response("GET", PREFIX + one, answer.status, answer.headers, answer.raw)
    path = f"{ORDERS}/{order['order_id']}"
    answer = await exchange_stage.call("DELETE", path, query={"market_ticker": SEA})
    assert (answer.status, answer.json["reduced_by"]) == (200, "10.00")
    kalshi_spec.check_response("DELETE", PREFIX + path, 200, answer.headers, answer.raw)


async def test_a_batch_with_a_failed_item_has_the_published_shape(
    exchange_stage: Stage, kalshi_spec: KalshiSpec
) -> None:
    bodies = [exchange_stage.order(), exchange_stage.order(price="0.455"), exchange_stage.order(count=1)]
    answer = await exchange_stage.call("POST", f"{ORDERS}/batched", {"orders": bodies})
    assert answer.status == 201
    good, off_grid, number = answer.json["orders"]
    assert (good["fill_count"], "error" in good) == ("10.00", False)
    assert ("order_id" in off_grid, off_grid["error"]["code"]) == (False, "invalid_price")
    assert (number["client_order_id"], number["error"]["code"]) == ("hs-3", "bad_request")
    kalshi_spec.check_response("POST", f"{PREFIX}{ORDERS}/batched", 201, answer.headers, answer.raw)


async def test_a_good_create_request_is_good_to_the_description_too(
    exchange_stage: Stage, kalshi_spec: KalshiSpec
) -> None:
    import orjson

    headers = exchange_stage.signed("POST", ORDERS)
    body = exchange_stage.order()
    kalshi_spec.check_request("POST", PREFIX + ORDERS, {}, headers, orjson.dumps(body))
    for wrong in (body | {"count": 10}, body | {"side": "yes"}, {**body, "time_in_force": "GTT"}):
        with pytest.raises(OpenAPIError):
            kalshi_spec.check_request("POST", PREFIX + ORDERS, {}, headers, orjson.dumps(wrong))
    with pytest.raises(OpenAPIError):
        kalshi_spec.check_request("POST", PREFIX + ORDERS, {}, {}, orjson.dumps(body))


@pytest.mark.parametrize("missing", ["order_id", "status", "fill_count_fp"])
async def test_the_judge_notices_a_missing_field(
    exchange_stage: Stage, kalshi_spec: KalshiSpec, missing: str
) -> None:
    import orjson

    await exchange_stage.created()
    listed: Any = await exchange_stage.get("/portfolio/orders")
    del listed["orders"][0][missing]
    with pytest.raises(OpenAPIError):
        kalshi_spec.check_response("GET", f"{PREFIX}/portfolio/orders", 200, {}, orjson.dumps(listed))
