"""Who did what, when and why."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import insert

from hedge_service.clock import millis
from hedge_service.store.rows import to_json
from hedge_service.store.schema import audit

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy.engine import Connection


def put(
    tx: Connection,
    *,
    actor: str,
    action: str,
    subject: str,
    reason: str,
    at: datetime,
    details: dict[str, Any] | None = None,
) -> None:
    """Record an act, in its own transaction."""
    row = {
        "at_ms": millis(at),
        "actor": actor,
        "action": action,
        "subject": subject,
        "reason": reason,
        "details": to_json({} if details is None else details),
    }
    tx.execute(insert(audit).values(**row))
