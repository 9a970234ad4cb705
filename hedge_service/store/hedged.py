"""Which parlays' hedges need a decision: nothing or too little was bought, or too much is still held."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import case, func, select, update

from hedge_service.core.orders import Purpose
from hedge_service.core.parlay import HedgeOutcome, Mode
from hedge_service.core.settlement import ParlayState
from hedge_service.store.schema import attempts, intents, market_results, parlays

if TYPE_CHECKING:
    from sqlalchemy import Select
    from sqlalchemy.engine import Connection


def undecided(tx: Connection, limit: int) -> tuple[str, ...]:
    """List open live parlays of whose plan something was not bought, and about which nothing is decided."""
    working = select(intents.c.parlay_id).where(intents.c.ended_ms.is_(None))
    lacking = (HedgeOutcome.PARTIAL.value, HedgeOutcome.FAILED.value)
    waiting = (
        parlays.c.state == ParlayState.OPEN.value,
        parlays.c.mode == Mode.LIVE.value,
        parlays.c.unhedged.is_(None),
        parlays.c.outcome.in_(lacking),
        parlays.c.id.not_in(working),
    )
    found = select(parlays.c.id).where(*waiting).order_by(parlays.c.accepted_ms, parlays.c.id).limit(limit)
    return tuple(tx.execute(found).scalars())


def decided(tx: Connection, parlay_id: str, word: str) -> bool:
    """Record what was decided; False when it was decided before."""
    same = (parlays.c.id == parlay_id, parlays.c.unhedged.is_(None))
    return tx.execute(update(parlays).where(*same).values(unhedged=word)).rowcount == 1


def unsold(tx: Connection, limit: int) -> tuple[str, ...]:
    """List void live parlays that still hold contracts of a market whose result is not known."""
    return tuple(tx.execute(holding(ParlayState.VOID).limit(limit)).scalars())


def holding(state: ParlayState) -> Select[str]:
    """Select live parlays of a state that still hold contracts of a market whose result is not known."""
    sold = intents.c.purpose == Purpose.UNWIND.value
    held = func.sum(case((sold, -attempts.c.fill_centis), else_=attempts.c.fill_centis))
    settled = select(market_results.c.ticker)
    return (
        select(parlays.c.id)
        .join(intents, intents.c.parlay_id == parlays.c.id)
        .join(attempts, attempts.c.intent_id == intents.c.id)
        .where(parlays.c.state == state.value, parlays.c.mode == Mode.LIVE.value)
        .where(intents.c.ticker.not_in(settled))
        .group_by(parlays.c.id, intents.c.leg)
        .having(held > 0)
        .distinct()
    )
