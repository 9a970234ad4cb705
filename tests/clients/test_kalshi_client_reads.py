from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from aiohttp.test_utils import unused_port

from hedge_service.clients.kalshi import ExchangeRefused, Transport
from hedge_service.core.venue import VenueStatus
from hedge_service.errors import PeerUnavailable
from tests.clients.exchange_stub import Reply, Stage, make_client
from tests.wire import kalshi_samples as samples

SINCE = datetime(2026, 11, 22, 12, 0, 0, 900_000, tzinfo=UTC)
BROKEN = Reply({"error": {"code": "internal"}}, status=500)
THROTTLED = Reply({"error": "too many requests"}, status=429)


def page(key: str, *rows: dict[str, Any], cursor: str = "") -> Reply:
    return Reply({key: list(rows), "cursor": cursor})


async def test_markets_are_read_in_one_request_and_unknown_ones_are_absent(stage: Stage) -> None:
    stage.exchange.answers("GET", "/markets", page("markets", samples.market_row()))
    listed = await stage.client.markets(["KXNFLGAME-26NOV22KCDEN-KC", "GONE", "GONE", "A,B", "../x"])
    assert list(listed.found) == ["KXNFLGAME-26NOV22KCDEN-KC"]
    (request,) = stage.exchange.requests
    assert request.target.endswith("/markets?tickers=KXNFLGAME-26NOV22KCDEN-KC,GONE&limit=1000")


async def test_nothing_is_asked_for_no_market(stage: Stage) -> None:
    listed = await stage.client.markets(["a b"])
    assert (listed.found, stage.paths) == ({}, [])


async def test_many_markets_are_read_by_the_hundred(stage: Stage) -> None:
    stage.exchange.answers("GET", "/markets", page("markets"))
    await stage.client.markets(f"T-{n}" for n in range(201))
    assert len(stage.paths) == 3


async def test_a_market_the_exchange_does_not_have_is_none(stage: Stage) -> None:
    stage.exchange.answers("GET", "/markets/GONE", Reply({"error": {"code": "market_not_found"}}, status=404))
    assert await stage.client.market("GONE") is None
    assert await stage.client.market("../../etc") is None
    assert stage.paths == ["/markets/GONE"]


async def test_a_gateway_that_finds_nothing_does_not_make_a_market_unknown(stage: Stage) -> None:
    stage.exchange.answers("GET", "/markets/T", Reply(body=b"<html>404</html>", status=404))
    with pytest.raises(PeerUnavailable):
        await stage.client.market("T")


async def test_an_exchange_out_of_reach_is_not_an_unknown_market() -> None:
    transport = Transport()
    client = make_client(f"http://127.0.0.1:{unused_port()}/trade-api/v2", transport)
    with pytest.raises(PeerUnavailable) as caught:
        await client.market("T")
    await transport.close()
    assert caught.value.context["reason"] == "connect_failed"


async def test_market_event_and_series_are_read(stage: Stage) -> None:
    stage.exchange.answers("GET", "/markets/T", Reply({"market": samples.market_row(ticker="T")}))
    stage.exchange.answers("GET", "/historical/markets/T", Reply({"market": samples.market_row(ticker="T")}))
    stage.exchange.answers("GET", "/events/E", Reply(samples.event_reply(samples.market_row())))
    stage.exchange.answers("GET", "/series/S", Reply(samples.series_reply()))
    market, old = await stage.client.market("T"), await stage.client.historical_market("T")
    assert market is not None
    assert market == old
    event, series = await stage.client.event("E"), await stage.client.series("S")
    assert event is not None
    assert series is not None
    assert stage.exchange.requests[2].target.endswith("/events/E?with_nested_markets=true")


async def test_a_list_is_read_to_its_last_page(stage: Stage) -> None:
    stage.exchange.answers(
        "GET",
        "/portfolio/orders",
        page("orders", samples.order_row(order_id="1"), cursor="a+b/c="),
        page("orders", samples.order_row(order_id="2"), cursor="z"),
        page("orders", samples.order_row(order_id="3")),
    )
    orders = await stage.client.orders(ticker="T", since=SINCE, status=VenueStatus.RESTING)
    assert [order.order_id for order in orders] == ["1", "2", "3"]
    first, second, _ = (request.target.partition("?")[2] for request in stage.exchange.requests)
    assert first == "ticker=T&min_ts=1795348799&status=resting&subaccount=2&limit=1000"
    assert second.endswith("&cursor=a%2Bb%2Fc%3D")


