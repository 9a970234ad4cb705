"""What the exchange says of a quote's legs: markets and books in one read each, events and fees remembered.

Prices and what legs of one event have to do with each other are needed; books, fees and the other events'
titles are not, and are waited for only a moment.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from hedge_service.core.choice import resting_at, within_reach
from hedge_service.core.fees import schedule_of
from hedge_service.core.risk.structure import Structure, structure_of
from hedge_service.errors import Peer, PeerError, PeerUnavailable
from hedge_service.flow.exposure import facts_of
from hedge_service.flow.leg_prices import priced_legs
from hedge_service.flow.sharing import Remembered

if TYPE_CHECKING:
    from collections.abc import Coroutine, Iterable, Mapping, Sequence
    from decimal import Decimal

    from hedge_service.clock import Clock
    from hedge_service.core.book import Book, Orderbook
    from hedge_service.core.exposure import MarketFacts
    from hedge_service.core.fees import FeeSchedule
    from hedge_service.core.market import Market
    from hedge_service.core.parlay import Bet
    from hedge_service.core.pricing import Leg
    from hedge_service.core.venue import Event, MarketList, Series

T = TypeVar("T")
# What an event's markets have to do with each other, and what a series charges, hardly ever changes.
KEEP_EVENT_S = 600.0
KEEP_SERIES_S = 3_600.0
KEEP_WITHOUT_FEES_S = 60.0
SOFT_WITHIN_S = 2.0


class Exchange(Protocol):
    """The reads that a quote needs; all raise PeerError."""

    async def markets(self, tickers: Iterable[str]) -> MarketList:
        """Read markets in one request."""

    async def orderbooks(self, tickers: Iterable[str]) -> Mapping[str, Orderbook]:
        """Read order books in one request."""

    async def event(self, event_ticker: str) -> Event | None:
        """Read an event with its markets."""

    async def series(self, ticker: str) -> Series | None:
        """Read a series."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EventFacts:
    """What of an event matters to a price; `fees` is None where they are not known."""

    title: str
    exclusive: bool
    structure: Structure
    fees: FeeSchedule | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What the exchange said about the legs.

    `events`: by event ticker, each that several legs share and those others that could be read. `books`: the
    offers of each leg's outcome within an order's reach, by ticker; None, with `books_missed`, without them.
    """

    legs: tuple[Leg, ...]
    markets: Mapping[str, Market]
    events: Mapping[str, EventFacts]
    books: Mapping[str, Book] | None
    books_missed: str | None = None

    @property
    def market_facts(self) -> tuple[MarketFacts, ...]:
        """Give what decides where a parlay on these markets counts."""
        return facts_of(self.markets.values(), {name: event.exclusive for name, event in self.events.items()})

    @property
    def sharing(self) -> tuple[Leg, ...]:
        """Give the legs that are not alone in their event."""
        counts = Counter(leg.event_ticker for leg in self.legs)
        return tuple(leg for leg in self.legs if counts[leg.event_ticker] > 1)

    @property
    def structure(self) -> Structure:
        """Give what is certain of the legs' markets."""
        tickers = {leg.ticker for leg in self.legs}
        told = [event.structure for event in self.events.values()]
        return Structure(
            exclusive_events=frozenset(name for each in told for name in each.exclusive_events),
            strikes={
                ticker: strike
                for each in told
                for ticker, strike in each.strikes.items()
                if ticker in tickers
            },
        )

    @property
    def fees(self) -> Mapping[str, FeeSchedule]:
        """Give the fees of the legs' markets by ticker, where they are known."""
        known = {name: event.fees for name, event in self.events.items()}
        found = ((leg.ticker, known.get(leg.event_ticker)) for leg in self.legs)
        return {ticker: fees for ticker, fees in found if fees is not None}


@dataclass(frozen=True, slots=True, kw_only=True)
class Reach:
    """What an order may buy: up to `slippage` dollars above the ask, and later too if it `rests`."""

    slippage: Decimal
    rests: bool


