"""What a quote is decided from, out of what was seen and configured; and what the model is asked about it."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from hedge_service.core.choice import Facts, Measure, Rules
from hedge_service.core.hedge_caps import HedgeCaps
from hedge_service.core.hedging import Strategy
from hedge_service.core.rolling import NotOffered, sequence
from hedge_service.wire.advice import LegFacts, Question
from hedge_service.wire.advice_plans import PlanFacts

if TYPE_CHECKING:
    from hedge_service.config import Config
    from hedge_service.core.choice import Offered, Plan
    from hedge_service.core.money import Money
    from hedge_service.core.pricing import Leg
    from hedge_service.flow.gathering import Seen


def rules_of(config: Config) -> Rules:
    """Take price and plans from the configuration."""
    pricing, hedging, limits = config.pricing, config.hedging, config.limits
    return Rules(
        payout_share=pricing.payout_share,
        payment_fee_share=pricing.payment_fee_share,
        payment_fee_fixed=pricing.payment_fee_fixed_dollars,
        minimum_edge=pricing.minimum_edge,
        strategy=Strategy(hedging.strategy.value),
        measure=Measure(hedging.measure.value),
        ratio=hedging.delta_ratio,
        alpha=hedging.cvar_alpha,
        budget_share=hedging.cvar_budget_share,
        step=hedging.contract_step,
        slippage=hedging.max_slippage,
        drift_reserve=hedging.drift_reserve,
        caps=HedgeCaps(
            order=limits.max_order_dollars,
            parlay=limits.max_parlay_hedge_dollars,
            slippage=hedging.max_slippage,
            step=hedging.contract_step,
        ),
    )


def facts_of(stake: Money, seen: Seen, config: Config) -> Facts:
    """Give what is decided from before the model is asked."""
    rules = rules_of(config)
    rolling = rules.strategy is Strategy.ROLLING
    return Facts(
        stake=stake,
        legs=seen.legs,
        rules=rules,
        structure=seen.structure,
        books=seen.books,
        fees=seen.fees,
        sequence=_sequence(seen, config.hedging.roll_gap_s) if rolling else None,
    )


def question_of(seen: Seen, offered: Offered | None, measure: Measure) -> Question:
    """Describe the legs in the exchange's words, and the plans; without these, legs that share events."""
    if offered is None:
        return Question(legs=tuple(_leg(leg, seen) for leg in seen.sharing))
    return Question(
        legs=tuple(_leg(leg, seen) for leg in seen.legs),
        plans=tuple(_plan(plan) for plan in offered.plans),
        default=offered.default.value,
        measure=measure.value,
    )


def _sequence(seen: Seen, gap_s: float) -> tuple[int, ...] | NotOffered:
    order = sequence(seen.legs, seen.markets, timedelta(seconds=gap_s))
    return order if isinstance(order, NotOffered) else tuple(leg.number for leg in order)


def _leg(leg: Leg, seen: Seen) -> LegFacts:
    market, event = seen.markets[leg.ticker], seen.events.get(leg.event_ticker)
    return LegFacts(
        n=leg.number,
        ticker=leg.ticker,
        event_ticker=leg.event_ticker,
        event_title="" if event is None else event.title,
        market_title=market.title,
        yes_sub_title=market.yes_sub_title,
        side=leg.side,
        probability=leg.probability,
    )


def _plan(plan: Plan) -> PlanFacts:
    seen = plan.evaluation
    return PlanFacts(
        plan_id=plan.strategy.value,
        contracts={hedge.leg.number: hedge.contracts for hedge in plan.hedges if hedge.skip is None},
        ev=seen.ev,
        sd=seen.sd,
        worst=seen.worst,
        cvar=seen.cvar,
        p_loss=seen.p_loss,
        outlay=seen.outlay,
        fees=seen.fees,
    )
