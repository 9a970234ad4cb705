"""An operator's second try for what a parlay's plan did not buy."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from hedge_service.core import ids
from hedge_service.core.fees import FeeSchedule
from hedge_service.core.journal import Intent, reserved
from hedge_service.core.money import Money
from hedge_service.core.orders import Purpose, TimeInForce
from hedge_service.core.parlay import Mode
from hedge_service.core.plan import Caps
from hedge_service.core.rehedge import LegToHedge, rehedge
from hedge_service.core.settlement import ParlayState
from hedge_service.core.unhedged import hedges
from hedge_service.flow.operating import NotAllowed
from hedge_service.store import audit, journal, parlays, quotes
from hedge_service.wire.advice_record import fees_of

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy.engine import Connection

    from hedge_service.config import Config
    from hedge_service.core.plan import PlannedOrder
    from hedge_service.core.rehedge import NoOrder
    from hedge_service.core.unhedged import Worked
    from hedge_service.flow.operating import Operator
    from hedge_service.store.parlays import Parlay


@dataclass(frozen=True, slots=True, kw_only=True)
class Rehedged:
    """The new intents, and why other legs got none (by leg)."""

    intents: tuple[Intent, ...]
    skips: dict[int, NoOrder]


def rehedge_parlay(tx: Connection, parlay_id: str, config: Config, by: Operator) -> Rehedged:
    """Make new intents for what is unhedged of an open parlay, within the caps.

    The limit prices are the plan's own, however the market stands now. Raises NotAllowed.
    """
    parlay = _allowed(tx, parlay_id)
    worked = hedges(journal.of_parlay(tx, parlay_id))
    legs = {leg.leg.leg: leg for leg in _legs(tx, parlay, worked)}
    made = rehedge(
        legs.values(),
        max_slippage=config.hedging.max_slippage,
        caps=_caps(tx, config, worked, by.at),
    )
    new = tuple(_intent(parlay, order, legs[order.leg].next_sequence, config, by.at) for order in made.orders)
    for intent in new:
        journal.put_intent(tx, intent)
    _audit(tx, parlay_id, new, made.skips, by)
    return Rehedged(intents=new, skips=made.skips)


def _allowed(tx: Connection, parlay_id: str) -> Parlay:
    parlay = parlays.get(tx, parlay_id)
    if parlay is None:
        raise NotAllowed(f"there is no parlay {parlay_id}")
    if parlay.state != ParlayState.OPEN.value:
        raise NotAllowed(f"{parlay_id} is {parlay.state}: only an open parlay is hedged")
    if parlay.mode is Mode.DRY_RUN:
        raise NotAllowed(f"{parlay_id} was taken in dry run: its orders are never sent")
    return parlay


def _legs(tx: Connection, parlay: Parlay, worked: tuple[Worked, ...]) -> list[LegToHedge]:
    quote = quotes.get(tx, parlay.quote_id)
    fees = {} if quote is None else fees_of(quote)
    settled = {leg.leg for leg in parlays.legs(tx, parlay.id) if leg.settled_at is not None}
    return [
        LegToHedge(
            leg=leg,
            intents=tuple(each for each in worked if each[0].leg == leg.leg),
            settled=leg.leg in settled,
            fees=fees.get(leg.bet.ticker, FeeSchedule()),
        )
        for leg in (() if quote is None else quote.legs)
    ]


def _caps(tx: Connection, config: Config, worked: tuple[Worked, ...], at: datetime) -> Caps:
    limits = config.limits
    midnight = at.replace(hour=0, minute=0, second=0, microsecond=0)
    held = sum((reserved(intent, attempts) for intent, attempts in worked), Money.ZERO)
    return Caps(
        order=limits.max_order_dollars,
        parlay=max(limits.max_parlay_hedge_dollars - held, Money.ZERO),
        day_left=max(limits.max_day_hedge_dollars - journal.reserved_since(tx, midnight), Money.ZERO),
    )


def _intent(parlay: Parlay, order: PlannedOrder, sequence: int, config: Config, at: datetime) -> Intent:
    purpose = Purpose.HEDGE
    return Intent(
        id=ids.intent_id(parlay=parlay.id, leg=order.leg, purpose=purpose, sequence=sequence),
        parlay_id=parlay.id,
        leg=order.leg,
        purpose=purpose,
        sequence=sequence,
        ticker=order.ticker,
        side=order.side,
        count=order.count,
        price=order.price,
        max_cost=order.max_cost,
        time_in_force=TimeInForce(config.hedging.time_in_force.value),
        reduce_only=False,
        created_at=at,
        expires_at=at + timedelta(seconds=config.hedging.intent_ttl_s),
    )


def _audit(
    tx: Connection, parlay_id: str, new: tuple[Intent, ...], skips: dict[int, NoOrder], by: Operator
) -> None:
    details = {
        "intents": [f"leg {one.leg}: {one.count} of {one.ticker} at {one.price}" for one in new],
        "skips": {str(leg): reason.value for leg, reason in skips.items()},
    }
    audit.put(
        tx, actor=by.name, action="rehedge", subject=parlay_id, reason=by.reason, at=by.at, details=details
    )
