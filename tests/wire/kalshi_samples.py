"""Replies of the exchange as its specification has them, one row each; keyword arguments replace fields."""

from __future__ import annotations

from typing import Any

from hedge_service.core.market import BookSide
from hedge_service.core.money import Count, Price
from hedge_service.core.orders import Order

Row = dict[str, Any]
AT = "2026-11-22T12:00:00Z"


def order() -> Order:
    return Order(
        client_order_id="hs-8c35ecb3-328f-5f52-8c7c-0f4b9862f8d1",
        ticker="KXNFLGAME-26NOV22KCDEN-KC",
        side=BookSide.BID,
        count=Count.of("3"),
        price=Price.of("0.67"),
    )


def created(**fields: Any) -> Row:
    row = {
        "order_id": "3b23c1c7-f4ef-4f0d-8b9a-9e53c61f1a0d",
        "client_order_id": order().client_order_id,
        "fill_count": "2.00",
        "remaining_count": "0.00",
        "average_fill_price": "0.6550",
        "average_fee_paid": "0.015900",
        "ts_ms": 1763812800123,
    }
    return {**row, **fields}


def market_row(**fields: Any) -> Row:
    dollars = dict.fromkeys(
        (
            "last_price_dollars",
            "notional_value_dollars",
            "previous_yes_bid_dollars",
            "previous_yes_ask_dollars",
            "previous_price_dollars",
        ),
        "0.0000",
    )
    times = dict.fromkeys(("created_time", "updated_time", "open_time", "latest_expiration_time"), AT)
    row = {
        **dollars,
        **times,
        "ticker": "KXNFLGAME-26NOV22KCDEN-KC",
        "event_ticker": "KXNFLGAME-26NOV22KCDEN",
        "market_type": "binary",
        "title": "Kansas City at Denver",
        "yes_sub_title": "Kansas City",
        "no_sub_title": "Denver",
        "close_time": "2026-11-30T01:25:00.123456789Z",
        "expected_expiration_time": None,
        "settlement_timer_seconds": 300,
        "status": "active",
        "yes_bid_dollars": "0.6300",
        "yes_bid_size_fp": "120.00",
        "yes_ask_dollars": "0.6500",
        "yes_ask_size_fp": "80.00",
        "no_bid_dollars": "0.3500",
        "no_ask_dollars": "0.3700",
        "volume_fp": "0.00",
        "volume_24h_fp": "0.00",
        "open_interest_fp": "0.00",
        "result": "",
        "can_close_early": True,
        "settlement_bounds_type": "default",
        "expiration_value": "",
        "rules_primary": "-",
        "rules_secondary": "",
        "price_level_structure": "linear_cent",
        "price_ranges": [{"start": "0.0000", "end": "1.0000", "step": "0.0100"}],
        "exchange_index": 3,
    }
    return {**row, **fields}


def orderbook_row(**fields: Any) -> Row:
    row = {
        "ticker": "KXNFLGAME-26NOV22KCDEN-KC",
        "orderbook_fp": {
            "yes_dollars": [["0.6200", "13.00"], ["0.6300", "120.00"]],
            "no_dollars": [["0.3300", "40.50"], ["0.3400", "0.00"], ["0.3500", "80.00"]],
        },
    }
    return {**row, **fields}


def event_reply(*markets: Row, **fields: Any) -> Row:
    event = {
        "event_ticker": "KXNFLGAME-26NOV22KCDEN",
        "series_ticker": "KXNFLGAME",
        "sub_title": "KC at DEN",
        "title": "Kansas City at Denver",
        "collateral_return_type": "MECNET",
        "mutually_exclusive": True,
        "settlement_sources": [],
        "markets": list(markets),
    }
    return {"event": {**event, **fields}, "markets": []}


def series_reply(**fields: Any) -> Row:
    series = {
        "ticker": "KXNFLGAME",
        "frequency": "custom",
        "title": "Pro football game",
        "category": "Sports",
        "categories": ["Sports"],
        "tags": [],
        "settlement_sources": [],
        "contract_url": "",
        "contract_terms_url": "",
        "fee_type": "quadratic",
        "fee_multiplier": 0.5,
        "additional_prohibitions": [],
    }
    return {"series": {**series, **fields}}


