"""Accepting, matching, filling and cancelling orders."""

from __future__ import annotations

import math
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from .amounts import average, contracts, cost_of
from .errors import bare, nested, not_found
from .faults import NO_EFFECTS, Effects, FaultKind
from .fees import rounded, trade_fee
from .markets import MarketStatus
from .orders import Fill, Order, OrderStatus, SelfTradePrevention, Side, TimeInForce

if TYPE_CHECKING:
    from .markets import Market
    from .orders import CreateOrder
    from .state import Exchange

# The wire spells one refusal in several ways; a client has to read them all.
_NOT_TRADABLE = {MarketStatus.INACTIVE: "MARKET_INACTIVE", MarketStatus.CLOSED: "market_inactive"}


def create(exchange: Exchange, request: CreateOrder, effects: Effects = NO_EFFECTS) -> Order:
    """Accept and match one order. Raises ApiError with the documented code when it is refused."""
    market = _tradable_market(exchange, request)
    _check_terms(exchange, market, request)
    _check_new(exchange, request.client_order_id, effects)
    if exchange.settings.refused_ids_are_consumed:
        exchange.registry.remember(request.client_order_id)
    _check_cash(exchange, market, request)
    size = _matchable(exchange, market, request, effects)
    order = _accept(exchange, market, request, effects)
    _match(exchange, market, order, size)
    _rest_or_end(exchange, market, order)
    return order


def create_reply(order: Order) -> dict[str, Any]:
    """Write CreateOrderV2Response of the spec."""
    row: dict[str, Any] = {
        "order_id": order.order_id,
        "client_order_id": order.request.client_order_id,
        "fill_count": contracts(order.filled),
        "remaining_count": contracts(order.remaining),
        "ts_ms": order.created_ms,
    }
    if order.filled:
        row["average_fill_price"] = average(order.yes_cost, order.filled)
        row["average_fee_paid"] = average(order.fees, order.filled)
    return row


def cancel(
    exchange: Exchange, order_id: str, *, subaccount: int, market_ticker: str | None, shard: int | None
) -> dict[str, Any]:
    """Cancel a resting order and write CancelOrderV2Response.

    Without a market ticker or a shard only shard 0 is looked at. Raises ApiError.
    """
    order = exchange.registry.by_id.get(order_id)
    if order is None or order.request.subaccount != subaccount:
        raise not_found()
    if order.shard != _cancel_shard(exchange, market_ticker, shard):
        raise not_found()
    if market_ticker is not None and market_ticker != order.ticker:
        raise nested(HTTPStatus.BAD_REQUEST, "order_ticker_mismatch")
    _check_cancellable(exchange, order)
    return {
        "order_id": order_id,
        "client_order_id": order.request.client_order_id,
        "reduced_by": contracts(exchange.end(order)),
        "ts_ms": exchange.now_ms(),
    }


def trade(exchange: Exchange, order: Order, count: int) -> Fill | None:
    """Let an outside taker fill a resting order, up to `count` centis; None when it does not rest."""
    if order.status is not OrderStatus.RESTING or count <= 0:
        return None
    market = exchange.catalogue.markets[order.ticker]
    size = min(count, order.remaining)
    fill = _fill(exchange, market, order, price=order.price, count=size, is_taker=False)
    if order.remaining == 0:
        exchange.registry.resting.pop(order.order_id, None)
        market.book.remove(order)
    return fill


def _tradable_market(exchange: Exchange, request: CreateOrder) -> Market:
    market = exchange.catalogue.markets.get(request.ticker)
    if market is None or request.shard not in {None, market.shard}:
        raise not_found("market_not_found")
    shard = exchange.shards[market.shard]
    if not shard.exchange_active:
        raise nested(HTTPStatus.CONFLICT, "exchange_is_paused")
    if not shard.trading_active:
        raise nested(HTTPStatus.CONFLICT, "trading_is_paused")
    status = market.status_at(exchange.now())
    if status is not MarketStatus.ACTIVE:
        raise nested(HTTPStatus.BAD_REQUEST, _NOT_TRADABLE.get(status, "MARKET_NOT_ACTIVE"))
    return market


def _check_terms(exchange: Exchange, market: Market, request: CreateOrder) -> None:
    if not market.on_grid(request.price):
        raise nested(HTTPStatus.BAD_REQUEST, "invalid_price", details="price is not on the market's grid")
    if request.expiration_s is not None and request.expiration_s <= exchange.now():
        raise bare("expiration_time must be in the future")
    if request.post_only and market.book.crossing(request.side, request.price):
        raise nested(HTTPStatus.BAD_REQUEST, "invalid_order", details="post only cross")


def _check_new(exchange: Exchange, client_order_id: str, effects: Effects) -> None:
    known = exchange.registry.knows(client_order_id, exchange.settings.id_memory_s)
    if known and effects.of(FaultKind.ID_FORGOTTEN) is None:
        raise nested(HTTPStatus.CONFLICT, "order_already_exists")


def _check_cash(exchange: Exchange, market: Market, request: CreateOrder) -> None:
    account = exchange.account(request.subaccount)
    size = request.count
    if request.reduce_only:
        size = min(size, account.reducible(market.ticker, request.side))
    schedule = exchange.catalogue.fees_of(market)
    cost = account.opening_cost(market.ticker, request.side, request.price, size)
    needed = cost + trade_fee(schedule, price=request.price, count=size, is_taker=True)
    if cost > 0 and needed > exchange.available(account, market.shard):
        raise nested(HTTPStatus.BAD_REQUEST, "insufficient_balance", details=f"exchange_index {market.shard}")


