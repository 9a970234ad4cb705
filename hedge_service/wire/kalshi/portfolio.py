"""Reading our orders, fills, positions, settlements and cash.

One unreadable row makes its whole list unreadable: a partial snapshot would pass for proof of absence.
"""

from __future__ import annotations

from hedge_service.core.market import Side
from hedge_service.core.money import Count, Money, Price
from hedge_service.core.venue import (
    Balance,
    CancelResult,
    VenueFill,
    VenueOrder,
    VenuePosition,
    VenueSettlement,
    VenueStatus,
)
from hedge_service.wire.kalshi import fields
from hedge_service.wire.kalshi.errors import Unreadable


def order(row: fields.Row) -> VenueOrder:
    """Read an Order. Raises Unreadable."""
    return VenueOrder(
        order_id=fields.text(row, "order_id"),
        client_order_id=fields.words(row, "client_order_id"),
        ticker=fields.text(row, "ticker"),
        side=fields.book_side(row),
        status=VenueStatus(fields.text(row, "status")),
        yes_price=fields.price(row, "yes_price_dollars"),
        initial_count=fields.count(row, "initial_count_fp"),
        fill_count=fields.count(row, "fill_count_fp"),
        remaining_count=fields.count(row, "remaining_count_fp"),
        fill_cost=_sum(row, "taker_fill_cost_dollars", "maker_fill_cost_dollars"),
        fees=_sum(row, "taker_fees_dollars", "maker_fees_dollars"),
        created_time=fields.maybe(fields.moment, row, "created_time"),
        last_update_time=fields.maybe(fields.moment, row, "last_update_time"),
        subaccount=fields.maybe(fields.whole, row, "subaccount_number"),
        exchange_index=_shard(row),
    )


def fill(row: fields.Row) -> VenueFill:
    """Read a Fill. Raises Unreadable."""
    created = fields.maybe(fields.moment, row, "created_time")
    return VenueFill(
        trade_id=fields.text(row, "trade_id" if row.get("trade_id") else "fill_id"),
        order_id=fields.text(row, "order_id"),
        ticker=fields.text(row, "ticker" if row.get("ticker") else "market_ticker"),
        side=fields.book_side(row),
        count=fields.count(row, "count_fp"),
        yes_price=fields.price(row, "yes_price_dollars"),
        fee=fields.money(row, "fee_cost"),
        is_taker=fields.flag(row, "is_taker"),
        created_time=fields.maybe(fields.unix_seconds, row, "ts") if created is None else created,
        subaccount=fields.maybe(fields.whole, row, "subaccount_number"),
        exchange_index=_shard(row),
    )


def position(row: fields.Row) -> VenuePosition:
    """Read a MarketPosition; its count is signed, negative for NO. Raises Unreadable."""
    signed = fields.decimal(row, "position_fp")
    try:
        contracts = Count.of(abs(signed))
    except ValueError:
        raise Unreadable("position_fp is not a count") from None
    return VenuePosition(
        ticker=fields.text(row, "ticker"),
        side=Side.NO if signed < 0 else Side.YES,
        count=contracts,
        exposure=fields.money(row, "market_exposure_dollars"),
        realized_pnl=fields.money(row, "realized_pnl_dollars"),
        fees_paid=fields.money(row, "fees_paid_dollars"),
        last_updated=fields.moment(row, "last_updated_ts"),
        exchange_index=_shard(row),
    )


def settlement(row: fields.Row) -> VenueSettlement:
    """Read a Settlement; revenue and value come as whole cents. Raises Unreadable."""
    value = fields.maybe(fields.cents, row, "value")
    try:
        paid = None if value is None else Price(value.micros)
    except ValueError:
        raise Unreadable("value is not between 0 and 100 cents") from None
    return VenueSettlement(
        ticker=fields.text(row, "ticker"),
        event_ticker=fields.words(row, "event_ticker"),
        result=fields.text(row, "market_result"),
        yes_count=fields.count(row, "yes_count_fp"),
        no_count=fields.count(row, "no_count_fp"),
        yes_cost=fields.money(row, "yes_total_cost_dollars"),
        no_cost=fields.money(row, "no_total_cost_dollars"),
        revenue=fields.cents(row, "revenue"),
        value=paid,
        fee=fields.money(row, "fee_cost"),
        settled_time=fields.moment(row, "settled_time"),
        exchange_index=_shard(row),
    )


def balance(payload: fields.Row) -> Balance:
    """Read GetBalanceResponse. Raises Unreadable."""
    shards: dict[int, Money] | None = None
    if payload.get("balance_breakdown") is not None:
        parts = fields.rows(payload, "balance_breakdown")
        shards = {fields.whole(part, "exchange_index"): fields.money(part, "balance") for part in parts}
    return Balance(
        cash=fields.money(payload, "balance_dollars"),
        portfolio_value=fields.cents(payload, "portfolio_value"),
        shards=shards,
        updated_ts=fields.whole(payload, "updated_ts"),
    )


def cancelled(payload: fields.Row) -> CancelResult:
    """Read CancelOrderV2Response. Raises Unreadable."""
    return CancelResult(
        order_id=fields.text(payload, "order_id"), reduced_by=fields.count(payload, "reduced_by")
    )


def _sum(row: fields.Row, first: str, second: str) -> Money:
    return fields.money(row, first) + fields.money(row, second)


def _shard(row: fields.Row) -> int:
    shard = fields.maybe(fields.whole, row, "exchange_index")
    return 0 if shard is None else shard
