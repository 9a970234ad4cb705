"""How far a repeated search has got, so that a restart need not begin at the beginning."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import select, update

from hedge_service.clock import instant, millis
from hedge_service.store.rows import insert_if_absent
from hedge_service.store.schema import marks

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy.engine import Connection


def read(tx: Connection, name: str) -> datetime | None:
    """Give a mark, or None before its first."""
    found = tx.execute(select(marks.c.at_ms).where(marks.c.name == name)).scalar()
    return None if found is None else instant(found)


def put(tx: Connection, name: str, at: datetime) -> None:
    """Move a mark."""
    if not insert_if_absent(tx, marks, {"name": name, "at_ms": millis(at)}):
        tx.execute(update(marks).where(marks.c.name == name).values(at_ms=millis(at)))
