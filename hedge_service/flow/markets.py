"""Market pages for the extension, and the exchange's word on a ticker before a bet is saved."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from hedge_service.errors import BadRequest, NotFound, Peer, PeerUnavailable
from hedge_service.flow.sharing import Remembered, SingleFlight

if TYPE_CHECKING:
    from hedge_service.clock import Clock
    from hedge_service.core.market import Market
    from hedge_service.core.venue import Event, MarketList

KEEP_S = 3.0
MOST_KEPT = 256


class ExchangeReads(Protocol):
    """What the exchange is asked; None only when it says that there is no such thing.

    Every read raises PeerError when the exchange can't be asked or its answer can't be read.
    """

    async def event(self, event_ticker: str) -> Event | None:
        """Read an event with its markets."""

    async def market(self, ticker: str) -> Market | None:
        """Read a market."""

    async def open_markets(self, series_ticker: str) -> MarketList:
        """List the open markets of a series."""


@dataclass(frozen=True, slots=True)
class _Answer:
    """What the exchange said of a page; None: there is no such thing."""

    event: Event | None


class MarketDesk:
    """Resolves what a market page shows; answers are kept for a few seconds, and asked for once at a time."""

    def __init__(self, exchange: ExchangeReads, clock: Clock, *, keep_s: float = KEEP_S) -> None:
        self._exchange = exchange
        self._keep_s = keep_s
        self._kept: Remembered[_Answer] = Remembered(clock=clock, most=MOST_KEPT)
        self._flights: SingleFlight[_Answer] = SingleFlight()

    async def page(self, asked: str) -> Event:
        """Give the event that a page's id means: an event, market or series ticker in any case.

        Raises NotFound when the exchange knows none of the three, PeerError when it can't be asked.
        """
        key = asked.upper()
        answer = self._kept.get(key)
        if answer is None:
            answer = await self._flights.run(key, lambda: self._fetch(key))
        if answer.event is None:
            raise NotFound("Market not found", "Check the address of the market page.")
        return answer.event

    async def confirm(self, ticker: str) -> Market:
        """Give the market that the exchange knows under this ticker, asked now.

        Raises BadRequest when there is none or it is not binary, PeerError when it can't be asked.
        """
        market = await self._exchange.market(ticker)
        if market is None:
            raise BadRequest("Market not found on the exchange", "Check the ticker, then add the bet again.")
        if not market.binary:
            raise BadRequest("Market is not binary", "Only markets that end in yes or no can be backed.")
        return market

    async def close(self) -> None:
        """Wait until nothing is being asked."""
        await self._flights.close()

    async def _fetch(self, key: str) -> _Answer:
        # Failures are told to those who waited and never kept.
        answer = _Answer(await self._resolve(key))
        self._kept.put(key, answer, seconds=self._keep_s)
        return answer

    async def _resolve(self, ticker: str) -> Event | None:
        event = await self._exchange.event(ticker)
        if event is not None:
            return event
        market = await self._exchange.market(ticker)
        if market is None:
            market = await self._next_of(ticker)
        return None if market is None else await self._exchange.event(market.event_ticker)

    async def _next_of(self, series_ticker: str) -> Market | None:
        """Give the open market of a series that closes first: its event is what the page is about."""
        listed = await self._exchange.open_markets(series_ticker)
        if listed.unreadable and not listed.found:
            # There is such a series: saying "not found" would be a lie.
            raise PeerUnavailable(Peer.EXCHANGE, reason="unreadable_markets", series=series_ticker)
        return min(listed.found.values(), key=lambda market: (market.close_time, market.ticker), default=None)
