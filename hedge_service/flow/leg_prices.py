"""The price of each leg: its ask, or a refusal that names the leg and says what to do."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hedge_service.core.pricing import Leg
from hedge_service.errors import Conflict, Peer, PeerUnavailable

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from hedge_service.core.market import Market
    from hedge_service.core.parlay import Bet
    from hedge_service.core.venue import MarketList


def priced_legs(bets: Sequence[Bet], markets: MarketList, now: datetime) -> tuple[Leg, ...]:
    """Price each leg at its ask. Raises Conflict, or PeerUnavailable, naming the first leg that has none."""
    return tuple(_leg(number, bet, markets, now) for number, bet in enumerate(bets, start=1))


def _leg(number: int, bet: Bet, markets: MarketList, now: datetime) -> Leg:
    market = markets.found.get(bet.ticker)
    if market is None and bet.ticker in markets.unreadable:
        raise PeerUnavailable(
            Peer.EXCHANGE, details=f"{_named(number, bet)} can't be priced now. Try again later."
        )
    trouble = _trouble(market, bet, now)
    ask = None if market is None else market.ask(bet.side)
    if trouble is not None or ask is None or market is None:
        details = f"{_named(number, bet)}: {trouble}. Remove it, or try again later."
        raise Conflict("A bet can't be taken now", details, code="market_not_open", ticker=bet.ticker)
    return Leg(number=number, ticker=bet.ticker, event_ticker=market.event_ticker, side=bet.side, ask=ask)


def _trouble(market: Market | None, bet: Bet, now: datetime) -> str | None:
    if market is None:
        return "the exchange no longer lists its market"
    if not market.binary:
        return "its market does not pay all or nothing"
    if not market.open_at(now):
        return f"its market is not open (it is {_state(market, now)})"
    ask = market.ask(bet.side)
    # $0 and $1 are no orders' prices: where the exchange tells them, nobody offers.
    if ask is None or not 0 < ask.dollars < 1:
        return "nobody offers it on the exchange"
    return None


def _state(market: Market, now: datetime) -> str:
    return "past its close" if now >= market.close_time else market.status.value


def _named(number: int, bet: Bet) -> str:
    return f"Leg {number}, {bet.option_label} ({bet.ticker})"
