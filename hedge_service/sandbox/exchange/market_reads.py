"""Public reads: markets, books, events, series, status, cutoffs; and the account's own limits and keys."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .amounts import rfc3339
from .calls import Call, Reply
from .errors import bare, not_found
from .markets import QUERY_STATUSES, Market
from .paging import paged

if TYPE_CHECKING:
    from .state import Exchange

_MAX_BOOKS = 100
_CUTOFFS = (
    "market_settled_ts",
    "trades_created_ts",
    "orders_updated_ts",
    "market_positions_last_updated_ts",
)


def get_market(exchange: Exchange, call: Call) -> Reply:
    """Answer GET /markets/{ticker}; a market settled before the cutoff is not among them any more."""
    return _one_market(exchange, call, archived=False)


def get_historical_market(exchange: Exchange, call: Call) -> Reply:
    """Answer GET /historical/markets/{ticker}."""
    return _one_market(exchange, call, archived=True)


def list_markets(exchange: Exchange, call: Call) -> Reply:
    """Answer GET /markets; unknown tickers of the list are left out without a word."""
    wanted = [
        (-place, market)
        for place, market in enumerate(exchange.catalogue.markets.values(), start=1)
        if _wanted(exchange, call, market)
    ]
    limit = call.limit(least=0)
    page = paged(
        wanted,
        lambda pair: pair[0],
        limit=limit if limit > 0 else 100,
        cursor=call.text("cursor"),
        effects=call.effects,
    )
    now_s = exchange.now()
    return Reply(payload={"markets": [row.wire(now_s) for _, row in page.rows], "cursor": page.cursor})


def get_orderbook(exchange: Exchange, call: Call) -> Reply:
    """Answer GET /markets/{ticker}/orderbook."""
    depth = call.number("depth")
    market = _market(exchange, call.params["ticker"])
    return Reply(payload={"orderbook_fp": market.book.wire(0 if depth is None else depth)})


def list_orderbooks(exchange: Exchange, call: Call) -> Reply:
    """Answer GET /markets/orderbooks?tickers=A&tickers=B."""
    tickers = call.query.getall("tickers", [])
    if not 1 <= len(tickers) <= _MAX_BOOKS:
        raise bare("tickers must hold between 1 and 100 market tickers")
    markets = exchange.catalogue.markets
    rows = [{"ticker": t, "orderbook_fp": markets[t].book.wire()} for t in tickers if t in markets]
    return Reply(payload={"orderbooks": rows})


def get_event(exchange: Exchange, call: Call) -> Reply:
    """Answer GET /events/{event_ticker}; markets also inside the event when asked for."""
    event = exchange.catalogue.events.get(call.params["event_ticker"])
    if event is None:
        raise not_found()
    now_s = exchange.now()
    row = event.wire(now_s)
    markets: list[dict[str, Any]] = []
    if not call.flag("exclude_markets"):
        markets = [market.wire(now_s) for market in exchange.catalogue.markets_of(event.ticker)]
    if call.flag("with_nested_markets"):
        row["markets"] = markets
    return Reply(payload={"event": row, "markets": markets})


def get_series(exchange: Exchange, call: Call) -> Reply:
    """Answer GET /series/{series_ticker}."""
    series = exchange.catalogue.series.get(call.params["series_ticker"])
    if series is None:
        raise not_found()
    return Reply(payload={"series": series.wire(exchange.now())})


def get_status(exchange: Exchange, call: Call) -> Reply:  # noqa: ARG001 - the shape of a handler
    """Answer GET /exchange/status: the top-level fields are those of shard 0."""
    first = exchange.shards[0]
    return Reply(
        payload={
            "exchange_active": first.exchange_active,
            "trading_active": first.trading_active,
            "intra_exchange_transfers_active": first.exchange_active,
            "exchange_index_statuses": [shard.wire() for shard in exchange.shards.values()],
        }
    )


def get_schedule(exchange: Exchange, call: Call) -> Reply:  # noqa: ARG001 - the shape of a handler
    """Answer GET /exchange/schedule: always open, but for what was announced."""
    windows = [
        {"start_datetime": rfc3339(start), "end_datetime": rfc3339(end)}
        for start, end in exchange.settings.maintenance
    ]
    return Reply(payload={"schedule": {"standard_hours": [], "maintenance_windows": windows}})


def get_user_data_timestamp(exchange: Exchange, call: Call) -> Reply:  # noqa: ARG001 - the shape of a handler
    """Answer GET /exchange/user_data_timestamp."""
    return Reply(payload={"as_of_time": rfc3339(exchange.as_of())})


def get_historical_cutoff(exchange: Exchange, call: Call) -> Reply:  # noqa: ARG001 - the shape of a handler
    """Answer GET /historical/cutoff."""
    cutoff = rfc3339(exchange.cutoff())
    return Reply(payload=dict.fromkeys(_CUTOFFS, cutoff))


def list_api_keys(exchange: Exchange, call: Call) -> Reply:  # noqa: ARG001 - the shape of a handler
    """Answer GET /api_keys."""
    payload: dict[str, Any] = {"api_keys": [key.wire() for key in exchange.keys.keys.values()]}
    expires = exchange.settings.region_expiration_ts
    if expires is not None:
        payload["api_key_region_expiration_ts"] = expires
    return Reply(payload=payload)


def get_limits(exchange: Exchange, call: Call) -> Reply:  # noqa: ARG001 - the shape of a handler
    """Answer GET /account/limits."""
    return Reply(payload=exchange.limits.wire())


def get_endpoint_costs(exchange: Exchange, call: Call) -> Reply:  # noqa: ARG001 - the shape of a handler
    """Answer GET /account/endpoint_costs."""
    return Reply(payload=exchange.limits.wire_costs())


def _one_market(exchange: Exchange, call: Call, *, archived: bool) -> Reply:
    market = _market(exchange, call.params["ticker"])
    if _archived(exchange, market) is not archived:
        raise not_found("market_not_found")
    return Reply(payload={"market": market.wire(exchange.now())})


def _archived(exchange: Exchange, market: Market) -> bool:
    return market.settled_s is not None and market.settled_s < exchange.cutoff()


def _market(exchange: Exchange, ticker: str) -> Market:
    market = exchange.catalogue.markets.get(ticker)
    if market is None:
        raise not_found("market_not_found")
    return market


def _wanted(exchange: Exchange, call: Call, market: Market) -> bool:
    status, tickers = call.text("status"), call.texts("tickers")
    if status is not None and status not in QUERY_STATUSES:
        raise bare(f"status must be one of {' '.join(QUERY_STATUSES)}")
    return (
        (not tickers or market.ticker in tickers)
        and call.text("event_ticker") in {None, market.event_ticker}
        and call.text("series_ticker") in {None, market.series_ticker}
        and (status is None or market.status_at(exchange.now()) in QUERY_STATUSES[status])
        and call.text("mve_filter") != "only"
        and not _archived(exchange, market)
    )
