"""The plan: a strategy's hedges as orders within price limits and caps, or skips that say why not.

Nothing is cut down to fit: a leg is ordered as sized, or skipped with the name of what stood in its way.
"""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING

from hedge_service.core.fees import FeeSchedule
from hedge_service.core.hedging import LegHedge, SkipReason
from hedge_service.core.market import BookSide, Market, Side
from hedge_service.core.money import Count, Money, Price

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime
    from decimal import Decimal

_STANDARD_FEES = FeeSchedule()
_ALL_STANDARD: Mapping[str, FeeSchedule] = MappingProxyType({})


@dataclass(frozen=True, slots=True, kw_only=True)
class Caps:
    """The most an order, a parlay's hedge and the rest of the day may cost, fees included."""

    order: Money
    parlay: Money
    day_left: Money


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedOrder:
    """One order we mean to send; `price` is the YES limit, `max_cost` the most it can cost with fees."""

    leg: int
    ticker: str
    side: BookSide
    count: Count
    price: Price
    max_cost: Money

    @property
    def outcome(self) -> Side:
        """Give the outcome this order buys."""
        return self.side.outcome


@dataclass(frozen=True, slots=True, kw_only=True)
class Skip:
    """A leg that gets no order, and why; `count` is what stays unhedged (zero when none was wanted)."""

    leg: int
    ticker: str
    reason: SkipReason
    count: Count


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """The orders and the skips of one parlay, each in the order of the legs; every leg is in one of them."""

    orders: tuple[PlannedOrder, ...]
    skips: tuple[Skip, ...]

    @property
    def max_cost(self) -> Money:
        """Give the most the plan can cost, fees included."""
        return sum((order.max_cost for order in self.orders), Money.ZERO)

    @property
    def contracts(self) -> Count:
        """Give the contracts planned."""
        return sum((order.count for order in self.orders), Count.ZERO)


def plan_orders(
    hedges: Iterable[LegHedge],
    markets: Mapping[str, Market],
    *,
    now: datetime,
    max_slippage: Decimal,
    caps: Caps,
    fees: Mapping[str, FeeSchedule] = _ALL_STANDARD,
) -> Plan:
    """Turn hedges into orders, leg by leg in their numbers' order.

    The limit is the quote's ask + `max_slippage` (dollars) on the market's own grid. A leg that does not fit
    under a cap is skipped whole, the first cap in its way named; a later, smaller leg may still fit.
    `markets`: by ticker, as read just now; one that is missing or takes no orders skips its leg. `fees`: by
    ticker too; a market that is not named has the standard ones.
    """
    orders: list[PlannedOrder] = []
    skips: list[Skip] = []
    spent = Money.ZERO
    for hedge in sorted(hedges, key=lambda hedge: hedge.leg.number):
        ticker = hedge.leg.ticker
        schedule = fees.get(ticker, _STANDARD_FEES)
        found = _order(hedge, markets.get(ticker), now, max_slippage, schedule)
        reason = found if isinstance(found, SkipReason) else _passed_cap(found.max_cost, spent, caps)
        if isinstance(found, PlannedOrder) and reason is None:
            orders.append(found)
            spent += found.max_cost
        elif reason is not None:
            skips.append(_skip(hedge, reason))
    return Plan(orders=tuple(orders), skips=tuple(skips))


def _order(
    hedge: LegHedge, market: Market | None, now: datetime, max_slippage: Decimal, fees: FeeSchedule
) -> PlannedOrder | SkipReason:
    leg = hedge.leg
    if hedge.skip is not None:
        return hedge.skip
    if market is None or not market.open_at(now):
        return SkipReason.MARKET_NOT_OPEN
    price = market.limit_price(leg.side, leg.ask, max_slippage)
    if price is None:
        return SkipReason.NO_LIMIT_PRICE
    limit = price if leg.side is Side.YES else price.complement
    return PlannedOrder(
        leg=leg.number,
        ticker=leg.ticker,
        side=BookSide.buying(leg.side),
        count=hedge.contracts,
        price=price,
        max_cost=limit.times(hedge.contracts) + fees.counted(hedge.contracts, limit),
    )


def _passed_cap(cost: Money, spent: Money, caps: Caps) -> SkipReason | None:
    if cost > caps.order:
        return SkipReason.ORDER_CAP
    if spent + cost > caps.parlay:
        return SkipReason.PARLAY_CAP
    if spent + cost > caps.day_left:
        return SkipReason.DAY_CAP
    return None


def _skip(hedge: LegHedge, reason: SkipReason) -> Skip:
    return Skip(leg=hedge.leg.number, ticker=hedge.leg.ticker, reason=reason, count=hedge.contracts)
