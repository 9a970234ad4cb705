"""What users bought, won and hold."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hedge_service.core.history import LegMarketStatus, LegResult, LegView, ParlayStatus, PurchaseView
from hedge_service.core.ledger import claimed
from hedge_service.core.money import Money
from hedge_service.core.parlay import HedgeOutcome
from hedge_service.core.settlement import NOTHING, WHOLE, ParlayState
from hedge_service.errors import BadRequest, Conflict, NotFound
from hedge_service.logs import digest
from hedge_service.store import charges, ledger, parlays, payouts
from hedge_service.store.charges import Hold

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy.engine import Connection

    from hedge_service.clock import Clock
    from hedge_service.store.db import Database
    from hedge_service.store.parlays import Parlay, ParlayLeg

HELD = {
    Hold.DISPUTED: "The payment of this parlay is under dispute",
    Hold.PARKED: "The payment of this parlay is being checked",
}
STATUSES: dict[str, ParlayStatus] = {
    ParlayState.WON: ParlayStatus.WON,
    ParlayState.LOST: ParlayStatus.LOST,
    ParlayState.VOID: ParlayStatus.VOID,
}


class Accounts:
    """Answers the extension's history, claim and wallet calls from rows."""

    def __init__(self, *, database: Database, clock: Clock, log: Any) -> None:
        self._database = database
        self._clock = clock
        self._log = log

    async def history(self, user_id: str) -> tuple[PurchaseView, ...]:
        """List a user's parlays, newest first; a void one is none."""
        views = await self._database.read(lambda tx: _views(tx, user_id))
        return tuple(view for view in views if view.status is not ParlayStatus.VOID)

    async def purchases(self, user_id: str) -> tuple[PurchaseView, ...]:
        """List a user's purchases, void ones included, newest first."""
        return await self._database.read(lambda tx: _views(tx, user_id))

    async def claim(self, session_id: str) -> Money:
        """Credit a won parlay to its user's wallet, once. Raises NotFound, BadRequest and Conflict."""
        now = self._clock.now()
        parlay = await self._database.read(lambda tx: parlays.by_session(tx, session_id))
        if parlay is None:
            raise NotFound("Parlay not found", "Check the session id.")
        if parlay.state != ParlayState.WON:
            raise BadRequest(
                "Parlay has not won or is not yet settled", "Claim after every leg is settled and won."
            )
        if not await self._database.write(lambda tx: _claim(tx, parlay, now)):
            raise BadRequest("Winnings already claimed", "The amount is in the wallet.")
        self._log.info(
            "winnings.claimed",
            parlay_id=parlay.id,
            session=digest(session_id),
            amount_dollars=str(parlay.payout),
        )
        return parlay.payout

    async def wallet(self, user_id: str) -> Money:
        """Give what a user has claimed and not been paid outside."""
        return await self._database.read(lambda tx: payouts.wallet(tx, user_id))


def _claim(tx: Connection, parlay: Parlay, now: datetime) -> bool:
    """Mark and book a claim in one transaction; the parlay's row decides between two at once.

    Raises Conflict while the payment is under dispute, or a person is looking at it.
    """
    held = charges.hold(tx, parlay.session_id)
    if held is not None:
        raise Conflict(HELD[held], "Nothing is lost. Try again later.", code=f"claim_{held.value}")
    if not parlays.claim(tx, parlay.id, now):
        return False
    return ledger.post(tx, claimed(parlay_id=parlay.id, payout=parlay.payout), now)


def _views(tx: Connection, user_id: str) -> tuple[PurchaseView, ...]:
    legs = parlays.legs_of_user(tx, user_id)
    return tuple(_view(parlay, legs.get(parlay.id, ())) for parlay in parlays.of_user(tx, user_id))


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
        legs=tuple(_leg(leg, void=status is ParlayStatus.VOID) for leg in legs),
    )


def _leg(leg: ParlayLeg, *, void: bool) -> LegView:
    return LegView(
        leg=leg.leg,
        ticker=leg.bet.ticker,
        option_id=leg.bet.option_id,
        market_status=LegMarketStatus.OPEN if leg.paid is None else LegMarketStatus.SETTLED,
        outcome=_result(leg, void=void),
        settlement_price=leg.paid,
        checked_at=leg.checked_at,
        settled_at=leg.settled_at,
    )


def _result(leg: ParlayLeg, *, void: bool) -> LegResult:
    if leg.paid is None:
        return LegResult.PENDING
    if leg.paid == WHOLE:
        return LegResult.WIN
    return LegResult.VOID if void and leg.paid != NOTHING else LegResult.LOSS
