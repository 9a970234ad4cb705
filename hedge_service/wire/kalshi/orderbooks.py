"""Reading order books."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hedge_service.core.book import Level, Orderbook
from hedge_service.core.market import Side
from hedge_service.core.money import MICROS_PER_DOLLAR
from hedge_service.wire.kalshi import fields
from hedge_service.wire.kalshi.errors import Unreadable

if TYPE_CHECKING:
    from collections.abc import Iterator

_PAIR = 2


def orderbooks(payload: fields.Row) -> dict[str, Orderbook]:
    """Read GetMarketOrderbooksResponse, by ticker. Raises Unreadable.

    The specification's text says "best to worst", recorded replies have the best bid last: the order of the
    levels is not relied on. One unreadable level makes the whole reply unreadable, since a book without it
    would show other prices than the exchange's.
    """
    return {book.ticker: book for book in map(_orderbook, fields.rows(payload, "orderbooks"))}


def _orderbook(row: fields.Row) -> Orderbook:
    bids = fields.member(row, "orderbook_fp")
    book = Orderbook(
        ticker=fields.text(row, "ticker"),
        yes_bids=tuple(_levels(bids, "yes_dollars")),
        no_bids=tuple(_levels(bids, "no_dollars")),
    )
    try:
        for side in Side:
            book.offers(side)
    except ValueError:
        raise Unreadable(f"orderbook_fp of {book.ticker} has a price twice") from None
    return book


def _levels(bids: fields.Row, key: str) -> Iterator[Level]:
    pairs = bids.get(key)
    if not isinstance(pairs, list):
        raise Unreadable(f"{key} is not a list")
    for pair in pairs:
        level = _level(pair, key)
        if level is not None:
            yield level


def _level(pair: Any, key: str) -> Level | None:
    if not isinstance(pair, list) or len(pair) != _PAIR:
        raise Unreadable(f"{key} does not hold pairs of price and count")
    row = {f"{key} price": pair[0], f"{key} count": pair[1]}
    price, count = fields.price(row, f"{key} price"), fields.count(row, f"{key} count")
    if not 0 < price.micros < MICROS_PER_DOLLAR:
        raise Unreadable(f"{key} holds a price of {price}")
    # A level that was just emptied may still be listed.
    return Level(price=price, count=count) if count else None
