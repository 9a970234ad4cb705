"""Everything that belongs to one parlay: what was promised, what was ordered, and what the books say."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import func, select

from hedge_service.clock import instant
from hedge_service.core.market import Side
from hedge_service.core.money import Count, Money, Price
from hedge_service.store import journal, parlays, payments, quotes, refunds
from hedge_service.store.rows import from_json
from hedge_service.store.schema import fills, ledger_postings, ledger_sets, order_events, summaries
from hedge_service.store.schema import parlays as parlay_rows

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Row
    from sqlalchemy.engine import Connection

    from hedge_service.core.journal import Attempt, Intent
    from hedge_service.core.parlay import Quote
    from hedge_service.store.parlays import Parlay, ParlayLeg
    from hedge_service.store.payments import Payment
    from hedge_service.store.refunds import DueRefund

MOST_EVENTS = 100
"""Events shown of one order, the newest: one that is parked for days is looked up once a minute."""
MOST_ROWS = 1_000
"""Fills, and sets of postings, shown of one parlay."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderEvent:
    """One event of an order's life, and what it rests on."""

    at: datetime
    event: str
    old_state: str | None
    new_state: str
    evidence: dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Tried:
    """An attempt with its events, oldest first; `left_out` counts older ones."""

    attempt: Attempt
    events: tuple[OrderEvent, ...]
    left_out: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """An intent and its attempts."""

    intent: Intent
    attempts: tuple[Tried, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class BookedFill:
    """An execution as booked; `price` is the YES price. One that was reversed counts no more."""

    trade_id: str
    client_order_id: str | None
    order_id: str
    ticker: str
    side: Side
    count: Count
    price: Price
    cost: Money
    fee: Money
    filled_at: datetime
    seen_at: datetime
    reversed_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class BookedSet:
    """One business event in the ledger: amounts by account, debits positive, together zero."""

    at: datetime
    kind: str
    cause: str
    ticker: str | None
    postings: tuple[tuple[str, Money], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """The latest account of a parlay's hedge."""

    revision: int
    made_at: datetime
    figures: dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Drilled:
    """A parlay with all that it came from and led to."""

    parlay: Parlay
    unhedged: str | None
    legs: tuple[ParlayLeg, ...]
    quote: Quote | None
    payment: Payment | None
    refund: DueRefund | None
    intents: tuple[Planned, ...]
    fills: tuple[BookedFill, ...]
    ledger: tuple[BookedSet, ...]
    summary: Summary | None


def drilled(tx: Connection, parlay_id: str) -> Drilled | None:
    """Read everything about one parlay; None when there is none."""
    parlay = parlays.get(tx, parlay_id)
    if parlay is None:
        return None
    unhedged = select(parlay_rows.c.unhedged).where(parlay_rows.c.id == parlay_id)
    return Drilled(
        parlay=parlay,
        unhedged=tx.execute(unhedged).scalar(),
        legs=parlays.legs(tx, parlay_id),
        quote=quotes.get(tx, parlay.quote_id),
        payment=payments.get(tx, parlay.session_id),
        refund=refunds.get(tx, parlay.session_id),
        intents=tuple(
            Planned(intent=intent, attempts=tuple(tried(tx, attempt) for attempt in made))
            for intent, made in journal.of_parlay(tx, parlay_id)
        ),
        fills=_fills(tx, parlay_id),
        ledger=_ledger(tx, parlay_id),
        summary=_summary(tx, parlay_id),
    )


def tried(tx: Connection, attempt: Attempt) -> Tried:
    """Give an attempt with its latest events."""
    same = order_events.c.client_order_id == attempt.client_order_id
    newest = select(order_events).where(same).order_by(order_events.c.id.desc()).limit(MOST_EVENTS)
    rows = tx.execute(newest).all()
    total = tx.execute(select(func.count()).select_from(order_events).where(same)).scalar_one()
    events = tuple(_event(row) for row in reversed(rows))
    return Tried(attempt=attempt, events=events, left_out=total - len(rows))


def _event(row: Row[Any]) -> OrderEvent:
    return OrderEvent(
        at=instant(row.at_ms),
        event=row.event,
        old_state=row.old_state,
        new_state=row.new_state,
        evidence=from_json(row.evidence),
    )


def _fills(tx: Connection, parlay_id: str) -> tuple[BookedFill, ...]:
    found = select(fills).where(fills.c.parlay_id == parlay_id).order_by(fills.c.filled_ms, fills.c.trade_id)
    return tuple(
        BookedFill(
            trade_id=row.trade_id,
            client_order_id=row.client_order_id,
            order_id=row.order_id,
            ticker=row.ticker,
            side=Side(row.side),
            count=Count(row.count_centis),
            price=Price(row.price_micros),
            cost=Money(row.cost_micros),
            fee=Money(row.fee_micros),
            filled_at=instant(row.filled_ms),
            seen_at=instant(row.seen_ms),
            reversed_at=None if row.reversed_ms is None else instant(row.reversed_ms),
        )
        for row in tx.execute(found.limit(MOST_ROWS))
    )


def _ledger(tx: Connection, parlay_id: str) -> tuple[BookedSet, ...]:
    found = select(ledger_sets).where(ledger_sets.c.parlay_id == parlay_id).order_by(ledger_sets.c.id)
    return tuple(
        BookedSet(
            at=instant(row.at_ms),
            kind=row.kind,
            cause=row.cause,
            ticker=row.ticker,
            postings=_postings(tx, row.id),
        )
        for row in tx.execute(found.limit(MOST_ROWS)).all()
    )


def _postings(tx: Connection, set_id: int) -> tuple[tuple[str, Money], ...]:
    lines = select(ledger_postings.c.account, ledger_postings.c.micros)
    rows = tx.execute(lines.where(ledger_postings.c.set_id == set_id).order_by(ledger_postings.c.id))
    return tuple((row.account, Money(row.micros)) for row in rows)


def _summary(tx: Connection, parlay_id: str) -> Summary | None:
    same = select(summaries).where(summaries.c.parlay_id == parlay_id)
    row = tx.execute(same.order_by(summaries.c.revision.desc()).limit(1)).one_or_none()
    if row is None:
        return None
    figures = from_json(row.figures)
    return Summary(revision=row.revision, made_at=instant(row.made_ms), figures=figures)
