"""Orders: what is refused and how, what fills, what it costs."""

from __future__ import annotations

from decimal import Decimal
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

GTC = "good_till_canceled"
FOK = "fill_or_kill"
IOC = "immediate_or_cancel"

REFUSALS: list[tuple[dict[str, Any], int, str]] = [
    ({"count": 10}, 400, "flat:bad_request"),
    ({"price": 0.45}, 400, "flat:bad_request"),
    ({"post_only": "yes"}, 400, "flat:bad_request"),
    ({"count": "1.234"}, 400, "flat:bad_request"),
    ({"count": "-1"}, 400, "flat:bad_request"),
    ({"time_in_force": None}, 400, "bare"),
    ({"self_trade_prevention_type": None}, 400, "bare"),
    ({"ticker": ""}, 400, "bare"),
    ({"side": "yes"}, 400, "bare"),
    ({"time_in_force": "GTT"}, 400, "bare"),
    ({"exchange_index": 9}, 400, "bare"),
    ({"subaccount": 64}, 400, "bare"),
    ({"expiration_time": int(START) + 60}, 400, "bare"),
    ({"time_in_force": GTC, "expiration_time": int(START) - 1}, 400, "bare"),
    ({"time_in_force": GTC, "reduce_only": True}, 400, "bare"),
    ({"count": "0.00"}, 400, "nested:invalid_order_size"),
    ({"price": "0.455"}, 400, "nested:invalid_price"),
    ({"price": "1.00"}, 400, "nested:invalid_price"),
    ({"price": "0"}, 400, "nested:invalid_price"),
    ({"ticker": "KXNONE-1-A"}, 404, "nested:market_not_found"),
    ({"exchange_index": 2}, 404, "nested:market_not_found"),
    ({"ticker": PAUSED, "price": "0.60"}, 400, "nested:MARKET_INACTIVE"),
    ({"ticker": CLOSED, "price": "0.40"}, 400, "nested:market_inactive"),
    ({"time_in_force": GTC, "post_only": True}, 400, "nested:invalid_order"),
    ({"count": "100000"}, 400, "nested:insufficient_balance"),
    (
        {"time_in_force": FOK, "count": "151", "price": "0.43"},
        409,
        "nested:fill_or_kill_insufficient_resting_volume",
    ),
]


def shape_of(body: Any) -> str:
    if "msg" in body:
        return "bare"
    if "error" in body:
        return f"nested:{body['error']['code']}"
    return f"flat:{body['code']}"


@pytest.mark.parametrize(("changes", "status", "shape"), REFUSALS, ids=[f"{c}" for c, _, _ in REFUSALS])
async def test_a_bad_order_is_refused_in_the_documented_shape(
    exchange_stage: Stage, changes: dict[str, Any], status: int, shape: str
) -> None:
    before = exchange_stage.cash()
    refused_status, body = await exchange_stage.refusal(**changes)
    assert (refused_status, shape_of(body)) == (status, shape)
    assert (exchange_stage.exchange.registry.orders, exchange_stage.cash()) == ([], before)


async def test_a_body_that_is_no_json_is_refused_flat(exchange_stage: Stage) -> None:
    for body in (b"{", b"[]", b"\xff"):
        answer = await exchange_stage.call("POST", ORDERS, body)
        assert (answer.status, answer.json["code"]) == (400, "bad_request")
    headers = exchange_stage.signed("POST", ORDERS) | {"Content-Type": "text/plain"}
    answer = await exchange_stage.call("POST", ORDERS, exchange_stage.order(), headers=headers)
    assert answer.json["code"] == "invalid_content_type"


async def test_the_retired_create_is_gone(exchange_stage: Stage) -> None:
    answer = await exchange_stage.call("POST", "/portfolio/orders", exchange_stage.order())
    assert (answer.status, answer.json["error"]["code"]) == (410, "deprecated_v1_order_endpoint")
    unknown = await exchange_stage.call("GET", "/no/such/path")
    assert (unknown.status, unknown.json["error"]["code"]) == (404, "not_found")


