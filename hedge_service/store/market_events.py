"""What happened in each market, in the order of its booking, for whoever works its books out anew."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from sqlalchemy import select

from hedge_service.core.ledger import BoughtFill
from hedge_service.core.market import Side
from hedge_service.core.market_books import BroughtIn, PaidOut
from hedge_service.core.money import Count, Money, Price
from hedge_service.store import books
from hedge_service.store.schema import fills, ledger_sets, market_results

if TYPE_CHECKING:
    from typing import Any

    from sqlalchemy import Row
    from sqlalchemy.engine import Connection

    from hedge_service.core.market_books import Event

SETTLED = "market_settled"
FILL = "fill"


def market_events(tx: Connection, ticker: str | None = None) -> dict[str, tuple[Event, ...]]:
    """Give the events of every market, or of one; executions that were reversed are left out."""
    events: dict[str, list[Event]] = defaultdict(list)
    opening = books.opening(tx)
    for held_of, held in () if opening is None else opening.held.items():
        if ticker in (None, held_of):
            events[held_of].append(BroughtIn(held))
    bought, wanted = select(fills), ledger_sets.c.kind.in_((FILL, SETTLED))
    sets = select(ledger_sets.c.cause, ledger_sets.c.kind, ledger_sets.c.ticker).where(wanted)
    if ticker is not None:
        bought, sets = bought.where(fills.c.ticker == ticker), sets.where(ledger_sets.c.ticker == ticker)
    executions = {f"{FILL}:{row.trade_id}": row for row in tx.execute(bought)}
    values = {row.ticker: Price(row.value_micros) for row in tx.execute(select(market_results))}
    for row in tx.execute(sets.order_by(ledger_sets.c.id)):
        if row.kind == SETTLED:
            events[row.ticker].append(PaidOut(values[row.ticker]))
        elif executions[row.cause].reversed_ms is None:
            events[row.ticker].append(bought_fill(executions[row.cause]))
    return {name: tuple(found) for name, found in events.items()}


def bought_fill(row: Row[Any]) -> BoughtFill:
    """Make an execution of its row."""
    return BoughtFill(
        trade_id=row.trade_id,
        ticker=row.ticker,
        side=Side(row.side),
        count=Count(row.count_centis),
        cost=Money(row.cost_micros),
        fee=Money(row.fee_micros),
        parlay_id=row.parlay_id,
    )
