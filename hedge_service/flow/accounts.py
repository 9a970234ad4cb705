"""What users bought, won and hold."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hedge_service.core.history import LegMarketStatus, LegResult, LegView, ParlayStatus, PurchaseView
from hedge_service.core.market import Side
from hedge_service.core.money import Money, Price
from hedge_service.core.parlay import HedgeOutcome
from hedge_service.errors import BadRequest, NotFound
from hedge_service.logs import digest
from hedge_service.store import parlays

if TYPE_CHECKING:
    from sqlalchemy.engine import Connection

    from hedge_service.clock import Clock
    from hedge_service.store.db import Database
    from hedge_service.store.parlays import Parlay, ParlayLeg

STATUSES = {"won": ParlayStatus.WON, "lost": ParlayStatus.LOST}


class Accounts:
    """Answers the extension's history, claim and wallet calls from rows."""

    def __init__(self, *, database: Database, clock: Clock, log: Any) -> None:
        self._database = database
        self._clock = clock
        self._log = log

    async def history(self, user_id: str) -> tuple[PurchaseView, ...]:
        """List a user's parlays, newest first."""
        return await self._database.read(lambda tx: _views(tx, user_id))

    async def purchases(self, user_id: str) -> tuple[PurchaseView, ...]:
        """List a user's purchases, newest first."""
        return await self._database.read(lambda tx: _views(tx, user_id))

    async def claim(self, session_id: str) -> Money:
        """Credit a won parlay to its user's wallet, once. Raises NotFound and BadRequest."""
        now = self._clock.now()
        parlay = await self._database.read(lambda tx: parlays.by_session(tx, session_id))
        if parlay is None:
            raise NotFound("Parlay not found", "Check the session id.")
        if parlay.state != "won":
            raise BadRequest(
                "Parlay has not won or is not yet settled", "Claim after every leg is settled and won."
            )
        if not await self._database.write(lambda tx: parlays.claim(tx, parlay.id, now)):
            raise BadRequest("Winnings already claimed", "The amount is in the wallet.")
        self._log.info(
            "winnings.claimed",
            parlay_id=parlay.id,
            session=digest(session_id),
            amount_dollars=str(parlay.payout),
        )
        return parlay.payout

    async def wallet(self, user_id: str) -> Money:
        """Add up what a user has claimed."""
        return await self._database.read(lambda tx: parlays.claimed(tx, user_id))


def _views(tx: Connection, user_id: str) -> tuple[PurchaseView, ...]:
    return tuple(_view(parlay, parlays.legs(tx, parlay.id)) for parlay in parlays.of_user(tx, user_id))


def _view(parlay: Parlay, legs: tuple[ParlayLeg, ...]) -> PurchaseView:
    status = STATUSES.get(parlay.state, ParlayStatus.PENDING)
    claimable = status is ParlayStatus.WON and parlay.claimed_at is None
    return PurchaseView(
        id=parlay.id,
        session_id=parlay.session_id,
        stake=parlay.stake,
        payout=parlay.payout,
        bets=tuple(leg.bet for leg in legs),
        completed_at=parlay.accepted_at,
        hedge_executed=parlay.outcome == HedgeOutcome.EXECUTED.value,
        status=status,
        claimable=parlay.payout if claimable else Money.ZERO,
        claimed_at=parlay.claimed_at,
        legs=tuple(_leg(leg) for leg in legs),
    )


def _leg(leg: ParlayLeg) -> LegView:
    settled = leg.settled_at is not None and leg.value_micros is not None
    paid = None
    if leg.value_micros is not None:
        value = Price(leg.value_micros)
        paid = value if leg.bet.side is Side.YES else value.complement
    won = settled and paid == Price.of(1)
    result = LegResult.PENDING if not settled else LegResult.WIN if won else LegResult.LOSS
    return LegView(
        leg=leg.leg,
        ticker=leg.bet.ticker,
        option_id=leg.bet.option_id,
        market_status=LegMarketStatus.SETTLED if settled else LegMarketStatus.OPEN,
        outcome=result,
        settlement_price=paid if settled else None,
        checked_at=leg.checked_at,
        settled_at=leg.settled_at,
    )
