"""Quotes: gather what is true now, decide the price, store the offer before it is told."""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from hedge_service.clock import instant, millis
from hedge_service.core.legs import Unmatched, match_legs
from hedge_service.errors import Peer, PeerUnavailable
from hedge_service.flow.correlations import Correlator
from hedge_service.flow.offers import Seen, decide, joint_of, priced_legs
from hedge_service.flow.ratelimit import PerMinute
from hedge_service.flow.refusals import check_asked, check_environment, check_open_payout, unmatched
from hedge_service.flow.sharing import Remembered, SingleFlight
from hedge_service.store import offers, quotes
from hedge_service.wire.advice import LegFacts, Question

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
    from datetime import datetime

    from sqlalchemy.engine import Connection

    from hedge_service.clock import Clock
    from hedge_service.config import Config
    from hedge_service.core.legs import Match
    from hedge_service.core.money import Money
    from hedge_service.core.parlay import AskedQuote, Bet, Quote
    from hedge_service.core.pricing import Leg
    from hedge_service.core.venue import Event, MarketList
    from hedge_service.flow.correlations import Advisor
    from hedge_service.store.db import Database

    Gate = Callable[[], Awaitable[None]]
    OpenPayout = Callable[[Connection, datetime], Money]

# Whether an event's markets exclude each other hardly ever changes.
KEEP_EVENT_S = 600.0


class Exchange(Protocol):
    """The reads that a quote needs; both raise PeerError."""

    async def markets(self, tickers: Iterable[str]) -> MarketList:
        """Read markets in one request."""

    async def event(self, event_ticker: str) -> Event | None:
        """Read an event."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EventFacts:
    """What of an event matters to a price."""

    title: str
    mutually_exclusive: bool


class Quoting:
    """Turns a quote request into a stored quote.

    `gate` raises while nothing may be sold (halted, not ready, exchange paused). `open_payout` adds up what
    is owed if every open parlay wins. `new_id` gives an unguessable text of at least 128 random bits.
    """

    def __init__(
        self,
        *,
        config: Config,
        database: Database,
        exchange: Exchange,
        advisor: Advisor,
        clock: Clock,
        new_id: Callable[[], str],
        gate: Gate,
        open_payout: OpenPayout,
        log: Any,
    ) -> None:
        limits = config.limits
        self._config = config
        self._database = database
        self._exchange = exchange
        self._clock = clock
        self._new_id = new_id
        self._gate = gate
        self._open_payout = open_payout
        self._log = log
        self._limit = PerMinute(most=limits.quotes_per_minute_per_address, clock=clock)
        self._correlator = Correlator(
            database=database,
            advisor=advisor,
            clock=clock,
            calls_per_day=limits.model_calls_per_day,
            log=log,
        )
        self._flights: SingleFlight[Seen] = SingleFlight()
        self._events: Remembered[EventFacts] = Remembered(clock=clock)

    async def quote(self, asked: AskedQuote, *, address: str) -> Quote:
        """Make and store a quote; `address` is the client's, for the limit per minute.

        Raises TooMany, BadRequest (legs or stake), Conflict (a leg has no price now, or a cap), NotReady and
        PeerError (the exchange), StoreUnavailable.
        """
        self._limit.admit(address)
        check_asked(asked, self._config.limits)
        await self._gate()
        match = await self._match(asked)
        outcomes = tuple((bet.ticker, bet.side) for bet in match.bets)
        seen = await self._flights.run(outcomes, lambda: self._look(match.bets))
        # The table keeps milliseconds; the quote that is told is the one that is stored.
        now = instant(millis(self._clock.now()))
        quote, edge = decide(asked, match, seen, quote_id=self._new_id(), now=now, config=self._config)
        await self._database.write(lambda tx: self._store(tx, quote))
        self._tell(quote, edge)
        return quote

    async def close(self) -> None:
        """Wait for the reads under way."""
        await self._flights.close()

    async def _match(self, asked: AskedQuote) -> Match:
        found = await self._database.read(lambda tx: offers.candidates(tx, asked.legs, asked.user_id))
        try:
            match = match_legs(asked.legs, found)
        except Unmatched as problem:
            raise unmatched(problem) from None
        environment = self._config.kalshi.environment
        check_environment({bet.environment for bet in match.bets}, environment)
        return match

    async def _look(self, bets: Sequence[Bet]) -> Seen:
        """Read the legs' markets, whether they exclude each other, and what the model thinks of them."""
        markets = await self._exchange.markets([bet.ticker for bet in bets])
        legs = priced_legs(bets, markets, self._clock.now())
        events = await self._shared_events(legs)
        exclusive = frozenset(name for name, event in events.items() if event.mutually_exclusive)
        # Impossible parlays are refused, and independent ones priced, without asking the model.
        if not joint_of(legs, exclusive, None).unmodelled:
            return Seen(legs=legs, exclusive_events=exclusive, advice=None)
        advice = await self._correlator.ask(_question(legs, markets, events))
        return Seen(legs=legs, exclusive_events=exclusive, advice=advice)

    async def _shared_events(self, legs: Sequence[Leg]) -> Mapping[str, EventFacts]:
        counts = Counter(leg.event_ticker for leg in legs)
        shared = [ticker for ticker, times in counts.items() if times > 1]
        events = await asyncio.gather(*(self._event(ticker) for ticker in shared))
        return dict(zip(shared, events, strict=True))

    async def _event(self, ticker: str) -> EventFacts:
        known = self._events.get(ticker)
        if known is not None:
            return known
        event = await self._exchange.event(ticker)
        if event is None:
            raise PeerUnavailable(
                Peer.EXCHANGE,
                "The exchange does not tell which bets exclude each other",
                "Try again later, or remove one of the bets of the same event.",
                event_ticker=ticker,
            )
        facts = EventFacts(title=event.title, mutually_exclusive=event.mutually_exclusive)
        self._events.put(ticker, facts, seconds=KEEP_EVENT_S)
        return facts

    def _store(self, tx: Connection, quote: Quote) -> None:
        owed = self._open_payout(tx, quote.created_at)
        check_open_payout(owed, quote.payout, self._config.limits)
        quotes.put(tx, quote)

    def _tell(self, quote: Quote, edge: Money) -> None:
        self._log.info(
            "quote.created",
            quote_id=quote.id,
            tickers=[leg.bet.ticker for leg in quote.legs],
            stake_dollars=str(quote.stake),
            payout_dollars=str(quote.payout),
            probability=str(quote.probability),
            product=str(quote.product),
            correlations=quote.body["analysis"]["correlationSource"],
            strategy=quote.strategy,
            edge_dollars=str(edge),
        )


def _question(legs: Sequence[Leg], markets: MarketList, events: Mapping[str, EventFacts]) -> Question:
    """Describe the legs that share an event, in the exchange's words alone."""
    return Question(
        legs=tuple(
            _facts(leg, markets, events[leg.event_ticker]) for leg in legs if leg.event_ticker in events
        )
    )


def _facts(leg: Leg, markets: MarketList, event: EventFacts) -> LegFacts:
    market = markets.found[leg.ticker]
    return LegFacts(
        n=leg.number,
        ticker=leg.ticker,
        event_ticker=leg.event_ticker,
        event_title=event.title,
        market_title=market.title,
        yes_sub_title=market.yes_sub_title,
        side=leg.side,
        probability=leg.probability,
    )
