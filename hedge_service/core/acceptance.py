"""Whether a confirmed payment becomes a parlay, and with which plan."""

from __future__ import annotations

from collections.abc import Mapping  # noqa: TC003 - a dataclass field's type
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from typing import TYPE_CHECKING

from hedge_service.core.exposure import Cap
from hedge_service.core.hedging import LegHedge, SkipReason
from hedge_service.core.market import MarketStatus
from hedge_service.core.plan import Caps, Plan, plan_orders
from hedge_service.core.pricing import Leg

if TYPE_CHECKING:
    from datetime import datetime

    from hedge_service.core.fees import FeeSchedule
    from hedge_service.core.market import Market
    from hedge_service.core.money import Money
    from hedge_service.core.parlay import Checkout, Quote, QuoteLeg


class ParkReason(StrEnum):
    """Why a payment buys nothing, or waits for a person though it bought a parlay (the last three)."""

    UNKNOWN_SESSION = "unknown_session"
    AMOUNT_MISMATCH = "amount_mismatch"
    CURRENCY_MISMATCH = "currency_mismatch"
    QUOTE_ALREADY_SOLD = "quote_already_sold"
    PAID_TOO_LATE = "paid_too_late"
    MARKET_OVER = "market_over"
    WRONG_STRIPE_MODE = "wrong_stripe_mode"
    PRICE_DRIFT = "price_drift"
    OPEN_PAYOUT_CAP = "open_payout_cap"
    MARKET_EXPOSURE_CAP = "market_exposure_cap"
    EVENT_EXPOSURE_CAP = "event_exposure_cap"
    DAY_EXPOSURE_CAP = "day_exposure_cap"
    MONEY_WENT_BACK = "money_went_back"
    DISPUTED = "disputed"
    REFUNDED_IN_PART = "refunded_in_part"
    REFUNDED_AFTER_RESULT = "refunded_after_result"
    REFUND_FAILED = "refund_failed"


CAP_REASONS = {cap: ParkReason(cap.value) for cap in Cap}


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
    """The configured limits that a plan obeys; `fees`: by ticker, as the quote reckoned with them."""

    max_slippage: Decimal
    caps: Caps
    fees: Mapping[str, FeeSchedule] = field(default_factory=dict)


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
    # What needs a person comes first: money goes back by itself only when nothing else is odd.
    in_the_way = {
        ParkReason.WRONG_STRIPE_MODE: paid.livemode != stripe_live,
        ParkReason.AMOUNT_MISMATCH: paid.amount_cents != checkout.amount_cents,
        ParkReason.CURRENCY_MISMATCH: currency_differs,
        ParkReason.QUOTE_ALREADY_SOLD: session_differs,
        ParkReason.PAID_TOO_LATE: paid.paid_at > checkout.window_ends_at,
        ParkReason.MARKET_OVER: any(_over(market, paid.paid_at) for market in markets.values()),
    }
    return next((reason for reason, true in in_the_way.items() if true), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class SaleRules:
    """The configured limits that a sale obeys: `max_drift` in dollars a contract, `open_payout` in all."""

    max_drift: Decimal
    open_payout: Money


def refusal(
    quote: Quote, markets: Mapping[str, Market], *, owed: Money, rules: SaleRules, cap: Cap | None = None
) -> ParkReason | None:
    """Say why a quote that was paid for is not sold after all, or None.

    `owed`: what is owed if every parlay accepted so far wins; `cap`: the cap of exposure that it would pass.
    A leg that nobody offers now has no price that could have risen: it is sold, and not hedged.
    """
    if any(_rise(leg, markets) > rules.max_drift for leg in quote.legs):
        return ParkReason.PRICE_DRIFT
    if owed + quote.payout > rules.open_payout:
        return ParkReason.OPEN_PAYOUT_CAP
    return None if cap is None else CAP_REASONS[cap]


def _rise(leg: QuoteLeg, markets: Mapping[str, Market]) -> Decimal:
    market = markets.get(leg.bet.ticker)
    ask = None if market is None else market.ask(leg.bet.side)
    return Decimal(0) if ask is None else ask.dollars - leg.ask.dollars


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
        fees=rules.fees,
    )


def _hedge(leg: QuoteLeg) -> LegHedge:
    bet = leg.bet
    priced = Leg(number=leg.leg, ticker=bet.ticker, event_ticker=bet.event_ticker, side=bet.side, ask=leg.ask)
    skip = None if leg.skip is None else SkipReason(leg.skip)
    return LegHedge(leg=priced, amount=leg.amount, contracts=leg.contracts, skip=skip)
