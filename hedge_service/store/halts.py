"""The kill switch: the newest row decides, and survives restarts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import insert, select

from hedge_service.clock import millis
from hedge_service.store.prepared import Prepared
from hedge_service.store.schema import halts

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy.engine import Connection


_NEWEST = Prepared(select(halts.c.halted, halts.c.reason).order_by(halts.c.id.desc()).limit(1))


def reason(tx: Connection) -> str | None:
    """Give why sending is halted, or None when it is not."""
    row = _NEWEST.one_or_none(tx)
    return row.reason if row is not None and row.halted else None


def put(tx: Connection, *, halted: bool, reason: str, actor: str, at: datetime) -> None:
    """Record a halt or a resume, with who and why."""
    row = {"at_ms": millis(at), "halted": halted, "reason": reason, "actor": actor}
    tx.execute(insert(halts).values(**row))