async def test_an_order_fills_at_resting_prices_level_by_level(exchange_stage: Stage) -> None:
    order = await exchange_stage.created(count="200.00", price="0.4500")
    assert (order["fill_count"], order["remaining_count"]) == ("200.00", "0.00")
    assert order["average_fill_price"] == "0.4325"  # 150 at 0.43, 50 at 0.44
    fills = (await exchange_stage.get("/portfolio/fills", order_id=order["order_id"]))["fills"]
    assert [(f["count_fp"], f["yes_price_dollars"]) for f in fills] == [
        ("50.00", "0.4400"),
        ("150.00", "0.4300"),
    ]
    assert len({fill["trade_id"] for fill in fills}) == 2
    assert exchange_stage.exchange.catalogue.markets[SEA].wire(START)["yes_ask_dollars"] == "0.4400"


@pytest.mark.parametrize(
    ("changes", "count", "fee"),
    [
        ({"ticker": BOS, "price": "0.5200", "count": "1"}, "1.00", "0.017500"),
        ({"ticker": BOS, "price": "0.5300", "count": "1"}, "1.00", "0.017500"),  # at the resting 0.52
        ({"ticker": "KXMLBGAME-26NOV29NYYLAD-NYY", "price": "0.47", "count": "1"}, "1.00", "0.008800"),
    ],
)
async def test_a_taker_pays_the_documented_fee(
    exchange_stage: Stage, changes: dict[str, Any], count: str, fee: str
) -> None:
    order = await exchange_stage.created(**changes)
    fills = (await exchange_stage.get("/portfolio/fills"))["fills"]
    assert [(fill["count_fp"], fill["fee_cost"]) for fill in fills] == [(count, fee)]
    shown = (await exchange_stage.get(f"/portfolio/orders/{order['order_id']}"))["order"]
    assert (shown["taker_fees_dollars"], shown["maker_fees_dollars"]) == (fee, "0.000000")


async def test_a_non_direct_member_pays_the_documented_cent(exchange_stage: Stage) -> None:
    await exchange_stage.control("/settings", balance_precision_micros=10_000)
    await exchange_stage.control("/market", ticker=BTC, yes_ask="0.055")
    await exchange_stage.created(ticker=BTC, price="0.055", count="1")
    assert (await exchange_stage.get("/portfolio/fills"))["fills"][0]["fee_cost"] == "0.005000"


async def test_immediate_or_cancel_with_nothing_to_hit_is_accepted_and_empty(exchange_stage: Stage) -> None:
    for changes in ({"price": "0.4200"}, {"ticker": NO_ASK, "price": "0.9900"}):
        order = await exchange_stage.created(**changes)
        assert (order["fill_count"], order["remaining_count"]) == ("0.00", "0.00")
        assert "average_fill_price" not in order
        shown = (await exchange_stage.get(f"/portfolio/orders/{order['order_id']}"))["order"]
        assert (shown["status"], shown["initial_count_fp"]) == ("canceled", "10.00")


async def test_a_partly_filled_order_ends_cancelled_with_its_fills(exchange_stage: Stage) -> None:
    order = await exchange_stage.created(count="200", price="0.43")
    assert (order["fill_count"], order["remaining_count"]) == ("150.00", "0.00")
    shown = (await exchange_stage.get("/portfolio/orders", status="canceled"))["orders"][0]
    assert (shown["fill_count_fp"], shown["remaining_count_fp"]) == ("150.00", "0.00")


