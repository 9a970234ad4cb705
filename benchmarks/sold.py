"""Rows of sold parlays, as an accepted payment leaves them: what the dispatcher then sends."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import orjson
from sqlalchemy import insert

from benchmarks.exchange import MARKETS
from hedge_service.clock import millis
from hedge_service.core import ids
from hedge_service.store.rows import to_json
from hedge_service.store.schema import (
    attempts,
    bets,
    checkouts,
    intents,
    parlay_legs,
    parlays,
    quote_legs,
    quotes,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy.engine import Connection

MICROS = 1_000_000
PRICE_MICROS = 520_000
COUNT_CENTIS = 300
# As intake gives it to a first hedge.
SEQUENCE = 1
COST_MICROS = 1_700_000
STAKE_MICROS, PAYOUT_MICROS = 5 * MICROS, 30 * MICROS
LIFE = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class Sale:
    """One parlay: its number in the run, and how many of its legs are ordered."""

    number: int
    legs: int
    markets: int = len(MARKETS)

    @property
    def session_id(self) -> str:
        """Stripe's id of its checkout session."""
        return f"cs_test_bench_{self.number}"

    @property
    def quote_id(self) -> str:
        """The id of its quote."""
        return f"{self.number:032x}"

    @property
    def parlay_id(self) -> str:
        """The id of the parlay it becomes."""
        return ids.parlay_id(self.session_id)

    @property
    def reference(self) -> str:
        """The reference of its checkout."""
        return ids.checkout_reference(self.quote_id)

    @property
    def user_id(self) -> str:
        """Whose it is; four sales a user."""
        return f"user_{self.number // 4}"

    def ticker(self, leg: int) -> str:
        """Give the market of a leg."""
        return f"BENCH-{(self.number * 7 + leg) % self.markets:02}"

    def order_ids(self) -> list[str]:
        """Give the ids under which its orders reach the exchange."""
        return [
            ids.client_order_id(
                session_id=self.session_id, leg=leg, purpose="hedge", sequence=SEQUENCE, attempt=1
            )
            for leg in range(1, self.legs + 1)
        ]


def sales(first: int, orders: int, most_legs: int) -> list[Sale]:
    """Share a number of orders out over parlays of at most so many legs."""
    full, rest = divmod(orders, most_legs)
    legs = [most_legs] * full + [rest] * bool(rest)
    return [Sale(first + place, count) for place, count in enumerate(legs)]


def offer(tx: Connection, offered: list[Sale]) -> None:
    """Store quotes with their open checkouts: what a payment turns into a parlay."""
    now = datetime.now(UTC)
    tx.execute(insert(quotes), [quote_row(sale, now) for sale in offered])
    tx.execute(insert(quote_legs), [row for sale in offered for row in quote_leg_rows(sale)])
    tx.execute(insert(checkouts), [checkout_row(sale, now) for sale in offered])


def sell(tx: Connection, sold: list[Sale], *, hedged: bool = True) -> None:
    """Store parlays, with open intents for all their legs if they are to be hedged."""
    now = datetime.now(UTC)
    tx.execute(insert(quotes), [quote_row(sale, now) for sale in sold])
    tx.execute(insert(quote_legs), [row for sale in sold for row in quote_leg_rows(sale)])
    tx.execute(insert(parlays), [parlay_row(sale, now) for sale in sold])
    tx.execute(insert(parlay_legs), [row for sale in sold for row in leg_rows(sale)])
    if hedged:
        tx.execute(insert(intents), [row for sale in sold for row in intent_rows(sale, now)])


def save_bets(tx: Connection, sale: Sale, count: int) -> None:
    """Save bets of a sale's user."""
    rows = [orjson.loads(bet(sale, leg)) for leg in range(1, count + 1)]
    now = millis(datetime.now(UTC))
    tx.execute(insert(bets), [{**row, "added_ms": now} for row in rows])


def leave_unknown(tx: Connection, sold: list[Sale]) -> None:
    """Store one attempt of each intent whose outcome nobody saw."""
    now = datetime.now(UTC)
    tx.execute(insert(attempts), [row for sale in sold for row in attempt_rows(sale, now)])


def attempt_rows(sale: Sale, now: datetime) -> Iterator[dict[str, Any]]:
    """Give a sent attempt in doubt for each intent."""
    for intent, name in zip(intent_rows(sale, now), sale.order_ids(), strict=True):
        yield {
            "client_order_id": name,
            "intent_id": intent["id"],
            "number": 1,
            "count_centis": COUNT_CENTIS,
            "state": "unknown",
            "body": to_json(order_body(sale, intent["leg"], name)).encode(),
            "sends": 1,
            "in_doubt": True,
            "planned_ms": millis(now),
            "first_sent_ms": millis(now),
            "last_sent_ms": millis(now),
        }


