from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from hedge_service.core.market import BookSide, MarketStatus, Side
from hedge_service.core.money import Count, Money, Price
from hedge_service.core.venue import CancelResult, VenueStatus
from hedge_service.wire.kalshi import account, fields, markets, portfolio
from hedge_service.wire.kalshi.errors import Unreadable
from tests.wire import kalshi_samples as samples

if TYPE_CHECKING:
    from collections.abc import Callable

NOON = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)


def test_a_market_is_read_exactly() -> None:
    market = markets.market(samples.market_row(unheard_of={"a": 1}))
    assert (market.yes_ask, market.no_ask) == (Price.of("0.65"), Price.of("0.37"))
    assert market.status is MarketStatus.ACTIVE
    assert market.close_time == datetime(2026, 11, 30, 1, 25, 0, 123456, tzinfo=UTC)
    assert (market.exchange_index, market.settlement_value) == (3, None)


@pytest.mark.parametrize(
    "empty",
    [
        {"yes_ask_dollars": "0.0000"},
        {"yes_ask_dollars": "1.0000"},
        {"yes_ask_size_fp": "0.00"},
    ],
)
def test_an_empty_side_is_no_offer(empty: dict[str, str]) -> None:
    market = markets.market(samples.market_row(**empty))
    assert market.ask(Side.YES) is None
    assert market.ask(Side.NO) == Price.of("0.37")


def test_the_no_offer_is_as_large_as_the_yes_bid() -> None:
    market = markets.market(samples.market_row(yes_bid_size_fp="0.00"))
    assert market.ask(Side.NO) is None


def test_words_unknown_to_this_version_do_not_hide_a_market() -> None:
    market = markets.market(samples.market_row(status="hibernating", market_type="ternary"))
    assert (market.status, market.binary) == (MarketStatus.OTHER, False)


def test_a_settled_market_tells_its_value() -> None:
    row = samples.market_row(status="finalized", result="scalar", settlement_value_dollars="0.4300")
    assert markets.market(row).settlement_value == Price.of("0.43")


def test_a_market_without_ranges_takes_whole_cents() -> None:
    absent: list[Any] = [None, []]
    for ranges in absent:
        grid = markets.market(samples.market_row(price_ranges=ranges)).grid
        assert grid.holds(Price.of("0.01"))
        assert not grid.holds(Price.of("0.015"))


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("ticker", ""),
        ("close_time", "tomorrow"),
        ("close_time", "2026-11-30T01:25:00"),
        ("yes_ask_dollars", 0.65),
        ("yes_ask_dollars", None),
        ("yes_ask_dollars", "1.2"),
        ("yes_ask_dollars", "1e-2"),
        ("price_ranges", [{"start": "0", "end": "1", "step": "0"}]),
        ("price_ranges", [7]),
        ("exchange_index", "3"),
    ],
)
def test_a_market_with_a_wrong_field_is_unreadable(field: str, value: Any) -> None:
    with pytest.raises(Unreadable):
        markets.market(samples.market_row(**{field: value}))


def test_one_unreadable_market_hides_no_other_and_is_not_unknown() -> None:
    listed = markets.market_list(
        [samples.market_row(), samples.market_row(ticker="B", yes_ask_dollars="lots")]
    )
    assert list(listed.found) == ["KXNFLGAME-26NOV22KCDEN-KC"]
    assert listed.unreadable == {"B": "yes_ask_dollars is not an amount in plain digits"}


@pytest.mark.parametrize("ticker", ["", "A,B", "..", "A/B", "A B", "Ä", "x" * 129, "A\n", "A?b"])
def test_a_hostile_ticker_is_not_asked_for(ticker: str) -> None:
    assert not markets.is_ticker(ticker)


def test_an_event_is_read_with_its_markets_and_fee_override() -> None:
    event = markets.event(samples.event_reply(samples.market_row(), fee_multiplier_override=0.1))
    assert event.mutually_exclusive
    assert event.series_ticker == "KXNFLGAME"
    assert event.fee_multiplier_override == Decimal("0.1")
    assert set(event.markets.found) == {"KXNFLGAME-26NOV22KCDEN-KC"}


def test_an_event_may_list_its_markets_beside_it() -> None:
    reply = samples.event_reply(markets=None)
    reply["markets"] = [samples.market_row()]
    assert len(markets.event(reply).markets.found) == 1


def test_a_series_tells_its_fee_in_open_words() -> None:
    series = markets.series(samples.series_reply(fee_type="cubic"))
    assert (series.fee_type, series.fee_multiplier) == ("cubic", Decimal("0.5"))


def test_an_order_is_read_exactly() -> None:
    order = portfolio.order(samples.order_row())
    assert (order.side, order.status) == (BookSide.BID, VenueStatus.CANCELED)
    assert (order.initial_count, order.fill_count) == (Count.of(3), Count.of(2))
    assert (order.fill_cost, order.fees) == (Money.of("1.31"), Money.of("0.0318"))
    assert (order.created_time, order.subaccount, order.exchange_index) == (NOON, 0, 3)


def test_an_order_of_an_unknown_status_is_still_seen() -> None:
    assert portfolio.order(samples.order_row(status="napping")).status is VenueStatus.OTHER


