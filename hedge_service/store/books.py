"""How the exchange account stood when these books began: what was there before is not ours to explain."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from hedge_service.clock import instant, millis
from hedge_service.core.ledger import Position, books_opened
from hedge_service.core.market import Side
from hedge_service.core.money import Count, Money
from hedge_service.store import ledger, positions
from hedge_service.store.rows import from_json, insert_if_absent, to_json
from hedge_service.store.schema import identity

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from sqlalchemy.engine import Connection
OPENED = "books_opened"


@dataclass(frozen=True, slots=True)
class Opening:
    """When the books began, by the exchange's clock, and what the exchange account held at that time."""

    at: datetime
    cash: Money
    held: Mapping[str, Position]


def opening(tx: Connection) -> Opening | None:
    """Give the beginning of the books; None before the exchange was first read."""
    stored = tx.execute(select(identity.c.value).where(identity.c.name == OPENED)).scalar()
    if stored is None:
        return None
    row = from_json(stored)
    held = {ticker: _position(one) for ticker, one in row["positions"].items()}
    return Opening(instant(row["at_ms"]), Money(row["cash_micros"]), held)


def begin(tx: Connection, start: Opening, at: datetime) -> bool:
    """Begin the books with what the exchange account holds; False when they have begun already."""
    value = {
        "at_ms": millis(start.at),
        "cash_micros": start.cash.micros,
        "positions": {ticker: _row(one) for ticker, one in start.held.items()},
    }
    if not insert_if_absent(tx, identity, {"name": OPENED, "value": to_json(value)}):
        return False
    for ticker, position in start.held.items():
        positions.put(tx, ticker, position)
        ledger.post(tx, books_opened(ticker=ticker, held=position), at)
    return True


def _row(held: Position) -> dict[str, Any]:
    return {
        "side": held.side.value,
        "count_centis": held.count.centis,
        "cost_micros": held.cost.micros,
    }


def _position(row: dict[str, Any]) -> Position:
    return Position(side=Side(row["side"]), count=Count(row["count_centis"]), cost=Money(row["cost_micros"]))
