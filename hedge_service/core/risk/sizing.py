"""Every static strategy as exact whole lots: rounded down, within the books' depth and what may be spent."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from decimal import Decimal
from fractions import Fraction
from typing import TYPE_CHECKING

from hedge_service.core.hedging import (
    FULL_DELTA,
    ONE_CONTRACT,
    LegHedge,
    SkipReason,
    Strategy,
    hedge_amounts,
    sized_leg,
    skipped_leg,
)
from hedge_service.core.money import Count, Money
from hedge_service.core.risk.costs import Supply, total_paid
from hedge_service.core.risk.cvar import min_cvar
from hedge_service.core.risk.min_variance import min_variance

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from hedge_service.core.book import Book
    from hedge_service.core.fees import FeeSchedule
    from hedge_service.core.pricing import Leg
    from hedge_service.core.risk.states import States

ALPHA = Decimal("0.95")


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """A parlay to be hedged, and what its hedge may be bought from.

    `states`: of these legs, in their order. `budget`: the most that a `cvar` plan may cost, fees included;
    `cap`: the most that any plan may, None for no bound. `books`: the offers of each leg's own outcome by
    ticker. `step`: contracts in a lot. `ratio`: of `delta`. Raises ValueError for states of other legs.
    """

    stake: Money
    payout: Money
    legs: Sequence[Leg]
    states: States
    budget: Money
    books: Mapping[str, Book] | None = None
    fees: Mapping[str, FeeSchedule] = field(default_factory=dict)
    step: Decimal = ONE_CONTRACT
    ratio: Decimal = FULL_DELTA
    alpha: Decimal = ALPHA
    cap: Money | None = None

    def __post_init__(self) -> None:
        if self.states.legs != len(self.legs):
            raise ValueError(f"states of {self.states.legs} legs for a parlay of {len(self.legs)}")

    @property
    def supply(self) -> Supply:
        """Give where the plan is bought."""
        return Supply(books=self.books, fees=self.fees)

    def spendable(self, strategy: Strategy) -> Money | None:
        """Give the most a strategy's plan may cost with fees; None for no bound."""
        return self.cvar_budget if strategy is Strategy.CVAR else self.cap

    @property
    def cvar_budget(self) -> Money:
        """Give the most a `cvar` plan may cost with fees."""
        return self.budget if self.cap is None else min(self.budget, self.cap)


def size(strategy: Strategy, problem: Problem) -> tuple[LegHedge, ...]:
    """Size the hedge of each leg, in the legs' order.

    - `none`, `bands`, `delta`: by the legs' asks, see `hedge_amounts`.
    - `min_variance`: Sigma^-1 Cov(N prod x, x) of the states, no leg below zero or beyond its book's depth,
      see `core.risk.min_variance`.
    - `cvar`: least CVaR_alpha of the loss within the budget, see `core.risk.cvar`.

    Then contracts are rounded down to whole lots, cut to the whole lots that the book holds, and, where the
    plan as bought with its fees still costs more than it may, cut down in proportion till it does not.
    Raises ValueError for `rolling`, which is not static, and as `hedge_amounts`.
    """
    planned = _planned(strategy, problem)
    supply = problem.supply
    deep = tuple(_within_depth(hedge, supply.book(hedge.leg).depth, problem.step) for hedge in planned)
    spendable = problem.spendable(strategy)
    return deep if spendable is None else _affordable(deep, supply, spendable, problem.step)


def _planned(strategy: Strategy, problem: Problem) -> tuple[LegHedge, ...]:
    match strategy:
        case Strategy.NONE | Strategy.BANDS | Strategy.DELTA:
            return hedge_amounts(
                strategy,
                stake=problem.stake,
                payout=problem.payout,
                legs=problem.legs,
                contract_step=problem.step,
                ratio=problem.ratio,
            )
        case Strategy.MIN_VARIANCE:
            depths = [problem.supply.book(leg).depth for leg in problem.legs]
            return _rounded(problem, min_variance(problem.states, problem.payout, depths))
        case Strategy.CVAR:
            return _rounded(problem, _least_cvar(problem))
        case Strategy.ROLLING:
            raise ValueError("rolling is not static: it is sized as the legs settle")


def _least_cvar(problem: Problem) -> tuple[Decimal, ...]:
    return min_cvar(
        problem.states,
        problem.payout,
        [problem.supply.offers(leg) for leg in problem.legs],
        budget=problem.cvar_budget,
        alpha=problem.alpha,
    )


def _rounded(problem: Problem, targets: Iterable[Decimal]) -> tuple[LegHedge, ...]:
    return tuple(
        sized_leg(leg, Fraction(target), problem.step) if target > 0 else _unwanted(leg, problem)
        for leg, target in zip(problem.legs, targets, strict=True)
    )


def _unwanted(leg: Leg, problem: Problem) -> LegHedge:
    lots = Count.floor(problem.supply.book(leg).depth.contracts, problem.step)
    return skipped_leg(leg, SkipReason.NOT_HEDGED if lots else SkipReason.NO_DEPTH)


def _within_depth(hedge: LegHedge, depth: Count, step: Decimal) -> LegHedge:
    if hedge.contracts <= depth:
        return hedge
    return _cut(hedge, Count.floor(depth.contracts, step), SkipReason.NO_DEPTH)


def _affordable(
    hedges: tuple[LegHedge, ...], supply: Supply, spendable: Money, step: Decimal
) -> tuple[LegHedge, ...]:
    paid = _paid(hedges, supply)
    while paid > spendable:
        # A share below 1 takes at least one lot off every leg, so this ends.
        share = Fraction(max(spendable.micros, 0), paid.micros)
        hedges = tuple(_scaled(hedge, share, step) for hedge in hedges)
        paid = _paid(hedges, supply)
    return hedges


def _paid(hedges: Iterable[LegHedge], supply: Supply) -> Money:
    return total_paid(supply.position(hedge.leg, hedge.contracts) for hedge in hedges)


def _scaled(hedge: LegHedge, share: Fraction, step: Decimal) -> LegHedge:
    if hedge.skip is not None:
        return hedge
    lots = share * Fraction(hedge.contracts.contracts) // Fraction(step)
    return _cut(hedge, Count.of(lots * step), SkipReason.OVER_BUDGET)


def _cut(hedge: LegHedge, contracts: Count, reason: SkipReason) -> LegHedge:
    return replace(hedge, contracts=contracts, skip=hedge.skip if contracts else reason)
