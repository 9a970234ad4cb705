"""Final results of markets, kept since the exchange forgets them, and what they did to legs and positions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import bindparam, case, exists, func, select, union, update

from hedge_service.clock import instant, millis
from hedge_service.core.ledger import Account
from hedge_service.core.market import MarketStatus, Side
from hedge_service.core.money import Count, Money, Price
from hedge_service.core.settled_cash import BookedSettlement
from hedge_service.core.settlement import Ending, ParlayState
from hedge_service.store import claims
from hedge_service.store.prepared import Prepared
from hedge_service.store.rows import insert_if_absent
from hedge_service.store.schema import (
    fills,
    ledger_postings,
    ledger_sets,
    market_results,
    parlay_legs,
    parlays,
    positions,
)

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from sqlalchemy.engine import Connection

SETTLED = "market_settled"
OPENED = "books_opened"


@dataclass(frozen=True, slots=True, kw_only=True)
class MarketResult:
    """A market's final result; `settled_at` is when this service learned of it."""

    ticker: str
    ending: Ending
    settled_at: datetime


def put(tx: Connection, result: MarketResult) -> bool:
    """Keep a final result; False when the market has one already, which stands."""
    values = {
        "ticker": result.ticker,
        "result": result.ending.result,
        "value_micros": result.ending.value.micros,
        "settled_ms": millis(result.settled_at),
    }
    return insert_if_absent(tx, market_results, values)


def get(tx: Connection, ticker: str) -> MarketResult | None:
    """Find the final result of a market."""
    row = tx.execute(select(market_results).where(market_results.c.ticker == ticker)).one_or_none()
    if row is None:
        return None
    ending = Ending(row.result, Price(row.value_micros))
    return MarketResult(ticker=row.ticker, ending=ending, settled_at=instant(row.settled_ms))


def unresolved(tx: Connection) -> tuple[str, ...]:
    """List the markets to ask about: no result yet, and a leg or a position waits for one."""
    known = select(market_results.c.ticker)
    return tuple(sorted(set(_waiting(tx)) - set(tx.execute(known).scalars())))


def resolvable(tx: Connection) -> tuple[str, ...]:
    """List the markets whose result is kept, but which have a leg or a (late) position not settled by it."""
    known = select(market_results.c.ticker)
    return tuple(sorted(set(_waiting(tx)) & set(tx.execute(known).scalars())))


def checked(tx: Connection, statuses: Iterable[tuple[str, MarketStatus]], at: datetime) -> None:
    """Record how markets that are not final stand, on every leg that waits for them."""
    values = {"checked_ms": millis(at)}
    rows = [{"key": ticker, "market_status": status.value, **values} for ticker, status in statuses]
    _CHECK.each(tx, rows)


_CHECK = Prepared(
    update(parlay_legs).where(parlay_legs.c.ticker == bindparam("key"), parlay_legs.c.settled_ms.is_(None))
)


def settle_legs(tx: Connection, result: MarketResult, at: datetime) -> int:
    """Settle every leg of a market that is not settled yet; give how many."""
    waiting = (parlay_legs.c.ticker == result.ticker, parlay_legs.c.settled_ms.is_(None))
    values = {
        "market_status": MarketStatus.FINALIZED.value,
        "value_micros": result.ending.value.micros,
        "checked_ms": millis(at),
        "settled_ms": millis(result.settled_at),
    }
    return tx.execute(update(parlay_legs).where(*waiting).values(**values)).rowcount


def undecided(tx: Connection, ticker: str | None = None) -> tuple[str, ...]:
    """List open parlays with a settled leg (of that market, when one is named), oldest first."""
    settled = select(parlay_legs.c.parlay_id).where(parlay_legs.c.settled_ms.is_not(None))
    if ticker is not None:
        settled = settled.where(parlay_legs.c.ticker == ticker)
    still_open = (parlays.c.state == ParlayState.OPEN.value, parlays.c.id.in_(settled))
    found = select(parlays.c.id).where(*still_open).order_by(parlays.c.accepted_ms, parlays.c.id)
    return tuple(tx.execute(found).scalars())


def decide(tx: Connection, parlay_id: str, state: ParlayState) -> bool:
    """End an open parlay; False when it has ended already. The row decides between two that try."""
    still_open = (parlays.c.id == parlay_id, parlays.c.state == ParlayState.OPEN.value)
    if tx.execute(update(parlays).where(*still_open).values(state=state.value)).rowcount != 1:
        return False
    claims.release(tx, parlay_id)
    return True


def uncompared(tx: Connection, before: datetime) -> tuple[MarketResult, ...]:
    """List results, learned before a time, whose booked settlement the exchange's list has not confirmed."""
    settled = exists().where(ledger_sets.c.ticker == market_results.c.ticker, ledger_sets.c.kind == SETTLED)
    due = (market_results.c.compared_ms.is_(None), market_results.c.settled_ms <= millis(before), settled)
    found = tx.execute(select(market_results.c.ticker).where(*due).order_by(market_results.c.settled_ms))
    results = (get(tx, ticker) for ticker in found.scalars().all())
    return tuple(result for result in results if result is not None)


def booked(tx: Connection, ticker: str) -> BookedSettlement:
    """Add up a market's fills, and what its settlement paid by the ledger."""
    signed = case((fills.c.side == Side.YES.value, fills.c.count_centis), else_=-fills.c.count_centis)
    total = select(
        func.coalesce(func.sum(signed), 0).label("centis"),
        func.coalesce(func.sum(fills.c.fee_micros), 0).label("fees"),
    )
    row = tx.execute(total.where(fills.c.ticker == ticker, fills.c.reversed_ms.is_(None))).one()
    net = int(row.centis)
    opening = exists().where(ledger_sets.c.ticker == ticker, ledger_sets.c.kind == OPENED)
    return BookedSettlement(
        yes=Count(max(net, 0)),
        no=Count(max(-net, 0)),
        fees=Money(int(row.fees)),
        opened=tx.execute(select(opening)).scalar_one(),
        revenue=_revenue(tx, ticker),
    )


def compared(
    tx: Connection, ticker: str, at: datetime, *, paid: Money | None = None, fees: Money | None = None
) -> None:
    """Record that both sides' figures were compared, and the exchange's own where it told them."""
    values: dict[str, int] = {"compared_ms": millis(at)}
    if paid is not None and fees is not None:
        values |= {"paid_micros": paid.micros, "paid_fees_micros": fees.micros}
    tx.execute(update(market_results).where(market_results.c.ticker == ticker).values(**values))


def _revenue(tx: Connection, ticker: str) -> Money:
    total = (
        select(func.coalesce(func.sum(ledger_postings.c.micros), 0))
        .join(ledger_sets, ledger_sets.c.id == ledger_postings.c.set_id)
        .where(ledger_sets.c.ticker == ticker, ledger_sets.c.kind == SETTLED)
        .where(ledger_postings.c.account == Account.EXCHANGE_CASH.value)
    )
    return Money(int(tx.execute(total).scalar_one()))


def _waiting(tx: Connection) -> tuple[str, ...]:
    legs = select(parlay_legs.c.ticker).where(parlay_legs.c.settled_ms.is_(None))
    held = select(positions.c.ticker).where(positions.c.count_centis > 0)
    return tuple(tx.execute(union(legs, held)).scalars())
