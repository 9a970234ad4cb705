"""What a quote offers: the decision as it is told and stored. Each refusal says what to do about it."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from hedge_service.clients.advisor import Advised, NotAdvised
from hedge_service.core.legs import outcomes
from hedge_service.core.minimum_stake import smallest_stake
from hedge_service.core.money import Money
from hedge_service.core.parlay import Quote, QuoteLeg
from hedge_service.core.pricing import percent_text
from hedge_service.errors import BadRequest
from hedge_service.flow.correlations import record_of
from hedge_service.flow.refusals import legs_text
from hedge_service.wire import advice_record
from hedge_service.wire.extension.quote import Analysis, Correlations, Offer, quote_body

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

    from hedge_service.clients.advisor import AdviceOutcome
    from hedge_service.config import Config, Limits
    from hedge_service.core.choice import Decision, Facts, Plan
    from hedge_service.core.hedging import LegHedge
    from hedge_service.core.legs import Match
    from hedge_service.core.parlay import Bet
    from hedge_service.core.pricing import Impossible
    from hedge_service.flow.gathering import Seen


@dataclass(frozen=True, slots=True, kw_only=True)
class Decided:
    """A decision with what it came from; `advice` is None when nothing was to be asked.

    `modelled`: the events of which only a model could tell how their legs hang together. `took_s`: pricing,
    the model and the choice, once the exchange was read.
    """

    seen: Seen
    facts: Facts
    decision: Decision
    advice: AdviceOutcome | None
    modelled: tuple[str, ...]
    took_s: float = 0.0

    @property
    def plan(self) -> Plan:
        """Give the plan that is bought."""
        return self.decision.choice.plan


def impossible(found: Impossible) -> BadRequest:
    """Give the refusal of legs that can't hit together."""
    return BadRequest(
        "The bets can't win together",
        f"{legs_text(found.legs)}: at most one of them can win. Remove one of them."
        if len(found.legs) == 2  # noqa: PLR2004 - a pair
        else f"{legs_text(found.legs)} can't all win. Remove one of them.",
        code=found.reason.value,
    )


def below_minimum_edge(facts: Facts, decision: Decision, limits: Limits) -> BadRequest:
    """Give the refusal of a stake that leaves the house too little, with the smallest that would do."""
    offered, least = decision.offered, facts.rules.minimum_edge
    price = offered.price
    by_payout = Money.floor(limits.max_payout_dollars.dollars * price.joint.q / price.share).floor_to_cent()
    most = min(limits.max_stake_dollars, by_payout)
    found = smallest_stake(facts, offered.modelled, most=most)
    edge = offered.plan(offered.default).edge
    share = "" if least is None else f" ({percent_text(least)} of the stake, minimum_edge)"
    title, advice = _instead(found, facts.stake)
    return BadRequest(
        title,
        f"It would not cover the costs and the least that the house keeps{share}. {advice}",
        code="below_minimum_edge",
        edge_dollars=str(edge),
        smallest_stake_dollars=None if found is None else str(found),
    )


def _instead(found: Money | None, asked: Money) -> tuple[str, str]:
    if found is None:
        return "These bets can't be taken now", "No stake would do: change the bets."
    if found < asked:
        # Whole lots make steps: one more contract may cost more than the larger stake brings.
        return "These bets can't be taken at this stake", f"Stake ${found} instead."
    return "The stake is too small for these bets", f"Stake at least ${found}."


def quote_of(decided: Decided, match: Match, *, quote_id: str, now: datetime, config: Config) -> Quote:
    """Give the quote as it is stored and told."""
    plan, price = decided.plan, decided.decision.offered.price
    environment = config.kalshi.environment.value
    offer = Offer(
        quote_id=quote_id,
        created_at=now,
        expires_at=now + timedelta(seconds=config.pricing.quote_ttl_s),
        bets=match.bets,
        legs=decided.seen.legs,
        hedges=plan.hedges,
        price=price,
        strategy=plan.strategy,
        edge=plan.edge,
        analysis=_analysis(decided),
        chosen_by=decided.decision.choice.by,
    )
    return Quote(
        id=quote_id,
        fingerprint=fingerprint(environment, offer.bets, price.stake),
        user_id=match.user_id,
        environment=environment,
        stake=price.stake,
        payout=price.payout,
        probability=price.joint.q,
        product=price.joint.product,
        strategy=plan.strategy.value,
        created_at=now,
        expires_at=offer.expires_at,
        legs=tuple(_quote_leg(bet, hedge) for bet, hedge in zip(offer.bets, plan.hedges, strict=True)),
        body=quote_body(offer),
        advice=_record(decided),
    )


def fingerprint(environment: str, bets: Iterable[Bet], stake: Money) -> str:
    """Give what two requests share when they ask for the same: environment, outcomes, stake."""
    parts = [environment, str(stake.micros), *sorted("/".join(pair) for pair in outcomes(bets))]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def _analysis(decided: Decided) -> Analysis:
    advice, rest = decided.advice, decided.decision.offered.price.joint.unmodelled
    if isinstance(advice, Advised):
        words = advice.advice
        return Analysis(
            correlations=_source(decided, _answered(decided.modelled, rest)),
            why="answered",
            summary=words.summary,
            risk=words.risk_assessment,
            confidence=words.confidence_level,
        )
    missed = isinstance(advice, NotAdvised) and decided.modelled
    why = advice.reason.value if missed and advice is not None else "not_needed"
    return Analysis(correlations=_source(decided, Correlations.PRODUCT), why=why)


def _answered(asked: tuple[str, ...], rest: tuple[str, ...]) -> Correlations:
    """Say whether the answer tells of all the events it was asked about, of some, or of none."""
    if not rest:
        return Correlations.MODEL
    return Correlations.PARTLY_MODEL if len(rest) < len(asked) else Correlations.PRODUCT


def _source(decided: Decided, modelled: Correlations) -> Correlations:
    """Give where the joint comes from: `modelled` where some event needed the model."""
    if decided.modelled:
        return modelled
    return Correlations.STRUCTURE if decided.seen.sharing else Correlations.INDEPENDENT


def _record(decided: Decided) -> Mapping[str, Any]:
    seen = decided.seen
    return {
        **record_of(decided.advice),
        "books_missed": seen.books_missed,
        "fees_assumed": sorted({leg.ticker for leg in seen.legs} - seen.fees.keys()),
        "decision": advice_record.write(decided.facts, decided.decision),
    }


def _quote_leg(bet: Bet, hedge: LegHedge) -> QuoteLeg:
    return QuoteLeg(
        leg=hedge.leg.number,
        bet=bet,
        ask=hedge.leg.ask,
        amount=hedge.amount,
        contracts=hedge.contracts,
        skip=None if hedge.skip is None else hedge.skip.value,
    )
