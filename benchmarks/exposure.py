"""Time the check of a quote against the exposure caps with 10,000 open parlays of three legs.

Run with `python -m benchmarks.exposure`. Goal: a few milliseconds inside the transaction that stores the
quote. `spread`: 300 markets over a week; `crowded`: all parlays share one event and end on one day. `far`
from the caps upper bounds decide; `near` them each parlay of the events and of the day is looked at too.
"""

from __future__ import annotations

import statistics
import time
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from sqlalchemy import create_engine, insert

from hedge_service.clock import millis
from hedge_service.core.exposure import Cap, Claim, LegClaim
from hedge_service.core.market import Side
from hedge_service.core.money import Money
from hedge_service.store import migrate
from hedge_service.store.exposure import Scope, around, everything
from hedge_service.store.rows import to_json
from hedge_service.store.schema import (
    checkouts,
    fills,
    market_facts,
    parlay_legs,
    parlays,
    positions,
    quote_legs,
    quotes,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sqlalchemy.engine import Connection

PARLAYS = 10_000
CHECKOUTS = 200
LEGS = 3
ROUNDS = 50
FAR, NEAR = frozenset[Cap](), frozenset(Cap)
NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
PAYOUT = Money.of("30.96")


class Book:
    """Where each parlay's legs are: markets two to an event, `events` of them, over `days` days."""

    def __init__(self, *, events: int, days: int) -> None:
        self.events = events
        self.days = days

    def legs(self, number: int) -> tuple[LegClaim, ...]:
        """Give a parlay's legs, in as many events as there are."""
        return tuple(self._leg(number * 7 + leg * 13, leg) for leg in range(LEGS))

    def _leg(self, seed: int, leg: int) -> LegClaim:
        event = f"KXBENCH-26NOV-{(seed + leg) % self.events:04}"
        side = Side.NO if seed % 3 == 0 else Side.YES
        return LegClaim(
            ticker=f"{event}-{leg % 2 if self.events > 1 else leg}", event_ticker=event, side=side
        )

    def ends_at(self, number: int) -> datetime:
        """Give when a parlay's last leg is expected to expire."""
        return NOW + timedelta(days=number % self.days)

    def claim(self) -> Claim:
        """Give one more parlay."""
        return Claim(payout=PAYOUT, legs=self.legs(1), ends_on=self.ends_at(1).date())


def fill(tx: Connection, book: Book) -> None:
    """Store open parlays with two executions each, their positions, and open checkouts."""
    count = PARLAYS + CHECKOUTS
    tx.execute(insert(quotes), [_quote(number) for number in range(count)])
    tx.execute(insert(quote_legs), [row for number in range(count) for row in _quote_legs(book, number)])
    tx.execute(insert(checkouts), [_checkout(number) for number in range(PARLAYS, count)])
    tx.execute(insert(parlays), [_parlay(book, number) for number in range(PARLAYS)])
    tx.execute(insert(parlay_legs), [row for number in range(PARLAYS) for row in _legs(book, number)])
    tx.execute(insert(fills), [row for number in range(PARLAYS) for row in _fills(book, number)])
    named = {leg.ticker: leg for number in range(count) for leg in book.legs(number)}
    tx.execute(insert(market_facts), [_facts(leg) for leg in named.values()])
    tx.execute(insert(positions), [_position(ticker) for ticker in named])


def timed(tx: Connection, work: Callable[[Connection], Any]) -> str:
    """Give the median and the worst time in milliseconds."""
    times = []
    for _ in range(ROUNDS):
        start = time.perf_counter()
        work(tx)
        times.append((time.perf_counter() - start) * 1000)
    return f"median {statistics.median(times):6.2f} ms, worst {max(times):6.2f} ms"


def main() -> None:
    """Measure and print."""
    for name, book in {"spread": Book(events=150, days=7), "crowded": Book(events=1, days=1)}.items():
        with TemporaryDirectory() as folder:
            engine = create_engine(f"sqlite:///{Path(folder) / 'bench.db'}")
            with engine.begin() as tx:
                migrate.upgrade(tx)
                fill(tx, book)
            with engine.begin() as tx:
                for words, exact in (("far from the caps", FAR), ("near the caps", NEAR)):
                    look = partial(around, scope=Scope(claim=book.claim(), reserved_at=NOW, exact=exact))
                    print(f"{name:8} {words:18} {timed(tx, look)}")
                start = time.perf_counter()
                everything(tx, NOW)
                print(f"{name:8} {'everything, once':18} {(time.perf_counter() - start) * 1000:13.2f} ms")
            engine.dispose()


def _quote(number: int) -> dict[str, Any]:
    return {
        "id": f"{number:032x}",
        "fingerprint": f"{number:064x}",
        "user_id": f"user_{number}",
        "environment": "demo",
        "stake_micros": 5_000_000,
        "payout_micros": PAYOUT.micros,
        "probability": "0.1453",
        "product": "0.1453",
        "strategy": "bands",
        "created_ms": millis(NOW),
        "expires_ms": millis(NOW),
        # About as long as what the extension is told.
        "body": to_json({"text": "x" * 3_000}),
        "advice": "{}",
    }


def _quote_legs(book: Book, number: int) -> Iterator[dict[str, Any]]:
    for n, leg in enumerate(book.legs(number), start=1):
        yield {
            "quote_id": f"{number:032x}",
            "leg": n,
            "ticker": leg.ticker,
            "bet": to_json({"side": leg.side.value, "event_ticker": leg.event_ticker, "title": "x" * 300}),
            "ask_micros": 500_000,
            "amount_micros": 2_000_000,
            "contracts_centis": 300,
        }


def _checkout(number: int) -> dict[str, Any]:
    return {
        "reference": f"hs-{number:032x}",
        "quote_id": f"{number:032x}",
        "user_id": f"user_{number}",
        "environment": "demo",
        "amount_cents": 500,
        "currency": "usd",
        "state": "open",
        "created_ms": millis(NOW),
        "window_ends_ms": millis(NOW + timedelta(minutes=30)),
        "session_expires_ms": millis(NOW + timedelta(minutes=31)),
    }


def _parlay(book: Book, number: int) -> dict[str, Any]:
    return {
        "id": f"p-{number:032x}",
        "session_id": f"cs_{number}",
        "quote_id": f"{number:032x}",
        "user_id": f"user_{number}",
        "environment": "demo",
        "mode": "live",
        "stake_micros": 5_000_000,
        "payout_micros": PAYOUT.micros,
        "state": "open",
        "accepted_ms": millis(NOW),
        "ends_ms": millis(book.ends_at(number)),
    }


def _legs(book: Book, number: int) -> Iterator[dict[str, Any]]:
    for n, leg in enumerate(book.legs(number), start=1):
        yield {
            "parlay_id": f"p-{number:032x}",
            "leg": n,
            "ticker": leg.ticker,
            "side": leg.side.value,
            "bet": to_json({"side": leg.side.value, "event_ticker": leg.event_ticker, "title": "x" * 300}),
            "ask_micros": 500_000,
            "amount_micros": 2_000_000,
            "claim_micros": PAYOUT.micros,
        }


def _fills(book: Book, number: int) -> Iterator[dict[str, Any]]:
    for n, leg in enumerate(book.legs(number)[:2], start=1):
        yield {
            "trade_id": f"trade-{number}-{n}",
            "order_id": f"order-{number}-{n}",
            "parlay_id": f"p-{number:032x}",
            "ticker": leg.ticker,
            "side": leg.side.value,
            "count_centis": 300,
            "price_micros": 500_000,
            "cost_micros": 1_500_000,
            "fee_micros": 52_500,
            "filled_ms": millis(NOW),
            "seen_ms": millis(NOW),
        }


def _facts(leg: LegClaim) -> dict[str, Any]:
    return {
        "ticker": leg.ticker,
        "event_ticker": leg.event_ticker,
        "mutually_exclusive": True,
        "expires_ms": millis(NOW),
    }


def _position(ticker: str) -> dict[str, Any]:
    return {"ticker": ticker, "side": "yes", "count_centis": 10_000, "cost_micros": 50_000_000}


if __name__ == "__main__":
    main()
