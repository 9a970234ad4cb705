"""The plans that a parlay can be hedged by, and which of them is bought.

Everything a quote decides follows from `Facts`: the same facts give the same plans and the same choice, so
that a stored decision can be made again. What the language model wants is one more fact, never a figure.
"""

from __future__ import annotations

from collections.abc import Mapping  # noqa: TC003 - a dataclass field's type
from dataclasses import dataclass, field, replace
from decimal import Decimal
from enum import StrEnum
from typing import TYPE_CHECKING

from hedge_service.core.book import Book, Level
from hedge_service.core.fees import FeeSchedule, payment_fee
from hedge_service.core.hedge_caps import HedgeCaps, within_caps
from hedge_service.core.hedging import LegHedge, Strategy
from hedge_service.core.money import Count, Money, Price
from hedge_service.core.pricing import Leg, PairCorrelation, ParlayPrice, edge
from hedge_service.core.risk.costs import positions
from hedge_service.core.risk.evaluate import Evaluation, Terms, evaluate
from hedge_service.core.risk.joint import Modelled, joint_states
from hedge_service.core.risk.rolling_plan import rolling_figures, rolling_order
from hedge_service.core.risk.sizing import Problem, size
from hedge_service.core.risk.structure import NO_STRUCTURE, Structure
from hedge_service.core.rolling import NotOffered

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hedge_service.core.risk.evaluate import Position

STATIC = (Strategy.NONE, Strategy.BANDS, Strategy.DELTA, Strategy.MIN_VARIANCE, Strategy.CVAR)
_INSTEAD = Strategy.DELTA
_HIGHEST = Decimal("0.9999")
_MANY = Count.of(10**9)


class Measure(StrEnum):
    """By what two plans are compared: the mean of the worst results, the spread, or the worst result."""

    CVAR = "cvar"
    SD = "sd"
    WORST = "worst"

    def of(self, evaluation: Evaluation) -> Money:
        """Give the figure that is compared."""
        return {
            Measure.CVAR: evaluation.cvar,
            Measure.SD: evaluation.sd,
            Measure.WORST: evaluation.worst,
        }[self]

    def worse(self, one: Evaluation, other: Evaluation) -> bool:
        """Say whether the first is worse for the house: a larger spread, or a lower result."""
        first, second = self.of(one), self.of(other)
        return first > second if self is Measure.SD else first < second


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """What the configuration says about price and plans; shares and prices as exact decimals."""

    payout_share: Decimal
    payment_fee_share: Decimal
    payment_fee_fixed: Money
    minimum_edge: Decimal | None
    strategy: Strategy
    measure: Measure
    ratio: Decimal
    alpha: Decimal
    budget_share: Decimal
    step: Decimal
    slippage: Decimal
    drift_reserve: Decimal
    caps: HedgeCaps


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """All that a decision rests on.

    `books`: what is offered of each leg's outcome within an order's reach, by ticker; None where it could not
    be read. `sequence`: the legs' numbers in the order in which they settle, why there is none, or None when
    rolling is not configured. `wanted`: the plan that the model named, None when it named none.
    """

    stake: Money
    legs: tuple[Leg, ...]
    rules: Rules
    structure: Structure = NO_STRUCTURE
    correlations: tuple[PairCorrelation, ...] = ()
    books: Mapping[str, Book] | None = None
    fees: Mapping[str, FeeSchedule] = field(default_factory=dict)
    sequence: tuple[int, ...] | NotOffered | None = None
    wanted: str | None = None

    @property
    def payment_fee(self) -> Money:
        """Give what the payment provider keeps of the stake."""
        rules = self.rules
        return payment_fee(self.stake, share=rules.payment_fee_share, fixed=rules.payment_fee_fixed)

    @property
    def caps(self) -> HedgeCaps:
        """Give the caps, with the fees of the legs' markets."""
        return replace(self.rules.caps, fees=self.fees)


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """One way to hedge: what is bought now, what is left to the house, and its expected profit.

    `edge` = stake - payment fee - payout * q - what the hedge costs above the asks - fees - reserve.
    """

    strategy: Strategy
    hedges: tuple[LegHedge, ...]
    evaluation: Evaluation
    edge: Money


