"""The smallest stake at which the house keeps the least edge it wants."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import TYPE_CHECKING

from hedge_service.core.choice import default_of, plan_of, price_of
from hedge_service.core.money import MICROS_PER_CENT, Money

if TYPE_CHECKING:
    from hedge_service.core.choice import Facts
    from hedge_service.core.risk.joint import Modelled

FINE_TRIES = 150
"""Stakes tried cent by cent before the steps grow: what is found then does, but may not be the smallest."""
_CENT = Decimal("0.01")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Bound:
    """What the surplus can be at most, in dollars: `at_zero` + `slope` * stake.

    Surplus is the edge less the minimum. The bound has no hedge costs in it; `jitter` is what rounding the
    payout down and the payment fee up may take off it and give back.
    """

    at_zero: Decimal
    slope: Decimal
    jitter: Decimal


def smallest_stake(facts: Facts, modelled: Modelled, *, most: Money) -> Money | None:
    """Give the smallest stake, to the cent, up to `most`, whose default plan keeps the minimum edge.

    Each stake is tried with the real formula and the default that it has: the payment fee is affine, whole
    lots make steps, and legs may be rolled at one stake and not at another. None when no stake does. Exact
    where the hedge's cost never falls as the stake grows; else an answer still does.
    """
    bound = _bound(facts, modelled)
    stake, tries = _start(bound), 0
    while stake is not None and stake <= most:
        asked = replace(facts, stake=stake)
        surplus = _surplus(asked, modelled)
        if surplus >= 0 and price_of(asked, modelled).payout > stake:
            return stake
        tries += 1
        stake += _step(bound, -surplus, tries)
    return None


def _bound(facts: Facts, modelled: Modelled) -> _Bound:
    rules, q = facts.rules, modelled.joint.q
    least = Decimal(0) if rules.minimum_edge is None else rules.minimum_edge
    return _Bound(
        at_zero=_CENT * q - rules.payment_fee_fixed.dollars,
        slope=1 - rules.payment_fee_share - rules.payout_share - least,
        jitter=_CENT * (q + 1),
    )


def _start(bound: _Bound) -> Money | None:
    """Give the first stake that the bound leaves possible; None when there is none."""
    first = Money.cents(1)
    if bound.at_zero + bound.slope * first.dollars >= 0:
        return first
    return Money.cents(_cents_up(-bound.at_zero / bound.slope)) if bound.slope > 0 else None


def _step(bound: _Bound, missing: Decimal, tries: int) -> Money:
    # No stake nearer than this can make up for what is missing.
    nearest = 1 if bound.slope <= 0 else _cents_up((missing - bound.jitter) / bound.slope)
    coarse = 1 if tries < FINE_TRIES else 2 ** ((tries - FINE_TRIES) // 8)
    return Money.cents(max(nearest, coarse, 1))


def _surplus(facts: Facts, modelled: Modelled) -> Decimal:
    least = Decimal(0) if facts.rules.minimum_edge is None else facts.rules.minimum_edge
    return plan_of(default_of(facts, modelled), facts, modelled).edge.dollars - least * facts.stake.dollars


def _cents_up(dollars: Decimal) -> int:
    return math.ceil(dollars * 1_000_000 / MICROS_PER_CENT)
