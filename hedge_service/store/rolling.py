"""Parlays hedged by rolling: which have news to trade on, and the rolls that were made."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import case, func, or_, select

from hedge_service.clock import millis
from hedge_service.core.hedging import Strategy
from hedge_service.core.market import MarketStatus
from hedge_service.core.settlement import ParlayState
from hedge_service.store.hedged import holding
from hedge_service.store.rows import insert_if_absent, to_json
from hedge_service.store.schema import parlay_legs, parlays, quotes, rolls

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from sqlalchemy import ColumnElement
    from sqlalchemy.engine import Connection

    from hedge_service.core.parlay import Mode

_DECIDED = (MarketStatus.DETERMINED.value, MarketStatus.FINALIZED.value)


def with_news(tx: Connection, mode: Mode, limit: int) -> tuple[str, ...]:
    """List open rolling parlays of a mode with more decided legs than were rolled for, oldest first.

    By the statuses that settlement last wrote down, so that nothing is asked while nothing is new. Once every
    leg is decided there is nothing left to trade.
    """
    decided = case((or_(parlay_legs.c.settled_ms.is_not(None), parlay_legs.c.market_status.in_(_DECIDED)), 1))
    rolled = (
        select(func.coalesce(func.max(rolls.c.hits), 0))
        .where(rolls.c.parlay_id == parlays.c.id)
        .correlate(parlays)
        .scalar_subquery()
    )
    found = (
        select(parlays.c.id)
        .join(quotes, quotes.c.id == parlays.c.quote_id)
        .join(parlay_legs, parlay_legs.c.parlay_id == parlays.c.id)
        .where(parlays.c.state == ParlayState.OPEN.value, parlays.c.mode == mode.value, _is_rolling())
        .group_by(parlays.c.id)
        .having(func.count(decided) > rolled, func.count(decided) < func.count())
        .order_by(parlays.c.accepted_ms, parlays.c.id)
        .limit(limit)
    )
    return tuple(tx.execute(found).scalars())


def left_over(tx: Connection, limit: int) -> tuple[str, ...]:
    """List lost live rolling parlays that still hold contracts of a market whose result is not known."""
    found = holding(ParlayState.LOST).join(quotes, quotes.c.id == parlays.c.quote_id).where(_is_rolling())
    return tuple(tx.execute(found.limit(limit)).scalars())


def rolled(tx: Connection, parlay_id: str) -> int:
    """Give the most hits that a roll was made for; 0 before the first."""
    most = select(func.coalesce(func.max(rolls.c.hits), 0)).where(rolls.c.parlay_id == parlay_id)
    return int(tx.execute(most).scalar_one())


def put(tx: Connection, parlay_id: str, hits: int, details: Mapping[str, Any], at: datetime) -> bool:
    """Record a roll; False when one was made for as many hits."""
    row = {"parlay_id": parlay_id, "hits": hits, "details": to_json(dict(details)), "made_ms": millis(at)}
    return insert_if_absent(tx, rolls, row)


def _is_rolling() -> ColumnElement[bool]:
    return quotes.c.strategy == Strategy.ROLLING.value
