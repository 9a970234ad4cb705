"""The quote object of call 5, and its comparison with the one that call 6 sends back.

Source: the extension's contract. Money is text with two decimals; stake, percentages and contracts are
numbers.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from hedge_service.core.choice import ChosenBy
from hedge_service.core.hedging import total_amount, total_cost
from hedge_service.core.money import Money
from hedge_service.core.pricing import percent_text
from hedge_service.wire.extension.figures import dollars, iso, number

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from hedge_service.core.hedging import LegHedge, Strategy
    from hedge_service.core.parlay import Bet
    from hedge_service.core.pricing import Leg, ParlayPrice


class Correlations(StrEnum):
    """Where the joint probability comes from; only MODEL and PARTLY_MODEL rest on the model's answer."""

    INDEPENDENT = "independent"
    STRUCTURE = "structure"
    MODEL = "model"
    PARTLY_MODEL = "partly_model"
    PRODUCT = "product"


@dataclass(frozen=True, slots=True, kw_only=True)
class Analysis:
    """How the joint probability was found; the model's own words are empty without an answer of it."""

    correlations: Correlations
    why: str
    summary: str = ""
    risk: str = ""
    confidence: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """All that a quote tells; `bets`, `legs` and `hedges` are in the same order, `edge` is the house's.

    `chosen_by`: who chose the strategy, and why not the model.
    """

    quote_id: str
    created_at: datetime
    expires_at: datetime
    bets: tuple[Bet, ...]
    legs: tuple[Leg, ...]
    hedges: tuple[LegHedge, ...]
    price: ParlayPrice
    strategy: Strategy
    edge: Money
    analysis: Analysis
    chosen_by: ChosenBy = ChosenBy.DEFAULT


def quote_body(offer: Offer) -> dict[str, Any]:
    """Give the quote as plain JSON values."""
    return {
        "quoteId": offer.quote_id,
        "stake": dollars(offer.price.stake),
        "bets": [_bet(bet, leg) for bet, leg in zip(offer.bets, offer.legs, strict=True)],
        "analysis": _analysis(offer),
        "payout": _payout(offer.price),
        "house": _house(offer),
        "timestamp": iso(offer.created_at),
        "expiresAt": iso(offer.expires_at),
        "hedgingStrategy": _hedging(offer),
    }


def same_quote(stored: Any, echoed: Any) -> bool:
    """Say whether two JSON values are equal by value: 5 is 5.0, true is not 1, nothing added or left out."""
    if isinstance(stored, dict):
        return (
            isinstance(echoed, dict)
            and stored.keys() == echoed.keys()
            and all(same_quote(value, echoed[name]) for name, value in stored.items())
        )
    if isinstance(stored, list):
        return (
            isinstance(echoed, list)
            and len(stored) == len(echoed)
            and all(same_quote(*pair) for pair in zip(stored, echoed, strict=True))
        )
    if isinstance(stored, bool) or isinstance(echoed, bool):
        return stored is echoed
    return bool(stored == echoed)


def _bet(bet: Bet, leg: Leg) -> dict[str, Any]:
    return {
        "market": bet.market_title,
        "option": bet.option_label,
        "probability": number(leg.probability * 100),
    }


def _payout(price: ParlayPrice) -> dict[str, Any]:
    return {
        "naivePayout": _cents(price.naive_payout),
        "recommendedPayoutPercentage": number(price.share * 100),
        "adjustedPayout": _cents(price.payout),
        "potentialProfit": _cents(price.potential_profit),
        "effectiveOdds": str(price.effective_odds),
    }


_WHY = {
    Correlations.INDEPENDENT: "No two legs depend on each other, as far as the exchange's events tell.",
    Correlations.STRUCTURE: "What legs of one event have to do with each other follows from their markets.",
    Correlations.MODEL: "Legs of one event are priced with the language model's correlations.",
    Correlations.PARTLY_MODEL: "Some legs of one event are priced with the language model's correlations, "
    "others as if independent.",
    Correlations.PRODUCT: "Legs of one event are priced as if independent: product of probabilities.",
}
_CONFIDENCE = {
    Correlations.INDEPENDENT: "high",
    Correlations.STRUCTURE: "high",
    Correlations.MODEL: "medium",
    Correlations.PARTLY_MODEL: "low",
    Correlations.PRODUCT: "low",
}


def _analysis(offer: Offer) -> dict[str, Any]:
    joint, analysis = offer.price.joint, offer.analysis
    chance = percent_text(joint.q)
    every = "The one leg has" if len(offer.legs) == 1 else f"All {len(offer.legs)} legs have"
    return {
        "naiveCombinedProbability": percent_text(joint.product),
        "adjustedProbability": chance,
        "correlationFactor": number(joint.correlation_factor),
        "correlationAnalysis": _WHY[analysis.correlations],
        "correlationSource": analysis.correlations.value,
        "correlationReason": analysis.why,
        "reasoning": _or(analysis.summary, f"The payout is a share of the fair one at a chance of {chance}."),
        "riskAssessment": _or(analysis.risk, f"{every} to hit; the chance is {chance}."),
        "confidenceLevel": _or(analysis.confidence, _CONFIDENCE[analysis.correlations]),
    }


def _house(offer: Offer) -> dict[str, Any]:
    """Tell what the house expects to keep after the payment's fee and the hedge's costs."""
    losing = offer.edge < Money.ZERO
    return {
        "edge": _cents(offer.edge),
        "edgePercentage": percent_text(offer.edge.dollars / offer.price.stake.dollars),
        "warning": "At this stake the costs are more than the house's share." if losing else None,
    }


def _hedging(offer: Offer) -> dict[str, Any]:
    hedged = [hedge for hedge in offer.hedges if hedge.skip is None]
    return {
        "strategy": offer.strategy.value,
        "chosenBy": offer.chosen_by.value,
        "needsHedging": bool(hedged),
        "hedgeBets": [_hedge(hedge, offer.bets) for hedge in hedged],
        "totalHedgeCost": _cents(total_cost(hedged).ceil_to_cent()),
        "totalHedgeAmount": _cents(total_amount(hedged)),
        "skipped": [
            {"leg": hedge.leg.number, "reason": hedge.skip.value}
            for hedge in offer.hedges
            if hedge.skip is not None
        ],
    }


def _hedge(hedge: LegHedge, bets: Sequence[Bet]) -> Mapping[str, Any]:
    bet = bets[hedge.leg.number - 1]
    return {
        "leg": hedge.leg.number,
        **_bet(bet, hedge.leg),
        "hedgeAmount": _cents(hedge.amount),
        "contracts": number(hedge.contracts.contracts),
        "cost": _cents(hedge.cost.ceil_to_cent()),
        "potentialWin": _cents(hedge.potential_win),
        "ticker": bet.ticker,
        "marketId": bet.market_id,
        "side": bet.side.value,
    }


def _cents(money: Money) -> str:
    return str(money.floor_to_cent())


def _or(text: str, otherwise: str) -> str:
    return text or otherwise
