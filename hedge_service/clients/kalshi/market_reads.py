"""Reads of what is traded: markets, events, series, and whether the exchange is open."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING

from hedge_service.clients.kalshi.caller import Ask
from hedge_service.core.venue import MarketList
from hedge_service.wire.kalshi import account, fields, markets, schedule
from hedge_service.wire.kalshi.orderbooks import orderbooks

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from hedge_service.clients.kalshi.caller import Caller
    from hedge_service.core.book import Orderbook
    from hedge_service.core.market import Market
    from hedge_service.core.venue import Event, ExchangeStatus, Series
    from hedge_service.wire.kalshi.schedule import Maintenance

TICKERS_PER_READ = 100
_STATUS_TOLD = frozenset(
    {
        HTTPStatus.OK,
        HTTPStatus.INTERNAL_SERVER_ERROR,
        HTTPStatus.SERVICE_UNAVAILABLE,
        HTTPStatus.GATEWAY_TIMEOUT,
    }
)


class MarketReads:
    """Market data. Every method raises PeerUnavailable or ExchangeRefused; None: the exchange has none."""

    def __init__(self, caller: Caller) -> None:
        self._caller = caller

    async def markets(self, tickers: Iterable[str]) -> MarketList:
        """Read many markets in one request for each hundred; tickers unknown to the exchange are absent."""
        asked = [ticker for ticker in dict.fromkeys(tickers) if markets.is_ticker(ticker)]
        rows: list[fields.Row] = []
        for start in range(0, len(asked), TICKERS_PER_READ):
            part = ",".join(asked[start : start + TICKERS_PER_READ])
            rows += await self._caller.collect(
                Ask(path="/markets", query={"tickers": part}), "markets", _same
            )
        return markets.market_list(rows)

    async def market(self, ticker: str) -> Market | None:
        """Read one market."""
        return await self._market("/markets/{ticker}", ticker)

    async def open_markets(self, series_ticker: str) -> MarketList:
        """List the open markets of a series."""
        if not markets.is_ticker(series_ticker):
            return MarketList(found={}, unreadable={})
        ask = Ask(path="/markets", query={"series_ticker": series_ticker, "status": "open"})
        return markets.market_list(await self._caller.collect(ask, "markets", _same))

    async def orderbooks(self, tickers: Iterable[str]) -> Mapping[str, Orderbook]:
        """Read the books of many markets, a hundred a request; tickers unknown to the exchange are absent."""
        asked = [ticker for ticker in dict.fromkeys(tickers) if markets.is_ticker(ticker)]
        found: dict[str, Orderbook] = {}
        for start in range(0, len(asked), TICKERS_PER_READ):
            part = asked[start : start + TICKERS_PER_READ]
            found |= await self._caller.ask(
                Ask(path="/markets/orderbooks", query={"tickers": part}), orderbooks
            )
        return found

    async def historical_market(self, ticker: str) -> Market | None:
        """Read one market that was settled before the historical cutoff."""
        return await self._market("/historical/markets/{ticker}", ticker)

    async def event(self, event_ticker: str) -> Event | None:
        """Read an event with its markets."""
        if not markets.is_ticker(event_ticker):
            return None
        ask = Ask(
            path="/events/{event_ticker}",
            segments={"event_ticker": event_ticker},
            query={"with_nested_markets": "true"},
        )
        return await self._caller.find(ask, markets.event)

    async def series(self, ticker: str) -> Series | None:
        """Read a series and its fee rule."""
        if not markets.is_ticker(ticker):
            return None
        ask = Ask(path="/series/{series_ticker}", segments={"series_ticker": ticker})
        return await self._caller.find(ask, markets.series)

    async def exchange_status(self) -> ExchangeStatus:
        """Read whether the exchange and its shards are open; an exchange that is down may still tell."""
        return await self._caller.ask(
            Ask(path="/exchange/status", readable=_STATUS_TOLD), account.exchange_status
        )

    async def maintenance(self) -> tuple[Maintenance, ...]:
        """Read the announced maintenance windows, earliest first."""
        return await self._caller.ask(Ask(path="/exchange/schedule"), schedule.maintenance)

    async def _market(self, path: str, ticker: str) -> Market | None:
        if not markets.is_ticker(ticker):
            return None
        ask = Ask(path=path, segments={"ticker": ticker})
        return await self._caller.find(ask, lambda payload: markets.market(fields.member(payload, "market")))


def _same(row: fields.Row) -> fields.Row:
    return row
