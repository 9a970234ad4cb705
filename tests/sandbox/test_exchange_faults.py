"""Every fault of the table, one by one: what the client sees and what the exchange has really done."""

from __future__ import annotations

import asyncio
from datetime import datetime
from typing import Any

import aiohttp
import orjson
import pytest

from hedge_service.sandbox.exchange.faults import FAULTS, FaultKind
from hedge_service.sandbox.exchange.faults import Stage as FaultStage
from tests.sandbox.exchange_stage import ORDERS, SEA, Answer, Stage

HANGS = {FaultKind.HANG_BEFORE_ACCEPT, FaultKind.HANG_AFTER_ACCEPT, FaultKind.ACCEPT_LATE}
WIRE = [kind for kind, spec in FAULTS.items() if spec.stage is FaultStage.WIRE]
STATUSES = {
    FaultKind.SERVER_ERROR_BEFORE_ACCEPT: 500,
    FaultKind.SERVER_ERROR_AFTER_ACCEPT: 500,
    FaultKind.HTML_BAD_GATEWAY_BEFORE_ACCEPT: 502,
    FaultKind.HTML_BAD_GATEWAY_AFTER_ACCEPT: 502,
    FaultKind.SERVICE_UNAVAILABLE_BEFORE_ACCEPT: 503,
    FaultKind.SERVICE_UNAVAILABLE_AFTER_ACCEPT: 503,
    FaultKind.GARBAGE_BODY: 201,
    FaultKind.TRUNCATED_BODY: 201,
    FaultKind.NO_ORDER_ID: 201,
    FaultKind.GONE: 410,
    FaultKind.TOO_MANY_REQUESTS: 429,
    FaultKind.ACCEPT_LATE: 201,
}


async def attempt(stage: Stage, body: dict[str, Any]) -> Answer | None:
    """Send one create; None when the connection ended without an answer."""
    try:
        return await stage.call("POST", ORDERS, body)
    except (aiohttp.ServerDisconnectedError, aiohttp.ClientOSError):
        return None


def test_the_table_is_complete() -> None:
    assert set(FAULTS) == set(FaultKind)


async def test_the_control_interface_lists_every_fault(exchange_stage: Stage) -> None:
    listed = await exchange_stage.control("/faults", "GET")
    assert set(listed["kinds"]) == {kind.value for kind in FaultKind}


@pytest.mark.parametrize("kind", [k for k in WIRE if k is not FaultKind.RESEND_REFUSED])
async def test_a_fault_on_the_wire_does_what_its_row_says(exchange_stage: Stage, kind: FaultKind) -> None:
    seconds = 0.01 if kind in HANGS else None
    await exchange_stage.control("/faults", kind=kind.value, seconds=seconds)
    answer = await attempt(exchange_stage, exchange_stage.order())
    assert (None if answer is None else answer.status) == STATUSES.get(kind)
    book = await exchange_stage.control("/book", "GET")
    assert len(book["orders"]) == int(bool(FAULTS[kind].accepts))
    assert book["create_requests"] == {"hs-1": 1}
    assert (await exchange_stage.create()).status == 201, "one request and no more"


async def test_an_unreadable_reply_can_not_be_read(exchange_stage: Stage) -> None:
    for kind in (FaultKind.GARBAGE_BODY, FaultKind.TRUNCATED_BODY, FaultKind.HTML_BAD_GATEWAY_AFTER_ACCEPT):
        await exchange_stage.control("/faults", kind=kind.value)
        answer = await exchange_stage.create()
        with pytest.raises(orjson.JSONDecodeError):
            orjson.loads(answer.raw)
    await exchange_stage.control("/faults", kind="no_order_id")
    assert "order_id" not in (await exchange_stage.create()).json


async def test_a_hang_lasts_until_it_is_released(exchange_stage: Stage) -> None:
    await exchange_stage.control("/faults", kind="hang_after_accept")
    hanging = asyncio.ensure_future(attempt(exchange_stage, exchange_stage.order()))
    while not (await exchange_stage.control("/book", "GET"))["orders"]:
        assert not hanging.done()
    assert not hanging.done()
    await exchange_stage.control("/release")
    assert await hanging is None


async def test_an_order_is_accepted_late_although_its_sender_gave_up(exchange_stage: Stage) -> None:
    await exchange_stage.control("/faults", kind="accept_late")
    hanging = asyncio.ensure_future(attempt(exchange_stage, exchange_stage.order()))
    while not (await exchange_stage.control("/faults", "GET"))["faults"][0]["taken"]:
        assert not hanging.done()
    hanging.cancel()
    await asyncio.gather(hanging, return_exceptions=True)
    assert not exchange_stage.exchange.registry.orders
    await exchange_stage.control("/release")
    book = await exchange_stage.control("/book", "GET")
    assert book["accepted"] == {"hs-1": 1}


