"""The whole run: exact means within sampling error, common chance, statistics and streams."""

from __future__ import annotations

from dataclasses import asdict, replace
from decimal import Decimal
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as profile
from hypothesis import strategies as st

from hedge_service.core.hedging import Strategy
from hedge_service.core.money import Money
from hedge_service.core.risk.costs import positions
from hedge_service.core.risk.evaluate import Terms, evaluate
from hedge_service.core.risk.sizing import size
from hedge_service.simulation.run import simulate
from hedge_service.simulation.settings import Settings
from hedge_service.simulation.tally import Moments, Tally
from hedge_service.simulation.timeline import Capital, Curve, Timeline
from tests.simulation.books import FREE, sold

if TYPE_CHECKING:
    from hedge_service.simulation.run import Outcome, Simulated

EVENTS = st.tuples(st.integers(0, 40), st.integers(-50, 50))
CHEAP = (Strategy.NONE, Strategy.BANDS, Strategy.DELTA, Strategy.ROLLING)


def ran(knobs: Settings, seed: int = 1, stretch: int = 500) -> Simulated:
    return simulate(knobs, np.random.default_rng(seed), stretch=stretch)


def told(found: Simulated) -> list[dict[str, object]]:
    return [asdict(one) for one in found.outcomes]


def outcome(found: Simulated, strategy: Strategy) -> Outcome:
    return next(one for one in found.outcomes if one.strategy is strategy)


def test_the_mean_agrees_with_what_is_expected_within_its_error() -> None:
    found = ran(Settings(parlays=6000, strategies=CHEAP))
    for one in found.outcomes:
        assert abs(one.mean.micros - one.expected.micros) < 3.5 * one.standard_error.micros


def test_what_is_expected_is_the_exact_evaluation_of_each_plan() -> None:
    """Without spread the asks are the truth, so the mean of the exact EVs is the expected result."""
    knobs = Settings(parlays=80, spread=Decimal(0), strategies=(Strategy.MIN_VARIANCE, Strategy.BANDS))
    book = sold(knobs, 80, seed=1)
    found = ran(knobs)
    for strategy in knobs.strategies:
        evs = []
        for fee, problem in zip(book.payment_fees.tolist(), book.problems, strict=True):
            terms = Terms(stake=problem.stake, payment_fee=Money(fee), payout=problem.payout)
            held = positions(size(strategy, problem), problem.books, problem.fees)
            evs.append(evaluate(terms, problem.states, held).ev.micros)
        assert abs(outcome(found, strategy).expected.micros - np.mean(evs)) < 20


def test_fair_hedges_cost_nothing_and_rolling_at_prices_that_hold_has_no_risk_but_the_stakes() -> None:
    found = ran(replace(FREE, parlays=400, strategies=CHEAP))
    for one in found.outcomes:
        assert abs(one.costs.micros) < 10
    rolling = outcome(found, Strategy.ROLLING)
    # what is left are lots of 0.01 contract, at most a cent each
    assert rolling.sd < Money.of("0.20")
    assert rolling.losing == 0


def test_the_stretch_and_the_other_strategies_change_no_figure() -> None:
    knobs = Settings(parlays=130, strategies=CHEAP)
    whole = ran(knobs, stretch=130)
    parts = ran(knobs, stretch=17)
    assert told(parts) == told(whole)
    assert (parts.curve[1] == whole.curve[1]).all()
    alone = ran(replace(knobs, strategies=(Strategy.ROLLING,)))
    assert told(alone) == told(whole)[-1:]


def test_costs_are_paid_by_every_hedge_and_most_by_the_largest() -> None:
    found = ran(Settings(parlays=300, strategies=(Strategy.NONE, Strategy.BANDS, Strategy.MIN_VARIANCE)))
    none, bands, most = (one.costs for one in found.outcomes)
    assert none == Money.ZERO < bands < most


def test_users_who_know_better_cost_the_house_and_static_hedges_give_some_back() -> None:
    fair, biased = (
        ran(Settings(parlays=300, bias=Decimal(bias), strategies=CHEAP)) for bias in ("0", "0.04")
    )
    for strategy in CHEAP:
        assert outcome(biased, strategy).expected < outcome(fair, strategy).expected
    assert outcome(biased, Strategy.DELTA).costs < outcome(fair, Strategy.DELTA).costs


def test_a_correlation_that_is_not_priced_costs_the_house() -> None:
    naive, priced = (
        ran(Settings(parlays=300, same_event=Decimal(1), priced_rho=Decimal(rho), strategies=CHEAP[:1]))
        for rho in ("0", "0.3")
    )
    assert naive.outcomes[0].of_stakes < priced.outcomes[0].of_stakes


@profile(max_examples=60, deadline=None)
@given(st.lists(st.integers(-(10**9), 10**9), min_size=2, max_size=60), st.integers(1, 7))
def test_statistics_in_stretches_are_those_of_the_whole(amounts: list[int], stretch: int) -> None:
    tally = Tally()
    for start in range(0, len(amounts), stretch):
        tally.add(np.array(amounts[start : start + stretch]))
    assert tally.total == Money(sum(amounts))
    assert abs(tally.sd.micros - np.std(amounts, ddof=1)) <= 1 + 1e-6 * max(map(abs, amounts))
    assert (tally.worst, tally.losing) == (Money(min(amounts)), sum(amount < 0 for amount in amounts))
    ordered = sorted(amount // 10_000 for amount in amounts)
    assert tally.quantile(Decimal("0.5")) == Money.cents(ordered[-(-len(amounts) // 2) - 1])
    assert tally.distribution()[1].sum() == len(amounts)


def test_a_single_amount_has_no_spread_and_none_no_quantile() -> None:
    one = Moments()
    one.add(np.array([5]))
    assert (one.mean, one.sd) == (Money(5), Money.ZERO)
    with pytest.raises(ValueError, match="no amounts"):
        Tally().quantile(Decimal("0.5"))


@profile(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 40), st.integers(-50, 50)), min_size=1, max_size=40), st.integers(1, 9)
)
def test_drawdown_and_capital_do_not_depend_on_the_stretches(
    events: list[tuple[int, int]], stretch: int
) -> None:
    """Events are added up to 40 days ahead of their turn, in stretches by the day they are known on."""
    known = sorted((day - day % 7, day, amount) for day, amount in events)
    timeline, capital, curve = Timeline(1), Capital(1), Curve(1, 1)
    for start in range(0, len(known), stretch):
        part = known[start : start + stretch]
        after = known[start + stretch :]
        horizon = float(after[0][0]) if after else np.inf
        days = np.array([float(day) for _, day, _ in part])
        due = timeline.advance(days, np.array([[amount for _, _, amount in part]]), horizon)
        capital.add(due)
        curve.add(due)
    # a plain loop over the same events, those of one day in the order in which they were added
    balance = highest = needed = fall = 0
    for _, _, amount in sorted(known, key=lambda event: event[1]):
        balance += amount
        highest = max(highest, balance)
        needed, fall = max(needed, -balance), max(fall, highest - balance)
    assert (capital.needed.item(), curve.drawdown.item()) == (needed, fall)
    numbers, sums, _ = curve.points()
    assert (numbers[-1], sums[0, -1]) == (len(events), balance)


def test_stakes_that_arrive_late_need_more_capital() -> None:
    soon, late = (
        ran(Settings(parlays=300, stake_days=days, strategies=(Strategy.DELTA,))).outcomes[0]
        for days in (0, 5)
    )
    assert late.capital > soon.capital
    assert (late.mean, late.drawdown) == (soon.mean, soon.drawdown)
