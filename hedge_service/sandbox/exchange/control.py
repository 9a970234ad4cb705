"""The exchange's control interface, under /sandbox/exchange."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import orjson
from aiohttp import web

from hedge_service.sandbox.control import bad_request, read_body

from . import matching, settlement
from .amounts import centis_of, micros_of, seconds_of, signed_micros_of
from .auth import ApiKey, public_key_of
from .buckets import SHARDS, TIERS, BucketLimit
from .control_bodies import (
    BalancesBody,
    ClockBody,
    FaultBody,
    KeyBody,
    LimitsBody,
    MarketBody,
    PauseBody,
    SettingsBody,
    SettleBody,
    TradeBody,
)
from .faults import FAULTS, Fault
from .seed import ladder

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from .markets import Market
    from .state import Exchange

    Control = Callable[[Exchange, web.Request], Awaitable[web.Response]]

PREFIX = "/sandbox/exchange"


async def register_key(exchange: Exchange, request: web.Request) -> web.Response:
    """Register a public key, or replace the one of that id."""
    body = await read_body(request, KeyBody)
    try:
        public_key = public_key_of(body.public_key_pem)
    except ValueError as error:
        raise bad_request("public_key_pem is no key", str(error)) from None
    key = ApiKey(
        key_id=body.key_id,
        public_key=public_key,
        name=body.name,
        scopes=tuple(body.scopes),
        subaccount=body.subaccount,
    )
    exchange.keys.register(key)
    return _json(key.wire())


async def set_market(exchange: Exchange, request: web.Request) -> web.Response:
    """Change a market's book, quote, status or close time."""
    body = await read_body(request, MarketBody)
    market = _market(exchange, body.ticker)
    try:
        _apply_book(market, body)
        if body.close_time is not None:
            market.close_s = seconds_of(body.close_time)
        if body.close_in_s is not None:
            market.close_s = exchange.now() + body.close_in_s
    except ValueError as error:
        raise bad_request("The market can't be set so", str(error)) from None
    if body.status is not None:
        settlement.set_status(exchange, market, body.status)
    exchange.tick()
    market.updated_s = exchange.now()
    return _json(market.wire(exchange.now()))


async def pause(exchange: Exchange, request: web.Request) -> web.Response:
    """Pause trading, or the whole exchange, on one shard or on all."""
    body = await read_body(request, PauseBody)
    exchange.pause(_shards(body.exchange_index), exchange=body.exchange)
    return _json([shard.wire() for shard in exchange.shards.values()])


async def resume(exchange: Exchange, request: web.Request) -> web.Response:
    """End a pause."""
    body = await read_body(request, PauseBody)
    exchange.resume(_shards(body.exchange_index))
    return _json([shard.wire() for shard in exchange.shards.values()])


async def settle(exchange: Exchange, request: web.Request) -> web.Response:
    """Give a market a result; cash moves at finalized only."""
    body = await read_body(request, SettleBody)
    market = _market(exchange, body.ticker)
    given = body.settlement_value_dollars
    try:
        value = None if given is None else micros_of(given)
        settlement.settle(exchange, market, status=body.status, result=body.result, value=value)
    except ValueError as error:
        raise bad_request("The market can't settle so", str(error)) from None
    return _json(market.wire(exchange.now()))


async def add_fault(exchange: Exchange, request: web.Request) -> web.Response:
    """Set a fault for the next requests that match."""
    body = await read_body(request, FaultBody)
    try:
        count = centis_of(body.count)
    except ValueError as error:
        raise bad_request("The fault is not understood", str(error)) from None
    fault = Fault(
        kind=body.kind,
        times=body.times,
        after=body.after,
        route=body.route,
        client_order_id=body.client_order_id,
        ticker=body.ticker,
        probability=body.probability,
        seconds=body.seconds,
        count=count,
        code=body.code,
        shard=body.exchange_index,
    )
    exchange.faults.add(fault)
    return _json(fault.wire())


async def list_faults(exchange: Exchange, request: web.Request) -> web.Response:  # noqa: ARG001 - a handler
    """Give the faults set, how often each was met, and all kinds there are."""
    kinds = {kind.value: spec.does for kind, spec in FAULTS.items()}
    return _json({"faults": [fault.wire() for fault in exchange.faults.faults], "kinds": kinds})


async def clear_faults(exchange: Exchange, request: web.Request) -> web.Response:  # noqa: ARG001 - a handler
    """Forget all faults and end all hangs."""
    exchange.faults.clear()
    return _json({})


async def release(exchange: Exchange, request: web.Request) -> web.Response:  # noqa: ARG001 - a handler
    """End all hangs and show every order that reads did not show."""
    exchange.faults.release()
    for order in exchange.registry.orders:
        order.invisible = False
        order.visible_from_s = min(order.visible_from_s, exchange.now())
    return _json({})