@pytest.mark.parametrize("first", [{}, {"price": "0.42"}, {"time_in_force": FOK, "count": "9999"}])
async def test_an_id_once_used_is_never_taken_again(exchange_stage: Stage, first: dict[str, Any]) -> None:
    await exchange_stage.control("/balances", balances={"0": "1000000.00"})
    await exchange_stage.create(client_order_id="hs-once", **first)
    accepted = len(exchange_stage.exchange.registry.orders)
    status, body = await exchange_stage.refusal(client_order_id="hs-once")
    assert (status, body["error"]["code"]) == (409, "order_already_exists")
    assert "order_id" not in body
    assert len(exchange_stage.exchange.registry.orders) == accepted


async def test_an_id_refused_outright_stays_free(exchange_stage: Stage) -> None:
    assert (await exchange_stage.create(client_order_id="hs-x", count="100000")).status == 400
    assert (await exchange_stage.create(client_order_id="hs-x")).status == 201
    await exchange_stage.control("/settings", refused_ids_are_consumed=True)
    assert (await exchange_stage.create(client_order_id="hs-y", count="100000")).status == 400
    assert (await exchange_stage.create(client_order_id="hs-y")).status == 409


async def test_an_id_is_forgotten_after_its_window(exchange_stage: Stage) -> None:
    await exchange_stage.control("/settings", id_memory_s=60)
    await exchange_stage.created(client_order_id="hs-old")
    exchange_stage.clock.forward(60)
    assert (await exchange_stage.create(client_order_id="hs-old")).status == 409
    exchange_stage.clock.forward(1)
    assert (await exchange_stage.create(client_order_id="hs-old")).status == 201
    assert (await exchange_stage.control("/book", "GET"))["accepted"]["hs-old"] == 2


async def test_a_resting_order_is_held_shown_filled_and_cancelled(exchange_stage: Stage) -> None:
    start = exchange_stage.cash()
    order = await exchange_stage.created(time_in_force=GTC, count="10", price="0.42")
    assert (order["fill_count"], order["remaining_count"]) == ("0.00", "10.00")
    balance = await exchange_stage.get("/portfolio/balance", exchange_index="0")
    assert balance["balance_dollars"] == "9995.8000"
    assert balance["balance_breakdown"] == [{"exchange_index": 0, "balance": "9995.8000"}]
    market = (await exchange_stage.get(f"/markets/{SEA}"))["market"]
    assert (market["yes_bid_dollars"], market["yes_bid_size_fp"]) == ("0.4200", "10.00")
    await exchange_stage.control("/trade", order_id=order["order_id"], count="4")
    assert exchange_stage.cash() == start - 1_680_000, "a maker of this series pays no fee"
    path = f"{ORDERS}/{order['order_id']}"
    exchange_stage.clock.forward(1)
    gone = await exchange_stage.call("DELETE", path, query={"market_ticker": SEA})
    assert (gone.status, gone.json["reduced_by"]) == (200, "6.00")
    again = await exchange_stage.call("DELETE", path, query={"market_ticker": SEA})
    assert (again.status, again.json["error"]["code"]) == (404, "not_found")
    assert (await exchange_stage.get("/portfolio/balance"))["balance_dollars"] == "39998.3200"


async def test_a_maker_pays_a_quarter_where_the_series_says_so(exchange_stage: Stage) -> None:
    order = await exchange_stage.created(ticker=BTC, time_in_force=GTC, price="0.350", count="100")
    await exchange_stage.control("/trade", client_order_id=order["client_order_id"], count="100")
    fill = (await exchange_stage.get("/portfolio/fills"))["fills"][0]
    assert (fill["is_taker"], fill["fee_cost"]) == (
        False,
        "0.398200",
    )  # 0.0175 * 100 * 0.35 * 0.65, to 4 places


async def test_a_cancel_without_its_market_looks_on_shard_zero_only(exchange_stage: Stage) -> None:
    order = await exchange_stage.created(ticker=BTC, time_in_force=GTC, price="0.350")
    path = f"{ORDERS}/{order['order_id']}"
    assert (await exchange_stage.call("DELETE", path)).status == 404
    assert (await exchange_stage.call("DELETE", path, query={"market_ticker": SEA})).status == 404
    assert (await exchange_stage.call("DELETE", path, query={"exchange_index": "2"})).status == 200


