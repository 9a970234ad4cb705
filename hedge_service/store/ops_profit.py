"""Realized profit and loss over time, added up in the database from the ledger; strategies of parlays."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import func, select

from hedge_service.clock import instant, millis
from hedge_service.core.ledger import INCOME_AND_EXPENSE
from hedge_service.core.money import Money
from hedge_service.store.schema import ledger_postings, ledger_sets, parlays, quotes

if TYPE_CHECKING:
    from datetime import datetime, timedelta

    from sqlalchemy import Select
    from sqlalchemy.engine import Connection

_ACCOUNTS = sorted(account.value for account in INCOME_AND_EXPENSE)
# Income is credited, and credits are negative.
_REALIZED = -func.sum(ledger_postings.c.micros)


@dataclass(frozen=True, slots=True, kw_only=True)
class Realized:
    """What was realized in one step of time."""

    begins_at: datetime
    amount: Money


def realized(tx: Connection, *, since: datetime, step: timedelta) -> tuple[Realized, ...]:
    """Add up by step, oldest first; steps are counted from 1970, and `since` begins one."""
    step_ms = round(step.total_seconds() * 1000)
    number = (ledger_sets.c.at_ms // step_ms).label("number")
    booked = (
        _booked()
        .with_only_columns(number, _REALIZED.label("micros"))
        .where(ledger_sets.c.at_ms >= millis(since))
        .group_by(number)
        .order_by(number)
    )
    return tuple(
        Realized(
            begins_at=instant(int(row.number) * step_ms),
            amount=Money(int(row.micros)),
        )
        for row in tx.execute(booked)
    )


def realized_before(tx: Connection, moment: datetime) -> Money:
    """Add up everything that was realized before a moment."""
    booked = _booked().with_only_columns(_REALIZED).where(ledger_sets.c.at_ms < millis(moment))
    micros = tx.execute(booked).scalar()
    return Money.ZERO if micros is None else Money(int(micros))


def strategies(tx: Connection, since: datetime) -> dict[str, str]:
    """Give the strategy of each parlay that was accepted from then on."""
    joined = select(parlays.c.id, quotes.c.strategy).join(quotes, quotes.c.id == parlays.c.quote_id)
    rows = tx.execute(joined.where(parlays.c.accepted_ms >= millis(since)))
    return {row.id: row.strategy for row in rows}


def _booked() -> Select[tuple[int]]:
    return (
        select(ledger_postings.c.micros)
        .join(ledger_sets, ledger_sets.c.id == ledger_postings.c.set_id)
        .where(ledger_postings.c.account.in_(_ACCOUNTS))
    )
