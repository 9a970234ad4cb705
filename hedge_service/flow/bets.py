"""Save a bet: the rules that hold over all bets of a user, decided in the transaction that saves it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hedge_service.errors import BadRequest
from hedge_service.store import bets

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from sqlalchemy.engine import Connection

    from hedge_service.core.parlay import Bet, NewBet

MOST_BETS = 50


def save(tx: Connection, bet: NewBet, at: datetime, *, most: int = MOST_BETS) -> Bet:
    """Save a bet, or give the saved one of the same ticker and side.

    Raises BadRequest when the user's bets are of another environment, or are `most` already.
    """
    saved = bets.of_user(tx, bet.user_id)
    if any(other.environment != bet.environment for other in saved):
        raise BadRequest(
            "A parlay never mixes environments", "Remove the saved bets of the other environment first."
        )
    if len(saved) >= most and not _holds(saved, bet):
        raise BadRequest("Too many bets", f"At most {most} bets can be saved; remove some first.")
    return bets.add(tx, bet, at)


def _holds(saved: Iterable[Bet], bet: NewBet) -> bool:
    return any((other.ticker, other.side) == (bet.ticker, bet.side) for other in saved)
