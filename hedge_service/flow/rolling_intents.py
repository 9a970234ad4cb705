"""A roll's decision carried out in one transaction: its record, its intents, and what is told of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hedge_service.core import ids
from hedge_service.core.journal import Intent
from hedge_service.core.orders import Purpose
from hedge_service.core.rolling_trade import NoRoll, Roll, Unwind, Wait
from hedge_service.core.unwinding import selling_intent
from hedge_service.flow.notes import Note
from hedge_service.store import journal, rolling

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from sqlalchemy.engine import Connection

    from hedge_service.core.market import Market
    from hedge_service.core.plan import PlannedOrder
    from hedge_service.core.rolling_trade import Decision, RollingParlay
    from hedge_service.core.unwinding import Unsold
    from hedge_service.flow.rolling_books import RollingRules

QUIET = frozenset({NoRoll.NO_NEWS, NoRoll.UNDER_WAY})
HEDGED, MISSED, NO_BID = "hedged", "leg_missed", "no_bid"


def carry_out(
    tx: Connection,
    parlay: RollingParlay,
    decision: Decision,
    markets: Mapping[str, Market],
    *,
    rules: RollingRules,
    now: datetime,
) -> tuple[Note, ...]:
    """Write what was decided; nothing for a roll that was made before."""
    match decision:
        case Wait():
            return () if decision.reason in QUIET else (_waits(parlay, decision),)
        case Roll():
            return _roll(tx, parlay, decision, markets, rules=rules, now=now)
        case Unwind():
            # A hedge bought from now on would hedge nothing.
            journal.expire_hedges(tx, parlay.id, now)
            said = {"parlay_id": parlay.id, "leg": decision.leg, "reason": MISSED}
            sales = (_sell(tx, sale, markets, said, rules=rules, now=now) for sale in decision.sales)
            return (Note(event="roll.skipped", fields=said), *sales)


def _roll(
    tx: Connection,
    parlay: RollingParlay,
    roll: Roll,
    markets: Mapping[str, Market],
    *,
    rules: RollingRules,
    now: datetime,
) -> tuple[Note, ...]:
    said = {"parlay_id": parlay.id, "hits": roll.hits, "leg": roll.leg}
    if not rolling.put(tx, parlay.id, roll.hits, _details(roll), now):
        return ()
    if roll.order is None:
        bought = Note(event="roll.skipped", fields=said | {"reason": HEDGED} | _counts(roll))
    else:
        intent = _intent(parlay.id, roll.hits, roll.order, rules, now)
        journal.put_intent(tx, intent)
        bought = _planned(intent, said | {"ask": str(roll.ask)} | _counts(roll))
    about = {"parlay_id": parlay.id, "hits": roll.hits}
    return (bought, *(_sell(tx, sale, markets, about, rules=rules, now=now) for sale in roll.sales))


def _sell(
    tx: Connection,
    sale: Unsold,
    markets: Mapping[str, Market],
    said: Mapping[str, Any],
    *,
    rules: RollingRules,
    now: datetime,
) -> Note:
    about = dict(said) | {"leg": sale.leg}
    market = markets.get(sale.ticker)
    slippage = rules.costs.slippage
    intent = (
        None
        if market is None
        else selling_intent(sale, market, now=now, max_slippage=slippage, ttl=rules.ttl)
    )
    if intent is None:
        return Note(event="roll.skipped", fields=about | {"reason": NO_BID})
    journal.put_intent(tx, intent)
    return _planned(intent, about)


def _intent(parlay_id: str, hits: int, order: PlannedOrder, rules: RollingRules, now: datetime) -> Intent:
    """Make the one intent of a roll: its sequence is the number of legs that have hit."""
    purpose = Purpose.ROLL
    return Intent(
        id=ids.intent_id(parlay=parlay_id, leg=order.leg, purpose=purpose.value, sequence=hits),
        parlay_id=parlay_id,
        leg=order.leg,
        purpose=purpose,
        sequence=hits,
        ticker=order.ticker,
        side=order.side,
        count=order.count,
        price=order.price,
        max_cost=order.max_cost,
        time_in_force=rules.time_in_force,
        reduce_only=False,
        created_at=now,
        expires_at=now + rules.ttl,
    )


def _waits(parlay: RollingParlay, wait: Wait) -> Note:
    fields = {"parlay_id": parlay.id, "hits": wait.hits, "leg": wait.leg, "reason": wait.reason.value}
    return Note(event="roll.skipped", fields=fields)


def _planned(intent: Intent, said: Mapping[str, Any]) -> Note:
    fields = {
        "direction": "sell" if intent.reduce_only else "buy",
        "ticker": intent.ticker,
        "contracts": str(intent.count),
        "price": str(intent.price),
    }
    return Note(event="roll.planned", fields=dict(said) | fields)


def _counts(roll: Roll) -> dict[str, str]:
    return {"target": str(roll.target), "held": str(roll.held)}


def _details(roll: Roll) -> dict[str, Any]:
    """Give what the roll's record keeps, so that it can be explained."""
    sales = [{"leg": sale.leg, "contracts": str(sale.count)} for sale in roll.sales]
    bought = None if roll.order is None else str(roll.order.count)
    return {"leg": roll.leg, "ask": str(roll.ask), "bought": bought, "sold": sales} | _counts(roll)
