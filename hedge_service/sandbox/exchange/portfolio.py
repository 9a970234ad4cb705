"""Reads of the member's own: orders, fills, positions, settlements, balance."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .account import Position
from .amounts import CENT, contracts, dollars, dollars6
from .buckets import SHARDS
from .calls import Call, Reply
from .errors import bare, not_found
from .faults import FaultKind
from .orders import OrderStatus
from .paging import paged
from .validation import shard_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from .account import Account
    from .orders import Fill, Order
    from .state import Exchange

_MAX_TICKERS = 100


def list_orders(exchange: Exchange, call: Call) -> Reply:
    """Answer GET /portfolio/orders: newest first, without what is archived."""
    return _orders(exchange, call, archived=False)


def list_historical_orders(exchange: Exchange, call: Call) -> Reply:
    """Answer GET /historical/orders: ended orders older than the cutoff."""
    return _orders(exchange, call, archived=True)


def get_order(exchange: Exchange, call: Call) -> Reply:
    """Answer GET /portfolio/orders/{order_id}."""
    order = exchange.registry.by_id.get(call.params["order_id"])
    if order is None or not order.visible(exchange.now()) or _archived(exchange, order):
        raise not_found()
    return Reply(payload={"order": order.wire(stale=_stale(call))})


def list_fills(exchange: Exchange, call: Call) -> Reply:
    """Answer GET /portfolio/fills: newest first, without what is archived."""
    return _fills(exchange, call, archived=False)


def list_historical_fills(exchange: Exchange, call: Call) -> Reply:
    """Answer GET /historical/fills."""
    return _fills(exchange, call, archived=True)


def list_positions(exchange: Exchange, call: Call) -> Reply:
    """Answer GET /portfolio/positions of one subaccount."""
    account = exchange.account(_number(call, "subaccount", 0))
    rows = [row for row in _positions(exchange, account) if _wanted_position(call, row)]
    indexed = [(-place, row) for place, row in enumerate(rows, start=1)]
    page = paged(
        indexed,
        lambda pair: pair[0],
        limit=_page_size(exchange, call),
        cursor=call.text("cursor"),
        effects=call.effects,
    )
    shown = [row for _, row in page.rows]
    return Reply(
        payload={
            "market_positions": [row.wire() for row in shown],
            "event_positions": _event_positions(shown),
            "cursor": page.cursor,
        }
    )


def list_settlements(exchange: Exchange, call: Call) -> Reply:
    """Answer GET /portfolio/settlements: newest first; those before the cutoff are shown nowhere."""
    account = exchange.account(_number(call, "subaccount", 0))
    earliest, latest = call.number("min_ts"), call.number("max_ts")
    ticker, events = call.text("ticker"), call.texts("event_ticker")
    rows = (
        row
        for row in reversed(account.settlements)
        if row.settled_s >= exchange.cutoff()
        and ticker in {None, row.position.ticker}
        and (not events or row.position.event_ticker in events)
        and _within(int(row.settled_s * 1_000), earliest, latest)
    )
    page = paged(
        rows,
        lambda row: row.sequence,
        limit=_page_size(exchange, call),
        cursor=call.text("cursor"),
        effects=call.effects,
    )
    return Reply(payload={"settlements": [row.wire() for row in page.rows], "cursor": page.cursor})


def get_balance(exchange: Exchange, call: Call) -> Reply:
    """Answer GET /portfolio/balance: free cash, in all or of one shard."""
    account = exchange.account(_number(call, "subaccount", 0))
    asked = shard_of(call.number("exchange_index"))
    shards = SHARDS if asked is None else (asked,)
    free = {shard: _shown_cash(exchange, account, shard) for shard in shards}
    held = sum(row.cost for row in _positions(exchange, account) if row.shard in shards)
    return Reply(
        payload={
            "balance": sum(free.values()) // CENT,
            "balance_dollars": dollars(sum(free.values()) // 100 * 100),
            "portfolio_value": held // CENT,
            "updated_ts": int(exchange.as_of()),
            "balance_breakdown": [
                {"exchange_index": index, "balance": dollars(micros)} for index, micros in free.items()
            ],
        }
    )


def _orders(exchange: Exchange, call: Call, *, archived: bool) -> Reply:
    page = paged(
        _wanted_orders(exchange, call, archived=archived),
        lambda order: order.sequence,
        limit=_page_size(exchange, call),
        cursor=call.text("cursor"),
        effects=call.effects,
    )
    stale = _stale(call)
    rows = [order.wire(stale=stale) for order in page.rows]
    return Reply(payload={"orders": rows, "cursor": page.cursor})


def _wanted_orders(exchange: Exchange, call: Call, *, archived: bool) -> Iterator[Order]:
    status, events = call.text("status"), call.texts("event_ticker")
    earliest, latest = call.number("min_ts"), call.number("max_ts")
    subaccount, shard = call.number("subaccount"), call.number("exchange_index")
    if len(events) > _MAX_TICKERS:
        raise bare("at most 100 event tickers")
    if status is not None and status not in set(OrderStatus):
        raise bare("status must be one of resting canceled executed")
    now_s = exchange.now()
    return (
        order
        for order in exchange.registry.orders_of(call.text("ticker"))
        if order.visible(now_s)
        and _archived(exchange, order) is archived
        and status in {None, order.status.value}
        and subaccount in {None, order.request.subaccount}
        and shard in {None, order.shard}
        and (not events or exchange.catalogue.markets[order.ticker].event_ticker in events)
        and _within(order.created_ms, earliest, latest)
    )


def _fills(exchange: Exchange, call: Call, *, archived: bool) -> Reply:
    page = paged(
        _wanted_fills(exchange, call, archived=archived),
        lambda fill: fill.sequence,
        limit=_page_size(exchange, call),
        cursor=call.text("cursor"),
        effects=call.effects,
    )
    copies = 1 if call.effects.of(FaultKind.FILLS_TWICE) is None else 2
    rows = [fill.wire() for fill in page.rows for _ in range(copies)]
    return Reply(payload={"fills": rows, "cursor": page.cursor})


def _wanted_fills(exchange: Exchange, call: Call, *, archived: bool) -> Iterator[Fill]:
    tickers, order_id = call.texts("ticker"), call.text("order_id")
    earliest, latest = call.number("min_ts"), call.number("max_ts")
    subaccount, shard = call.number("subaccount"), call.number("exchange_index")
    if len(tickers) > _MAX_TICKERS:
        raise bare("at most 100 tickers")
    now_s = exchange.now()
    cutoff_ms = (now_s - exchange.settings.historical_age_s) * 1_000
    return (
        fill
        for fill in _fills_newest_first(exchange, order_id)
        if fill.order.visible(now_s)
        and (fill.created_ms < cutoff_ms) is archived
        and (not tickers or fill.order.ticker in tickers)
        and subaccount in {None, fill.order.request.subaccount}
        and shard in {None, fill.order.shard}
        and _within(fill.created_ms, earliest, latest)
    )


def _fills_newest_first(exchange: Exchange, order_id: str | None) -> Iterable[Fill]:
    if order_id is None:
        return reversed(exchange.registry.fills)
    order = exchange.registry.by_id.get(order_id)
    return [] if order is None else reversed(order.fills)


def _archived(exchange: Exchange, order: Order) -> bool:
    cutoff_ms = exchange.cutoff() * 1_000
    return order.status is not OrderStatus.RESTING and order.updated_ms < cutoff_ms


def _stale(call: Call) -> bool:
    return call.effects.of(FaultKind.STALE_STATUS) is not None


def _positions(exchange: Exchange, account: Account) -> list[Position]:
    """Give positions as reads show them: without the fills of orders that reads don't show yet."""
    late = {
        order.ticker
        for order in exchange.registry.late_at(exchange.now())
        if order.request.subaccount == account.subaccount
    }
    rows = [
        _replayed(exchange, row, account) if row.ticker in late else row for row in account.positions.values()
    ]
    return [row for row in rows if row.shares > 0]


