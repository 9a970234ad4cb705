"""The routes of the trade API, under /trade-api/v2."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final

from aiohttp import web

from . import market_reads, portfolio, writes
from .buckets import PREFIX
from .http import Access, Endpoint, serve, serve_unknown

if TYPE_CHECKING:
    from .http import Handler
    from .state import Exchange

_TABLE: Final[tuple[tuple[str, str, Access, Handler], ...]] = (
    ("POST", "/portfolio/events/orders", Access.WRITE, writes.create_order),
    ("POST", "/portfolio/events/orders/batched", Access.WRITE, writes.batch_create),
    ("DELETE", "/portfolio/events/orders/{order_id}", Access.WRITE, writes.cancel_order),
    ("POST", "/portfolio/orders", Access.WRITE, writes.create_v1),
    ("GET", "/portfolio/orders", Access.READ, portfolio.list_orders),
    ("GET", "/portfolio/orders/{order_id}", Access.READ, portfolio.get_order),
    ("GET", "/portfolio/fills", Access.READ, portfolio.list_fills),
    ("GET", "/portfolio/positions", Access.READ, portfolio.list_positions),
    ("GET", "/portfolio/settlements", Access.READ, portfolio.list_settlements),
    ("GET", "/portfolio/balance", Access.BALANCE, portfolio.get_balance),
    ("GET", "/historical/orders", Access.READ, portfolio.list_historical_orders),
    ("GET", "/historical/fills", Access.READ, portfolio.list_historical_fills),
    ("GET", "/historical/markets/{ticker}", Access.PUBLIC, market_reads.get_historical_market),
    ("GET", "/historical/cutoff", Access.PUBLIC, market_reads.get_historical_cutoff),
    ("GET", "/api_keys", Access.READ, market_reads.list_api_keys),
    ("GET", "/account/limits", Access.READ, market_reads.get_limits),
    ("GET", "/account/endpoint_costs", Access.PUBLIC, market_reads.get_endpoint_costs),
    ("GET", "/exchange/status", Access.PUBLIC, market_reads.get_status),
    ("GET", "/exchange/schedule", Access.PUBLIC, market_reads.get_schedule),
    ("GET", "/exchange/user_data_timestamp", Access.PUBLIC, market_reads.get_user_data_timestamp),
    ("GET", "/markets", Access.PUBLIC, market_reads.list_markets),
    ("GET", "/markets/orderbooks", Access.PUBLIC, market_reads.list_orderbooks),
    ("GET", "/markets/{ticker}", Access.PUBLIC, market_reads.get_market),
    ("GET", "/markets/{ticker}/orderbook", Access.PUBLIC, market_reads.get_orderbook),
    ("GET", "/events/{event_ticker}", Access.PUBLIC, market_reads.get_event),
    ("GET", "/series/{series_ticker}", Access.PUBLIC, market_reads.get_series),
)

ENDPOINTS: Final = tuple(
    Endpoint(method=method, path=path, access=access, handler=handler)
    for method, path, access, handler in _TABLE
)


def exchange_routes(exchange: Exchange) -> list[web.RouteDef]:
    """Give the routes of the trade API, with one that answers 404 in its error shape for all others."""
    known = [web.route(e.method, PREFIX + e.path, partial(serve, exchange, e)) for e in ENDPOINTS]
    return [*known, web.route("*", PREFIX + "/{tail:.*}", partial(serve_unknown, exchange))]
