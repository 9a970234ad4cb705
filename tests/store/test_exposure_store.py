from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING

import pytest
from alembic import command
from alembic.config import Config as AlembicConfig
from sqlalchemy import create_engine, insert, select, text

from hedge_service.core.exposure import Cap, Claim, Exposure, LegClaim, MarketFacts, uses
from hedge_service.core.ledger import Position
from hedge_service.core.market import Side
from hedge_service.core.money import Count, Money, Price
from hedge_service.core.parlay import CheckoutState
from hedge_service.core.settlement import Ending, ParlayState
from hedge_service.store import (
    bets,
    checkouts,
    claims,
    market_facts,
    migrate,
    parlays,
    positions,
    quotes,
    results,
)
from hedge_service.store.exposure import Scope, around, everything
from hedge_service.store.results import MarketResult
from hedge_service.store.schema import fills, metadata, parlay_legs
from tests.store.parlay_samples import (
    NOW,
    TICKERS,
    USER,
    checkout_of,
    new_bet,
    parlay_of,
    put_parlay,
    quote_of,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy.engine import Connection

    from hedge_service.core.exposure import EventClaims
    from hedge_service.core.parlay import Quote

LATER = NOW + timedelta(hours=1)
LONG_AFTER = NOW + timedelta(days=30)
DAYS = (date(2026, 11, 23), date(2026, 11, 24), date(2026, 11, 25))
EXCLUSIVE = {"KXE0": True, "KXE1": False, "KXE2": None}
Legs = tuple[tuple[str, Side], ...]


@pytest.fixture
def tx() -> Iterator[Connection]:
    engine = create_engine("sqlite://")
    with engine.begin() as connection:
        metadata.create_all(connection)
        yield connection
    engine.dispose()


def ends_at(ticker: str) -> datetime:
    """Give three days in a row to the markets 0, 1 and 2 of every event."""
    return datetime.combine(DAYS[int(ticker[-1])], datetime.min.time(), UTC) + timedelta(hours=5)


def facts_of(ticker: str) -> MarketFacts:
    event = ticker.rsplit("-", 1)[0]
    return MarketFacts(
        ticker=ticker, event_ticker=event, exclusive=EXCLUSIVE.get(event), expires_at=ends_at(ticker)
    )


@dataclass
class Book:
    """Parlays in a database, and the same claims added up one by one."""

    tx: Connection
    sold: dict[str, Quote] = field(default_factory=dict)
    made: int = 0

    def quote(self, payout: str, *legs: tuple[str, Side]) -> Quote:
        self.made += 1
        market_facts.learn(self.tx, [facts_of(ticker) for ticker, _ in legs])
        user = f"user_{self.made}"
        saved = tuple(
            bets.add(self.tx, replace(new_bet(ticker, user), side=side), NOW) for ticker, side in legs
        )
        quote = replace(quote_of(self.made, saved), payout=Money.of(payout))
        quotes.put(self.tx, quote)
        return quote

    def offer(self, payout: str, *legs: tuple[str, Side]) -> Quote:
        """Open a checkout of a new quote."""
        quote = self.quote(payout, *legs)
        checkouts.begin(self.tx, checkout_of(quote, self.made))
        return quote

    def sell(self, payout: str, *legs: tuple[str, Side], hedge: str = "0") -> str:
        """Sell a parlay with the same hedge on its first leg."""
        quote = self.quote(payout, *legs)
        parlay = parlay_of(quote, self.made)
        parlays.put(self.tx, parlay)
        for leg in quote.legs:
            parlays.put_leg(self.tx, parlay.id, leg, None)
        claims.date_parlay(self.tx, parlay.id, [ticker for ticker, _ in legs])
        self.sold[parlay.id] = quote
        self.fill(parlay.id, *legs[0], Count.of(hedge))
        return parlay.id

    def fill(self, parlay_id: str, ticker: str, side: Side, count: Count) -> None:
        values = {
            "trade_id": f"trade-{self.made}-{parlay_id}-{side}-{count}",
            "order_id": f"order-{self.made}",
            "parlay_id": parlay_id,
            "ticker": ticker,
            "side": side.value,
            "count_centis": count.centis,
            "price_micros": 1,
            "cost_micros": 1,
            "fee_micros": 0,
            "filled_ms": 0,
            "seen_ms": 0,
        }
        self.tx.execute(insert(fills).values(**values))

    def hold(self, ticker: str, side: Side, contracts: str) -> None:
        held = Position(side=side, count=Count.of(contracts), cost=Money.ZERO)
        positions.put(self.tx, ticker, held)


def claim_of(payout: str, *legs: tuple[str, Side]) -> Claim:
    return Claim(
        payout=Money.of(payout),
        legs=tuple(
            LegClaim(ticker=ticker, event_ticker=ticker.rsplit("-", 1)[0], side=side) for ticker, side in legs
        ),
        ends_on=max(ends_at(ticker).date() for ticker, _ in legs),
    )


YES, NO = Side.YES, Side.NO
A, B = "KXE0-0", "KXE0-1"
X, Y = "KXE1-0", "KXE1-2"


def figures(found: Exposure) -> tuple[dict[str, str], dict[str, str], dict[str | None, str]]:
    markets = {
        ticker: str(market.exposure)
        for event in found.events.values()
        for ticker, market in event.markets.items()
        if market.exposure
    }
    events = {ticker: str(event.exposure) for ticker, event in found.events.items() if event.exposure}
    days = {None if day is None else day.isoformat(): str(money) for day, money in found.days.items()}
    return markets, events, days


def test_an_empty_database_claims_nothing(tx: Connection) -> None:
    assert everything(tx, NOW) == Exposure()


def test_open_parlays_claim_their_payout_on_every_leg_and_once_on_their_last_day(tx: Connection) -> None:
    book = Book(tx)
    book.sell("30", (A, YES), (X, YES), hedge="3")
    book.sell("20", (B, YES), (Y, NO))
    book.hold(A, YES, "3")
    markets, events, days = figures(everything(tx, LONG_AFTER))
    assert markets == {A: "27.00", B: "20.00", X: "30.00", Y: "20.00"}
    assert events == {"KXE0": "27.00", "KXE1": "50.00"}
    assert days == {"2026-11-23": "27.00", "2026-11-25": "20.00"}


def test_a_day_nets_each_parlay_by_its_own_contracts_and_never_below_zero(tx: Connection) -> None:
    book = Book(tx)
    sold_again = book.sell("30", (A, YES), hedge="7")
    book.fill(sold_again, A, NO, Count.of(2))
    book.sell("4", (A, NO), hedge="9")
    _, _, days = figures(everything(tx, LONG_AFTER))
    assert days == {"2026-11-23": "25.00"}


def test_open_checkouts_count_as_sold_until_their_session_is_over(tx: Connection) -> None:
    book = Book(tx)
    quote = book.offer("30", (A, YES), (X, NO))
    during = figures(everything(tx, NOW))
    assert during == ({A: "30.00", X: "30.00"}, {"KXE0": "30.00", "KXE1": "30.00"}, {"2026-11-23": "30.00"})
    assert figures(everything(tx, LATER)) == ({}, {}, {})
    row = checkouts.of_quote(tx, quote)
    assert row is not None
    checkouts.closed(tx, row.reference)
    assert figures(everything(tx, NOW)) == ({}, {}, {})
    checkouts.moved(tx, row.reference, CheckoutState.PAID, session_id="cs_test_1")
    assert figures(everything(tx, NOW)) == ({}, {}, {})


@pytest.mark.parametrize("state", [ParlayState.WON, ParlayState.LOST, ParlayState.VOID])
def test_a_parlay_that_has_ended_claims_nothing(tx: Connection, state: ParlayState) -> None:
    book = Book(tx)
    parlay = book.sell("30", (A, YES), (X, YES))
    if state is ParlayState.VOID:
        assert parlays.voided(tx, parlay, ParlayState.OPEN)
    else:
        assert results.decide(tx, parlay, state)
    assert tx.execute(select(parlay_legs.c.claim_micros).distinct()).scalars().all() == [None]
    assert figures(everything(tx, NOW)) == ({}, {}, {})


def test_a_leg_that_is_settled_leaves_its_market_and_stays_in_the_day(tx: Connection) -> None:
    book = Book(tx)
    book.sell("30", (A, YES), (X, YES))
    won = MarketResult(ticker=A, ending=Ending("yes", Price.of(1)), settled_at=NOW)
    results.settle_legs(tx, won, NOW)
    assert figures(everything(tx, NOW)) == ({X: "30.00"}, {"KXE1": "30.00"}, {"2026-11-23": "30.00"})


def test_a_market_without_facts_is_an_event_of_its_own_and_its_day_is_not_known(tx: Connection) -> None:
    put_parlay(tx)
    markets, events, days = figures(everything(tx, LONG_AFTER))
    assert markets == events == dict.fromkeys(TICKERS, "30.00")
    assert days == {None: "30.00"}


def test_facts_stay_as_they_were_known_and_hold_for_the_whole_event(tx: Connection) -> None:
    market_facts.learn(tx, [facts_of(A)])
    silent = MarketFacts(ticker=A, event_ticker="KXE0")
    market_facts.learn(tx, [silent, MarketFacts(ticker=B, event_ticker="KXE0", exclusive=None)])
    known = market_facts.of_events(tx, ["KXE0"])
    assert known[A] == facts_of(A)
    market_facts.learn(tx, [MarketFacts(ticker=B, event_ticker="KXE0", exclusive=False)])
    assert {each.exclusive for each in market_facts.of_events(tx, ["KXE0"]).values()} == {False}


def test_a_claim_is_made_of_a_quotes_legs_and_the_facts_of_their_markets(tx: Connection) -> None:
    quote = Book(tx).quote("30", (A, YES), (Y, NO))
    assert market_facts.claim_of(tx, quote) == claim_of("30", (A, YES), (Y, NO))


@pytest.mark.parametrize("seed", range(12))
def test_the_database_adds_up_what_the_claims_add_up_to_one_by_one(tx: Connection, seed: int) -> None:
    """Random books of parlays, hedges, ends and open checkouts, read whole and around one parlay."""
    random, book = Random(seed), Book(tx)
    held = _random_book(random, book)
    found = everything(tx, NOW)
    assert {ticker: event.exposure for ticker, event in found.events.items() if event.payouts} == {
        ticker: event.exposure for ticker, event in held.events.items() if event.payouts
    }
    assert found.days == held.days
    for _ in range(5):
        new = claim_of(str(random.randint(1, 90)), *_random_legs(random))
        exact = uses(around(tx, Scope(claim=new, reserved_at=NOW, exact=frozenset(Cap))), new)
        bounds = uses(around(tx, Scope(claim=new, reserved_at=NOW)), new)
        assert exact == uses(held, new)
        assert all(high.after >= use.after for high, use in zip(bounds, exact, strict=True))


def _random_book(random: Random, book: Book) -> Exposure:
    held, days = Exposure(), dict[date | None, Money]()
    for _ in range(30):
        payout, legs, own = str(random.randint(1, 90)), _random_legs(random), 0
        new = claim_of(payout, *legs)
        if random.random() < 0.2:
            book.offer(payout, *legs)
        else:
            own = random.randint(0, 100)
            parlay = book.sell(payout, *legs, hedge=str(own))
            if random.random() < 0.3:
                results.decide(book.tx, parlay, ParlayState.LOST)
                continue
        held = held.adding(new)
        net = max(new.payout - Money.of(own), Money.ZERO)
        days[new.ends_on] = days.get(new.ends_on, Money.ZERO) + net
    events = {name: _with_positions(random, book, event) for name, event in held.events.items()}
    return Exposure(events=events, days=days)


def _with_positions(random: Random, book: Book, event: EventClaims) -> EventClaims:
    markets = dict(event.markets)
    for ticker in sorted(markets):
        if random.random() < 0.5:
            count = Count.of(random.randint(1, 60))
            book.hold(ticker, NO, str(count))
            markets[ticker] = replace(markets[ticker], held_no=count)
    return replace(event, markets=markets, exclusive=EXCLUSIVE[event.event_ticker])


def _random_legs(random: Random) -> Legs:
    tickers = random.sample([f"{event}-{n}" for event in EXCLUSIVE for n in range(3)], random.randint(1, 4))
    legs, won = [], set()
    for ticker in tickers:
        event = ticker.rsplit("-", 1)[0]
        side = NO if event in won else random.choice((YES, NO))
        won |= {event} if side is YES else set()
        legs.append((ticker, side))
    return tuple(legs)


def test_parlays_of_an_older_database_keep_their_claims_and_events() -> None:
    engine = create_engine("sqlite://")
    with engine.begin() as tx:
        config = AlembicConfig()
        config.set_main_option("script_location", str(Path(__file__).parents[2] / "migrations"))
        config.attributes["connection"] = tx
        command.upgrade(config, "0001")
        _put_older(tx, 1, "open")
        _put_older(tx, 2, "lost")
        migrate.upgrade(tx)
        kept = tx.execute(select(parlay_legs.c.parlay_id, parlay_legs.c.claim_micros)).all()
        assert set(kept) == {("parlay-1", 30_000_000), ("parlay-2", None)}
        assert market_facts.known(tx, ["KXE0-1"]) == {
            "KXE0-1": MarketFacts(ticker="KXE0-1", event_ticker="KXE0")
        }
        assert figures(everything(tx, NOW)) == ({"KXE0-1": "30.00"}, {"KXE0": "30.00"}, {None: "30.00"})
        assert migrate.differences(tx) == []
    engine.dispose()


def _put_older(tx: Connection, number: int, state: str) -> None:
    """Store a parlay of one leg as version 0001 did."""
    names = {"id": f"parlay-{number}", "quote_id": f"quote-{number}", "session_id": f"cs_{number}"}
    amounts = {"stake_micros": 5_000_000, "payout_micros": 30_000_000}
    who = {"user_id": USER, "environment": "demo"}
    quote = {"fingerprint": "x", "probability": "0.1", "product": "0.1", "strategy": "none", "body": "{}"}
    times = {"created_ms": 0, "expires_ms": 0}
    leg = {"leg": 1, "ticker": f"KXE0-{number}", "bet": '{"event_ticker": "KXE0"}', "side": "yes"}
    money = {"ask_micros": 500_000, "amount_micros": 0}
    _insert(tx, "quotes", {"id": names["quote_id"], "advice": "{}", **quote, **who, **amounts, **times})
    _insert(tx, "parlays", {**names, **who, **amounts, "mode": "live", "state": state, "accepted_ms": 0})
    _insert(tx, "parlay_legs", {"parlay_id": names["id"], **leg, **money})


def _insert(tx: Connection, table: str, values: dict[str, object]) -> None:
    columns = ", ".join(values)
    named = ", ".join(f":{column}" for column in values)
    tx.execute(text(f"INSERT INTO {table} ({columns}) VALUES ({named})"), values)  # noqa: S608 - own names