async def set_limits(exchange: Exchange, request: web.Request) -> web.Response:
    """Change tier, bucket limits or endpoint costs; changed buckets start full."""
    body = await read_body(request, LimitsBody)
    limits = exchange.limits
    if body.tier is not None:
        if body.tier not in TIERS:
            raise bad_request("Unknown tier", *TIERS)
        limits.set_tier(body.tier)
    limits.set_buckets(
        read=None if body.read is None else BucketLimit(**body.read.model_dump()),
        write=None if body.write is None else BucketLimit(**body.write.model_dump()),
    )
    if body.balance is not None:
        limits.set_balance(BucketLimit(**body.balance.model_dump()))
    for row in body.endpoint_costs:
        limits.costs[row.method, row.path] = row.cost
    return _json(limits.wire() | limits.wire_costs())


async def set_balances(exchange: Exchange, request: web.Request) -> web.Response:
    """Set the cash of a subaccount, shard by shard."""
    body = await read_body(request, BalancesBody)
    account = exchange.account(body.subaccount)
    try:
        wanted = {int(shard): signed_micros_of(text) for shard, text in body.balances.items()}
    except ValueError as error:
        raise bad_request("The balances are not understood", str(error)) from None
    if not set(wanted) <= set(SHARDS):
        raise bad_request("Unknown shard")
    account.cash |= wanted
    return _json({str(shard): exchange.available(account, shard) for shard in SHARDS})


async def set_clock(exchange: Exchange, request: web.Request) -> web.Response:
    """Move the exchange's clock: its Date header, its check of signatures, all its times."""
    body = await read_body(request, ClockBody)
    exchange.settings.clock_offset_s = body.offset_s
    return _json({"now": exchange.now()})


async def set_settings(exchange: Exchange, request: web.Request) -> web.Response:
    """Change any of the adjustable behaviours that are named in the body."""
    body = await read_body(request, SettingsBody)
    given = body.model_dump(exclude_unset=True)
    for name, value in given.items():
        setattr(exchange.settings, name, value)
    return _json(given)


async def trade(exchange: Exchange, request: web.Request) -> web.Response:
    """Let an outside taker fill a resting order."""
    body = await read_body(request, TradeBody)
    registry = exchange.registry
    named = registry.by_client_id.get(body.client_order_id, [])
    order = registry.by_id.get(body.order_id, named[-1] if named else None)
    if order is None:
        raise bad_request("Unknown order")
    try:
        fill = matching.trade(exchange, order, centis_of(body.count))
    except ValueError as error:
        raise bad_request("The count is not understood", str(error)) from None
    if fill is None:
        raise bad_request("The order does not rest")
    return _json(fill.wire())


async def show_book(exchange: Exchange, request: web.Request) -> web.Response:  # noqa: ARG001 - a handler
    """Give everything accepted and everything asked."""
    return _json(exchange.book())


async def reset(exchange: Exchange, request: web.Request) -> web.Response:  # noqa: ARG001 - a handler
    """Start over; keys stay registered."""
    exchange.reset()
    return _json({})


_TABLE: tuple[tuple[str, str, Control], ...] = (
    ("POST", "/keys", register_key),
    ("POST", "/market", set_market),
    ("POST", "/pause", pause),
    ("POST", "/resume", resume),
    ("POST", "/settle", settle),
    ("POST", "/faults", add_fault),
    ("GET", "/faults", list_faults),
    ("DELETE", "/faults", clear_faults),
    ("POST", "/release", release),
    ("POST", "/limits", set_limits),
    ("POST", "/balances", set_balances),
    ("POST", "/clock", set_clock),
    ("POST", "/settings", set_settings),
    ("POST", "/trade", trade),
    ("GET", "/book", show_book),
    ("POST", "/reset", reset),
)


def exchange_control_routes(exchange: Exchange) -> list[web.RouteDef]:
    """Give the routes that tests and the demo steer the exchange with."""
    return [web.route(method, PREFIX + path, partial(control, exchange)) for method, path, control in _TABLE]


def _json(payload: Any) -> web.Response:
    return web.Response(body=orjson.dumps(payload), content_type="application/json")


def _market(exchange: Exchange, ticker: str) -> Market:
    market = exchange.catalogue.markets.get(ticker)
    if market is None:
        raise bad_request("Unknown market")
    return market


def _shards(index: int | None) -> list[int]:
    if index is None:
        return list(SHARDS)
    if index not in SHARDS:
        raise bad_request("Unknown shard")
    return [index]


def _apply_book(market: Market, body: MarketBody) -> None:
    if body.yes_ask is not None or body.yes_bid is not None:
        quoted = ladder(ask=_price(body.yes_ask), bid=_price(body.yes_bid), step=market.price_ranges[0].step)
        market.book.yes, market.book.no = quoted.yes, quoted.no
    if body.yes_bids is not None:
        market.book.yes = _levels(body.yes_bids)
    if body.no_bids is not None:
        market.book.no = _levels(body.no_bids)


def _price(text: str | None) -> int | None:
    return None if text is None else micros_of(text)


def _levels(rows: list[tuple[str, str]]) -> dict[int, int]:
    return {micros_of(price): centis_of(count) for price, count in rows}
