"""Whether a confirmed payment becomes a parlay, and with which plan."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from hedge_service.core.hedging import LegHedge, SkipReason
from hedge_service.core.market import MarketStatus
from hedge_service.core.plan import Caps, Plan, plan_orders
from hedge_service.core.pricing import Leg

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime
    from decimal import Decimal

    from hedge_service.core.market import Market
    from hedge_service.core.parlay import Checkout, Quote, QuoteLeg


class ParkReason(StrEnum):
    """Why a payment buys nothing and waits for a person."""

    UNKNOWN_SESSION = "unknown_session"
    AMOUNT_MISMATCH = "amount_mismatch"
    CURRENCY_MISMATCH = "currency_mismatch"
    QUOTE_ALREADY_SOLD = "quote_already_sold"
    PAID_TOO_LATE = "paid_too_late"
    MARKET_OVER = "market_over"
    WRONG_STRIPE_MODE = "wrong_stripe_mode"


@dataclass(frozen=True, slots=True, kw_only=True)
class PaidSession:
    """What Stripe confirms: a session's money has come, at `paid_at` (the event's own time)."""

    session_id: str
    reference: str | None
    amount_cents: int | None
    currency: str | None
    payment_intent: str | None
    livemode: bool
    paid_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanRules:
    """The configured limits that a plan obeys."""

    max_slippage: Decimal
    caps: Caps


OVER = frozenset(
    {
        MarketStatus.CLOSED,
        MarketStatus.DETERMINED,
        MarketStatus.DISPUTED,
        MarketStatus.AMENDED,
        MarketStatus.FINALIZED,
    }
)


def park_reason(
    paid: PaidSession, checkout: Checkout | None, *, stripe_live: bool, markets: Mapping[str, Market]
) -> ParkReason | None:
    """Say what stands in the way of accepting a payment, or None.

    A market that is over may have a known result: a parlay on it is not sold, whatever was paid.
    """
    if checkout is None:
        return ParkReason.UNKNOWN_SESSION
    session_differs = checkout.session_id is not None and checkout.session_id != paid.session_id
    currency_differs = paid.currency is None or paid.currency.lower() != checkout.currency
    in_the_way = {
        ParkReason.QUOTE_ALREADY_SOLD: session_differs,
        ParkReason.WRONG_STRIPE_MODE: paid.livemode != stripe_live,
        ParkReason.AMOUNT_MISMATCH: paid.amount_cents != checkout.amount_cents,
        ParkReason.CURRENCY_MISMATCH: currency_differs,
        ParkReason.PAID_TOO_LATE: paid.paid_at > checkout.window_ends_at,
        ParkReason.MARKET_OVER: any(_over(market, paid.paid_at) for market in markets.values()),
    }
    return next((reason for reason, true in in_the_way.items() if true), None)


def _over(market: Market, at: datetime) -> bool:
    return market.status in OVER or market.close_time <= at


def plan_for(quote: Quote, markets: Mapping[str, Market], *, now: datetime, rules: PlanRules) -> Plan:
    """Turn the stored strategy of a quote into orders at the quote's asks, on the markets as they are now."""
    return plan_orders(
        (_hedge(leg) for leg in quote.legs),
        markets,
        now=now,
        max_slippage=rules.max_slippage,
        caps=rules.caps,
    )


def _hedge(leg: QuoteLeg) -> LegHedge:
    bet = leg.bet
    priced = Leg(number=leg.leg, ticker=bet.ticker, event_ticker=bet.event_ticker, side=bet.side, ask=leg.ask)
    skip = None if leg.skip is None else SkipReason(leg.skip)
    return LegHedge(leg=priced, amount=leg.amount, contracts=leg.contracts, skip=skip)
