"""One parlay, every strategy: what each would buy, and what the house is left with in every state."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import ROUND_HALF_EVEN, Decimal
from typing import TYPE_CHECKING

import numpy as np

from hedge_service.core.hedging import FULL_DELTA, ONE_CONTRACT, Strategy, sized_leg
from hedge_service.core.money import Count, Money
from hedge_service.core.pricing import ParlayPrice
from hedge_service.core.risk.costs import Supply, positions
from hedge_service.core.risk.evaluate import (
    CVAR_ALPHA,
    MICROS_PER_CENTI,
    Evaluation,
    Position,
    Terms,
    evaluate,
    evaluation_of,
)
from hedge_service.core.risk.joint import Modelled, View, joint_states
from hedge_service.core.risk.sizing import Problem, size
from hedge_service.core.risk.structure import NO_STRUCTURE, Structure
from hedge_service.core.rolling import Costs, NotOffered, targets

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from numpy.typing import NDArray

    from hedge_service.core.book import Book
    from hedge_service.core.fees import FeeSchedule
    from hedge_service.core.leg import Leg, PairCorrelation
    from hedge_service.core.risk.states import States


@dataclass(frozen=True, slots=True, kw_only=True)
class Parlay:
    """What is sold, and by which rules its hedge is sized.

    `books` and `fees` by ticker, as in `Problem`; `sequence`: the legs in the order in which they settle, or
    why they don't settle one after the other. `slippage`: dollars a contract that the books' prices lie above
    the legs' asks. `budget_share`: of the stake, for `cvar`. A negative correlation is evaluated, never sold.
    """

    stake: Money
    share: Decimal
    payment_fee: Money
    legs: tuple[Leg, ...]
    sequence: tuple[Leg, ...] | NotOffered
    correlations: tuple[PairCorrelation, ...] = ()
    structure: Structure = NO_STRUCTURE
    books: Mapping[str, Book] | None = None
    fees: Mapping[str, FeeSchedule] = field(default_factory=dict)
    slippage: Decimal = Decimal(0)
    step: Decimal = ONE_CONTRACT
    ratio: Decimal = FULL_DELTA
    alpha: Decimal = CVAR_ALPHA
    budget_share: Decimal = Decimal(1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """One strategy's plan: contracts of each leg, and what they do; `found` is None where it is not offered.

    Of `rolling`, contracts are what is held of each leg when it settles, and `outlay` is the first leg's:
    what a leg pays buys the next one.
    """

    strategy: Strategy
    contracts: tuple[Count, ...]
    found: Evaluation | None
    not_offered: NotOffered | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Plans:
    """The price, and the plans in the order asked for."""

    price: ParlayPrice
    terms: Terms
    states: States
    plans: tuple[Plan, ...]


def edge_share(found: Evaluation, stake: Money) -> Decimal:
    """Give the expected result as a share of the stake, to four places."""
    return (found.ev.dollars / stake.dollars).quantize(Decimal("0.0001"), ROUND_HALF_EVEN)


def plans(parlay: Parlay, strategies: Iterable[Strategy]) -> Plans:
    """Plan and evaluate; raises Impossible as `joint_states`, and ValueError as `Problem` and `size`."""
    negative = any(pair.rho < 0 for pair in parlay.correlations)
    modelled = joint_states(
        parlay.legs,
        parlay.correlations,
        parlay.structure,
        view=View.MODELLED if negative else View.PRICED,
    )
    price = ParlayPrice(stake=parlay.stake, share=parlay.share, joint=modelled.joint)
    terms = Terms(stake=parlay.stake, payment_fee=parlay.payment_fee, payout=price.payout)
    made = tuple(_plan(strategy, parlay, terms, modelled) for strategy in strategies)
    return Plans(price=price, terms=terms, states=modelled.states, plans=made)


def _plan(strategy: Strategy, parlay: Parlay, terms: Terms, modelled: Modelled) -> Plan:
    if strategy is Strategy.ROLLING:
        return _rolling(parlay, terms, modelled.states)
    problem = Problem(
        stake=parlay.stake,
        payout=terms.payout,
        legs=parlay.legs,
        states=modelled.states,
        budget=Money.floor(parlay.stake.dollars * parlay.budget_share),
        books=parlay.books,
        fees=parlay.fees,
        step=parlay.step,
        ratio=parlay.ratio,
        alpha=parlay.alpha,
    )
    held = positions(size(strategy, problem), parlay.books, parlay.fees)
    found = evaluate(terms, modelled.states, held, alpha=parlay.alpha)
    return Plan(strategy=strategy, contracts=tuple(one.contracts for one in held), found=found)


def _rolling(parlay: Parlay, terms: Terms, states: States) -> Plan:
    """Roll on the assumption that prices hold: the next leg costs then what it costs now."""
    order = parlay.sequence
    if isinstance(order, NotOffered):
        nothing = (Count.ZERO,) * len(parlay.legs)
        return Plan(strategy=Strategy.ROLLING, contracts=nothing, found=None, not_offered=order)
    costs = Costs(slippage=parlay.slippage, fees=parlay.fees)
    exact = zip(order, targets(terms.payout, order, costs), strict=True)
    supply = Supply(books=parlay.books, fees=parlay.fees)
    held = {
        leg.number: supply.position(leg, sized_leg(leg, target, parlay.step).contracts)
        for leg, target in exact
    }
    places = [parlay.legs.index(leg) for leg in order]
    found = rolling_evaluation(terms, states, places, [held[leg.number] for leg in order], parlay.alpha)
    contracts = tuple(held[leg.number].contracts for leg in parlay.legs)
    return Plan(strategy=Strategy.ROLLING, contracts=contracts, found=found)


def rolling_evaluation(
    terms: Terms, states: States, places: Sequence[int], held: Sequence[Position], alpha: Decimal
) -> Evaluation:
    """Evaluate a hedge that buys `held[k]` of the leg at `places[k]` once all legs before it have hit.

    `outlay` is that of the first leg, `fees` those of all legs.
    """
    return evaluation_of(
        states,
        _rolled(terms, states.hits, places, held),
        outlay=held[0].outlay if held else Money.ZERO,
        fees=sum((one.fees for one in held), Money.ZERO),
        alpha=alpha,
    )


def _rolled(
    terms: Terms, hits: NDArray[np.bool_], places: Sequence[int], held: Sequence[Position]
) -> NDArray[np.int64]:
    results = np.full(len(hits), (terms.stake - terms.payment_fee).micros, dtype=np.int64)
    alive = np.ones(len(hits), dtype=np.bool_)
    for place, one in zip(places, held, strict=True):
        results -= alive * (one.outlay + one.fees).micros
        alive &= hits[:, place]
        results += alive * (one.contracts.centis * MICROS_PER_CENTI)
    return results - alive * terms.payout.micros
