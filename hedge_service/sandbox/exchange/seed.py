"""The markets that the sandbox starts with; all times are relative to the clock."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from .amounts import DOLLAR, micros_of
from .book import Book
from .fees import FeeSchedule, FeeType
from .markets import DECI_CENT, LINEAR_CENT, Catalogue, Event, Market, MarketStatus, PriceRange, Series

DAY_S: Final = 86_400.0
LEVELS: Final = 6
LEVEL_CONTRACTS: Final = (150, 200, 250, 300, 400, 500)
_CENT: Final = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Quoted:
    """How a seeded market stands: YES prices in dollars, days to its close, status, kind."""

    ask: str | None
    bid: str
    days: float = 7.0
    status: MarketStatus = MarketStatus.ACTIVE
    scalar: bool = False


_CLOSED: Final = Quoted(ask="0.35", bid="0.33", days=-1)
_PAUSED: Final = Quoted(ask="0.55", bid="0.53", status=MarketStatus.INACTIVE)
_NO_ASK: Final = Quoted(ask=None, bid="0.20")
_SCALAR: Final = Quoted(ask="0.62", bid="0.60", scalar=True)
_SEALA: Final = (
    ("SEA", "Seattle", Quoted(ask="0.43", bid="0.41")),
    ("LA", "Los Angeles", Quoted(ask="0.59", bid="0.57")),
)
_BOSNYK: Final = (
    ("BOS", "Boston", Quoted(ask="0.52", bid="0.50")),
    ("NYK", "New York", Quoted(ask="0.50", bid="0.48")),
)
_NYYLAD: Final = (("NYY", "New York Y", Quoted(ask="0.47", bid="0.45")),)


def ladder(*, ask: int | None, bid: int | None, step: int = _CENT) -> Book:
    """Make a book of six levels a side, one step apart, around a YES ask and a YES bid in micros."""
    return Book(
        yes={} if bid is None else _levels(bid, step),
        no={} if ask is None else _levels(DOLLAR - ask, step),
    )


def _levels(best: int, step: int) -> dict[int, int]:
    prices = (best - step * depth for depth in range(LEVELS))
    return {price: count * 100 for price, count in zip(prices, LEVEL_CONTRACTS, strict=True) if price > 0}


def seed_catalogue(now_s: float) -> Catalogue:
    """List the markets of the demo and the tests."""
    catalogue = Catalogue()
    _list_series(catalogue)
    _list_sports(catalogue, now_s)
    _list_weather(catalogue, now_s)
    _list_crypto(catalogue, now_s)
    _list_odd_ones(catalogue, now_s)
    return catalogue


def _list_series(catalogue: Catalogue) -> None:
    makers = FeeSchedule(fee_type=FeeType.QUADRATIC_WITH_MAKER_FEES)
    half = FeeSchedule(multiplier=Decimal("0.5"))
    for series in (
        Series(ticker="KXNFLGAME", title="Professional Football Game", category="Sports"),
        Series(ticker="KXNBAGAME", title="Professional Basketball Game", category="Sports", shard=3),
        Series(ticker="KXMLBGAME", title="Professional Baseball Game", category="Sports", fees=half, shard=3),
        Series(ticker="KXHIGHNY", title="Highest temperature in NYC", category="Climate and Weather"),
        Series(ticker="KXBTCD", title="Bitcoin price", category="Crypto", fees=makers, shard=2),
        Series(ticker="KXTURNOUT", title="Voter turnout", category="Elections"),
    ):
        catalogue.series[series.ticker] = series


def _event(
    catalogue: Catalogue, ticker: str, title: str, sub_title: str, *, exclusive: bool = False
) -> Event:
    series = catalogue.series[ticker.split("-", maxsplit=1)[0]]
    event = Event(
        ticker=ticker,
        series_ticker=series.ticker,
        title=title,
        sub_title=sub_title,
        category=series.category,
        mutually_exclusive=exclusive,
        shard=series.shard,
    )
    catalogue.events[ticker] = event
    return event


def _market(
    catalogue: Catalogue,
    event: Event,
    suffix: str,
    label: str,
    *,
    now_s: float,
    title: str,
    quote: Quoted,
    strike: int | None = None,
    grid: tuple[PriceRange, ...] = LINEAR_CENT,
) -> None:
    ticker = f"{event.ticker}-{suffix}"
    catalogue.markets[ticker] = Market(
        ticker=ticker,
        event_ticker=event.ticker,
        series_ticker=event.series_ticker,
        title=title,
        yes_sub_title=label,
        no_sub_title=label,
        open_s=now_s - 2 * DAY_S,
        close_s=now_s + quote.days * DAY_S,
        updated_s=now_s,
        status=quote.status,
        scalar=quote.scalar,
        shard=event.shard,
        strike_type=None if strike is None else "greater_or_equal",
        floor_strike=strike,
        structure="linear_cent" if grid is LINEAR_CENT else "deci_cent",
        price_ranges=grid,
        book=ladder(ask=_micros(quote.ask), bid=_micros(quote.bid), step=grid[0].step),
        last_price=micros_of(quote.bid),
    )


def _micros(text: str | None) -> int | None:
    return None if text is None else micros_of(text)


def _list_sports(catalogue: Catalogue, now_s: float) -> None:
    for ticker, title, sub_title, sides in (
        ("KXNFLGAME-26NOV29SEALA", "Seattle at Los Angeles", "SEA at LA", _SEALA),
        ("KXNBAGAME-26NOV29BOSNYK", "Boston at New York", "BOS at NYK", _BOSNYK),
        ("KXMLBGAME-26NOV29NYYLAD", "New York Y at Los Angeles D", "NYY at LAD", _NYYLAD),
    ):
        game = _event(catalogue, ticker, title, sub_title, exclusive=True)
        for suffix, label, quote in sides:
            _market(catalogue, game, suffix, label, now_s=now_s, title=f"{title} Winner?", quote=quote)


def _list_weather(catalogue: Catalogue, now_s: float) -> None:
    title = "Highest temperature in NYC on Nov 29, 2026?"
    high = _event(catalogue, "KXHIGHNY-26NOV29", title, "On Nov 29, 2026")
    for degrees, ask, bid in ((60, "0.65", "0.63"), (65, "0.40", "0.38"), (70, "0.15", "0.13")):
        _market(
            catalogue,
            high,
            f"T{degrees}",
            f"{degrees}° or above",
            now_s=now_s,
            title=f"Will the high temperature in NYC be {degrees}° or above on Nov 29, 2026?",
            quote=Quoted(ask=ask, bid=bid),
            strike=degrees,
        )


def _list_crypto(catalogue: Catalogue, now_s: float) -> None:
    price = _event(catalogue, "KXBTCD-26NOV29", "Bitcoin price on Nov 29, 2026?", "On Nov 29, 2026")
    _market(
        catalogue,
        price,
        "T100000",
        "$100,000 or above",
        now_s=now_s,
        title="Will Bitcoin be $100,000 or above on Nov 29, 2026?",
        quote=Quoted(ask="0.357", bid="0.355"),
        strike=100_000,
        grid=DECI_CENT,
    )


def _list_odd_ones(catalogue: Catalogue, now_s: float) -> None:
    for ticker, title, sub_title, suffix, label, quote in (
        ("KXNFLGAME-26NOV15DALPHI", "Dallas at Philadelphia", "DAL at PHI", "DAL", "Dallas", _CLOSED),
        ("KXNFLGAME-26NOV29GBCHI", "Green Bay at Chicago", "GB at CHI", "GB", "Green Bay", _PAUSED),
        ("KXNFLGAME-26NOV29MIABUF", "Miami at Buffalo", "MIA at BUF", "MIA", "Miami", _NO_ASK),
        ("KXTURNOUT-26NOV29", "Voter turnout on Nov 29, 2026", "On Nov 29, 2026", "SHARE", "Share", _SCALAR),
    ):
        event = _event(catalogue, ticker, title, sub_title)
        _market(catalogue, event, suffix, label, now_s=now_s, title=f"{title}?", quote=quote)