def _matchable(exchange: Exchange, market: Market, request: CreateOrder, effects: Effects) -> int:
    """Give how much may match at once; kill a fill-or-kill order that can't be filled whole."""
    size = request.count
    capped = effects.of(FaultKind.PARTIAL_FILL)
    if capped is not None:
        size = min(size, capped.count)
    if request.reduce_only:
        account = exchange.account(request.subaccount)
        size = min(size, account.reducible(market.ticker, request.side))
    if request.time_in_force is TimeInForce.FILL_OR_KILL:
        quotes = market.book.crossing(request.side, request.price)
        there = sum(quote.count for quote in quotes if quote.order is None)
        if min(there, size) < request.count:
            # The id is spent although no order exists: field evidence, August 2026.
            exchange.registry.remember(request.client_order_id)
            raise nested(HTTPStatus.CONFLICT, "fill_or_kill_insufficient_resting_volume")
    return size


def _accept(exchange: Exchange, market: Market, request: CreateOrder, effects: Effects) -> Order:
    now_s, now_ms = exchange.now(), exchange.now_ms()
    late = effects.of(FaultKind.LATE_READS)
    seconds = math.inf if late is not None and late.seconds is None else 0.0
    if late is not None and late.seconds is not None:
        seconds = late.seconds
    lag_s = max(seconds, exchange.settings.read_lag_s)
    registry = exchange.registry
    order = Order(
        sequence=registry.next_sequence(),
        order_id=registry.new_id(),
        request=request,
        shard=market.shard,
        created_ms=now_ms,
        updated_ms=now_ms,
        visible_from_s=now_s + lag_s,
        invisible=effects.of(FaultKind.INVISIBLE_ORDER) is not None,
        remaining=request.count,
    )
    registry.remember(request.client_order_id)
    registry.add(order)
    if lag_s > 0 and not order.invisible:
        registry.late.append(order)
    return order


def _match(exchange: Exchange, market: Market, order: Order, size: int) -> None:
    for quote in market.book.crossing(order.side, order.price):
        if size == 0:
            return
        if quote.order is None:
            count = min(size, quote.count)
            _fill(exchange, market, order, price=quote.price, count=count, is_taker=True)
            size -= count
            if not exchange.settings.endless_books:
                market.book.take(order.side, quote.price, count)
        elif order.request.self_trade_prevention is SelfTradePrevention.TAKER_AT_CROSS:
            order.cancel(exchange.now_ms())
            return
        else:
            exchange.end(quote.order)


def _rest_or_end(exchange: Exchange, market: Market, order: Order) -> None:
    if order.status is not OrderStatus.RESTING:
        return
    if order.request.time_in_force is TimeInForce.GOOD_TILL_CANCELED:
        exchange.registry.resting[order.order_id] = order
        market.book.resting.append(order)
    else:
        order.cancel(exchange.now_ms())


def _fill(
    exchange: Exchange, market: Market, order: Order, *, price: int, count: int, is_taker: bool
) -> Fill:
    account = exchange.account(order.request.subaccount)
    position = exchange.position(account, market)
    revenue = position.revenue(order.side, price, count)
    charge = rounded(
        revenue=revenue,
        fee=trade_fee(exchange.catalogue.fees_of(market), price=price, count=count, is_taker=is_taker),
        overpaid=order.overpaid,
        precision=exchange.settings.balance_precision_micros,
    )
    order.overpaid = charge.overpaid
    fill = Fill(
        sequence=exchange.registry.next_sequence(),
        trade_id=exchange.registry.new_id(),
        order=order,
        price=price,
        count=count,
        is_taker=is_taker,
        fee=charge.fee,
        cash=revenue - charge.fee,
        created_ms=exchange.now_ms(),
    )
    order.book_fill(fill, cost=_shown_cost(exchange, order.side, price, count))
    position.book(fill)
    account.cash[market.shard] = account.cash.get(market.shard, 0) + fill.cash
    market.last_price = price
    market.volume += count
    exchange.registry.fills.append(fill)
    return fill


def _shown_cost(exchange: Exchange, side: Side, price: int, count: int) -> int:
    on_yes = exchange.settings.ask_fill_cost_on_yes_price
    return cost_of(price if on_yes else side.unit_cost(price), count)


def _cancel_shard(exchange: Exchange, market_ticker: str | None, shard: int | None) -> int:
    if shard is not None:
        return shard
    if market_ticker is None:
        return 0
    market = exchange.catalogue.markets.get(market_ticker)
    if market is None:
        raise not_found("market_not_found")
    return market.shard


def _check_cancellable(exchange: Exchange, order: Order) -> None:
    if not exchange.shards[order.shard].exchange_active:
        raise nested(HTTPStatus.CONFLICT, "exchange_is_paused")
    market = exchange.catalogue.markets[order.ticker]
    status = market.status_at(exchange.now())
    if status not in {MarketStatus.ACTIVE, MarketStatus.INACTIVE}:
        raise nested(HTTPStatus.BAD_REQUEST, _NOT_TRADABLE.get(status, "MARKET_NOT_ACTIVE"))
    if order.status is not OrderStatus.RESTING:
        raise not_found()