class Gathering:
    """Reads what a quote needs, and remembers what hardly changes."""

    def __init__(self, *, exchange: Exchange, clock: Clock, reach: Reach, log: Any) -> None:
        self._exchange = exchange
        self._clock = clock
        self._reach = reach
        self._log = log
        self._events: Remembered[EventFacts] = Remembered(clock=clock)
        self._series: Remembered[Series] = Remembered(clock=clock)

    async def look(self, bets: Sequence[Bet]) -> Seen:
        """Read the legs' markets, books and events. Raises Conflict and PeerError, as `priced_legs` does."""
        tickers = [bet.ticker for bet in bets]
        markets, books = await asyncio.gather(self._exchange.markets(tickers), self._books(tickers))
        legs = priced_legs(bets, markets, self._clock.now())
        offers = None if isinstance(books, str) else self._offers(legs, books)
        return Seen(
            legs=legs,
            markets={leg.ticker: markets.found[leg.ticker] for leg in legs},
            events=await self._events_of(legs),
            books=offers,
            books_missed=books if isinstance(books, str) else None,
        )

    async def exclusive(self, event_tickers: Iterable[str]) -> Mapping[str, bool]:
        """Ask whether the markets of these events exclude each other. Raises PeerError."""
        names = tuple(event_tickers)
        found = await asyncio.gather(*(self._event(name, needed=True) for name in names))
        return {name: facts.exclusive for name, facts in zip(names, found, strict=True) if facts is not None}

    async def _books(self, tickers: Sequence[str]) -> Mapping[str, Orderbook] | str:
        """Read the books, or say why there are none: a quote goes on with the asks."""
        try:
            async with asyncio.timeout(SOFT_WITHIN_S):
                return await self._exchange.orderbooks(tickers)
        except PeerError as error:
            reason = error.code
        except TimeoutError:
            reason = "timeout"
        self._log.warning("books.missed", reason=reason, tickers=list(tickers))
        return reason

    def _offers(self, legs: Sequence[Leg], books: Mapping[str, Orderbook]) -> dict[str, Book]:
        return {leg.ticker: self._reached(leg, books[leg.ticker]) for leg in legs if leg.ticker in books}

    def _reached(self, leg: Leg, book: Orderbook) -> Book:
        ask, slippage = leg.ask.dollars, self._reach.slippage
        offered = within_reach(book.offers(leg.side), ask, slippage)
        return resting_at(offered, ask, slippage) if self._reach.rests else offered

    async def _events_of(self, legs: Sequence[Leg]) -> dict[str, EventFacts]:
        counts = Counter(leg.event_ticker for leg in legs)
        found = await asyncio.gather(
            *(self._event(ticker, needed=times > 1) for ticker, times in counts.items())
        )
        return {ticker: facts for ticker, facts in zip(counts, found, strict=True) if facts is not None}

    async def _event(self, ticker: str, *, needed: bool) -> EventFacts | None:
        known = self._events.get(ticker)
        if known is not None:
            return known
        event = await (self._exchange.event(ticker) if needed else _softly(self._exchange.event(ticker)))
        if event is None and needed:
            raise PeerUnavailable(
                Peer.EXCHANGE,
                "The exchange does not tell which bets exclude each other",
                "Try again later, or remove one of the bets of the same event.",
                event_ticker=ticker,
            )
        return None if event is None else await self._learnt(ticker, event)

    async def _learnt(self, ticker: str, event: Event) -> EventFacts:
        facts = EventFacts(
            title=event.title,
            exclusive=event.mutually_exclusive,
            structure=structure_of([event]),
            fees=await self._fees(event),
        )
        self._events.put(
            ticker, facts, seconds=KEEP_EVENT_S if facts.fees is not None else KEEP_WITHOUT_FEES_S
        )
        return facts

    async def _fees(self, event: Event) -> FeeSchedule | None:
        series = self._series.get(event.series_ticker)
        if series is None:
            series = await _softly(self._exchange.series(event.series_ticker))
            if series is None:
                return None
            self._series.put(event.series_ticker, series, seconds=KEEP_SERIES_S)
        try:
            return schedule_of(series, event)
        except ValueError:
            return None


async def _softly(reading: Coroutine[Any, Any, T | None]) -> T | None:
    """Read what a quote can do without: None when it does not come in time."""
    try:
        async with asyncio.timeout(SOFT_WITHIN_S):
            return await reading
    except (PeerError, TimeoutError):
        return None
