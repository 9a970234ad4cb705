"""What a user bought and what became of it, as the history shows it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime

    from hedge_service.core.money import Money, Price
    from hedge_service.core.parlay import Bet


class ParlayStatus(StrEnum):
    """Whether a parlay is decided: won only when every leg is final and won.

    Void ones are listed among the purchases only: the extension's contract has no word for them.
    """

    PENDING = "pending"
    WON = "won"
    LOST = "lost"
    VOID = "void"


class LegMarketStatus(StrEnum):
    """Whether the exchange has settled a leg's market, finally."""

    OPEN = "open"
    SETTLED = "settled"


class LegResult(StrEnum):
    """How a leg ended for the user; "void" is told of void parlays only, as above."""

    PENDING = "pending"
    WIN = "win"
    LOSS = "loss"
    VOID = "void"


@dataclass(frozen=True, slots=True, kw_only=True)
class LegView:
    """One leg of a bought parlay; `settlement_price` is what a contract of the leg's side paid."""

    leg: int
    ticker: str
    option_id: str
    market_status: LegMarketStatus
    outcome: LegResult
    settlement_price: Price | None
    checked_at: datetime | None
    settled_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class PurchaseView:
    """One bought parlay; `claimable` is zero unless it is won and not claimed yet."""

    id: str
    session_id: str
    stake: Money
    payout: Money
    bets: tuple[Bet, ...]
    completed_at: datetime
    hedge_executed: bool
    status: ParlayStatus
    claimable: Money
    claimed_at: datetime | None
    legs: tuple[LegView, ...]
