"""Reading markets, events and series."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from hedge_service.core.market import CENT_GRID, Grid, Market, MarketStatus, PriceRange
from hedge_service.core.money import MICROS_PER_DOLLAR, Price
from hedge_service.core.strike import Strike, StrikeKind
from hedge_service.core.venue import Event, MarketList, Series
from hedge_service.wire.kalshi import fields
from hedge_service.wire.kalshi.errors import Unreadable

if TYPE_CHECKING:
    from collections.abc import Iterable

# Tickers come from web pages: one with a comma would become two in a query, one with dots another path.
_TICKER = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}")


def is_ticker(value: str) -> bool:
    """Say whether the exchange can be asked for this ticker at all; any other is unknown to it."""
    return _TICKER.fullmatch(value) is not None


def market(row: fields.Row) -> Market:
    """Read a Market. Raises Unreadable."""
    return Market(
        ticker=fields.text(row, "ticker"),
        event_ticker=fields.text(row, "event_ticker"),
        market_type=fields.text(row, "market_type"),
        status=MarketStatus(fields.text(row, "status")),
        title=fields.words(row, "title"),
        yes_sub_title=fields.words(row, "yes_sub_title"),
        no_sub_title=fields.words(row, "no_sub_title"),
        close_time=fields.moment(row, "close_time"),
        # The book is one: whoever bids for YES offers NO, so that bid's size is the NO offer's size.
        yes_ask=_offer(row, "yes_ask_dollars", "yes_ask_size_fp"),
        no_ask=_offer(row, "no_ask_dollars", "yes_bid_size_fp"),
        grid=Grid(_ranges(row)),
        exchange_index=_shard(row),
        result=fields.words(row, "result"),
        settlement_value=fields.maybe(fields.price, row, "settlement_value_dollars"),
        expected_expiration_time=fields.maybe(fields.moment, row, "expected_expiration_time"),
        strike=_strike(row),
    )


def market_list(rows: Iterable[fields.Row]) -> MarketList:
    """Read markets row by row; an unreadable row is named, not lost.

    Raises Unreadable for a row without a ticker: nobody could tell which market it hides.
    """
    found: dict[str, Market] = {}
    unreadable: dict[str, str] = {}
    for row in rows:
        ticker = fields.text(row, "ticker")
        try:
            found[ticker] = market(row)
        except Unreadable as error:
            unreadable[ticker] = str(error)
    return MarketList(found=found, unreadable=unreadable)


def event(payload: fields.Row) -> Event:
    """Read GetEventResponse asked with nested markets. Raises Unreadable."""
    row = fields.member(payload, "event")
    nested = row if row.get("markets") is not None else payload
    return Event(
        event_ticker=fields.text(row, "event_ticker"),
        series_ticker=fields.text(row, "series_ticker"),
        title=fields.words(row, "title"),
        mutually_exclusive=fields.flag(row, "mutually_exclusive"),
        markets=market_list(fields.rows(nested, "markets")),
        fee_type_override=fields.maybe(fields.text, row, "fee_type_override"),
        fee_multiplier_override=fields.maybe(fields.multiplier, row, "fee_multiplier_override"),
    )


def series(payload: fields.Row) -> Series:
    """Read GetSeriesResponse. Raises Unreadable."""
    row = fields.member(payload, "series")
    return Series(
        ticker=fields.text(row, "ticker"),
        title=fields.words(row, "title"),
        fee_type=fields.text(row, "fee_type"),
        fee_multiplier=fields.multiplier(row, "fee_multiplier"),
    )


def _offer(row: fields.Row, price_key: str, size_key: str) -> Price | None:
    # An empty side is told as $0 or $1, or as a price with no contracts behind it.
    ask = fields.price(row, price_key)
    size = fields.maybe(fields.count, row, size_key)
    if ask.micros in (0, MICROS_PER_DOLLAR) or (size is not None and not size):
        return None
    return ask


def _ranges(row: fields.Row) -> tuple[PriceRange, ...]:
    # Whole cents are valid on every market, so they serve where no ranges are told.
    if row.get("price_ranges") is None:
        return CENT_GRID
    ranges = tuple(_range(part) for part in fields.rows(row, "price_ranges"))
    return ranges or CENT_GRID


def _range(part: fields.Row) -> PriceRange:
    try:
        return PriceRange(**{key: fields.decimal(part, key) for key in ("start", "end", "step")})
    except Unreadable:
        raise
    except ValueError:
        raise Unreadable("price_ranges is not a grid") from None


def _strike(row: fields.Row) -> Strike | None:
    # Strikes only sharpen a price, so odd ones leave the market readable. One with a custom strike is about
    # a named target (a player, a team), whose number is not that of the market beside it.
    if row.get("custom_strike") or row.get("functional_strike"):
        return None
    try:
        return Strike(
            kind=StrikeKind(fields.text(row, "strike_type")),
            floor=fields.maybe(fields.multiplier, row, "floor_strike"),
            cap=fields.maybe(fields.multiplier, row, "cap_strike"),
        )
    except ValueError:
        return None


def _shard(row: fields.Row) -> int:
    shard = fields.maybe(fields.whole, row, "exchange_index")
    return 0 if shard is None else shard
