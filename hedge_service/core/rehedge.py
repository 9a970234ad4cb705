"""Trying again for what a parlay's plan did not buy, within the plan's own limits and the caps."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

from hedge_service.core.fees import FeeSchedule
from hedge_service.core.journal import filled
from hedge_service.core.market import BookSide, Grid, limit_on
from hedge_service.core.money import Count, Money
from hedge_service.core.plan import PlannedOrder
from hedge_service.core.unhedged import over, wanted

if TYPE_CHECKING:
    from collections.abc import Iterable
    from decimal import Decimal

    from hedge_service.core.journal import Attempt, Intent
    from hedge_service.core.money import Price
    from hedge_service.core.parlay import QuoteLeg
    from hedge_service.core.plan import Caps

    Worked = tuple[Intent, tuple[Attempt, ...]]

# Whole cents are on every market's grid (README of the exchange, section 5).
_CENTS = Grid()


class NoOrder(StrEnum):
    """Why a leg gets no new intent."""

    NOT_WANTED = "not_wanted"
    HEDGED = "hedged"
    UNDER_WAY = "under_way"
    MARKET_OVER = "market_over"
    NO_LIMIT_PRICE = "no_limit_price"
    ORDER_CAP = "order_cap"
    PARLAY_CAP = "parlay_cap"
    DAY_CAP = "day_cap"


@dataclass(frozen=True, slots=True, kw_only=True)
class LegToHedge:
    """A leg as sold, its hedge intents so far (as they were made), and whether its market is settled.

    `fees`: those of its market, as the quote reckoned with them.
    """

    leg: QuoteLeg
    intents: tuple[Worked, ...]
    settled: bool
    fees: FeeSchedule = field(default_factory=FeeSchedule)

    @property
    def next_sequence(self) -> int:
        """Give the sequence of the next intent of this leg."""
        return 1 + max((intent.sequence for intent, _ in self.intents), default=0)

    @property
    def wanted(self) -> Count:
        """Give what the intents were for; without one, what the quote's strategy wanted."""
        return wanted(self.intents) if self.intents else self.leg.contracts

    @property
    def rest(self) -> Count:
        """Give what is not bought yet."""
        bought = sum((filled(attempts) for _, attempts in self.intents), Count.ZERO)
        return Count(max(self.wanted.centis - bought.centis, 0))

    def price(self, max_slippage: Decimal) -> Price | None:
        """Give the plan's own YES limit: the last intent's, else ask + slippage in whole cents."""
        if self.intents:
            return self.intents[-1][0].price
        return limit_on(_CENTS, self.leg.bet.side, self.leg.ask, max_slippage)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rehedge:
    """The orders to try, and why the other legs get none."""

    orders: tuple[PlannedOrder, ...]
    skips: dict[int, NoOrder]


def rehedge(legs: Iterable[LegToHedge], *, max_slippage: Decimal, caps: Caps) -> Rehedge:
    """Plan what is unhedged, leg by leg; a leg that does not fit under a cap is left whole, as in a plan."""
    orders: list[PlannedOrder] = []
    skips: dict[int, NoOrder] = {}
    spent = Money.ZERO
    for leg in sorted(legs, key=lambda leg: leg.leg.leg):
        found = _order(leg, max_slippage)
        reason = found if isinstance(found, NoOrder) else _passed_cap(found.max_cost, spent, caps)
        if isinstance(found, PlannedOrder) and reason is None:
            orders.append(found)
            spent += found.max_cost
        elif reason is not None:
            skips[leg.leg.leg] = reason
    return Rehedge(orders=tuple(orders), skips=skips)


def _order(leg: LegToHedge, max_slippage: Decimal) -> PlannedOrder | NoOrder:
    reason = _no_order(leg)
    if reason is not None:
        return reason
    price = leg.price(max_slippage)
    if price is None:
        return NoOrder.NO_LIMIT_PRICE
    side = BookSide.buying(leg.leg.bet.side)
    limit = price if side is BookSide.BID else price.complement
    return PlannedOrder(
        leg=leg.leg.leg,
        ticker=leg.leg.bet.ticker,
        side=side,
        count=leg.rest,
        price=price,
        max_cost=limit.times(leg.rest) + leg.fees.counted(leg.rest, limit),
    )


def _no_order(leg: LegToHedge) -> NoOrder | None:
    if leg.settled:
        return NoOrder.MARKET_OVER
    if not leg.wanted:
        return NoOrder.NOT_WANTED
    if not over(leg.intents):
        return NoOrder.UNDER_WAY
    return None if leg.rest else NoOrder.HEDGED


def _passed_cap(cost: Money, spent: Money, caps: Caps) -> NoOrder | None:
    if cost > caps.order:
        return NoOrder.ORDER_CAP
    if spent + cost > caps.parlay:
        return NoOrder.PARLAY_CAP
    if spent + cost > caps.day_left:
        return NoOrder.DAY_CAP
    return None