async def test_a_resend_is_refused_although_its_first_copy_landed(exchange_stage: Stage) -> None:
    await exchange_stage.control("/faults", kind="resend_refused", code="market_inactive")
    body = exchange_stage.order()
    assert (await exchange_stage.call("POST", ORDERS, body)).status == 201
    again = await exchange_stage.call("POST", ORDERS, body)
    assert (again.status, again.json["error"]["code"]) == (400, "market_inactive")
    assert (await exchange_stage.call("POST", ORDERS, body)).status == 409


async def test_a_forgotten_id_makes_a_second_order(exchange_stage: Stage) -> None:
    await exchange_stage.control("/faults", kind="id_forgotten", client_order_id="hs-1")
    body = exchange_stage.order()
    for _ in range(2):
        assert (await exchange_stage.call("POST", ORDERS, body)).status == 201
    assert (await exchange_stage.call("POST", ORDERS, body)).status == 409
    assert (await exchange_stage.control("/book", "GET"))["accepted"] == {"hs-1": 2}


async def test_a_partial_fill_is_capped(exchange_stage: Stage) -> None:
    await exchange_stage.control("/faults", kind="partial_fill", count="3.5", ticker=SEA)
    assert (await exchange_stage.created())["fill_count"] == "3.50"
    assert (await exchange_stage.created())["fill_count"] == "10.00"


async def test_a_late_order_is_in_no_read_until_its_time_and_the_timestamp_waits(
    exchange_stage: Stage,
) -> None:
    await exchange_stage.created(count="1")
    exchange_stage.clock.forward(5)
    await exchange_stage.control("/faults", kind="late_reads", seconds=30)
    late = await exchange_stage.created(count="2")
    exchange_stage.clock.forward(10)
    assert [o["client_order_id"] for o in (await exchange_stage.get("/portfolio/orders"))["orders"]] == [
        "hs-1"
    ]
    one = f"/portfolio/orders/{late['order_id']}"
    assert (await exchange_stage.call("GET", one)).status == 404
    assert len((await exchange_stage.get("/portfolio/fills"))["fills"]) == 1
    held = (await exchange_stage.get("/portfolio/positions"))["market_positions"][0]
    assert held["position_fp"] == "1.00"
    shown = (await exchange_stage.get("/portfolio/balance", exchange_index="0"))["balance_dollars"]
    assert shown == "9999.5528"
    accepted = exchange_stage.exchange.registry.orders[-1].created_ms / 1000
    assert exchange_stage.exchange.as_of() < accepted
    told = (await exchange_stage.get("/exchange/user_data_timestamp"))["as_of_time"]
    assert datetime.fromisoformat(told).timestamp() < accepted
    exchange_stage.clock.forward(20)
    assert len((await exchange_stage.get("/portfolio/orders"))["orders"]) == 2
    assert (await exchange_stage.get("/portfolio/positions"))["market_positions"][0]["position_fp"] == "3.00"
    assert exchange_stage.exchange.as_of() == exchange_stage.clock()


async def test_a_general_lag_of_reads_moves_the_timestamp(exchange_stage: Stage) -> None:
    await exchange_stage.control("/settings", read_lag_s=2)
    await exchange_stage.created()
    assert (await exchange_stage.get("/portfolio/orders"))["orders"] == []
    assert exchange_stage.exchange.as_of() < exchange_stage.clock() - 1.9
    exchange_stage.clock.forward(2)
    assert len((await exchange_stage.get("/portfolio/orders"))["orders"]) == 1


async def test_an_invisible_order_shows_in_position_and_cash_only(exchange_stage: Stage) -> None:
    await exchange_stage.control("/faults", kind="invisible_order")
    await exchange_stage.created()
    exchange_stage.clock.forward(3600)
    assert (await exchange_stage.get("/portfolio/orders"))["orders"] == []
    assert (await exchange_stage.get("/portfolio/fills"))["fills"] == []
    assert (await exchange_stage.get("/portfolio/positions"))["market_positions"][0]["position_fp"] == "10.00"
    assert exchange_stage.exchange.as_of() == exchange_stage.clock()
    await exchange_stage.control("/release")
    assert len((await exchange_stage.get("/portfolio/orders"))["orders"]) == 1


async def test_a_stale_status_still_says_resting(exchange_stage: Stage) -> None:
    await exchange_stage.created()
    await exchange_stage.control("/faults", kind="stale_status")
    stale = (await exchange_stage.get("/portfolio/orders"))["orders"][0]
    assert (stale["status"], stale["fill_count_fp"], stale["remaining_count_fp"]) == (
        "resting",
        "0.00",
        "10.00",
    )
    assert (await exchange_stage.get("/portfolio/orders"))["orders"][0]["status"] == "executed"


