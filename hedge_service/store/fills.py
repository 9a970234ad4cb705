"""Executions: each booked once by its trade id, with its ledger set and its position in one commit."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import BindParameter, Row, bindparam, case, func, select, update

from hedge_service.clock import instant, millis
from hedge_service.core.ledger import BoughtFill, book_fill, late_settlement
from hedge_service.core.market import Side
from hedge_service.core.money import Count, Price
from hedge_service.core.orders import AttemptState
from hedge_service.core.reconcile_views import BY_HAND
from hedge_service.store import journal, ledger, positions
from hedge_service.store.prepared import Prepared
from hedge_service.store.reversals import take_back
from hedge_service.store.rows import insert_if_absent
from hedge_service.store.schema import attempts, fills, intents, market_results, parlays

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from sqlalchemy.engine import Connection

    from hedge_service.core.venue import VenueFill

IDS_AT_ONCE = 1_000
# The row's own figures come from the reply or the look-up that will end the doubt, not from its fills.
_NOT_PROVED = frozenset(
    {AttemptState.PLANNED, AttemptState.SENDING, AttemptState.UNKNOWN, AttemptState.PARKED}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Owner:
    """The attempt whose order was executed."""

    client_order_id: str
    intent_id: str
    parlay_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Unbooked:
    """An accepted order with executions that are not all in the ledger.

    `filled`: as its own count says; `booked`: what its executions in the ledger come to.
    """

    owner: Owner
    order_id: str
    ticker: str
    planned_at: datetime
    filled: Count
    booked: Count


@dataclass(frozen=True, slots=True, kw_only=True)
class Recount:
    """What an order's booked executions come to; `exact`: the attempt's figures are theirs.

    `late`: its attempt had ended with fewer contracts, `before`. `filled`: they end an order that rested.
    `reversed_id`: the trade id of an execution booked on a person's word that gave way to the exchange's.
    """

    exact: bool
    before: Count
    after: Count
    late: bool = False
    filled: bool = False
    reversed_id: str | None = None


def owner_of_order(tx: Connection, order_id: str) -> Owner | None:
    """Find the attempt that holds the exchange's order id."""
    return _owner(tx, attempts.c.order_id == order_id)


def owner_of_id(tx: Connection, client_order_id: str) -> Owner | None:
    """Find the attempt of our own order id."""
    return _owner(tx, attempts.c.client_order_id == client_order_id)


def known(tx: Connection, trade_ids: list[str]) -> set[str]:
    """Give those trade ids that are booked."""
    held: set[str] = set()
    for start in range(0, len(trade_ids), IDS_AT_ONCE):
        some = select(fills.c.trade_id).where(fills.c.trade_id.in_(trade_ids[start : start + IDS_AT_ONCE]))
        held.update(tx.execute(some).scalars())
    return held


def newest(tx: Connection) -> datetime | None:
    """Give when the latest booked execution happened, by the exchange's clock."""
    found = tx.execute(select(func.max(fills.c.filled_ms))).scalar()
    return None if found is None else instant(found)


def book(tx: Connection, fill: VenueFill, owner: Owner | None, at: datetime) -> bool:
    """Book one execution: mark, ledger set and position; False when it is booked already.

    Without an owner it belongs to no parlay; it counts in the position all the same.
    """
    if not insert_if_absent(tx, fills, _values(fill, owner, at)):
        return False
    bought = BoughtFill(
        trade_id=fill.trade_id,
        ticker=fill.ticker,
        side=fill.side.outcome,
        count=fill.count,
        cost=fill.cost,
        fee=fill.fee,
        parlay_id=None if owner is None else owner.parlay_id,
    )
    entry, held = book_fill(positions.held(tx, fill.ticker), bought)
    if not ledger.post(tx, entry, at):
        raise RuntimeError(f"the ledger holds {entry.cause} without its fill")
    positions.put(tx, fill.ticker, held)
    _settle_late(tx, fill, at)
    return True


