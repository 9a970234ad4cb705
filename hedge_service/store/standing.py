"""What monitoring reads of the database: the last good comparison, and how long hedges took."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from sqlalchemy import select

from hedge_service.clock import instant
from hedge_service.core.parlay import HedgeOutcome
from hedge_service.core.reconcile_views import Result
from hedge_service.store.rows import from_json
from hedge_service.store.schema import parlays, payments, reconciliations, summaries

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import datetime

    from sqlalchemy.engine import Connection


@dataclass(frozen=True, slots=True, kw_only=True)
class Hedging:
    """One parlay's way from the birth of its payment's event to the first summary with a proved outcome."""

    parlay_id: str
    revision: int
    outcome: str
    took: timedelta


def last_agreement(tx: Connection) -> datetime | None:
    """Give when the books last agreed with the exchange's; None: never."""
    newest = (
        select(reconciliations.c.at_ms)
        .where(reconciliations.c.result == Result.AGREES.value)
        .order_by(reconciliations.c.id.desc())
        .limit(1)
    )
    at_ms = tx.execute(newest).scalar()
    return None if at_ms is None else instant(at_ms)


def hedgings(tx: Connection, parlay_ids: Collection[str]) -> tuple[Hedging, ...]:
    """Tell of each parlay how long its hedge took; those without a proved summary are left out."""
    rows = tx.execute(
        select(
            parlays.c.id, payments.c.paid_ms, summaries.c.revision, summaries.c.made_ms, summaries.c.figures
        )
        .join(payments, payments.c.session_id == parlays.c.session_id)
        .join(summaries, summaries.c.parlay_id == parlays.c.id)
        .where(parlays.c.id.in_(sorted(parlay_ids)))
        .order_by(parlays.c.id, summaries.c.revision)
    )
    first: dict[str, Hedging] = {}
    for row in rows:
        outcome = str(from_json(row.figures)["outcome"])
        if outcome != HedgeOutcome.UNKNOWN.value and row.id not in first:
            took = timedelta(milliseconds=row.made_ms - row.paid_ms)
            first[row.id] = Hedging(parlay_id=row.id, revision=row.revision, outcome=outcome, took=took)
    return tuple(first.values())
