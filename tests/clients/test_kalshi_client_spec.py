"""Requests as sent, and the replies the tests use, judged by the exchange's own specification."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import cache
from typing import TYPE_CHECKING, Any

import pytest

from hedge_service.core.venue import VenueStatus
from hedge_service.wire.kalshi.orders import create_bytes
from tests.clients.exchange_stub import Reply, Stage
from tests.clients.kalshi_oracle import judge, judge_reply, load_oracle, needs_spec, unknown_parameters
from tests.wire import kalshi_samples as samples

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from openapi_core import OpenAPI

    from hedge_service.clients.kalshi import KalshiClient

SINCE = datetime(2026, 11, 22, tzinfo=UTC)


@cache
def oracle() -> OpenAPI:
    return load_oracle()


def rows(key: str, row: dict[str, Any]) -> dict[str, Any]:
    return {key: [row], "cursor": ""}


CASES: list[tuple[str, str, int, dict[str, Any], Callable[[KalshiClient], Awaitable[object]]]] = [
    (
        "POST",
        "/portfolio/events/orders",
        201,
        samples.created(),
        lambda c: c.create_order(samples.order(), create_bytes(samples.order()), on_written=lambda: None),
    ),
    (
        "DELETE",
        "/portfolio/events/orders/o-1",
        200,
        {"order_id": "o-1", "reduced_by": "1.00", "ts_ms": 1},
        lambda c: c.cancel_order("o-1", "T"),
    ),
    ("GET", "/markets", 200, rows("markets", samples.market_row()), lambda c: c.markets(["A", "B"])),
    (
        "GET",
        "/markets/orderbooks",
        200,
        {"orderbooks": [samples.orderbook_row()]},
        lambda c: c.orderbooks(["A"]),
    ),
    ("GET", "/markets/T", 200, {"market": samples.market_row()}, lambda c: c.market("T")),
    (
        "GET",
        "/historical/markets/T",
        200,
        {"market": samples.market_row()},
        lambda c: c.historical_market("T"),
    ),
    ("GET", "/events/E", 200, samples.event_reply(samples.market_row()), lambda c: c.event("E")),
    ("GET", "/series/S", 200, samples.series_reply(), lambda c: c.series("S")),
    ("GET", "/exchange/status", 200, samples.status_reply(), lambda c: c.exchange_status()),
    (
        "GET",
        "/portfolio/orders",
        200,
        rows("orders", samples.order_row()),
        lambda c: c.orders(ticker="T", since=SINCE, status=VenueStatus.RESTING),
    ),
    ("GET", "/portfolio/orders/o", 200, {"order": samples.order_row()}, lambda c: c.order("o")),
    (
        "GET",
        "/historical/orders",
        200,
        rows("orders", samples.order_row()),
        lambda c: c.historical_orders(ticker="T", since=SINCE),
    ),
    (
        "GET",
        "/portfolio/fills",
        200,
        rows("fills", samples.fill_row()),
        lambda c: c.fills(ticker="T", order_id="o", since=SINCE),
    ),
    (
        "GET",
        "/historical/fills",
        200,
        rows("fills", samples.fill_row()),
        lambda c: c.historical_fills(ticker="T", since=SINCE),
    ),
    (
        "GET",
        "/portfolio/positions",
        200,
        {**rows("market_positions", samples.position_row()), "event_positions": []},
        lambda c: c.positions(ticker="T"),
    ),
    (
        "GET",
        "/portfolio/settlements",
        200,
        rows("settlements", samples.settlement_row()),
        lambda c: c.settlements(ticker="T", since=SINCE),
    ),
    ("GET", "/portfolio/balance", 200, samples.balance_reply(), lambda c: c.balance()),
    ("GET", "/account/limits", 200, samples.limits_reply(), lambda c: c.limits()),
    ("GET", "/account/endpoint_costs", 200, samples.costs_reply(), lambda c: c.endpoint_costs()),
    ("GET", "/api_keys", 200, samples.keys_reply(), lambda c: c.api_keys()),
    (
        "GET",
        "/exchange/user_data_timestamp",
        200,
        {"as_of_time": samples.AT},
        lambda c: c.user_data_timestamp(),
    ),
    ("GET", "/historical/cutoff", 200, samples.cutoff_reply(), lambda c: c.historical_cutoff()),
]


@needs_spec
@pytest.mark.parametrize(
    ("method", "path", "status", "payload", "use"), CASES, ids=[f"{c[0]} {c[1]}" for c in CASES]
)
async def test_the_specification_allows_what_is_sent_and_what_the_tests_answer(
    stage: Stage,
    method: str,
    path: str,
    status: int,
    payload: dict[str, Any],
    use: Callable[[KalshiClient], Awaitable[object]],
) -> None:
    stage.exchange.answers(method, path, Reply(payload, status=status))
    assert await use(stage.client) is not None
    (request,) = stage.exchange.requests
    judge(oracle(), request)
    judge_reply(oracle(), request, payload, status)
    assert unknown_parameters(oracle(), request) == set()
