"""Costs, prices and chance of a simulated book, against the service's own code and exact values."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hedge_service.core.fees import DIRECT_PRECISION, FCM_PRECISION, FeeSchedule, Fill
from hedge_service.core.hedging import Strategy
from hedge_service.core.leg import PairCorrelation
from hedge_service.core.money import Count, Money, Price
from hedge_service.core.pricing import payout
from hedge_service.core.risk.costs import positions
from hedge_service.core.risk.joint import joint_states
from hedge_service.core.risk.sizing import size
from hedge_service.simulation.book import held_to_the_end, static_contracts
from hedge_service.simulation.costs import order_costs
from hedge_service.simulation.paths import revealed
from hedge_service.simulation.settings import Settings
from tests.simulation.books import FREE, drawn, sold


@settings(deadline=None)
@given(
    centis=st.integers(0, 10_000_000),
    ticks=st.integers(1, 9_999),
    multiplier=st.sampled_from(["0", "0.5", "1"]),
    precision=st.sampled_from([DIRECT_PRECISION, FCM_PRECISION]),
)
def test_orders_on_arrays_cost_what_the_fee_schedule_says(
    centis: int, ticks: int, multiplier: str, precision: Decimal
) -> None:
    knobs = Settings(fee_multiplier=Decimal(multiplier), precision=precision)
    outlay, fees = order_costs(np.array([centis]), np.array([ticks * 100]), knobs)
    count, price = Count(centis), Price(ticks * 100)
    schedule = FeeSchedule(multiplier=Decimal(multiplier), precision=precision)
    assert Money(outlay.item()) == price.times(count)
    assert Money(fees.item()) == (schedule.order([Fill(count=count, price=price)]) if centis else Money.ZERO)


def test_a_price_off_the_grid_is_refused() -> None:
    with pytest.raises(ValueError, match="off the exchange's grid"):
        order_costs(np.array([100]), np.array([430_050]), Settings())


def test_parlays_are_priced_as_the_service_prices_them() -> None:
    knobs = Settings()
    book = sold(knobs, 150)
    assert book.draw.same_event.any()
    for row, problem in enumerate(book.problems):
        pairs = [PairCorrelation(first=1, second=2, rho=knobs.rho)] if book.draw.same_event[row] else []
        modelled = joint_states(problem.legs, pairs)
        np.testing.assert_allclose(problem.states.probabilities, modelled.states.probabilities, atol=1e-12)
        assert (problem.states.hits == modelled.states.hits).all()
        exact = payout(problem.stake, knobs.share, modelled.joint.q)
        assert abs(exact.micros - problem.payout.micros) <= 10_000
        assert problem.payout <= knobs.most_payout


def test_static_hedges_are_sized_and_paid_as_the_service_does() -> None:
    knobs = Settings(precision=FCM_PRECISION)
    book = sold(knobs, 40)
    for strategy in (Strategy.BANDS, Strategy.DELTA, Strategy.MIN_VARIANCE, Strategy.CVAR):
        contracts = static_contracts(strategy, book)
        hedged = held_to_the_end(book, contracts, knobs)
        for row, problem in enumerate(book.problems):
            bought = positions(size(strategy, problem), problem.books, problem.fees)
            paid = sum((one.outlay + one.fees for one in bought), Money.ZERO)
            assert Money(-hedged.cash[row, 0].item()) == paid
            held = [one.contracts.centis for one in bought]
            assert contracts[row, : len(held)].tolist() == held


def test_fair_prices_are_a_martingale_that_ends_in_the_result() -> None:
    """Means of price and result over 40,000 parlays lie within four standard errors of the first price."""
    knobs = replace(FREE, legs=(4, 4), drift=Decimal("0.08"), prices=(40, 40))
    draw = drawn(knobs, 40_000)
    for settled in range(4):
        assert abs(draw.fair[:, settled, 3].mean() - 0.40) < 4 * 0.5 / 200
    assert abs(draw.hits[:, 3].mean() - 0.40) < 4 * 0.5 / 200
    # what is told stays told: among the dear ones more hit, as many as their price says
    dear = draw.fair[:, 3, 3] > 0.5
    assert abs(draw.hits[dear, 3].mean() - draw.fair[dear, 3, 3].mean()) < 4 * 0.5 / np.sqrt(dear.sum())


def test_drift_is_the_deviation_of_a_fifty_cent_price() -> None:
    knobs = replace(FREE, legs=(2, 2), drift=Decimal("0.05"), prices=(50, 50))
    assert abs(drawn(knobs, 40_000).fair[:, 1, 1].std() - 0.05) < 0.001
    assert revealed(0.0) == 0


def test_without_drift_prices_stay_what_they_were() -> None:
    draw = drawn(replace(FREE, legs=(4, 4)))
    assert (draw.asks == draw.asks[:, :1, :]).all()


def test_a_pair_of_one_event_correlates_as_its_price_says() -> None:
    knobs = replace(FREE, legs=(2, 2), prices=(55, 55), same_event=Decimal(1), rho=Decimal("0.5"))
    draw = drawn(knobs, 40_000)
    (problem,) = sold(replace(knobs, priced_rho=Decimal("0.5")), 1).problems
    q = problem.states.probabilities[problem.states.won].item()
    assert abs(draw.hits.all(axis=1).mean() - q) < 4 * 0.5 / 200
    assert (draw.settles[:, 0] == draw.settles[:, 1]).all()


def test_a_bias_makes_legs_likelier_than_their_price_and_the_price_follows() -> None:
    draw = drawn(replace(FREE, legs=(2, 2), prices=(50, 50), bias=Decimal("0.03")), 40_000)
    assert abs(draw.hits.mean() - 0.53) < 4 * 0.5 / np.sqrt(80_000)
    assert (draw.asks[:, 0, 1] == 500_000).all()
    assert (draw.asks[:, 1, 1] == 530_000).all()


def test_legs_that_a_parlay_has_not_change_nothing() -> None:
    draw = drawn(Settings(legs=(2, 4)))
    absent = ~draw.present
    assert absent.any()
    assert draw.hits[absent].all()
    assert (draw.truth[absent] == 1).all()
    assert not draw.asks[:, 0, :][absent].any()
