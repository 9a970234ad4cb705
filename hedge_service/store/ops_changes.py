"""Whether anything has changed that operators look at, and how much waits for them: cheap enough to poll."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import func, select

from hedge_service.core.orders import AttemptState
from hedge_service.store.payments import PaymentState
from hedge_service.store.schema import (
    attempts,
    audit,
    halts,
    inbox,
    leases,
    ledger_sets,
    order_events,
    payments,
    reconciliations,
)

if TYPE_CHECKING:
    from sqlalchemy.engine import Connection

_GROWING = (order_events, ledger_sets, halts, audit, reconciliations, inbox)
_IN_DOUBT = (AttemptState.UNKNOWN.value, AttemptState.PARKED.value)


@dataclass(frozen=True, slots=True, kw_only=True)
class Needs:
    """How many things may need a person: orders unknown or parked, payments parked, events put off."""

    orders: int
    payments: int
    inbox: int


def seen(tx: Connection) -> str:
    """Give a word that changes whenever something happens; its figures are read from the ends of indexes."""
    newest = tuple(select(func.max(table.c.id)).scalar_subquery() for table in _GROWING)
    waiting = select(func.count()).select_from(inbox).where(inbox.c.handled_ms.is_(None)).scalar_subquery()
    lease = select(func.max(leases.c.epoch)).scalar_subquery()
    ready = select(func.max(leases.c.reconciled_ms)).scalar_subquery()
    row = tx.execute(select(*newest, waiting, lease, ready)).one()
    return ".".join("-" if value is None else str(value) for value in row)


def needs(tx: Connection) -> Needs:
    """Count what may need a person."""
    doubted = select(func.count()).where(attempts.c.state.in_(_IN_DOUBT)).scalar_subquery()
    parked = select(func.count()).where(payments.c.state == PaymentState.PARKED.value).scalar_subquery()
    put_off = select(func.count()).where(inbox.c.handled_ms.is_(None), inbox.c.tries > 0).scalar_subquery()
    row = tx.execute(select(doubted, parked, put_off)).one()
    return Needs(orders=int(row[0]), payments=int(row[1]), inbox=int(row[2]))
