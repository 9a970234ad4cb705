"""Executions booked on a person's word give way to the exchange's own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import select, update

from hedge_service.clock import millis
from hedge_service.core.money import Price
from hedge_service.core.reversing import reverse
from hedge_service.store import ledger, positions
from hedge_service.store.market_events import bought_fill, market_events
from hedge_service.store.schema import fills, market_results

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy.engine import Connection


def take_back(tx: Connection, trade_id: str, at: datetime) -> None:
    """Reverse a booked execution in ledger and position; its row stays, marked. Raises if it was reversed."""
    row = tx.execute(select(fills).where(fills.c.trade_id == trade_id)).one()
    wrong = bought_fill(row)
    value = tx.execute(select(market_results.c.value_micros).filter_by(ticker=wrong.ticker)).scalar()
    events = market_events(tx, wrong.ticker)[wrong.ticker]
    reversal = reverse(events, wrong, None if value is None else Price(value))
    for entry in reversal.sets:
        if not ledger.post(tx, entry, at):
            raise RuntimeError(f"the ledger holds {entry.cause}, and its execution is not reversed")
    positions.put(tx, wrong.ticker, reversal.held)
    tx.execute(update(fills).where(fills.c.trade_id == trade_id).values(reversed_ms=millis(at)))
    # The exchange's figures for a settled market are worth comparing again.
    settled = market_results.c.ticker == wrong.ticker
    tx.execute(update(market_results).where(settled).values(compared_ms=None))
