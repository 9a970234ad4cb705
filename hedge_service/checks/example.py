"""The classic parlay: $5 on legs at 43, 52 and 65 %, priced with the configuration as it is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hedge_service.core.choice import Facts, offer
from hedge_service.core.hedging import Strategy
from hedge_service.core.leg import Leg
from hedge_service.core.market import Side
from hedge_service.core.money import Money, Price
from hedge_service.flow.plan_facts import rules_of

if TYPE_CHECKING:
    from hedge_service.config import Config

STAKE = Money.of(5)
ASKS = ("0.43", "0.52", "0.65")


def profit_of_the_classic(config: Config) -> tuple[Money, Money]:
    """Give the stake (the largest allowed, where that is less) and the house's expected profit."""
    stake = min(STAKE, config.limits.max_stake_dollars)
    rules = rules_of(config)
    legs = tuple(_leg(number, ask) for number, ask in enumerate(ASKS, start=1))
    rolling = rules.strategy is Strategy.ROLLING
    offered = offer(Facts(stake=stake, legs=legs, rules=rules, sequence=(1, 2, 3) if rolling else None))
    return stake, offered.plan(offered.default).edge


def _leg(number: int, ask: str) -> Leg:
    return Leg(
        number=number, ticker=f"LEG{number}", event_ticker=f"EVENT{number}", side=Side.YES, ask=Price.of(ask)
    )