async def test_fills_may_come_twice(exchange_stage: Stage) -> None:
    await exchange_stage.created()
    await exchange_stage.control("/faults", kind="fills_twice")
    rows = (await exchange_stage.get("/portfolio/fills"))["fills"]
    assert len(rows) == 2
    assert rows[0] == rows[1]


@pytest.mark.parametrize(
    ("kind", "seen"), [("page_dropped", 4), ("page_truncated", 5), ("paging_ends_early", 4)]
)
async def test_a_page_may_be_missing(exchange_stage: Stage, kind: str, seen: int) -> None:
    for _ in range(6):
        await exchange_stage.created(count="1")
    await exchange_stage.control("/faults", kind=kind, after=1)
    assert len(await all_orders(exchange_stage, limit=2)) == seen
    assert len(await all_orders(exchange_stage, limit=2)) == 6


async def test_trading_pauses_in_the_middle_of_a_fan_out(exchange_stage: Stage) -> None:
    await exchange_stage.control("/faults", kind="pause", after=2)
    statuses = [(await exchange_stage.create()).status for _ in range(4)]
    assert statuses == [201, 201, 409, 409]
    await exchange_stage.control("/resume")
    assert (await exchange_stage.create()).status == 201


async def test_the_clock_jumps(exchange_stage: Stage) -> None:
    headers = exchange_stage.signed("GET", "/portfolio/orders")
    await exchange_stage.control("/faults", kind="clock_offset", seconds=-11)
    for status in (200, 401):
        assert (await exchange_stage.call("GET", "/portfolio/orders", headers=headers)).status == status


async def test_a_storm_of_429_meets_exactly_as_many_requests_as_told(exchange_stage: Stage) -> None:
    await exchange_stage.control("/faults", kind="too_many_requests", times=3, route=".*")
    answers = [await exchange_stage.call("GET", "/portfolio/orders") for _ in range(4)]
    assert [answer.status for answer in answers] == [429, 429, 429, 200]
    assert answers[0].json == {"error": "too many requests"}


async def test_a_fault_meets_only_what_it_names(exchange_stage: Stage) -> None:
    fault: dict[str, Any] = {"kind": "server_error_before_accept", "times": None}
    await exchange_stage.control("/faults", **fault, client_order_id="hs-2")
    await exchange_stage.control("/faults", **fault, route=r"GET /portfolio/fills")
    statuses = [(await exchange_stage.create()).status for _ in range(3)]
    assert statuses == [201, 500, 201]
    assert (await exchange_stage.call("GET", "/portfolio/fills")).status == 500
    await exchange_stage.control("/faults", "DELETE")
    assert (await exchange_stage.call("GET", "/portfolio/fills")).status == 200


async def test_faults_of_several_stages_meet_one_request(exchange_stage: Stage) -> None:
    for kind in ("reply_lost_after_accept", "late_reads", "partial_fill"):
        await exchange_stage.control("/faults", kind=kind, count="1", seconds=60)
    assert await attempt(exchange_stage, exchange_stage.order()) is None
    assert (await exchange_stage.get("/portfolio/orders"))["orders"] == []
    assert exchange_stage.exchange.registry.orders[0].filled == 100


async def test_a_probability_gives_the_same_run_for_the_same_seed(exchange_stage: Stage) -> None:
    runs = []
    for _ in range(2):
        await exchange_stage.control("/reset")
        exchange_stage.exchange.limits.set_tier("prestige")
        exchange_stage.made = 0
        await exchange_stage.control(
            "/faults", kind="server_error_before_accept", times=None, probability=0.5
        )
        runs.append([(await exchange_stage.create(count="1")).status for _ in range(20)])
    assert runs[0] == runs[1]
    assert set(runs[0]) == {201, 500}


async def test_a_fault_that_is_misspelt_is_refused(exchange_stage: Stage) -> None:
    url = exchange_stage.base.with_path("/sandbox/exchange/faults")
    for body in ({"kind": "reply_lots"}, {"kind": "gone", "tims": 3}, {"kind": "partial_fill", "count": "x"}):
        async with exchange_stage.session.post(url, json=body) as reply:
            assert reply.status == 400


async def all_orders(stage: Stage, *, limit: int) -> set[str]:
    """Page through the orders as a trusting client does."""
    seen: set[str] = set()
    cursor = ""
    while True:
        page = await stage.get("/portfolio/orders", limit=str(limit), cursor=cursor)
        seen |= {order["order_id"] for order in page["orders"]}
        cursor = page["cursor"]
        if cursor == "":
            return seen