def recount(tx: Connection, client_order_id: str, at: datetime) -> Recount:
    """Make an attempt's figures those of its executions, once these are all there.

    An ended attempt with more executions than it ended with keeps its state, but its figures become true.
    What a person said of it gives way to the first execution of the exchange's, which may say more or less.
    """
    row = _ATTEMPT.one(tx, {"key": client_order_id})
    state, before = AttemptState(row.state), Count(row.fill_centis)
    count, cost, fees, superseded = _sums(tx, client_order_id)
    if superseded:
        return _reversed(tx, row, at)
    if state in _NOT_PROVED:
        return Recount(exact=False, before=before, after=before)
    if count < before.centis:
        _set(tx, client_order_id, booked_centis=count)
        return Recount(exact=False, before=before, after=before)
    _make_exact(tx, row, min(count, row.count_centis), cost, fees)
    whole = state is AttemptState.RESTING and count >= row.count_centis
    if whole:
        # Executions of all that was ordered prove the end, whatever a list that lags still says.
        attempt, evidence = journal.get(tx, client_order_id), {"executions": str(Count(count))}
        journal.moved(tx, attempt, AttemptState.FILLED, at=at, event="order.filled", evidence=evidence)
    late = state.ended and count > before.centis
    if late:
        evidence = {"before": str(before), "after": str(Count(count))}
        journal.noted(tx, client_order_id, state, at=at, event="order.filled_late", evidence=evidence)
    return Recount(exact=True, before=before, after=Count(count), late=late, filled=whole)


def unbooked(tx: Connection, limit: int) -> tuple[Unbooked, ...]:
    """List accepted orders whose executions are not all booked, oldest first."""
    return tuple(_unbooked(row) for row in _UNBOOKED.all(tx, {"most": limit}))


def unbooked_of(tx: Connection, intent_ids: Sequence[str]) -> tuple[Unbooked, ...]:
    """List accepted orders of these intents whose executions are not all booked, oldest first."""
    return tuple(_unbooked(row) for row in _UNBOOKED_OF.all(tx, {"ids": intent_ids}))


_BOOKED = (
    select(func.coalesce(func.sum(fills.c.count_centis), 0))
    .where(fills.c.client_order_id == attempts.c.client_order_id, fills.c.reversed_ms.is_(None))
    .scalar_subquery()
)
_WAITING = (
    select(attempts, intents.c.parlay_id, intents.c.ticker, _BOOKED.label("booked"))
    .join(intents, intents.c.id == attempts.c.intent_id)
    .where(attempts.c.booked_centis != attempts.c.fill_centis, attempts.c.order_id.is_not(None))
    .order_by(attempts.c.planned_ms)
)
_UNBOOKED = Prepared(_WAITING.limit(bindparam("most")))
_UNBOOKED_OF = Prepared(_WAITING.where(attempts.c.intent_id.in_(bindparam("ids", expanding=True))))


def _unbooked(row: Row[Any]) -> Unbooked:
    return Unbooked(
        owner=Owner(client_order_id=row.client_order_id, intent_id=row.intent_id, parlay_id=row.parlay_id),
        order_id=row.order_id,
        ticker=row.ticker,
        planned_at=instant(row.planned_ms),
        filled=Count(row.fill_centis),
        booked=Count(int(row.booked)),
    )


def _owner(tx: Connection, condition: Any) -> Owner | None:
    found = (
        select(attempts.c.client_order_id, attempts.c.intent_id, intents.c.parlay_id)
        .join(intents, intents.c.id == attempts.c.intent_id)
        .where(condition)
    )
    row = tx.execute(found).one_or_none()
    if row is None:
        return None
    return Owner(client_order_id=row.client_order_id, intent_id=row.intent_id, parlay_id=row.parlay_id)


