"""The simulation: the same parlays and the same chance for every strategy, a stretch at a time."""

from __future__ import annotations

import math
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

import numpy as np

from hedge_service.core.copula import NODES, nodes
from hedge_service.core.hedging import Strategy
from hedge_service.core.money import MICROS_PER_DOLLAR, Money
from hedge_service.simulation.book import Hedged, held_to_the_end, sell, static_contracts
from hedge_service.simulation.paths import draw
from hedge_service.simulation.rolling import Rolled, roll
from hedge_service.simulation.tally import Moments, Tally, share_of
from hedge_service.simulation.timeline import Capital, Curve, Timeline

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from numpy.random import Generator

    from hedge_service.simulation.book import Book
    from hedge_service.simulation.paths import Bools, Draw, Floats, Ints
    from hedge_service.simulation.settings import Settings

STRETCH = 500
_POINTS = 1000
_QUANTILES = {"p5": Decimal("0.05"), "p50": Decimal("0.5"), "p95": Decimal("0.95")}


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What a strategy has made of the book, in dollars a parlay where not said otherwise.

    `standard_error`: of `mean`. `expected`: the mean without the luck of the results, by the true
    probabilities at each purchase; `costs`: how much less it is than `none`'s. `of_stakes`: `expected` as a
    share of the mean stake. `drawdown`: the deepest fall of the book's cumulated result, in order of
    settlement; `capital`: the book's peak of cash paid out above cash received. Both are of the whole book.
    """

    strategy: Strategy
    total: Money
    mean: Money
    standard_error: Money
    expected: Money
    of_stakes: Decimal
    sd: Money
    p5: Money
    p50: Money
    p95: Money
    worst: Money
    losing: Decimal
    fees: Money
    costs: Money
    drawdown: Money
    capital: Money


@dataclass(frozen=True, slots=True, kw_only=True)
class RollingCount:
    """How rolling went: parlays in sequence, rolls made, rolls that the drift guard stopped."""

    in_sequence: int = 0
    rolls: int = 0
    refused: int = 0

    def plus(self, rolled: Rolled) -> RollingCount:
        """Add a stretch."""
        return RollingCount(
            in_sequence=self.in_sequence + int(rolled.in_sequence.sum()),
            rolls=self.rolls + rolled.rolls,
            refused=self.refused + rolled.refused,
        )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Simulated:
    """The outcome for each strategy, and what a plot needs: `curve` as `Curve.points`, distributions.

    `stakes`, `owed` and `hits`: the sums of stakes and payouts of all parlays, and how many had to be paid.
    """

    settings: Settings
    stakes: Money
    owed: Money
    hits: int
    outcomes: tuple[Outcome, ...]
    rolling: RollingCount | None
    curve: tuple[Ints, Ints, Ints]
    distributions: tuple[tuple[Floats, Ints], ...]


def simulate(
    settings: Settings,
    rng: Generator,
    *,
    stretch: int = STRETCH,
    progress: Callable[[int], None] = lambda _: None,
) -> Simulated:
    """Sell, hedge and settle every parlay; `progress` is told how many are done after each stretch.

    The same settings and the same generator give the same answer, whatever the stretch.
    """
    run = _Run(settings)
    for first in range(0, settings.parlays, stretch):
        count = min(stretch, settings.parlays - first)
        last = first + count == settings.parlays
        run.take(draw(settings, rng, first, count), math.inf if last else (first + count) / settings.per_day)
        progress(first + count)
    return run.simulated()


class _Run:
    """The statistics so far."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._strategies = settings.strategies
        count = len(self._strategies)
        self._tallies = [Tally() for _ in range(count)]
        self._fees = [Moments() for _ in range(count)]
        self._worth = [0.0] * count
        self._bare = 0.0
        self._cash, self._settling = Timeline(count), Timeline(count)
        self._capital = Capital(count)
        self._curve = Curve(count, max(settings.parlays // _POINTS, 1))
        self._rolling = RollingCount()
        self._stakes = self._owed = 0
        self._hits = 0

    def take(self, drawn: Draw, horizon: float) -> None:
        """Sell a stretch, hedge it by every strategy, and settle what is due before `horizon` (days)."""
        book = sell(drawn, self._settings)
        won = np.asarray(drawn.hits.all(axis=1))
        self._stakes += int(book.stakes.sum())
        self._owed += int(book.payouts.sum())
        self._hits += int(won.sum())
        hedged = self._hedged(book)
        self._bare += math.fsum(_bare_expectation(book, self._settings))
        bare = book.stakes - book.payment_fees - book.payouts * won
        results = np.stack([bare + one.cash.sum(axis=1) for one in hedged])
        for place, one in enumerate(hedged):
            self._tallies[place].add(results[place])
            self._fees[place].add(one.fees)
            self._worth[place] += math.fsum(one.worth)
        ends = drawn.settles.max(axis=1, where=drawn.present, initial=0)
        self._curve.add(self._settling.advance(ends, results, horizon))
        self._capital.add(self._cash.advance(*_flows(book, hedged, ends, won, self._settings), horizon))

    def simulated(self) -> Simulated:
        """Sum everything up."""
        return Simulated(
            settings=self._settings,
            stakes=Money(self._stakes),
            owed=Money(self._owed),
            hits=self._hits,
            outcomes=tuple(self._outcome(at) for at in range(len(self._strategies))),
            rolling=self._rolling if Strategy.ROLLING in self._strategies else None,
            curve=self._curve.points(),
            distributions=tuple(self._tallies[at].distribution() for at in range(len(self._strategies))),
        )

    def _hedged(self, book: Book) -> list[Hedged]:
        needed = dict.fromkeys((*self._strategies, *((Strategy.DELTA,) if self._rolls else ())))
        static = {one: static_contracts(one, book) for one in needed if one is not Strategy.ROLLING}
        held = {one: held_to_the_end(book, count, self._settings) for one, count in static.items()}
        if self._rolls:
            rolled = roll(book, self._settings, held[Strategy.DELTA])
            held[Strategy.ROLLING] = rolled.hedged
            self._rolling = self._rolling.plus(rolled)
        return [held[one] for one in self._strategies]

    @property
    def _rolls(self) -> bool:
        return Strategy.ROLLING in self._strategies

    def _outcome(self, at: int) -> Outcome:
        tally, strategy = self._tallies[at], self._strategies[at]
        expected = _dollars((self._bare + self._worth[at]) / tally.count)
        return Outcome(
            strategy=strategy,
            total=tally.total,
            mean=tally.mean,
            standard_error=tally.standard_error,
            expected=expected,
            of_stakes=share_of(expected.micros * tally.count, self._stakes),
            sd=tally.sd,
            worst=Money.ZERO if tally.worst is None else tally.worst,
            losing=share_of(tally.losing, tally.count),
            fees=self._fees[at].mean,
            costs=_dollars(-self._worth[at] / tally.count),
            drawdown=Money(self._curve.drawdown[at].item()),
            capital=Money(self._capital.needed[at].item()),
            **_quantiles(tally),
        )


def _dollars(amount: float) -> Money:
    return Money(round(amount * MICROS_PER_DOLLAR))


def _quantiles(tally: Tally) -> Mapping[str, Money]:
    return {name: tally.quantile(share) for name, share in _QUANTILES.items()}


def _flows(
    book: Book, hedged: list[Hedged], ends: Floats, won: Bools, settings: Settings
) -> tuple[Floats, Ints]:
    """Give all cash events: the hedge at sale and settlements, the stake when it arrives, the payout."""
    drawn = book.draw
    # A leg that a parlay has not moves no cash; it must not come later than its parlay's end either.
    settles = np.minimum(drawn.settles, ends[:, np.newaxis])
    times = np.column_stack((drawn.sold, settles, drawn.sold + settings.stake_days, ends))
    outside = np.column_stack((book.stakes - book.payment_fees, -book.payouts * won))
    amounts = np.stack([np.concatenate((one.cash, outside), axis=1) for one in hedged])
    return times.ravel(), amounts.reshape(len(hedged), -1)


def _bare_expectation(book: Book, settings: Settings) -> Floats:
    """Give the expected result without a hedge, in dollars, from the true probabilities."""
    pairs = _pair_probability(book.draw.truth[:, :2], float(settings.rho))
    first = np.where(book.draw.same_event, pairs, book.draw.truth[:, :2].prod(axis=1))
    q = first * book.draw.truth[:, 2:].prod(axis=1)
    fixed = book.stakes - book.payment_fees
    return np.asarray((fixed - book.payouts * q) / MICROS_PER_DOLLAR)


def _pair_probability(pairs: Floats, rho: float) -> Floats:
    """Give P(both) of two legs on one factor, by the price's own quadrature."""
    from scipy.special import ndtr, ndtri  # noqa: PLC0415 - beside its only use

    if not rho:
        return np.asarray(pairs.prod(axis=1))
    rule = np.array(nodes(NODES))
    given = (ndtri(pairs)[:, :, np.newaxis] - math.sqrt(rho) * rule[:, 0]) / math.sqrt(1 - rho)
    return np.asarray(ndtr(given).prod(axis=1) @ rule[:, 1])