def order_body(sale: Sale, leg: int, name: str) -> dict[str, Any]:
    """Give what was sent, as far as the stand-in reads it."""
    return {
        "ticker": sale.ticker(leg),
        "client_order_id": name,
        "side": "bid",
        "count": "3.00",
        "price": "0.5200",
    }


def checkout_row(sale: Sale, now: datetime) -> dict[str, Any]:
    """Give the open checkout of a quote."""
    return {
        "reference": sale.reference,
        "quote_id": sale.quote_id,
        "user_id": sale.user_id,
        "environment": "demo",
        "amount_cents": STAKE_MICROS // 10_000,
        "currency": "usd",
        "state": "open",
        "created_ms": millis(now),
        "window_ends_ms": millis(now + timedelta(minutes=30)),
        "session_expires_ms": millis(now + timedelta(minutes=31)),
        "session_id": sale.session_id,
    }


def quote_row(sale: Sale, now: datetime) -> dict[str, Any]:
    """Give the quote that was sold."""
    return {
        "id": sale.quote_id,
        "fingerprint": f"{sale.number:064x}",
        "user_id": sale.user_id,
        "environment": "demo",
        "stake_micros": STAKE_MICROS,
        "payout_micros": PAYOUT_MICROS,
        "probability": "0.1453",
        "product": "0.1453",
        "strategy": "bands",
        "created_ms": millis(now),
        "expires_ms": millis(now + LIFE),
        # About as long as what the extension is told.
        "body": to_json({"text": "x" * 3_000}),
        "advice": "{}",
    }


def quote_leg_rows(sale: Sale) -> Iterator[dict[str, Any]]:
    """Give the legs of a quote, each with three contracts to buy."""
    for leg in range(1, sale.legs + 1):
        yield {
            "quote_id": sale.quote_id,
            "leg": leg,
            "ticker": sale.ticker(leg),
            "bet": bet(sale, leg),
            "ask_micros": 500_000,
            "amount_micros": 1_500_000,
            "contracts_centis": COUNT_CENTIS,
        }


def parlay_row(sale: Sale, now: datetime) -> dict[str, Any]:
    """Give the parlay."""
    return {
        "id": sale.parlay_id,
        "session_id": sale.session_id,
        "quote_id": sale.quote_id,
        "user_id": sale.user_id,
        "environment": "demo",
        "mode": "live",
        "stake_micros": STAKE_MICROS,
        "payout_micros": PAYOUT_MICROS,
        "state": "open",
        "accepted_ms": millis(now),
        "ends_ms": millis(now + timedelta(days=sale.number % 7)),
    }


def leg_rows(sale: Sale) -> Iterator[dict[str, Any]]:
    """Give the parlay's legs."""
    for leg in range(1, sale.legs + 1):
        yield {
            "parlay_id": sale.parlay_id,
            "leg": leg,
            "ticker": sale.ticker(leg),
            "side": "yes",
            "bet": bet(sale, leg),
            "ask_micros": 500_000,
            "amount_micros": 1_500_000,
            "claim_micros": PAYOUT_MICROS,
        }


def intent_rows(sale: Sale, now: datetime) -> Iterator[dict[str, Any]]:
    """Give one open intent for each leg."""
    for leg in range(1, sale.legs + 1):
        yield {
            "id": ids.intent_id(parlay=sale.parlay_id, leg=leg, purpose="hedge", sequence=SEQUENCE),
            "parlay_id": sale.parlay_id,
            "leg": leg,
            "purpose": "hedge",
            "sequence": SEQUENCE,
            "ticker": sale.ticker(leg),
            "side": "bid",
            "count_centis": COUNT_CENTIS,
            "price_micros": PRICE_MICROS,
            "max_cost_micros": COST_MICROS,
            "time_in_force": "immediate_or_cancel",
            "created_ms": millis(now),
            "expires_ms": millis(now + LIFE),
            "reserved_micros": COST_MICROS,
        }


def bet(sale: Sale, leg: int) -> str:
    """Give a leg's bet as it is stored."""
    ticker = sale.ticker(leg)
    return to_json(
        {
            "id": leg,
            "user_id": sale.user_id,
            "market_id": ticker,
            "market_title": "Does the benchmark end?",
            "market_url": f"https://kalshi.com/markets/{ticker.lower()}",
            "image_url": None,
            "option_id": "yes",
            "option_label": "Yes",
            "prob": "50",
            "ticker": ticker,
            "event_ticker": f"{ticker}-EVENT",
            "side": "yes",
            "environment": "demo",
        }
    )
