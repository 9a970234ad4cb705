"""Whether a confirmed payment becomes a parlay, and with which plan."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from hedge_service.core.acceptance import OVER, PaidSession, ParkReason, PlanRules, park_reason, plan_for
from hedge_service.core.hedging import SkipReason
from hedge_service.core.market import BookSide, Grid, Market, MarketStatus, Side
from hedge_service.core.money import Count, Money, Price
from hedge_service.core.parlay import Bet, Checkout, CheckoutState, Quote, QuoteLeg
from hedge_service.core.plan import Caps

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
TICKER = "KXA-1-SEA"
CHECKOUT = Checkout(
    reference="chk_1",
    quote_id="quote-1",
    user_id="user_1",
    environment="demo",
    amount_cents=500,
    currency="usd",
    state=CheckoutState.OPEN,
    created_at=NOW,
    window_ends_at=NOW + timedelta(minutes=30),
    session_expires_at=NOW + timedelta(minutes=31),
    session_id="cs_1",
)
PAID = PaidSession(
    session_id="cs_1",
    reference="chk_1",
    amount_cents=500,
    currency="usd",
    payment_intent="pi_1",
    livemode=False,
    paid_at=NOW,
)
MARKET = Market(
    ticker=TICKER,
    event_ticker="KXA-1",
    market_type="binary",
    status=MarketStatus.ACTIVE,
    title="",
    yes_sub_title="",
    no_sub_title="",
    close_time=NOW + timedelta(days=1),
    yes_ask=Price.of("0.65"),
    no_ask=Price.of("0.37"),
    grid=Grid(),
    exchange_index=0,
    result="",
    settlement_value=None,
)
RULES = PlanRules(
    max_slippage=Decimal("0.02"),
    caps=Caps(order=Money.of(100), parlay=Money.of(200), day_left=Money.of(1000)),
)


def reason(paid: PaidSession = PAID, checkout: Checkout | None = CHECKOUT, **market: object) -> object:
    markets = {TICKER: replace(MARKET, **market)}  # type: ignore[arg-type]
    return park_reason(paid, checkout, stripe_live=False, markets=markets)


def test_a_payment_that_is_just_as_sold_has_nothing_in_its_way() -> None:
    assert reason() is None
    assert reason(replace(PAID, currency="USD")) is None


def test_a_payment_is_recognised_even_when_the_answer_with_its_session_was_lost() -> None:
    assert reason(checkout=replace(CHECKOUT, session_id=None, state=CheckoutState.PENDING)) is None


@pytest.mark.parametrize(
    ("paid", "parked"),
    [
        (replace(PAID, amount_cents=499), ParkReason.AMOUNT_MISMATCH),
        (replace(PAID, amount_cents=501), ParkReason.AMOUNT_MISMATCH),
        (replace(PAID, amount_cents=None), ParkReason.AMOUNT_MISMATCH),
        (replace(PAID, currency="eur"), ParkReason.CURRENCY_MISMATCH),
        (replace(PAID, currency=None), ParkReason.CURRENCY_MISMATCH),
        (replace(PAID, livemode=True), ParkReason.WRONG_STRIPE_MODE),
        (replace(PAID, session_id="cs_2"), ParkReason.QUOTE_ALREADY_SOLD),
        (replace(PAID, paid_at=NOW + timedelta(minutes=30, seconds=1)), ParkReason.PAID_TOO_LATE),
    ],
)
def test_a_payment_that_differs_from_what_was_sold_is_parked(paid: PaidSession, parked: ParkReason) -> None:
    assert reason(paid) is parked


def test_a_payment_in_the_windows_last_moment_counts() -> None:
    assert reason(replace(PAID, paid_at=CHECKOUT.window_ends_at)) is None


def test_a_payment_for_a_session_that_nobody_opened_is_parked() -> None:
    assert reason(checkout=None) is ParkReason.UNKNOWN_SESSION


@pytest.mark.parametrize("status", MarketStatus)
def test_no_parlay_is_sold_on_a_market_that_is_over(status: MarketStatus) -> None:
    parked = reason(status=status)
    assert (parked is ParkReason.MARKET_OVER) == (status in OVER)
    pausing = {MarketStatus.INITIALIZED, MarketStatus.INACTIVE, MarketStatus.ACTIVE, MarketStatus.OTHER}
    assert set(MarketStatus) - OVER == pausing


def test_no_parlay_is_sold_that_was_paid_after_its_market_closed() -> None:
    assert reason(close_time=NOW) is ParkReason.MARKET_OVER
    assert reason(close_time=NOW + timedelta(seconds=1)) is None


def leg(number: int, side: Side = Side.YES, contracts: str = "3", skip: str | None = None) -> QuoteLeg:
    bet = Bet(
        id=number,
        user_id="user_1",
        market_id="m",
        market_title="t",
        market_url="u",
        image_url=None,
        option_id="o",
        option_label="l",
        prob=Decimal(50),
        ticker=TICKER,
        event_ticker="KXA-1",
        side=side,
        environment="demo",
    )
    return QuoteLeg(
        leg=number,
        bet=bet,
        ask=Price.of("0.65") if side is Side.YES else Price.of("0.37"),
        amount=Money.of(2),
        contracts=Count.of(contracts),
        skip=skip,
    )


def quote(*legs: QuoteLeg) -> Quote:
    return Quote(
        id="quote-1",
        fingerprint="f",
        user_id="user_1",
        environment="demo",
        stake=Money.of(5),
        payout=Money.of(30),
        probability=Decimal("0.1453"),
        product=Decimal("0.1453"),
        strategy="bands",
        created_at=NOW,
        expires_at=NOW,
        legs=legs,
        body={},
        advice={},
    )


def test_the_stored_strategy_becomes_orders_at_the_quotes_ask_plus_slippage() -> None:
    moved = {TICKER: replace(MARKET, yes_ask=Price.of("0.90"))}
    plan = plan_for(quote(leg(1), leg(2, Side.NO)), moved, now=NOW, rules=RULES)
    assert [(order.leg, order.side, order.count, order.price) for order in plan.orders] == [
        (1, BookSide.BID, Count.of(3), Price.of("0.67")),
        (2, BookSide.ASK, Count.of(3), Price.of("0.61")),
    ]


def test_a_leg_that_the_quote_skipped_stays_skipped_with_its_reason() -> None:
    plan = plan_for(quote(leg(1, contracts="0", skip="below_band")), {TICKER: MARKET}, now=NOW, rules=RULES)
    assert plan.orders == ()
    assert [(skip.leg, skip.reason) for skip in plan.skips] == [(1, SkipReason.BELOW_BAND)]


def test_a_leg_whose_market_takes_no_orders_now_is_a_skip() -> None:
    paused = {TICKER: replace(MARKET, status=MarketStatus.INACTIVE)}
    for markets in (paused, {}):
        plan = plan_for(quote(leg(1)), markets, now=NOW, rules=RULES)
        assert [skip.reason for skip in plan.skips] == [SkipReason.MARKET_NOT_OPEN]
