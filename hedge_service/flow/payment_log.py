"""The log shape of payments: what became of one, and the plan that was chosen for it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hedge_service.flow.notes import tell
from hedge_service.logs import digest

if TYPE_CHECKING:
    from hedge_service.core.acceptance import ParkReason
    from hedge_service.core.plan import Plan
    from hedge_service.flow.accepting import Facts, Result
    from hedge_service.store.parlays import Parlay


def tell_payment(log: Any, facts: Facts, result: Result) -> None:
    """Log what a payment came to; nothing for one that was decided before."""
    if result.parked is not None:
        _parked(log, facts, result.parked)
    tell(log, result.notes)
    if result.parlay is None or result.plan is None or result.quote is None:
        return
    bound = log.bind(parlay_id=result.parlay.id)
    _confirmed(bound, facts, result.parlay, len(result.quote.legs))
    _strategy(bound, result.quote.strategy, result.plan)


def _parked(log: Any, facts: Facts, reason: ParkReason) -> None:
    log.error(
        "payment.parked",
        session=digest(facts.paid.session_id),
        event_id=facts.event.external_id,
        reason=reason.value,
        amount_cents=facts.paid.amount_cents,
        currency=facts.paid.currency,
    )


def _confirmed(log: Any, facts: Facts, parlay: Parlay, legs: int) -> None:
    log.info(
        "payment.confirmed",
        session=digest(facts.paid.session_id),
        event_id=facts.event.external_id,
        quote_id=parlay.quote_id,
        stake_dollars=str(parlay.stake),
        payout_dollars=str(parlay.payout),
        legs_cleared=legs,
    )


def _strategy(log: Any, strategy: str, plan: Plan) -> None:
    log.info(
        "strategy.chosen",
        strategy=strategy,
        orders=len(plan.orders),
        contracts=str(plan.contracts),
        max_cost_dollars=str(plan.max_cost),
        skips=[{"leg": skip.leg, "ticker": skip.ticker, "reason": skip.reason.value} for skip in plan.skips],
    )
