"""What a quote offers: the decisions, without a wait. Each refusal says what to do about it."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from hedge_service.clients.advisor import Advised
from hedge_service.core.fees import FeeSchedule, payment_fee
from hedge_service.core.hedging import Strategy, hedge_amounts
from hedge_service.core.legs import outcomes
from hedge_service.core.money import Money
from hedge_service.core.parlay import Quote, QuoteLeg
from hedge_service.core.pricing import Impossible, Joint, Leg, ParlayPrice, edge, joint
from hedge_service.errors import BadRequest, Conflict, Peer, PeerUnavailable
from hedge_service.flow.correlations import pairs_of, record_of
from hedge_service.flow.refusals import check_payout, legs_text
from hedge_service.wire.extension.quote import Analysis, Correlations, Offer, quote_body

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import datetime

    from hedge_service.clients.advisor import AdviceOutcome
    from hedge_service.config import Config
    from hedge_service.core.hedging import LegHedge
    from hedge_service.core.legs import Match
    from hedge_service.core.market import Market
    from hedge_service.core.parlay import AskedQuote, Bet
    from hedge_service.core.venue import MarketList


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What the exchange and the model said about the legs; `advice` is None when nothing was to be asked."""

    legs: tuple[Leg, ...]
    exclusive_events: frozenset[str]
    advice: AdviceOutcome | None


def priced_legs(bets: Sequence[Bet], markets: MarketList, now: datetime) -> tuple[Leg, ...]:
    """Price each leg at its ask. Raises Conflict, or PeerUnavailable, naming the first leg that has none."""
    return tuple(_leg(number, bet, markets, now) for number, bet in enumerate(bets, start=1))


def joint_of(legs: Sequence[Leg], exclusive_events: frozenset[str], advice: AdviceOutcome | None) -> Joint:
    """Give the joint probability. Raises BadRequest for legs that can't hit together."""
    try:
        return joint(legs, pairs_of(advice), exclusive_events)
    except Impossible as found:
        raise BadRequest(
            "The bets can't win together",
            f"{legs_text(found.legs)}: at most one of them can win. Remove one of them.",
            code=found.reason.value,
        ) from None


def decide(
    asked: AskedQuote, match: Match, seen: Seen, *, quote_id: str, now: datetime, config: Config
) -> tuple[Quote, Money]:
    """Price the legs, choose the hedge and give the quote with the house's edge. Raises as the checks do."""
    probability = joint_of(seen.legs, seen.exclusive_events, seen.advice)
    price = ParlayPrice(stake=asked.stake, share=config.pricing.payout_share, joint=probability)
    check_payout(price, config.limits)
    hedges = _hedges(price, seen.legs, config)
    offer = Offer(
        quote_id=quote_id,
        created_at=now,
        expires_at=now + timedelta(seconds=config.pricing.quote_ttl_s),
        bets=match.bets,
        legs=seen.legs,
        hedges=hedges,
        price=price,
        strategy=Strategy(config.hedging.strategy.value),
        edge=_edge(price, hedges, config),
        analysis=_analysis(probability, seen.advice),
    )
    return _quote(offer, match.user_id, config.kalshi.environment.value, seen.advice), offer.edge


def fingerprint(environment: str, bets: Iterable[Bet], stake: Money) -> str:
    """Give what two requests share when they ask for the same: environment, outcomes, stake."""
    parts = [environment, str(stake.micros), *sorted("/".join(pair) for pair in outcomes(bets))]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def _leg(number: int, bet: Bet, markets: MarketList, now: datetime) -> Leg:
    market = markets.found.get(bet.ticker)
    if market is None and bet.ticker in markets.unreadable:
        raise PeerUnavailable(
            Peer.EXCHANGE, details=f"{_named(number, bet)} can't be priced now. Try again later."
        )
    trouble = _trouble(market, bet, now)
    ask = None if market is None else market.ask(bet.side)
    if trouble is not None or ask is None or market is None:
        details = f"{_named(number, bet)}: {trouble}. Remove it, or try again later."
        raise Conflict("A bet can't be taken now", details, code="market_not_open", ticker=bet.ticker)
    return Leg(number=number, ticker=bet.ticker, event_ticker=market.event_ticker, side=bet.side, ask=ask)


