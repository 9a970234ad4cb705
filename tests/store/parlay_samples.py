"""Quotes, checkouts, parlays and intents to put into a database."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

from hedge_service.core import ids
from hedge_service.core.journal import Attempt, Intent, sent
from hedge_service.core.market import BookSide, Side
from hedge_service.core.money import Count, Money, Price
from hedge_service.core.orders import AttemptState, Purpose, TimeInForce
from hedge_service.core.parlay import Bet, Checkout, CheckoutState, Mode, NewBet, Quote, QuoteLeg
from hedge_service.store import bets, checkouts, journal, journal_sets, parlays, quotes
from hedge_service.store.journal_sets import Record
from hedge_service.store.parlays import Parlay

if TYPE_CHECKING:
    from sqlalchemy.engine import Connection

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
USER = "user_1763800000000_annannann"
TICKERS = ("KXA-1-SEA", "KXB-1-BOS", "KXC-1-NYY")


def new_bet(ticker: str, user: str = USER) -> NewBet:
    return NewBet(
        user_id=user,
        market_id=ticker.lower(),
        market_title=f"Game of {ticker}",
        market_url="https://kalshi.com/markets/x",
        image_url=None,
        option_id=ticker,
        option_label=ticker.rsplit("-", 1)[-1],
        prob=Decimal(50),
        ticker=ticker,
        event_ticker=ticker.rsplit("-", 1)[0],
        side=Side.YES,
        environment="demo",
    )


def quote_of(
    number: int, legs: tuple[Bet, ...], *, contracts: str = "3", ask: str = "0.65", user: str = USER
) -> Quote:
    return Quote(
        id=f"quote-{number}",
        fingerprint=f"print-{number}",
        user_id=user,
        environment="demo",
        stake=Money.of(5),
        payout=Money.of(30),
        probability=Decimal("0.1453"),
        product=Decimal("0.1453"),
        strategy="bands",
        created_at=NOW,
        expires_at=NOW + timedelta(minutes=5),
        legs=tuple(
            QuoteLeg(
                leg=leg,
                bet=bet,
                ask=Price.of(ask),
                amount=Money.of(2),
                contracts=Count.of(contracts),
                skip=None,
            )
            for leg, bet in enumerate(legs, start=1)
        ),
        body={},
        advice={},
    )


def checkout_of(quote: Quote, number: int) -> Checkout:
    return Checkout(
        reference=ids.checkout_reference(quote.id),
        quote_id=quote.id,
        user_id=quote.user_id,
        environment=quote.environment,
        amount_cents=500,
        currency="usd",
        state=CheckoutState.OPEN,
        created_at=NOW,
        window_ends_at=NOW + timedelta(minutes=30),
        session_expires_at=NOW + timedelta(minutes=31),
        session_id=f"cs_test_{number}",
        url="https://checkout.stripe.com/c/x",
    )


def put_sold(
    tx: Connection,
    number: int,
    *tickers: str,
    contracts: str = "3",
    ask: str = "0.65",
    user: str = USER,
) -> tuple[Quote, Checkout]:
    """Save bets, a quote on them and its open checkout."""
    saved = tuple(bets.add(tx, new_bet(ticker, user), NOW) for ticker in (tickers or TICKERS))
    quote = quote_of(number, saved, contracts=contracts, ask=ask, user=user)
    quotes.put(tx, quote)
    return quote, checkouts.begin(tx, checkout_of(quote, number))


def parlay_of(quote: Quote, number: int, mode: Mode = Mode.LIVE) -> Parlay:
    session = f"cs_test_{number}"
    return Parlay(
        id=ids.parlay_id(session),
        session_id=session,
        quote_id=quote.id,
        user_id=quote.user_id,
        environment=quote.environment,
        mode=mode,
        stake=quote.stake,
        payout=quote.payout,
        accepted_at=NOW + timedelta(seconds=number),
    )


def put_parlay(tx: Connection, number: int = 1, mode: Mode = Mode.LIVE) -> Parlay:
    """Store a parlay with its legs and no intents."""
    quote, _ = put_sold(tx, number)
    parlay = parlay_of(quote, number, mode)
    parlays.put(tx, parlay)
    for leg in quote.legs:
        parlays.put_leg(tx, parlay.id, leg, None)
    return parlay


def intent_of(
    parlay: Parlay,
    *,
    leg: int = 1,
    side: BookSide = BookSide.BID,
    contracts: str = "10",
    created_at: datetime = NOW,
    ttl_s: float = 120,
) -> Intent:
    return Intent(
        id=ids.intent_id(parlay=parlay.id, leg=leg, purpose="hedge", sequence=1),
        parlay_id=parlay.id,
        leg=leg,
        purpose=Purpose.HEDGE,
        sequence=1,
        ticker=TICKERS[leg - 1],
        side=side,
        count=Count.of(contracts),
        price=Price.of("0.67"),
        max_cost=Money.of("7"),
        time_in_force=TimeInForce.IMMEDIATE_OR_CANCEL,
        reduce_only=False,
        created_at=created_at,
        expires_at=created_at + timedelta(seconds=ttl_s),
    )


def planned(intent: Intent, number: int = 1) -> Attempt:
    return Attempt(
        client_order_id=f"hs-{intent.id}-{number}",
        intent_id=intent.id,
        number=number,
        count=intent.count,
        state=AttemptState.PLANNED,
        body=b'{"count":"10.00"}',
        planned_at=NOW,
    )


def put_attempt(tx: Connection, number: int = 1) -> Attempt:
    """Store a parlay with one intent and one planned attempt."""
    intent = intent_of(put_parlay(tx, number))
    journal.put_intent(tx, intent)
    journal_sets.plan(tx, [planned(intent)])
    return planned(intent)


def put_sent(tx: Connection, attempt: Attempt, *, epoch: int, at: datetime) -> Attempt:
    """Journal one send of an attempt."""
    after = sent(attempt, at)
    evidence = {"send": after.sends, "epoch": epoch}
    record = Record(before=attempt, after=after, event="order.sending", evidence=evidence)
    journal_sets.record(tx, [record], at=at, epoch=epoch)
    return journal.get(tx, attempt.client_order_id)


def put_state(tx: Connection, attempt: Attempt, *states: AttemptState) -> Attempt:
    """Move an attempt through these states."""
    for state in states:
        attempt = journal.moved(tx, attempt, state, at=NOW, event="order.moved", evidence={})
    return attempt


def retimed(intent: Intent, seconds: float) -> Intent:
    """Give an intent made so much later."""
    return replace(intent, created_at=intent.created_at + timedelta(seconds=seconds))
