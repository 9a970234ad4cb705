"""Strategies: how much of which leg to buy, and why a leg is left alone.

Counts come first, in contracts of $1 payoff; dollars follow at the quote's ask.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction
from typing import TYPE_CHECKING

from hedge_service.core.money import Count, Money

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from hedge_service.core.pricing import Leg

ONE_CONTRACT = Decimal(1)
FULL_DELTA = Decimal(1)
LOWEST_RATIO = Decimal("0.3")

BANDS = (
    (Decimal("0.65"), Decimal("0.40")),
    (Decimal("0.55"), Decimal("0.25")),
    (Decimal("0.50"), Decimal("0.15")),
)
"""The classic rule: (at or above this price, hedge this share of the stake), first match wins."""


class Strategy(StrEnum):
    """Which rule sizes the hedge; `hedge_amounts` and `core.risk.sizing` say how, ROLLING trades in time."""

    NONE = "none"
    BANDS = "bands"
    DELTA = "delta"
    MIN_VARIANCE = "min_variance"
    CVAR = "cvar"
    ROLLING = "rolling"


class SkipReason(StrEnum):
    """Why a leg gets no order."""

    NOT_HEDGED = "not_hedged"
    BELOW_BAND = "below_band"
    BELOW_ONE_CONTRACT = "below_one_contract"
    NO_DEPTH = "no_depth"
    OVER_BUDGET = "over_budget"
    LATER_LEG = "later_leg"
    NOT_IN_SEQUENCE = "not_in_sequence"
    MARKET_NOT_OPEN = "market_not_open"
    NO_LIMIT_PRICE = "no_limit_price"
    ORDER_CAP = "order_cap"
    PARLAY_CAP = "parlay_cap"
    DAY_CAP = "day_cap"


@dataclass(frozen=True, slots=True, kw_only=True)
class LegHedge:
    """What the strategy wants of one leg: dollars by the rule, contracts in whole lots at the ask.

    Without a `skip` there is at least one lot; with one there is none, whatever the amount.
    """

    leg: Leg
    amount: Money
    contracts: Count
    skip: SkipReason | None = None

    @property
    def cost(self) -> Money:
        """Give what the contracts cost at the ask, without fees."""
        return self.leg.ask.times(self.contracts)

    @property
    def potential_win(self) -> Money:
        """Give what the contracts pay if the leg hits: $1 each."""
        return Money.of(self.contracts.contracts)


def hedge_amounts(
    strategy: Strategy,
    *,
    stake: Money,
    payout: Money,
    legs: Sequence[Leg],
    contract_step: Decimal = ONE_CONTRACT,
    ratio: Decimal = FULL_DELTA,
) -> tuple[LegHedge, ...]:
    """Size the hedge of each leg, in the legs' order.

    - `none`: nothing.
    - `bands`: amount = 40 % of the stake at a price of 65 % and more, 25 % from 55 %, 15 % from 50 %;
      contracts = amount / price.
    - `delta`: contracts = ratio * payout * product of the other legs' prices; at ratio 1 the
      variance-optimal static hedge of independent legs.

    Contracts are rounded down to whole lots of `contract_step`. Raises ValueError for a ratio outside
    [0.3, 1], for a step that is no multiple of 0.01 contract, and for a strategy that needs more than prices
    (see `core.risk.sizing`).
    """
    if not LOWEST_RATIO <= ratio <= FULL_DELTA:
        raise ValueError(f"the delta ratio lies between {LOWEST_RATIO} and {FULL_DELTA}: {ratio}")
    if not Count.of(contract_step):
        raise ValueError(f"contracts come in lots above zero: {contract_step}")
    match strategy:
        case Strategy.NONE:
            return tuple(skipped_leg(leg, SkipReason.NOT_HEDGED) for leg in legs)
        case Strategy.BANDS:
            return tuple(_by_band(leg, stake, contract_step) for leg in legs)
        case Strategy.DELTA:
            targets = (_delta(leg, legs, payout, ratio) for leg in legs)
            return tuple(
                sized_leg(leg, target, contract_step) for leg, target in zip(legs, targets, strict=True)
            )
        case Strategy.MIN_VARIANCE | Strategy.CVAR | Strategy.ROLLING:
            raise ValueError(f"{strategy} is not sized by prices alone")


def sized_leg(leg: Leg, target: Fraction, step: Decimal, amount: Money | None = None) -> LegHedge:
    """Round a target in contracts down to whole lots of `step`; `amount` is the target at the ask if None.

    Fractions, because a quotient rounded to 28 digits could reach the next lot.
    """
    contracts = Count.of(target // Fraction(step) * step)
    return LegHedge(
        leg=leg,
        amount=Money(math.floor(target * leg.ask.micros)) if amount is None else amount,
        contracts=contracts,
        skip=None if contracts else SkipReason.BELOW_ONE_CONTRACT,
    )


def skipped_leg(leg: Leg, reason: SkipReason) -> LegHedge:
    """Leave a leg alone."""
    return LegHedge(leg=leg, amount=Money.ZERO, contracts=Count.ZERO, skip=reason)


def total_amount(hedges: Iterable[LegHedge]) -> Money:
    """Add up the amounts of the legs that are hedged."""
    return sum((hedge.amount for hedge in hedges if hedge.skip is None), Money.ZERO)


def total_cost(hedges: Iterable[LegHedge]) -> Money:
    """Add up what the contracts cost at the asks, without fees."""
    return sum((hedge.cost for hedge in hedges), Money.ZERO)


def _by_band(leg: Leg, stake: Money, step: Decimal) -> LegHedge:
    share = next((share for price, share in BANDS if leg.probability >= price), None)
    if share is None:
        return skipped_leg(leg, SkipReason.BELOW_BAND)
    amount = Money.floor(stake.dollars * share)
    return sized_leg(leg, Fraction(amount.micros, leg.ask.micros), step, amount)


def _delta(leg: Leg, legs: Sequence[Leg], payout: Money, ratio: Decimal) -> Fraction:
    others = (Fraction(other.probability) for other in legs if other is not leg)
    return math.prod(others, start=Fraction(ratio) * Fraction(payout.dollars))
