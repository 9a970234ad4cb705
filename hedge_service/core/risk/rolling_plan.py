"""Rolling among the plans of a quote: what is bought now, and what is left if prices hold."""

from __future__ import annotations

from dataclasses import dataclass, replace
from decimal import Decimal
from typing import TYPE_CHECKING

import numpy as np

from hedge_service.core.hedge_caps import HedgeCaps, within_caps
from hedge_service.core.money import Money
from hedge_service.core.risk.costs import positions
from hedge_service.core.risk.evaluate import Evaluation, Terms, evaluate
from hedge_service.core.rolling import (
    Costs,
    drift_reserve,
    first_hedges,
    replication_cost,
    within_cap,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hedge_service.core.hedging import LegHedge
    from hedge_service.core.pricing import Leg
    from hedge_service.core.risk.states import States
    from hedge_service.core.rolling import NotOffered


@dataclass(frozen=True, slots=True, kw_only=True)
class RollingFigures:
    """The first purchase, and the whole hedge's figures if prices hold.

    `above_asks`: slippage and fees of all rolls together; `reserve`: what is set aside for drift.
    """

    hedges: tuple[LegHedge, ...]
    evaluation: Evaluation
    above_asks: Money
    reserve: Money


def rolling_order(order: tuple[Leg, ...], payout: Money, caps: HedgeCaps) -> tuple[Leg, ...] | NotOffered:
    """Give the legs in their order, or why rolling them would not fit under the order cap."""
    return within_cap(order, payout=payout, costs=_costs(caps), step=caps.step, order_cap=caps.order)


def rolling_figures(
    order: tuple[Leg, ...],
    legs: Sequence[Leg],
    terms: Terms,
    states: States,
    *,
    reserve_share: Decimal,
    caps: HedgeCaps,
) -> RollingFigures:
    """Size the first purchase and evaluate the whole sequence.

    If prices hold, the house ends with S - F - N * product of all unit costs in every state. Rolls together
    may pay the drift reserve on top, so that the worst result, and the mean of the worst, is less by it; what
    whole lots leave unhedged is not counted. Outlay and fees are those of the first purchase.
    """
    costs, reserve = _costs(caps), drift_reserve(terms.payout, reserve_share)
    hedges = first_hedges(legs, order, payout=terms.payout, costs=costs, step=caps.step)
    bought = within_caps(hedges, replace(caps, parlay=max(caps.parlay - reserve, Money.ZERO)))
    cost = replication_cost(terms.payout, order, costs)
    first = evaluate(terms, states, positions(bought, None, costs.fees))
    result = terms.stake - terms.payment_fee - cost
    return RollingFigures(
        hedges=bought,
        evaluation=_steady(first, result, reserve),
        above_asks=cost - replication_cost(terms.payout, order),
        reserve=reserve,
    )


def _steady(first: Evaluation, result: Money, reserve: Money) -> Evaluation:
    """Let every state end with the same result."""
    low = result - reserve
    return replace(
        first,
        ev=result,
        sd=Money.ZERO,
        worst=low,
        best=result,
        p_loss=Decimal(result < Money.ZERO),
        cvar=low,
        results=np.full_like(first.results, result.micros),
    )


def _costs(caps: HedgeCaps) -> Costs:
    return Costs(slippage=caps.slippage, fees=caps.fees)