async def test_a_missing_page_is_an_error_and_not_a_shorter_list(stage: Stage) -> None:
    stage.exchange.answers(
        "GET", "/portfolio/fills", page("fills", samples.fill_row(), cursor="next"), BROKEN
    )
    with pytest.raises(PeerUnavailable):
        await stage.client.fills()


async def test_pages_that_go_round_in_circles_are_an_error(stage: Stage) -> None:
    stage.exchange.answers("GET", "/historical/orders", page("orders", cursor="same"))
    with pytest.raises(PeerUnavailable) as caught:
        await stage.client.historical_orders()
    assert caught.value.context["reason"] == "endless_pages"
    assert len(stage.paths) == 2


async def test_pages_without_end_are_an_error(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hedge_service.clients.kalshi.caller.MAX_PAGES", 5)
    pages = [page("fills", cursor=str(number)) for number in range(9)]
    stage.exchange.answers("GET", "/historical/fills", *pages)
    with pytest.raises(PeerUnavailable):
        await stage.client.historical_fills()
    assert len(stage.paths) == 5


async def test_one_unreadable_row_makes_a_list_of_ours_unreadable(stage: Stage) -> None:
    rows = page("orders", samples.order_row(), samples.order_row(fill_count_fp=3))
    stage.exchange.answers("GET", "/portfolio/orders", rows)
    with pytest.raises(PeerUnavailable) as caught:
        await stage.client.orders()
    assert "fill_count_fp" in str(caught.value.context["reason"])


async def test_every_read_of_ours_names_the_subaccount(stage: Stage) -> None:
    for path, key in (
        ("/portfolio/orders", "orders"),
        ("/historical/orders", "orders"),
        ("/portfolio/fills", "fills"),
        ("/historical/fills", "fills"),
        ("/portfolio/positions", "market_positions"),
        ("/portfolio/settlements", "settlements"),
    ):
        stage.exchange.answers("GET", path, page(key))
    stage.exchange.answers("GET", "/portfolio/balance", Reply(samples.balance_reply()))
    client = stage.client
    for read in (client.orders, client.historical_orders, client.fills, client.historical_fills):
        assert await read() == []
    assert (await client.positions(), await client.settlements()) == ([], [])
    await client.balance()
    assert all("subaccount=2" in request.target for request in stage.exchange.requests)


async def test_of_a_list_asked_for_some_orders_only_their_rows_are_read(stage: Stage) -> None:
    rows = [samples.fill_row(order_id="mine"), samples.fill_row(order_id="other", fee_cost="no amount")]
    stage.exchange.answers("GET", "/portfolio/fills", page("fills", *rows))
    assert [fill.order_id for fill in await stage.client.fills(orders={"mine"}, since=SINCE)] == ["mine"]


async def test_a_row_that_names_no_order_makes_its_list_unreadable(stage: Stage) -> None:
    nameless = page("fills", samples.fill_row(order_id="mine"), samples.fill_row(order_id=""))
    stage.exchange.answers("GET", "/portfolio/fills", *[nameless] * 9)
    with pytest.raises(PeerUnavailable):
        await stage.client.fills(orders={"mine"})


async def test_rows_of_every_list_are_read(stage: Stage) -> None:
    stage.exchange.answers("GET", "/portfolio/fills", page("fills", samples.fill_row()))
    stage.exchange.answers("GET", "/portfolio/positions", page("market_positions", samples.position_row()))
    stage.exchange.answers("GET", "/portfolio/settlements", page("settlements", samples.settlement_row()))
    stage.exchange.answers("GET", "/portfolio/orders/o", Reply({"order": samples.order_row()}))
    assert len(await stage.client.fills(order_id="o")) == 1
    assert len(await stage.client.positions(ticker="T")) == 1
    assert len(await stage.client.settlements(since=SINCE)) == 1
    assert await stage.client.order("o") is not None


async def test_a_read_is_tried_again_after_429_5xx_and_a_lost_reply(stage: Stage) -> None:
    late = Reply({"error": {"code": "header_timestamp_expired"}}, status=401)
    told = Reply({"as_of_time": samples.AT})
    stage.exchange.answers("GET", "/exchange/user_data_timestamp", THROTTLED, BROKEN, late, told)
    assert await stage.client.user_data_timestamp() == datetime(2026, 11, 22, 12, tzinfo=UTC)
    times = [int(r.headers["KALSHI-ACCESS-TIMESTAMP"]) for r in stage.exchange.requests]
    assert times == sorted(set(times))


async def test_every_try_pays_the_limiter(stage: Stage) -> None:
    stage.exchange.answers("GET", "/historical/cutoff", BROKEN)
    with pytest.raises(PeerUnavailable):
        await stage.client.historical_cutoff()
    assert len(stage.paths) == 4
    refilled = (0.2 + 0.4 + 0.8) * 200
    assert stage.client.limiter.read.state.available == pytest.approx(min(190, 160 + refilled))


async def test_a_refused_read_is_not_tried_again(stage: Stage) -> None:
    body = {"error": {"code": "authentication_error", "details": "INCORRECT_API_KEY_SIGNATURE"}}
    stage.exchange.answers("GET", "/account/limits", Reply(body, status=401))
    with pytest.raises(ExchangeRefused) as caught:
        await stage.client.limits()
    assert (caught.value.http_status, len(stage.paths)) == (401, 1)


async def test_the_balance_is_asked_once_a_second(stage: Stage) -> None:
    stage.exchange.answers("GET", "/portfolio/balance", Reply(samples.balance_reply()))
    for _ in range(3):
        await stage.client.balance()
    assert stage.clock.monotonic() == pytest.approx(1002)


async def test_an_exchange_that_is_down_may_still_tell_its_status(stage: Stage) -> None:
    down = samples.status_reply(exchange_active=False, trading_active=False)
    stage.exchange.answers("GET", "/exchange/status", Reply(down, status=503))
    status = await stage.client.exchange_status()
    assert not status.trading_on(0)


async def test_an_unreadable_status_is_an_error(stage: Stage) -> None:
    stage.exchange.answers("GET", "/exchange/status", Reply(body=b"<html>", status=503))
    with pytest.raises(PeerUnavailable):
        await stage.client.exchange_status()


async def test_the_accounts_own_limits_and_costs_are_adopted(stage: Stage) -> None:
    stage.exchange.answers("GET", "/account/limits", Reply(samples.limits_reply()))
    stage.exchange.answers("GET", "/account/endpoint_costs", Reply(samples.costs_reply()))
    stage.exchange.answers("GET", "/portfolio/orders/o", Reply({"order": samples.order_row()}))
    limits = await stage.client.adopt_limits()
    assert stage.client.limiter.limits == limits
    before = stage.client.limiter.read.state.available
    await stage.client.order("o")
    assert before - stage.client.limiter.read.state.available == 3


async def test_limits_that_cannot_be_read_change_nothing(stage: Stage) -> None:
    stage.exchange.answers("GET", "/account/limits", Reply(samples.limits_reply()))
    stage.exchange.answers("GET", "/account/endpoint_costs", BROKEN)
    with pytest.raises(PeerUnavailable):
        await stage.client.adopt_limits()
    assert stage.client.limiter.limits.tier == "basic"


async def test_keys_are_read(stage: Stage) -> None:
    stage.exchange.answers("GET", "/api_keys", Reply(samples.keys_reply()))
    keys = await stage.client.api_keys()
    assert keys.of("k1") is not None


async def test_a_server_that_redirects_is_not_followed(stage: Stage) -> None:
    away = Reply(status=302, headers={"Location": f"{stage.base_url}/account/limits"})
    stage.exchange.answers("GET", "/api_keys", away)
    with pytest.raises(PeerUnavailable):
        await stage.client.api_keys()
    assert set(stage.paths) == {"/api_keys"}


async def test_a_dead_kept_alive_connection_never_carries_an_old_signature(stage: Stage) -> None:
    """The HTTP library would send a GET again by itself, unasked, unpaid and with the same signature."""
    told = Reply({"as_of_time": samples.AT})
    stage.exchange.answers("GET", "/exchange/user_data_timestamp", told, Reply(cuts=True), told)
    await stage.client.user_data_timestamp()
    await stage.client.user_data_timestamp()
    _, cut, again = (request.headers["KALSHI-ACCESS-TIMESTAMP"] for request in stage.exchange.requests)
    assert int(again) - int(cut) == 200


async def test_cookies_are_not_kept(stage: Stage) -> None:
    told = Reply({"as_of_time": samples.AT}, headers={"Set-Cookie": "session=1; Path=/"})
    stage.exchange.answers("GET", "/exchange/user_data_timestamp", told)
    await stage.client.user_data_timestamp()
    await stage.client.user_data_timestamp()
    assert all("Cookie" not in request.headers for request in stage.exchange.requests)
