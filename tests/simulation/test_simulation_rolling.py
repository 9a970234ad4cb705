"""Rolling on arrays: the published figures, and the same targets and guard as the service's own code."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import numpy as np

from hedge_service.core.fees import FeeSchedule
from hedge_service.core.hedging import Strategy, sized_leg
from hedge_service.core.money import Price
from hedge_service.core.rolling import Costs, targets
from hedge_service.simulation.book import Book, held_to_the_end, sell, static_contracts
from hedge_service.simulation.rolling import Rolled, roll
from hedge_service.simulation.settings import Settings
from tests.simulation.books import FREE, every_end_of, sold


def rolled(book: Book, knobs: Settings) -> Rolled:
    otherwise = held_to_the_end(book, static_contracts(Strategy.DELTA, book), knobs)
    return roll(book, knobs, otherwise)


def results(book: Book, hedged: Rolled) -> list[int]:
    won = book.draw.hits.all(axis=1)
    bare = book.stakes - book.payment_fees - book.payouts * won
    found: list[int] = (bare + hedged.hedged.cash.sum(axis=1)).tolist()
    return found


def test_prices_that_hold_end_in_17_50_whatever_happens() -> None:
    knobs = replace(FREE, legs=(3, 3))
    book = sell(every_end_of((60, 55, 50)), knobs)
    assert set(book.payouts.tolist()) == {500_000_000}
    hedged = rolled(book, knobs)
    assert set(results(book, hedged)) == {17_500_000}
    # what is held of each leg once those before it have hit: 137.5 -> 250 -> 500
    assert hedged.contracts[-1].tolist() == [13_750, 25_000, 50_000]
    assert hedged.contracts[0].tolist() == [13_750, 0, 0]


def test_grossed_up_for_a_cent_and_fees_it_ends_in_4_59() -> None:
    """152.25 -> 263.75 -> 500, within what lots of 0.01 and fees rounded up take."""
    knobs = replace(FREE, legs=(3, 3), slippage=Decimal("0.01"), fee_multiplier=Decimal(1))
    book = sell(every_end_of((60, 55, 50)), knobs)
    hedged = rolled(book, knobs)
    assert hedged.contracts[-1].tolist() == [15_224, 26_374, 50_000]
    assert all(abs(result - 4_590_000) < 10_000 for result in results(book, hedged))


def test_first_targets_are_those_of_the_service() -> None:
    knobs = Settings(same_event=Decimal(0), drift=Decimal("0.05"))
    book = sold(knobs)
    contracts = rolled(book, knobs).contracts
    costs = Costs(slippage=knobs.slippage, standard=FeeSchedule())
    for row, problem in enumerate(book.problems):
        first = sized_leg(problem.legs[0], targets(problem.payout, problem.legs, costs)[0], knobs.step)
        assert contracts[row, 0] == first.contracts.centis


def test_later_targets_are_those_of_the_service_at_the_prices_of_the_day() -> None:
    knobs = Settings(legs=(3, 3), same_event=Decimal(0), drift=Decimal("0.03"), drift_reserve=Decimal("0.2"))
    book = sold(knobs)
    found = rolled(book, knobs)
    costs = Costs(slippage=knobs.slippage, standard=FeeSchedule())
    rolls = np.flatnonzero(book.draw.hits[:, 0] & (found.contracts[:, 1] > 0))
    assert len(rolls) > 100
    for row in rolls:
        problem = book.problems[row]
        now = [
            replace(leg, ask=Price(book.draw.asks[row, 1, place].item()))
            for place, leg in enumerate(problem.legs)
        ]
        target = sized_leg(now[1], targets(problem.payout, now[1:], costs)[0], knobs.step)
        assert found.contracts[row, 1] == target.contracts.centis


def test_a_roll_beyond_the_drift_guard_is_not_made_and_never_pays_more_than_the_reserve() -> None:
    knobs = Settings(same_event=Decimal(0), drift=Decimal("0.10"))
    book = sold(knobs, 2000)
    found = rolled(book, knobs)
    assert found.refused > 0
    assert found.rolls == int((found.contracts[:, 1:] > 0).sum())
    # what the rolls of each parlay paid above the asks at the sale and slippage, at the least
    draw, paid = book.draw, np.zeros(len(book.payouts))
    for leg in range(1, 4):
        above = np.maximum(draw.asks[:, leg, leg] - draw.asks[:, 0, leg] - knobs.slippage_micros, 0) / 1e6
        paid += above * found.contracts[:, leg] / 100
    allowed = book.payouts / 1e6 * 0.02 + 1e-6
    assert paid.any()
    assert (paid <= allowed).all()


def test_a_miss_ends_the_rolling() -> None:
    knobs = Settings(same_event=Decimal(0))
    book = sold(knobs)
    contracts = rolled(book, knobs).contracts
    missed = ~book.draw.hits[:, 0]
    assert missed.any()
    assert not contracts[missed, 1:].any()


def test_legs_that_settle_together_are_hedged_by_delta() -> None:
    knobs = Settings(same_event=Decimal(1))
    book = sold(knobs, 50)
    otherwise = held_to_the_end(book, static_contracts(Strategy.DELTA, book), knobs)
    found = roll(book, knobs, otherwise)
    assert not found.in_sequence.any()
    assert (found.hedged.cash == otherwise.cash).all()
