"""The parlay of hedging.md's check figures, as its legs settle one after the other."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from hedge_service.core import ids
from hedge_service.core.journal import Attempt, Intent
from hedge_service.core.market import BookSide, Grid, Market, MarketStatus, Side
from hedge_service.core.money import Count, Money, Price
from hedge_service.core.orders import AttemptState, Purpose, TimeInForce
from hedge_service.core.pricing import Leg

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
DAY = timedelta(days=1)
GAP = timedelta(hours=6)
STAKE, PAYOUT = Money.of(100), Money.of(500)
PRICES = ("0.60", "0.55", "0.50")


def leg_of(number: int, ask: str, side: Side = Side.YES) -> Leg:
    return Leg(
        number=number, ticker=f"KX-{number}", event_ticker=f"KX-{number}", side=side, ask=Price.of(ask)
    )


LEGS = tuple(leg_of(number, ask) for number, ask in enumerate(PRICES, start=1))


def market_of(leg: Leg, **changes: Any) -> Market:
    """List the market of a leg: leg k is expected to end k days from now, and closes an hour before."""
    ends = NOW + leg.number * DAY
    values: dict[str, Any] = {
        "ticker": leg.ticker,
        "event_ticker": leg.event_ticker,
        "market_type": "binary",
        "status": MarketStatus.ACTIVE,
        "title": "",
        "yes_sub_title": "",
        "no_sub_title": "",
        "close_time": ends - timedelta(hours=1),
        "yes_ask": leg.ask if leg.side is Side.YES else leg.ask.complement,
        "no_ask": leg.ask if leg.side is Side.NO else leg.ask.complement,
        "grid": Grid(),
        "exchange_index": 0,
        "result": "",
        "settlement_value": None,
        "expected_expiration_time": ends,
    }
    return Market(**(values | changes))


def ended(leg: Leg, result: str, status: MarketStatus = MarketStatus.DETERMINED) -> Market:
    """List a market that has a result, and trades no more."""
    return market_of(leg, status=status, result=result, yes_ask=None, no_ask=None)


def markets_of(*markets: Market, legs: tuple[Leg, ...] = LEGS) -> dict[str, Market]:
    """List the markets of all legs, those given in place of the ordinary ones."""
    return {leg.ticker: market_of(leg) for leg in legs} | {market.ticker: market for market in markets}


def bought(
    leg: Leg,
    contracts: str,
    *,
    filled: str | None = None,
    price: str | None = None,
    purpose: Purpose = Purpose.HEDGE,
    sequence: int = 1,
    state: AttemptState = AttemptState.FILLED,
    minutes: int = 0,
) -> tuple[Intent, tuple[Attempt, ...]]:
    """Give an intent on a leg with its one attempt, filled whole at `price` unless told otherwise."""
    paid = leg.ask if price is None else Price.of(price)
    got = Count.of(contracts if filled is None else filled)
    at = NOW + timedelta(minutes=minutes)
    side = BookSide.buying(leg.side.opposite if purpose is Purpose.UNWIND else leg.side)
    intent = Intent(
        id=ids.intent_id(parlay="par_1", leg=leg.number, purpose=purpose.value, sequence=sequence),
        parlay_id="par_1",
        leg=leg.number,
        purpose=purpose,
        sequence=sequence,
        ticker=leg.ticker,
        side=side,
        count=Count.of(contracts),
        price=paid if side is BookSide.BID else paid.complement,
        max_cost=paid.times(Count.of(contracts)),
        time_in_force=TimeInForce.IMMEDIATE_OR_CANCEL,
        reduce_only=purpose is Purpose.UNWIND,
        created_at=at,
        expires_at=at,
        ended_at=at if state.ended else None,
        end_reason="filled" if state.ended else None,
    )
    attempt = Attempt(
        client_order_id=f"hs-{intent.id}",
        intent_id=intent.id,
        number=1,
        count=intent.count,
        state=state,
        body=b"{}",
        planned_at=at,
        filled=got,
        cost=paid.times(got),
    )
    return intent, (attempt,)


CENT = Decimal("0.01")
