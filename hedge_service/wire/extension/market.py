"""A market page as the extension reads it (call 1)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hedge_service.wire.extension.figures import iso, number
from hedge_service.wire.extension.text import clean

if TYPE_CHECKING:
    from hedge_service.core.market import Market
    from hedge_service.core.money import Price
    from hedge_service.core.venue import Event


def page_body(asked: str, event: Event) -> dict[str, Any]:
    """Give the page under the id that was asked for.

    `contracts` holds what can be backed: binary markets with an offer; `raw.markets` holds all of them.
    """
    markets = tuple(event.markets.found.values())
    return {
        "id": asked.lower(),
        "title": clean(event.title),
        "imageUrl": None,
        "contracts": [
            _contract(market, market.yes_ask)
            for market in markets
            if market.binary and market.yes_ask is not None
        ],
        "raw": {"markets": [_raw(market) for market in markets]},
    }


def option_of(market: Market) -> str:
    """Give what a market's ticker adds to its event's: the option (`SEA`)."""
    own = market.ticker.removeprefix(f"{market.event_ticker}-")
    # A market named apart from its event: the last part is all that its ticker tells.
    return market.ticker.rsplit("-", 1)[-1] if own == market.ticker else own


def _contract(market: Market, ask: Price) -> dict[str, Any]:
    cents = number(ask.dollars * 100)
    return {
        "id": market.ticker,
        "ticker": market.ticker,
        "label": clean(option_of(market)),
        "price": cents,
        "prob": cents,
    }


def _raw(market: Market) -> dict[str, Any]:
    return {
        "ticker": market.ticker,
        "event_ticker": market.event_ticker,
        "market_type": market.market_type,
        "status": market.status.value,
        "title": clean(market.title),
        "yes_sub_title": clean(market.yes_sub_title),
        "no_sub_title": clean(market.no_sub_title),
        "close_time": iso(market.close_time),
        "yes_ask_dollars": _dollars(market.yes_ask),
        "no_ask_dollars": _dollars(market.no_ask),
        "result": clean(market.result),
    }


def _dollars(price: Price | None) -> str | None:
    return None if price is None else str(price)