async def test_resting_orders_end_at_their_time_and_at_the_market_s_close(exchange_stage: Stage) -> None:
    soon = int(START) + 60
    expiring = await exchange_stage.created(time_in_force=GTC, price="0.20", expiration_time=soon)
    staying = await exchange_stage.created(time_in_force=GTC, price="0.21")
    exchange_stage.clock.forward(61)
    shown = {o["order_id"]: o["status"] for o in (await exchange_stage.get("/portfolio/orders"))["orders"]}
    assert shown == {expiring["order_id"]: "canceled", staying["order_id"]: "resting"}
    await exchange_stage.control("/market", ticker=SEA, close_in_s=0)
    shown = {o["order_id"]: o["status"] for o in (await exchange_stage.get("/portfolio/orders"))["orders"]}
    assert shown[staying["order_id"]] == "canceled"
    path = f"{ORDERS}/{staying['order_id']}"
    late = await exchange_stage.call("DELETE", path, query={"market_ticker": SEA})
    assert (late.status, late.json["error"]["code"]) == (400, "market_inactive")


async def test_a_pause_refuses_new_orders_and_ends_those_that_asked_for_it(exchange_stage: Stage) -> None:
    ends = await exchange_stage.created(time_in_force=GTC, price="0.20")
    stays = await exchange_stage.created(time_in_force=GTC, price="0.21", cancel_order_on_pause=False)
    await exchange_stage.control("/pause", exchange_index=0)
    status, body = await exchange_stage.refusal()
    assert (status, body["error"]["code"]) == (409, "trading_is_paused")
    assert (await exchange_stage.create(ticker=BTC, price="0.358")).status == 201, "another shard trades on"
    shown = {o["order_id"]: o["status"] for o in (await exchange_stage.get("/portfolio/orders"))["orders"]}
    assert (shown[ends["order_id"]], shown[stays["order_id"]]) == ("canceled", "resting")
    state = await exchange_stage.get("/exchange/status")
    assert (state["trading_active"], state["exchange_active"]) == (False, True)
    assert [row["trading_active"] for row in state["exchange_index_statuses"]] == [False, True, True, True]
    cancelled = await exchange_stage.call(
        "DELETE", f"{ORDERS}/{stays['order_id']}", query={"market_ticker": SEA}
    )
    assert cancelled.status == 200, "a trading pause lets cancels through"
    await exchange_stage.control("/resume")
    assert (await exchange_stage.create()).status == 201


async def test_a_paused_exchange_refuses_cancels_too(exchange_stage: Stage) -> None:
    order = await exchange_stage.created(time_in_force=GTC, price="0.20", cancel_order_on_pause=False)
    await exchange_stage.control("/pause", exchange=True)
    path = f"{ORDERS}/{order['order_id']}"
    assert (await exchange_stage.call("DELETE", path, query={"market_ticker": SEA})).status == 409


async def test_a_market_that_comes_back_has_lost_its_resting_orders(exchange_stage: Stage) -> None:
    await exchange_stage.created(time_in_force=GTC, price="0.20", cancel_order_on_pause=False)
    await exchange_stage.control("/market", ticker=SEA, status="inactive")
    assert (await exchange_stage.get("/portfolio/orders"))["orders"][0]["status"] == "resting"
    await exchange_stage.control("/market", ticker=SEA, status="active")
    assert (await exchange_stage.get("/portfolio/orders"))["orders"][0]["status"] == "canceled"


async def test_cash_is_needed_on_the_market_s_own_shard(exchange_stage: Stage) -> None:
    await exchange_stage.control("/balances", balances={"3": "0.00"})
    status, body = await exchange_stage.refusal(ticker=BOS, price="0.54")
    assert (status, body["error"]["code"]) == (400, "insufficient_balance")
    assert (await exchange_stage.create()).status == 201


