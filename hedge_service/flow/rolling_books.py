"""What a roll is decided from: the parlay as sold, its results and intents, and what the caps leave."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Self

from hedge_service.core.hedging import Strategy
from hedge_service.core.money import Money
from hedge_service.core.orders import TimeInForce
from hedge_service.core.parlay import Mode
from hedge_service.core.pricing import Leg
from hedge_service.core.rolling import Costs
from hedge_service.core.rolling_limits import RollingLeg, RollRules
from hedge_service.core.rolling_trade import RollingParlay
from hedge_service.core.settlement import ParlayState
from hedge_service.core.unwinding import unsold
from hedge_service.store import journal, parlays, quotes, rolling
from hedge_service.wire.advice_record import fees_of

if TYPE_CHECKING:
    from datetime import datetime
    from decimal import Decimal

    from sqlalchemy.engine import Connection

    from hedge_service.config import Config
    from hedge_service.core.parlay import QuoteLeg

LIVING = frozenset({ParlayState.OPEN.value, ParlayState.LOST.value})


@dataclass(frozen=True, slots=True, kw_only=True)
class RollingRules:
    """What the configuration says about rolling; only parlays of the service's own `mode` are rolled.

    So a parlay taken in dry run is never traded on later, and a service in dry run uses up no live roll.
    """

    mode: Mode
    costs: Costs
    step: Decimal
    reserve_share: Decimal
    order_cap: Money
    parlay_cap: Money
    day_cap: Money
    ttl: timedelta
    time_in_force: TimeInForce

    @classmethod
    def of(cls, config: Config) -> Self:
        """Take the rules from the configuration; fees come with each parlay."""
        hedging, limits = config.hedging, config.limits
        return cls(
            mode=Mode.DRY_RUN if config.kalshi.dry_run else Mode.LIVE,
            costs=Costs(slippage=hedging.max_slippage),
            step=hedging.contract_step,
            reserve_share=hedging.drift_reserve,
            order_cap=limits.max_order_dollars,
            parlay_cap=limits.max_parlay_hedge_dollars,
            day_cap=limits.max_day_hedge_dollars,
            ttl=timedelta(seconds=hedging.intent_ttl_s),
            time_in_force=TimeInForce(hedging.time_in_force.value),
        )


def rules_now(tx: Connection, rules: RollingRules, parlay: RollingParlay, now: datetime) -> RollRules:
    """Give the limits of a roll made now: the fees as sold, and what the day's cap leaves."""
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    left = rules.day_cap - journal.reserved_since(tx, midnight)
    return RollRules(
        costs=replace(rules.costs, fees=parlay.fees),
        step=rules.step,
        reserve_share=rules.reserve_share,
        order_cap=rules.order_cap,
        parlay_cap=rules.parlay_cap,
        day_left=max(left, Money.ZERO),
    )


def gather(tx: Connection, parlay_id: str, mode: Mode) -> RollingParlay | None:
    """Read a rolling parlay of this mode that is open or lost; None for any other."""
    parlay = parlays.get(tx, parlay_id)
    if parlay is None or parlay.mode is not mode or parlay.state not in LIVING:
        return None
    quote = quotes.get(tx, parlay.quote_id)
    if quote is None or quote.strategy != Strategy.ROLLING.value:
        return None
    paid = {leg.leg: leg.paid for leg in parlays.legs(tx, parlay_id)}
    every = journal.of_parlay(tx, parlay_id)
    legs = (
        RollingLeg(
            leg=_as_sold(leg),
            paid=paid.get(leg.leg),
            intents=tuple(each for each in every if each[0].leg == leg.leg),
            on_paper=mode is Mode.DRY_RUN,
        )
        for leg in quote.legs
    )
    return RollingParlay(
        id=parlay_id,
        payout=parlay.payout,
        legs=tuple(legs),
        rolled=rolling.rolled(tx, parlay_id),
        fees=fees_of(quote),
    )


def worth_a_look(parlay: RollingParlay, now: datetime) -> bool:
    """Say whether anything may be traded: a leg known to be lost leaves only what can be sold now."""
    lost = any(each.paid is not None and not each.won for each in parlay.legs)
    pending = [one for each in parlay.legs if each.paid is None for one in each.intents]
    return not lost or bool(unsold(pending, now=now))


def _as_sold(leg: QuoteLeg) -> Leg:
    bet = leg.bet
    return Leg(number=leg.leg, ticker=bet.ticker, event_ticker=bet.event_ticker, side=bet.side, ask=leg.ask)
