"""What `plan` reads from the exchange: asks, books, fees, structure and the order of settlement."""

from __future__ import annotations

from contextlib import AsyncExitStack
from datetime import timedelta
from typing import TYPE_CHECKING

from hedge_service.cli.plan_legs import Offers, TypedLeg, WrongUse
from hedge_service.clock import SystemClock
from hedge_service.core.fees import FeeSchedule, schedule_of
from hedge_service.core.leg import Leg
from hedge_service.core.risk.structure import structure_of
from hedge_service.core.rolling import sequence
from hedge_service.peers import open_exchange

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from decimal import Decimal

    from hedge_service.clients.kalshi.client import KalshiClient
    from hedge_service.config import Config
    from hedge_service.core.book import Book
    from hedge_service.core.market import Market
    from hedge_service.core.venue import Event


class NoOffer(Exception):  # noqa: N818 - says what the exchange is like now
    """A leg can't be planned on the exchange as it is now; the message says which and why."""


async def read_live(config: Config, typed: Sequence[TypedLeg], precision: Decimal) -> Offers:
    """Read everything once; public reads, which need no key.

    Raises WrongUse for a ticker that the exchange does not know, NoOffer, and PeerError.
    """
    async with AsyncExitStack() as stack:
        exchange = await open_exchange(stack, config, SystemClock())
        markets = await _markets(exchange, typed)
        books = await exchange.orderbooks(markets)
        offers = {one.ticker: books[one.ticker].offers(one.side) for one in typed if one.ticker in books}
        legs = tuple(_leg(number, one, markets, offers) for number, one in enumerate(typed, start=1))
        events = [await _event(exchange, name) for name in dict.fromkeys(leg.event_ticker for leg in legs)]
        schedules = {event.event_ticker: await _fees(exchange, event, precision) for event in events}
    return Offers(
        legs=legs,
        sequence=sequence(legs, markets, timedelta(seconds=config.hedging.roll_gap_s)),
        structure=structure_of(events),
        books=offers,
        fees={leg.ticker: schedules[leg.event_ticker] for leg in legs},
    )


async def _markets(exchange: KalshiClient, typed: Sequence[TypedLeg]) -> Mapping[str, Market]:
    listed = await exchange.markets([one.ticker for one in typed])
    for one in typed:
        if one.ticker in listed.unreadable:
            raise NoOffer(f"{one.ticker}: the exchange's answer can't be read")
        if one.ticker not in listed.found:
            raise WrongUse(f"the exchange knows no market {one.ticker}")
    return listed.found


def _leg(number: int, one: TypedLeg, markets: Mapping[str, Market], offers: Mapping[str, Book]) -> Leg:
    market, book = markets[one.ticker], offers.get(one.ticker)
    if not market.binary:
        raise NoOffer(f"{one.ticker}: the market does not pay all or nothing")
    if not market.open_at(SystemClock().now()):
        raise NoOffer(f"{one.ticker}: the market is not open (it is {market.status.value})")
    ask = None if book is None else book.ask
    if ask is None:
        raise NoOffer(f"{one.ticker}: nobody offers {one.side.value}")
    return Leg(number=number, ticker=one.ticker, event_ticker=market.event_ticker, side=one.side, ask=ask)


async def _event(exchange: KalshiClient, ticker: str) -> Event:
    event = await exchange.event(ticker)
    if event is None:
        raise NoOffer(f"the exchange does not tell of event {ticker}")
    return event


async def _fees(exchange: KalshiClient, event: Event, precision: Decimal) -> FeeSchedule:
    series = await exchange.series(event.series_ticker)
    if series is None:
        raise NoOffer(f"the exchange does not tell of series {event.series_ticker}")
    try:
        return schedule_of(series, event, precision=precision)
    except ValueError as error:
        raise NoOffer(f"{event.series_ticker}: {error}") from None
