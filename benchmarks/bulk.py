"""A database with a past: so many orders and as many ledger postings, made by the bulk SQL beside this file.

Parlays of four legs, all decided and settled long ago, with what their life leaves behind: quotes, legs,
intents, attempts, events, executions, a summary, ledger sets. Times lie before the exchange's archives begin.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from hedge_service.clock import millis

if TYPE_CHECKING:
    from sqlalchemy.engine import Connection

LEGS = 4
AGE = timedelta(days=400)
STATEMENTS = tuple(Path(__file__).with_suffix(".sql").read_text().split(";\n")[:-1])


def grow(tx: Connection, orders: int) -> None:
    """Give a migrated, empty database so many orders and ledger postings."""
    values = {"n": orders // LEGS, "at": millis(datetime.now(UTC) - AGE)}
    for statement in STATEMENTS:
        tx.exec_driver_sql(statement, values)
