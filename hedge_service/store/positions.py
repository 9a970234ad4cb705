"""What is held of each market, changed only together with the ledger set that changed it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import Row, bindparam, delete, select

from hedge_service.core.ledger import Position
from hedge_service.core.market import Side
from hedge_service.core.money import Count, Money
from hedge_service.store.prepared import Prepared
from hedge_service.store.rows import insert_if_absent
from hedge_service.store.schema import positions

if TYPE_CHECKING:
    from sqlalchemy.engine import Connection


_HELD = Prepared(select(positions).where(positions.c.ticker == bindparam("key")))
_REMOVE = Prepared(delete(positions).where(positions.c.ticker == bindparam("key")))


def held(tx: Connection, ticker: str) -> Position | None:
    """Give what is held of a market; None when nothing is."""
    row = _HELD.one_or_none(tx, {"key": ticker})
    return None if row is None else _position(row)


def everything(tx: Connection) -> dict[str, Position]:
    """Give all that is held, by ticker."""
    rows = tx.execute(select(positions).order_by(positions.c.ticker))
    return {row.ticker: _position(row) for row in rows}


def put(tx: Connection, ticker: str, position: Position | None) -> None:
    """Store what is held of a market from now on; None or an empty position removes the row."""
    _REMOVE.run(tx, {"key": ticker})
    if position is None or not position.count:
        return
    values = {
        "ticker": ticker,
        "side": position.side.value,
        "count_centis": position.count.centis,
        "cost_micros": position.cost.micros,
    }
    insert_if_absent(tx, positions, values)


def _position(row: Row[Any]) -> Position:
    return Position(side=Side(row.side), count=Count(row.count_centis), cost=Money(row.cost_micros))
