"""Hedges cut to what their orders may cost, before a plan is offered: a quote shows what will be ordered."""

from __future__ import annotations

from collections.abc import Mapping  # noqa: TC003 - a dataclass field's type
from dataclasses import dataclass, field, replace
from decimal import Decimal
from fractions import Fraction
from typing import TYPE_CHECKING

from hedge_service.core.fees import FeeSchedule
from hedge_service.core.hedging import ONE_CONTRACT, LegHedge, SkipReason
from hedge_service.core.money import Count, Money, Price

if TYPE_CHECKING:
    from collections.abc import Iterable

_STANDARD_FEES = FeeSchedule()
_ONE = Decimal(1)


@dataclass(frozen=True, slots=True, kw_only=True)
class HedgeCaps:
    """The most that an order and all orders of a parlay may cost at their limits, fees included.

    `slippage`: dollars by which a limit lies above the ask. `step`: contracts in a lot. `fees`: by ticker; a
    market that is not named has the standard ones.
    """

    order: Money
    parlay: Money
    slippage: Decimal
    step: Decimal = ONE_CONTRACT
    fees: Mapping[str, FeeSchedule] = field(default_factory=dict)

    def most(self, hedge: LegHedge, contracts: Count | None = None) -> Money:
        """Give the most that a hedge can cost, as the plan of its order reckons it."""
        count = hedge.contracts if contracts is None else contracts
        limit = Price.of(min(hedge.leg.ask.dollars + self.slippage, _ONE))
        return limit.times(count) + self.fees.get(hedge.leg.ticker, _STANDARD_FEES).counted(count, limit)


def within_caps(hedges: Iterable[LegHedge], caps: HedgeCaps) -> tuple[LegHedge, ...]:
    """Cut each leg to the cap of an order, then all in proportion to that of a parlay, in whole lots."""
    cut = tuple(_within(hedge, caps.order, SkipReason.ORDER_CAP, caps) for hedge in hedges)
    total = sum((caps.most(hedge) for hedge in cut), Money.ZERO)
    if total <= caps.parlay:
        return cut
    shares = (Money(caps.most(hedge).micros * caps.parlay.micros // total.micros) for hedge in cut)
    return tuple(
        _within(hedge, share, SkipReason.PARLAY_CAP, caps) for hedge, share in zip(cut, shares, strict=True)
    )


def _within(hedge: LegHedge, most: Money, reason: SkipReason, caps: HedgeCaps) -> LegHedge:
    cost = caps.most(hedge)
    if hedge.skip is not None or cost <= most:
        return hedge
    # The cost of a lot is the same for all but for roundings up, which only make fewer lots dearer.
    lots = Fraction(most.micros, cost.micros) * Fraction(hedge.contracts.contracts) // Fraction(caps.step)
    while lots > 0 and caps.most(hedge, Count.of(lots * caps.step)) > most:
        lots -= 1
    contracts = Count.of(lots * caps.step)
    return replace(hedge, contracts=contracts, skip=None if contracts else reason)
