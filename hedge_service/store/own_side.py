"""Our side of a reconciliation, read from rows in one snapshot."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import or_, select

from hedge_service.clock import instant, millis
from hedge_service.core.market import BookSide, Side
from hedge_service.core.money import Count, Money, Price
from hedge_service.core.orders import AttemptState
from hedge_service.core.reconcile_views import OwnFill, OwnOrder, OwnPosition, OwnResult, OwnView
from hedge_service.store import positions
from hedge_service.store.schema import attempts, fills, intents, market_results

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from sqlalchemy import Row
    from sqlalchemy.engine import Connection

    from hedge_service.core.ledger import Position

AT_ONCE = 1_000


def own_view(
    tx: Connection,
    *,
    since: datetime | None,
    order_ids: Iterable[str],
    trade_ids: Iterable[str],
    tickers: Iterable[str],
) -> OwnView:
    """Read what can be compared with lists of the exchange.

    `since`: how far back those lists reach, None for ever; what they name is read however old it is.
    """
    held = positions.everything(tx)
    return OwnView(
        orders=_orders(tx, since, order_ids),
        fills=_fills(tx, since, trade_ids),
        positions=tuple(_position(ticker, one) for ticker, one in held.items()),
        results=_results(tx, {*tickers, *held}),
    )


def _position(ticker: str, held: Position) -> OwnPosition:
    centis = held.count.centis if held.side is Side.YES else -held.count.centis
    return OwnPosition(ticker=ticker, signed_centis=centis)


def _orders(tx: Connection, since: datetime | None, named: Iterable[str]) -> tuple[OwnOrder, ...]:
    both = select(attempts, intents.c.ticker, intents.c.side).join(
        intents, intents.c.id == attempts.c.intent_id
    )
    sent = attempts.c.first_sent_ms
    recent = sent.is_not(None) if since is None else sent >= millis(since)
    doubtful = attempts.c.state.in_([state.value for state in AttemptState if state.in_doubt])
    found = {row.client_order_id: row for row in tx.execute(both.where(or_(recent, doubtful)))}
    for part in _parts(set(named) - found.keys()):
        found |= {
            row.client_order_id: row for row in tx.execute(both.where(attempts.c.client_order_id.in_(part)))
        }
    return tuple(_order(row) for row in found.values())


def _order(row: Row[Any]) -> OwnOrder:
    times = (row.planned_ms, row.last_sent_ms, row.ended_ms)
    return OwnOrder(
        client_order_id=row.client_order_id,
        order_id=row.order_id,
        ticker=row.ticker,
        side=BookSide(row.side),
        state=AttemptState(row.state),
        count=Count(row.count_centis),
        filled=Count(row.fill_centis),
        first_sent_at=None if row.first_sent_ms is None else instant(row.first_sent_ms),
        changed_at=instant(max(time for time in times if time is not None)),
    )


def _fills(tx: Connection, since: datetime | None, named: Iterable[str]) -> tuple[OwnFill, ...]:
    every = select(fills)
    recent = every if since is None else every.where(fills.c.filled_ms >= millis(since))
    found = {row.trade_id: row for row in tx.execute(recent)}
    for part in _parts(set(named) - found.keys()):
        found |= {row.trade_id: row for row in tx.execute(every.where(fills.c.trade_id.in_(part)))}
    return tuple(_fill(row) for row in found.values())


def _fill(row: Row[Any]) -> OwnFill:
    return OwnFill(
        trade_id=row.trade_id,
        order_id=row.order_id,
        ticker=row.ticker,
        side=Side(row.side),
        count=Count(row.count_centis),
        cost=Money(row.cost_micros),
        fee=Money(row.fee_micros),
        filled_at=instant(row.filled_ms),
        seen_at=instant(row.seen_ms),
    )


def _results(tx: Connection, tickers: set[str]) -> tuple[OwnResult, ...]:
    return tuple(
        OwnResult(ticker=row.ticker, value=Price(row.value_micros), settled_at=instant(row.settled_ms))
        for part in _parts(tickers)
        for row in tx.execute(select(market_results).where(market_results.c.ticker.in_(part)))
    )


def _parts(ids: set[str]) -> Iterable[list[str]]:
    """Cut ids into parts, since a statement takes only so many values."""
    listed = sorted(ids)
    return (listed[start : start + AT_ONCE] for start in range(0, len(listed), AT_ONCE))