@dataclass(frozen=True, slots=True, kw_only=True)
class Offered:
    """A parlay's price and its plans; `default` is the configured one, or what stands in for it.

    `not_rolling`: why rolling, which is configured, is not offered for these legs.
    """

    price: ParlayPrice
    modelled: Modelled
    plans: tuple[Plan, ...]
    default: Strategy
    not_rolling: NotOffered | None = None

    def plan(self, strategy: Strategy) -> Plan:
        """Give one of the plans. Raises KeyError for one that is not offered."""
        return {plan.strategy: plan for plan in self.plans}[strategy]


class ChosenBy(StrEnum):
    """Why the plan that is bought is bought; the last three stand for the default, against the model."""

    DEFAULT = "default"
    MODEL = "model"
    NOT_OFFERED = "not_offered"
    OVERRULED = "overruled"
    BELOW_MINIMUM_EDGE = "below_minimum_edge"


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """The plan that is bought; `wanted` and `default` are the two figures by the measure, where both are."""

    plan: Plan
    by: ChosenBy
    wanted: Money | None = None
    default: Money | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What follows from facts; `sold` is False where the default's edge is below the configured minimum."""

    offered: Offered
    choice: Choice
    sold: bool


def decide(facts: Facts, known: Offered | None = None) -> Decision:
    """Price the legs, size every plan and choose one; `known`: what the same facts offer, if it is known.

    Raises Impossible as `joint` does.
    """
    offered = offer(facts) if known is None else known
    enough = _enough(offered.plan(offered.default), facts)
    return Decision(offered=offered, choice=choose(offered, facts), sold=enough)


def offer(facts: Facts) -> Offered:
    """Price the legs and size every plan. Raises Impossible for legs that can't all hit."""
    modelled = joint_states(facts.legs, facts.correlations, facts.structure)
    order = _sequence(facts, price_of(facts, modelled).payout)
    default = default_of(facts, modelled)
    strategies = (*STATIC, Strategy.ROLLING) if default is Strategy.ROLLING else STATIC
    return Offered(
        price=price_of(facts, modelled),
        modelled=modelled,
        plans=tuple(plan_of(each, facts, modelled) for each in strategies),
        default=default,
        not_rolling=order if isinstance(order, NotOffered) else None,
    )


def default_of(facts: Facts, modelled: Modelled) -> Strategy:
    """Give the configured strategy, or what stands in where legs are not rolled: it depends on the stake."""
    strategy = facts.rules.strategy
    if strategy is not Strategy.ROLLING:
        return strategy
    order = _sequence(facts, price_of(facts, modelled).payout)
    return _INSTEAD if isinstance(order, NotOffered) else strategy


def choose(offered: Offered, facts: Facts) -> Choice:
    """Take what the model named if it is offered and makes the house no worse than the default.

    Worse by the configured measure, or with an edge below the configured minimum.
    """
    default = offered.plan(offered.default)
    if facts.wanted is None:
        return Choice(plan=default, by=ChosenBy.DEFAULT)
    wanted = next((plan for plan in offered.plans if plan.strategy.value == facts.wanted), None)
    if wanted is None:
        return Choice(plan=default, by=ChosenBy.NOT_OFFERED)
    measure = facts.rules.measure
    figures = {"wanted": measure.of(wanted.evaluation), "default": measure.of(default.evaluation)}
    if measure.worse(wanted.evaluation, default.evaluation):
        return Choice(plan=default, by=ChosenBy.OVERRULED, **figures)
    if not _enough(wanted, facts):
        return Choice(plan=default, by=ChosenBy.BELOW_MINIMUM_EDGE, **figures)
    return Choice(plan=wanted, by=ChosenBy.MODEL, **figures)


def price_of(facts: Facts, modelled: Modelled) -> ParlayPrice:
    """Give what the stake buys."""
    return ParlayPrice(stake=facts.stake, share=facts.rules.payout_share, joint=modelled.joint)


