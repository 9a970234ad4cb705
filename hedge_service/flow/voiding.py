"""Making a parlay void: nothing is owed for it but its stake, and nothing more is bought for it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hedge_service.core.ledger_back import win_undone
from hedge_service.core.settlement import ParlayState
from hedge_service.store import journal, ledger, parlays, refunds

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy.engine import Connection

    from hedge_service.store.parlays import Parlay


def void(tx: Connection, parlay: Parlay, at: datetime) -> bool:
    """Make a parlay void as the caller saw it; False when it stands otherwise by now, or is claimed."""
    seen = ParlayState(parlay.state)
    if not parlays.voided(tx, parlay.id, seen):
        return False
    journal.expire_hedges(tx, parlay.id, at)
    if seen is ParlayState.WON:
        undone = win_undone(parlay_id=parlay.id, stake=parlay.stake, payout=parlay.payout)
        ledger.post(tx, undone, at)
    return True


def void_and_refund(tx: Connection, parlay: Parlay, *, reason: str, at: datetime) -> bool:
    """Make a parlay void and owe its stake back, in one transaction; False as `void`."""
    if not void(tx, parlay, at):
        return False
    refunds.due(tx, parlay.session_id, parlay_id=parlay.id, reason=reason, at=at)
    return True