def test_the_side_is_read_from_the_outcome_where_the_book_side_is_missing() -> None:
    assert portfolio.order(samples.order_row(book_side=None, outcome_side="no")).side is BookSide.ASK
    with pytest.raises(Unreadable, match="book_side"):
        portfolio.order(samples.order_row(book_side="left"))


def test_an_order_of_somebody_else_may_lack_a_client_id() -> None:
    assert (
        portfolio.order(samples.order_row(client_order_id="", subaccount_number=None)).client_order_id == ""
    )


def test_a_fill_costs_what_its_own_side_paid() -> None:
    bought = portfolio.fill(samples.fill_row())
    assert (bought.cost, bought.fee) == (Money.of("1.31"), Money.of("0.0318"))
    sold = portfolio.fill(samples.fill_row(book_side="ask", created_time=None, ts=1763812800))
    assert sold.cost == Money.of("0.69")
    assert sold.created_time == datetime(2025, 11, 22, 12, 0, tzinfo=UTC)


def test_a_negative_position_is_no_contracts() -> None:
    position = portfolio.position(samples.position_row(position_fp="-1.50"))
    assert (position.side, position.count, position.signed_centis) == (Side.NO, Count.of("1.5"), -150)


def test_a_settlement_is_read_in_cents_and_dollars() -> None:
    settlement = portfolio.settlement(samples.settlement_row())
    assert (settlement.revenue, settlement.value) == (Money.of(2), Price.of(1))
    assert portfolio.settlement(samples.settlement_row(value=None)).value is None


def test_cash_is_told_by_shard_where_the_key_may_see_it() -> None:
    balance = portfolio.balance(samples.balance_reply())
    assert balance.cash == Money.of("123.4567")
    assert balance.shards == {0: Money.of(100), 3: Money.of("23.4567")}
    assert portfolio.balance(samples.balance_reply(balance_breakdown=None)).shards is None


def test_a_cancel_tells_what_it_took_away() -> None:
    reply = {"order_id": "o", "reduced_by": "1.00", "ts_ms": 1}
    assert portfolio.cancelled(reply) == CancelResult(order_id="o", reduced_by=Count.of(1))


@pytest.mark.parametrize(
    ("read", "row", "field", "value"),
    [
        (portfolio.order, samples.order_row(), "order_id", None),
        (portfolio.order, samples.order_row(), "fill_count_fp", 2),
        (portfolio.fill, samples.fill_row(), "fee_cost", "free"),
        (portfolio.fill, samples.fill_row(), "is_taker", "yes"),
        (portfolio.fill, samples.fill_row(), "count_fp", "-1.00"),
        (portfolio.position, samples.position_row(), "position_fp", "0.001"),
        (portfolio.settlement, samples.settlement_row(), "value", 101),
        (portfolio.settlement, samples.settlement_row(), "revenue", 1.5),
        (portfolio.balance, samples.balance_reply(), "balance_dollars", 12),
        (account.limits, samples.limits_reply(), "write", {"refill_rate": 0, "bucket_capacity": 1}),
        (account.limits, samples.limits_reply(), "read", None),
        (account.exchange_status, samples.status_reply(), "trading_active", "true"),
        (account.api_keys, samples.keys_reply(), "api_keys", [{"api_key_id": "k", "scopes": "read"}]),
        (account.api_keys, samples.keys_reply(), "api_key_region_expiration_ts", 10**30),
    ],
)
def test_a_wrong_field_makes_the_reply_unreadable(
    read: Callable[[Any], object], row: dict[str, Any], field: str, value: Any
) -> None:
    with pytest.raises(Unreadable):
        read({**row, field: value})


def test_a_missing_list_is_not_an_empty_one() -> None:
    for payload in ({}, {"orders": None}, {"orders": [1]}):
        with pytest.raises(Unreadable):
            fields.rows(payload, "orders")


def test_an_absent_null_or_empty_cursor_is_the_end() -> None:
    assert [fields.cursor(p) for p in ({}, {"cursor": None}, {"cursor": ""}, {"cursor": "c"})] == [
        "",
        "",
        "",
        "c",
    ]
    with pytest.raises(Unreadable):
        fields.cursor({"cursor": 7})


def test_limits_and_costs_are_the_accounts_own() -> None:
    limits = account.limits(samples.limits_reply())
    assert (limits.tier, limits.write.capacity, limits.read.refill_rate) == ("advanced", 900, 300)
    assert account.endpoint_costs(samples.costs_reply()).of("GET", "/portfolio/orders/{order_id}") == 3


def test_a_shard_is_closed_when_it_or_the_whole_is() -> None:
    status = account.exchange_status(samples.status_reply())
    assert [status.trading_on(shard) for shard in (0, 3, 9)] == [True, False, True]
    closed = account.exchange_status(samples.status_reply(trading_active=False))
    assert not closed.trading_on(0)
    assert account.exchange_status({"exchange_active": True, "trading_active": True}).trading_on(1)


def test_times_and_keys_are_read() -> None:
    assert account.user_data_timestamp({"as_of_time": samples.AT}) == NOON
    assert account.historical_cutoff(samples.cutoff_reply()).orders_updated == NOON
    keys = account.api_keys(samples.keys_reply())
    assert keys.region_expiration == datetime.fromtimestamp(1795000000, UTC)
    key = keys.of("k1")
    assert key is not None
    assert (key.subaccount, "write::trade" in key.scopes) == (2, True)
    assert keys.of("k2") is None