def plan_of(strategy: Strategy, facts: Facts, modelled: Modelled) -> Plan:
    """Size a plan within the caps and see what it does."""
    price = price_of(facts, modelled)
    terms = Terms(stake=facts.stake, payment_fee=facts.payment_fee, payout=price.payout)
    if strategy is Strategy.ROLLING:
        return _rolling(facts, modelled, terms)
    hedges = within_caps(size(strategy, _problem(facts, modelled, terms)), facts.caps)
    held = positions(hedges, facts.books, facts.fees)
    return Plan(
        strategy=strategy,
        hedges=hedges,
        evaluation=evaluate(terms, modelled.states, held, alpha=facts.rules.alpha),
        edge=_edge(terms, price, _above_asks(hedges, held), _fees(held)),
    )


def within_reach(book: Book, ask: Decimal, slippage: Decimal) -> Book:
    """Leave out what an order at `ask` + `slippage` dollars would not buy."""
    return Book(tuple(level for level in book.levels if level.price.dollars <= ask + slippage))


def resting_at(book: Book, ask: Decimal, slippage: Decimal) -> Book:
    """Add what an order that rests may still get at its limit: as much as it wants, if anybody sells.

    Without it, an order that waits for offers would be sized by those that are there already.
    """
    limit = Price.of(min(ask + slippage, _HIGHEST))
    below = tuple(level for level in book.levels if level.price < limit)
    return Book((*below, Level(price=limit, count=_MANY)))


def _rolling(facts: Facts, modelled: Modelled, terms: Terms) -> Plan:
    order = _sequence(facts, terms.payout)
    if order is None or isinstance(order, NotOffered):
        raise ValueError("these legs are not rolled")
    figures = rolling_figures(
        order,
        facts.legs,
        terms,
        modelled.states,
        reserve_share=facts.rules.drift_reserve,
        caps=facts.caps,
    )
    price = price_of(facts, modelled)
    return Plan(
        strategy=Strategy.ROLLING,
        hedges=figures.hedges,
        evaluation=figures.evaluation,
        edge=_edge(terms, price, figures.above_asks + figures.reserve, Money.ZERO),
    )


def _sequence(facts: Facts, payout: Money) -> tuple[Leg, ...] | NotOffered | None:
    found = facts.sequence
    if found is None or isinstance(found, NotOffered):
        return found
    legs = {leg.number: leg for leg in facts.legs}
    return rolling_order(tuple(legs[number] for number in found), payout, facts.caps)


def _problem(facts: Facts, modelled: Modelled, terms: Terms) -> Problem:
    rules = facts.rules
    return Problem(
        stake=facts.stake,
        payout=terms.payout,
        legs=facts.legs,
        states=modelled.states,
        budget=Money.floor(facts.stake.dollars * rules.budget_share),
        books=facts.books,
        fees=facts.fees,
        step=rules.step,
        ratio=rules.ratio,
        alpha=rules.alpha,
    )


def _edge(terms: Terms, price: ParlayPrice, hedge_cost: Money, fees: Money) -> Money:
    return edge(
        stake=terms.stake,
        payment_fee=terms.payment_fee,
        payout=terms.payout,
        q=price.joint.q,
        hedge_cost=hedge_cost,
        fees=fees,
    )


def _above_asks(hedges: Sequence[LegHedge], held: Sequence[Position]) -> Money:
    """Give what is paid above the quoted asks, of which q is made; an offer below them is no gain yet."""
    outlay = sum((position.outlay for position in held), Money.ZERO)
    asked = (hedge.leg.ask.times(position.contracts) for hedge, position in zip(hedges, held, strict=True))
    return max(outlay - sum(asked, Money.ZERO), Money.ZERO)


def _fees(held: Sequence[Position]) -> Money:
    return sum((position.fees for position in held), Money.ZERO)


def _enough(plan: Plan, facts: Facts) -> bool:
    least = facts.rules.minimum_edge
    return least is None or plan.edge.dollars >= least * facts.stake.dollars