def order_row(**fields: Any) -> Row:
    row = {
        "order_id": "3b23c1c7-f4ef-4f0d-8b9a-9e53c61f1a0d",
        "user_id": "u1",
        "client_order_id": order().client_order_id,
        "ticker": order().ticker,
        "outcome_side": "yes",
        "book_side": "bid",
        "type": "limit",
        "status": "canceled",
        "yes_price_dollars": "0.6700",
        "no_price_dollars": "0.3300",
        "fill_count_fp": "2.00",
        "remaining_count_fp": "0.00",
        "initial_count_fp": "3.00",
        "taker_fill_cost_dollars": "1.310000",
        "maker_fill_cost_dollars": "0.000000",
        "taker_fees_dollars": "0.031800",
        "maker_fees_dollars": "0.000000",
        "created_time": AT,
        "last_update_time": AT,
        "subaccount_number": 0,
        "exchange_index": 3,
    }
    return {**row, **fields}


def fill_row(**fields: Any) -> Row:
    row = {
        "fill_id": "t-1",
        "trade_id": "t-1",
        "exchange_index": 3,
        "order_id": "3b23c1c7-f4ef-4f0d-8b9a-9e53c61f1a0d",
        "ticker": order().ticker,
        "market_ticker": order().ticker,
        "outcome_side": "yes",
        "book_side": "bid",
        "count_fp": "2.00",
        "yes_price_dollars": "0.6550",
        "no_price_dollars": "0.3450",
        "is_taker": True,
        "created_time": AT,
        "fee_cost": "0.031800",
        "subaccount_number": 0,
    }
    return {**row, **fields}


def position_row(**fields: Any) -> Row:
    row = {
        "ticker": order().ticker,
        "exchange_index": 3,
        "total_traded_dollars": "1.310000",
        "position_fp": "2.00",
        "market_exposure_dollars": "1.310000",
        "realized_pnl_dollars": "0.000000",
        "fees_paid_dollars": "0.031800",
        "last_updated_ts": AT,
    }
    return {**row, **fields}


def settlement_row(**fields: Any) -> Row:
    row = {
        "ticker": order().ticker,
        "exchange_index": 3,
        "event_ticker": "KXNFLGAME-26NOV22KCDEN",
        "market_result": "yes",
        "yes_count_fp": "2.00",
        "yes_total_cost_dollars": "1.310000",
        "no_count_fp": "0.00",
        "no_total_cost_dollars": "0.000000",
        "revenue": 200,
        "settled_time": AT,
        "fee_cost": "0.000000",
        "value": 100,
    }
    return {**row, **fields}


def balance_reply(**fields: Any) -> Row:
    row = {
        "balance": 12345,
        "balance_dollars": "123.4567",
        "portfolio_value": 200,
        "updated_ts": 1763812800,
        "balance_breakdown": [
            {"exchange_index": 0, "balance": "100.0000"},
            {"exchange_index": 3, "balance": "23.4567"},
        ],
    }
    return {**row, **fields}


def status_reply(**fields: Any) -> Row:
    shard = {"description": "-", "exchange_active": True, "intra_exchange_transfers_active": True}
    row = {
        "exchange_active": True,
        "trading_active": True,
        "exchange_index_statuses": [
            {**shard, "exchange_index": 0, "trading_active": True},
            {**shard, "exchange_index": 3, "trading_active": False},
        ],
    }
    return {**row, **fields}


def limits_reply(**fields: Any) -> Row:
    row = {
        "usage_tier": "Advanced",
        "read": {"refill_rate": 300, "bucket_capacity": 900},
        "write": {"refill_rate": 300, "bucket_capacity": 900},
        "grants": [],
    }
    return {**row, **fields}


def costs_reply() -> Row:
    rows = [{"method": "GET", "path": "/trade-api/v2/portfolio/orders/{order_id}", "cost": 3}]
    return {"default_cost": 10, "endpoint_costs": rows}


def cutoff_reply() -> Row:
    return dict.fromkeys(
        (
            "market_settled_ts",
            "trades_created_ts",
            "orders_updated_ts",
            "market_positions_last_updated_ts",
        ),
        AT,
    )


def keys_reply() -> Row:
    keys = [{"api_key_id": "k1", "name": "bot", "scopes": ["read", "write::trade"], "subaccount": 2}]
    return {"api_keys": keys, "api_key_region_expiration_ts": 1795000000}