async def test_opposite_positions_net_and_free_their_dollar(exchange_stage: Stage) -> None:
    start = exchange_stage.cash()
    await exchange_stage.created(price="0.43")
    await exchange_stage.created(side="ask", price="0.41", count="4")
    row = (await exchange_stage.get("/portfolio/positions", ticker=SEA))["market_positions"][0]
    assert (row["position_fp"], row["market_exposure_dollars"]) == ("6.00", "2.5800")
    assert row["realized_pnl_dollars"] == "-0.0800"
    fees = sum(fill.fee for fill in exchange_stage.exchange.registry.fills)
    assert exchange_stage.cash() == start - 4_300_000 + 1_640_000 - fees
    await exchange_stage.created(side="ask", price="0.41", count="10")
    row = (await exchange_stage.get("/portfolio/positions", ticker=SEA))["market_positions"][0]
    assert (row["position_fp"], row["market_exposure_dollars"]) == ("-4.00", "2.3600")


async def test_reduce_only_never_opens_a_position(exchange_stage: Stage) -> None:
    empty = await exchange_stage.created(side="ask", price="0.30", reduce_only=True)
    assert empty["fill_count"] == "0.00"
    await exchange_stage.created(count="5")
    sold = await exchange_stage.created(side="ask", price="0.30", count="9", reduce_only=True)
    assert sold["fill_count"] == "5.00"
    held = (await exchange_stage.get("/portfolio/positions"))["market_positions"][0]
    assert held["position_fp"] == "0.00"


@pytest.mark.parametrize(
    ("prevention", "filled", "resting"), [("taker_at_cross", "0.00", 1), ("maker", "10.00", 0)]
)
async def test_own_orders_never_trade_with_each_other(
    exchange_stage: Stage, prevention: str, filled: str, resting: int
) -> None:
    await exchange_stage.created(side="ask", time_in_force=GTC, price="0.42", count="5")
    taker = await exchange_stage.created(price="0.43", self_trade_prevention_type=prevention)
    assert taker["fill_count"] == filled
    assert len(exchange_stage.exchange.registry.resting) == resting


async def test_every_cent_is_accounted_for(exchange_stage: Stage) -> None:
    start = {shard: exchange_stage.cash(shard) for shard in (0, 2, 3)}
    for number, (ticker, price) in enumerate(
        [(SEA, "0.45"), (BOS, "0.55"), (BTC, "0.361"), (SCALAR, "0.64")] * 5
    ):
        side = "bid" if number % 3 else "ask"
        await exchange_stage.created(
            ticker=ticker, side=side, price=price if side == "bid" else "0.01", count="7.13"
        )
    for ticker in (SEA, BOS):
        await exchange_stage.control("/settle", ticker=ticker, status="finalized", result="yes")
    await exchange_stage.control(
        "/settle", ticker=SCALAR, status="finalized", result="scalar", settlement_value_dollars="0.3333"
    )
    book = await exchange_stage.control("/book", "GET")
    account = book["accounts"]["0"]
    moved = sum(
        Decimal(account["cash"][str(shard)]) - Decimal(before) / 10**6 for shard, before in start.items()
    )
    spent = Decimal(0)
    for fill in book["fills"]:
        paid = Decimal(fill["yes_price_dollars" if fill["outcome_side"] == "yes" else "no_price_dollars"])
        spent += paid * Decimal(fill["count_fp"]) + Decimal(fill["fee_cost"])
    earned = sum(Decimal(row["realized_pnl_dollars"]) for row in account["positions"])
    fees = sum(Decimal(fill["fee_cost"]) for fill in book["fills"])
    exposed = sum(Decimal(row["market_exposure_dollars"]) for row in account["positions"])
    assert spent > 0
    assert moved == earned - fees - exposed
    assert all(Decimal(cash) % Decimal("0.0001") == 0 for cash in account["cash"].values())
