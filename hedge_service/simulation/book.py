"""The book: each drawn parlay priced as the service would, and what every static hedge does to it."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from hedge_service.core.book import Book as Offered
from hedge_service.core.fees import FeeSchedule, payment_fee
from hedge_service.core.hedging import Strategy
from hedge_service.core.leg import Leg, PairCorrelation
from hedge_service.core.market import Side
from hedge_service.core.money import CENTIS_PER_CONTRACT, MICROS_PER_DOLLAR, Money, Price
from hedge_service.core.pricing import independent, payout
from hedge_service.core.risk.joint import joint_states
from hedge_service.core.risk.sizing import Problem, size
from hedge_service.core.risk.states import States, all_hits, independent_states
from hedge_service.simulation.costs import order_costs
from hedge_service.simulation.settings import MICROS_PER_CENTI

if TYPE_CHECKING:
    from hedge_service.simulation.paths import Draw, Floats, Ints
    from hedge_service.simulation.settings import Settings


@dataclass(frozen=True, slots=True, eq=False)
class Book:
    """Sold parlays: stakes, payment fees and payouts in micros (m,), and each one's problem of hedging."""

    draw: Draw
    stakes: Ints
    payment_fees: Ints
    payouts: Ints
    problems: tuple[Problem, ...]

    @property
    def sale_asks(self) -> Ints:
        """Give the ask of each leg at the sale, 0 without a leg."""
        return self.draw.asks[:, 0, :]


@dataclass(frozen=True, slots=True, eq=False)
class Hedged:
    """What a strategy makes of a book, all in micros.

    `cash` (m, n + 1): what the hedge pays at the sale and at each leg's settlement. `fees` (m,): the
    exchange's, which `cash` has paid. `worth` (m,): in dollars, what the hedge was worth by the true
    probabilities at each purchase, less what it cost: its expected result.
    """

    cash: Ints
    fees: Ints
    worth: Floats


def sell(draw: Draw, settings: Settings) -> Book:
    """Price each parlay at its asks, as the service does; see `joint_states` and `payout`."""
    sold = [_sold(draw, row, settings) for row in range(len(draw.wanted))]
    fees = [
        payment_fee(one.stake, share=settings.payment_fee_share, fixed=settings.payment_fee_fixed)
        for one in sold
    ]
    return Book(
        draw=draw,
        stakes=np.array([one.stake.micros for one in sold], dtype=np.int64),
        payment_fees=np.array([fee.micros for fee in fees], dtype=np.int64),
        payouts=np.array([one.payout.micros for one in sold], dtype=np.int64),
        problems=tuple(sold),
    )


def static_contracts(strategy: Strategy, book: Book) -> Ints:
    """Size a strategy for each parlay by the service's own `size`: (m, n) hundredths of a contract."""
    found = np.zeros(book.draw.present.shape, dtype=np.int64)
    if strategy is Strategy.NONE:
        return found
    for row, problem in enumerate(book.problems):
        hedges = size(strategy, problem)
        found[row, : len(hedges)] = [hedge.contracts.centis for hedge in hedges]
    return found


def held_to_the_end(book: Book, contracts: Ints, settings: Settings) -> Hedged:
    """Buy at the sale, hold until each leg settles."""
    prices = np.where(book.draw.present, book.sale_asks + settings.slippage_micros, 0)
    outlay, fees = order_costs(contracts, prices, settings)
    pays = contracts * MICROS_PER_CENTI * book.draw.hits
    paid = (outlay + fees).sum(axis=1)
    fair = (contracts / CENTIS_PER_CONTRACT * book.draw.truth).sum(axis=1)
    return Hedged(
        cash=np.concatenate((-paid[:, np.newaxis], pays), axis=1),
        fees=fees.sum(axis=1),
        worth=fair - paid / MICROS_PER_DOLLAR,
    )


def _sold(draw: Draw, row: int, settings: Settings) -> Problem:
    same = draw.same_event[row].item()
    asks = draw.asks[row, 0, draw.present[row]].tolist()
    legs = tuple(_leg(number, ask, same_event=same) for number, ask in enumerate(asks, start=1))
    q, states = _joint(legs, settings.priced_rho if same else Decimal(0))
    stake = min(Money(draw.wanted[row].item()), _largest_stake(q, settings))
    return Problem(
        stake=stake,
        payout=payout(stake, settings.share, q),
        legs=legs,
        states=states,
        budget=Money.floor(stake.dollars * settings.budget_share),
        books={leg.ticker: Offered.endless(Price(leg.ask.micros + settings.slippage_micros)) for leg in legs},
        fees=dict.fromkeys((leg.ticker for leg in legs), _schedule(settings)),
        step=settings.step,
        ratio=settings.ratio,
        alpha=settings.alpha,
    )


def _joint(legs: tuple[Leg, ...], rho: Decimal) -> tuple[Decimal, States]:
    """Give what `joint_states` does, faster: the first two legs and the rest are independent."""
    if not rho:
        asks = [leg.probability for leg in legs]
        return independent(asks), independent_states(asks)
    first, rest = legs[:2], [leg.probability for leg in legs[2:]]
    q, pair = _pair(*(leg.ask.micros for leg in first), rho)
    if not rest:
        return q, pair
    # Rows in the order of `all_hits`: the first legs' bits are the low ones.
    others = independent_states(rest).probabilities[:, np.newaxis]
    return independent((q, *rest)), States(all_hits(len(legs)), (others * pair.probabilities).ravel())


@lru_cache(maxsize=4096)
def _pair(first: int, second: int, rho: Decimal) -> tuple[Decimal, States]:
    legs = tuple(_leg(number, ask, same_event=True) for number, ask in enumerate((first, second), start=1))
    modelled = joint_states(legs, (PairCorrelation(first=1, second=2, rho=rho),))
    return modelled.joint.q, modelled.states


def _leg(number: int, ask: int, *, same_event: bool) -> Leg:
    event = "SIM" if same_event and number <= 2 else f"SIM{number}"  # noqa: PLR2004 - the first pair
    return Leg(number=number, ticker=f"SIM-{number}", event_ticker=event, side=Side.YES, ask=Price(ask))


def _largest_stake(q: Decimal, settings: Settings) -> Money:
    dollars = Fraction(settings.most_payout.dollars) * Fraction(q) / Fraction(settings.share)
    return Money.cents(int(dollars * 100))


def _schedule(settings: Settings) -> FeeSchedule:
    return FeeSchedule(multiplier=settings.fee_multiplier, precision=settings.precision)