def _trouble(market: Market | None, bet: Bet, now: datetime) -> str | None:
    if market is None:
        return "the exchange no longer lists its market"
    if not market.binary:
        return "its market does not pay all or nothing"
    if not market.open_at(now):
        return f"its market is not open (it is {_state(market, now)})"
    ask = market.ask(bet.side)
    # $0 and $1 are no orders' prices: where the exchange tells them, nobody offers.
    if ask is None or not 0 < ask.dollars < 1:
        return "nobody offers it on the exchange"
    return None


def _state(market: Market, now: datetime) -> str:
    return "past its close" if now >= market.close_time else market.status.value


def _hedges(price: ParlayPrice, legs: Sequence[Leg], config: Config) -> tuple[LegHedge, ...]:
    return hedge_amounts(
        Strategy(config.hedging.strategy.value),
        stake=price.stake,
        payout=price.payout,
        legs=legs,
        contract_step=config.hedging.contract_step,
        ratio=config.hedging.delta_ratio,
    )


def _edge(price: ParlayPrice, hedges: Sequence[LegHedge], config: Config) -> Money:
    """Give the house's expected profit if the hedges are bought at the quoted asks.

    q is made of the same asks, so the contracts themselves are fair bets and cost only their fees.
    """
    standard = FeeSchedule()
    fees = (standard.taker(hedge.contracts, hedge.leg.ask) for hedge in hedges)
    charge = payment_fee(
        price.stake,
        share=config.pricing.payment_fee_share,
        fixed=config.pricing.payment_fee_fixed_dollars,
    )
    return edge(
        stake=price.stake,
        payment_fee=charge,
        payout=price.payout,
        q=price.joint.q,
        hedge_cost=Money.ZERO,
        fees=sum(fees, Money.ZERO),
    )


def _analysis(probability: Joint, advice: AdviceOutcome | None) -> Analysis:
    if isinstance(advice, Advised):
        words, partly = advice.advice, bool(probability.unmodelled)
        return Analysis(
            correlations=Correlations.PARTLY_MODEL if partly else Correlations.MODEL,
            why="answered",
            summary=words.summary,
            risk=words.risk_assessment,
            confidence=words.confidence_level,
        )
    if advice is None:
        return Analysis(correlations=Correlations.INDEPENDENT, why="not_needed")
    return Analysis(correlations=Correlations.PRODUCT, why=advice.reason.value)


def _quote(offer: Offer, user_id: str, environment: str, advice: AdviceOutcome | None) -> Quote:
    record: Mapping[str, Any] = record_of(advice)
    return Quote(
        id=offer.quote_id,
        fingerprint=fingerprint(environment, offer.bets, offer.price.stake),
        user_id=user_id,
        environment=environment,
        stake=offer.price.stake,
        payout=offer.price.payout,
        probability=offer.price.joint.q,
        product=offer.price.joint.product,
        strategy=offer.strategy.value,
        created_at=offer.created_at,
        expires_at=offer.expires_at,
        legs=tuple(_quote_leg(bet, hedge) for bet, hedge in zip(offer.bets, offer.hedges, strict=True)),
        body=quote_body(offer),
        advice=record,
    )


def _quote_leg(bet: Bet, hedge: LegHedge) -> QuoteLeg:
    return QuoteLeg(
        leg=hedge.leg.number,
        bet=bet,
        ask=hedge.leg.ask,
        amount=hedge.amount,
        contracts=hedge.contracts,
        skip=None if hedge.skip is None else hedge.skip.value,
    )


def _named(number: int, bet: Bet) -> str:
    return f"Leg {number}, {bet.option_label} ({bet.ticker})"