def _values(fill: VenueFill, owner: Owner | None, at: datetime) -> dict[str, Any]:
    return {
        "trade_id": fill.trade_id,
        "client_order_id": None if owner is None else owner.client_order_id,
        "order_id": fill.order_id,
        "parlay_id": None if owner is None else owner.parlay_id,
        "ticker": fill.ticker,
        "side": fill.side.outcome.value,
        "count_centis": fill.count.centis,
        "price_micros": fill.yes_price.micros,
        "cost_micros": fill.cost.micros,
        "fee_micros": fill.fee.micros,
        "filled_ms": millis(at if fill.created_time is None else fill.created_time),
        "seen_ms": millis(at),
    }


def _settle_late(tx: Connection, fill: VenueFill, at: datetime) -> None:
    """Pay a position out at once whose market was settled in the books before this execution was known."""
    value = _RESULT.scalar(tx, {"key": fill.ticker})
    held = None if value is None else positions.held(tx, fill.ticker)
    if value is None or held is None:
        return
    paid = Price(value) if held.side is Side.YES else Price(value).complement
    entry = late_settlement(trade_id=fill.trade_id, ticker=fill.ticker, held=held, value=paid)
    ledger.post(tx, entry, at)
    positions.put(tx, fill.ticker, None)
    # The exchange's figures for the market are worth comparing again.
    settled = market_results.c.ticker == fill.ticker
    tx.execute(update(market_results).where(settled).values(compared_ms=None))


def _reversed(tx: Connection, row: Row[Any], at: datetime) -> Recount:
    """Take back what a person said of an order whose own executions are here, and count only these."""
    key, trade_id = row.client_order_id, f"{BY_HAND}{row.client_order_id}"
    take_back(tx, trade_id, at)
    count, cost, fees, _ = _sums(tx, key)
    _make_exact(tx, row, min(count, row.count_centis), cost, fees)
    before, after = Count(row.fill_centis), Count(count)
    evidence = {"trade_id": trade_id, "before": str(before), "after": str(after)}
    journal.noted(tx, key, AttemptState(row.state), at=at, event="order.word_reversed", evidence=evidence)
    return Recount(exact=True, before=before, after=after, reversed_id=trade_id)


def _sums(tx: Connection, client_order_id: str) -> tuple[int, int, int, bool]:
    """Add an attempt's executions up; say whether one of a person's word stands beside the exchange's own."""
    keys = {"key": client_order_id, "by_hand": f"{BY_HAND}{client_order_id}"}
    count, cost, fees, rows, by_hand = (int(total) for total in _SUMS.one(tx, keys))
    return count, cost, fees, 0 < by_hand < rows


def _set(tx: Connection, client_order_id: str, **values: int) -> None:
    _SET.run(tx, {"key": client_order_id, **values})


def _make_exact(tx: Connection, row: Row[Any], filled: int, cost: int, fees: int) -> None:
    values = {"fill_centis": filled, "cost_micros": cost, "fees_micros": fees}
    _set(tx, row.client_order_id, **values, booked_centis=filled)
    if all(getattr(row, name) == value for name, value in values.items()):
        return
    journal.reserve_again(tx, row.intent_id)
    _RECALL.run(tx, {"key": row.intent_id})


# Statements of every execution are made once: building one takes several times as long as running it.
_KEY: BindParameter[str] = bindparam("key")
_ATTEMPT = Prepared(select(attempts).where(attempts.c.client_order_id == _KEY))
_RESULT = Prepared(select(market_results.c.value_micros).where(market_results.c.ticker == _KEY))
_ADDED = ("count_centis", "cost_micros", "fee_micros")
_SUMS = Prepared(
    select(
        *(func.coalesce(func.sum(fills.c[name]), 0).label(name) for name in _ADDED),
        func.count().label("rows"),
        func.count(case((fills.c.trade_id == bindparam("by_hand"), 1))).label("by_hand"),
    ).where(fills.c.client_order_id == _KEY, fills.c.reversed_ms.is_(None))
)
_SET = Prepared(update(attempts).where(attempts.c.client_order_id == _KEY))
_RECALL = Prepared(
    update(parlays)
    .where(
        parlays.c.id == select(intents.c.parlay_id).where(intents.c.id == _KEY).scalar_subquery(),
        parlays.c.revision > 0,
    )
    .values(figures_changed=True)
)