def _replayed(exchange: Exchange, truth: Position, account: Account) -> Position:
    if truth.settled:
        return truth
    shown = Position(ticker=truth.ticker, event_ticker=truth.event_ticker, shard=truth.shard)
    now_s = exchange.now()
    for order in exchange.registry.by_ticker[truth.ticker]:
        late = not order.invisible and now_s < order.visible_from_s
        if order.request.subaccount == account.subaccount and not late:
            for fill in order.fills:
                shown.book(fill)
    return shown


def _shown_cash(exchange: Exchange, account: Account, shard: int) -> int:
    late = sum(
        fill.cash
        for order in exchange.registry.late_at(exchange.now())
        if order.shard == shard and order.request.subaccount == account.subaccount
        for fill in order.fills
    )
    return exchange.available(account, shard) - late


def _wanted_position(call: Call, row: Position) -> bool:
    status = call.text("settlement_status") or "unsettled"
    if status not in {"unsettled", "settled", "all"}:
        raise bare("settlement_status must be one of unsettled settled all")
    shard, filters = call.number("exchange_index"), call.texts("count_filter")
    return (
        (status == "all" or row.settled is (status == "settled"))
        and call.text("ticker") in {None, row.ticker}
        and call.text("event_ticker") in {None, row.event_ticker}
        and shard in {None, row.shard}
        and (not filters or ("position" in filters and row.count != 0) or "total_traded" in filters)
    )


def _event_positions(rows: list[Position]) -> list[dict[str, Any]]:
    events: dict[str, list[Position]] = {}
    for row in rows:
        events.setdefault(row.event_ticker, []).append(row)
    return [
        {
            "event_ticker": ticker,
            "total_cost_dollars": dollars(sum(row.traded for row in members)),
            "total_cost_shares_fp": contracts(sum(row.shares for row in members)),
            "event_exposure_dollars": dollars(sum(row.cost for row in members)),
            "realized_pnl_dollars": dollars(sum(row.realized for row in members)),
            "fees_paid_dollars": dollars6(sum(row.fees for row in members)),
        }
        for ticker, members in events.items()
    ]


def _within(moment_ms: int, earliest_s: int | None, latest_s: int | None) -> bool:
    after = earliest_s is None or moment_ms >= earliest_s * 1_000
    return after and (latest_s is None or moment_ms <= latest_s * 1_000)


def _number(call: Call, name: str, default: int) -> int:
    number = call.number(name)
    return default if number is None else number


def _page_size(exchange: Exchange, call: Call) -> int:
    limit, cap = call.limit(), exchange.settings.page_limit
    return limit if cap is None else min(limit, cap)
