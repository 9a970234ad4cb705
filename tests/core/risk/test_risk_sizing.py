"""Every static strategy as whole lots: the check figures, and what sizing never does."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hedge_service.core.book import Book, Level
from hedge_service.core.fees import FeeSchedule
from hedge_service.core.hedging import SkipReason, Strategy, hedge_amounts
from hedge_service.core.money import Count, Money, Price
from hedge_service.core.pricing import PairCorrelation
from hedge_service.core.risk.costs import positions, total_paid
from hedge_service.core.risk.evaluate import Terms, evaluate
from hedge_service.core.risk.joint import joint_states
from hedge_service.core.risk.sizing import Problem, size
from hedge_service.core.risk.states import independent_states
from tests.core.risk.hedge_problems import any_states, asks_of, book, legs

STATIC = [strategy for strategy in Strategy if strategy is not Strategy.ROLLING]
CENTI = Decimal("0.01")


def problem(stake: str, payout: str, *asks: str, budget: str = "100000", step: str = "0.01") -> Problem:
    return Problem(
        stake=Money.of(stake),
        payout=Money.of(payout),
        legs=legs(*asks),
        states=independent_states([Decimal(ask) for ask in asks]),
        budget=Money.of(budget),
        step=Decimal(step),
    )


CLASSIC = problem("5", "30.96", "0.43", "0.52", "0.65")
HUNDRED = problem("100", "500", "0.60", "0.55", "0.50")


def contracts(strategy: Strategy, given: Problem) -> list[str]:
    return [str(hedge.contracts) for hedge in size(strategy, given)]


def test_the_published_contracts() -> None:
    assert contracts(Strategy.MIN_VARIANCE, CLASSIC) == ["10.46", "8.65", "6.92"]
    assert contracts(Strategy.MIN_VARIANCE, HUNDRED) == ["137.50", "150.00", "165.00"]
    assert contracts(Strategy.BANDS, HUNDRED) == ["41.66", "45.45", "30.00"]
    assert contracts(Strategy.DELTA, replace(HUNDRED, ratio=Decimal("0.4"))) == ["55.00", "60.00", "66.00"]
    assert contracts(Strategy.BANDS, replace(CLASSIC, step=Decimal(1))) == ["0.00", "1.00", "3.00"]
    assert contracts(Strategy.NONE, HUNDRED) == ["0.00"] * 3


@pytest.mark.parametrize(
    ("strategy", "sd", "worst", "p_loss"),
    [
        (Strategy.NONE, "185.6", "-400.0", "0.165"),
        (Strategy.BANDS, "164.3", "-347.9", "0.165"),
        (Strategy.MIN_VARIANCE, "132.4", "-195.0", "0.390"),
    ],
)
def test_the_published_risk(strategy: Strategy, sd: str, worst: str, p_loss: str) -> None:
    free = {leg.ticker: FeeSchedule(multiplier=Decimal(0)) for leg in HUNDRED.legs}
    bought = positions(size(strategy, HUNDRED), None, free)
    found = evaluate(
        Terms(stake=HUNDRED.stake, payment_fee=Money.ZERO, payout=HUNDRED.payout), HUNDRED.states, bought
    )
    assert (f"{found.sd.dollars:.1f}", f"{found.worst.dollars:.1f}") == (sd, worst)
    assert f"{found.p_loss:.3f}" == p_loss
    assert f"{found.ev.dollars:.2f}" == "17.50"


@pytest.mark.parametrize(
    ("precision", "fees"), [("0.01", ["0", "0.02", "0.05"]), ("0.0001", ["0", "0.0175", "0.0472"])]
)
def test_the_classic_plan_pays_the_published_fees_a_cent_above_its_asks(
    precision: str, fees: list[str]
) -> None:
    whole = replace(CLASSIC, step=Decimal(1))
    books = {"KX-2": book(("0.53", "100")), "KX-3": book(("0.66", "100"))}
    schedule = FeeSchedule(precision=Decimal(precision))
    bought = positions(size(Strategy.BANDS, whole), books, dict.fromkeys(["KX-2", "KX-3"], schedule))
    assert [position.fees for position in bought] == [Money.of(fee) for fee in fees]
    assert [str(position.outlay) for position in bought] == ["0.00", "0.53", "1.98"]
    assert [str(position.contracts) for position in bought] == ["0.00", "1.00", "3.00"]


def test_what_needs_only_prices_is_what_it_always_was() -> None:
    for strategy in (Strategy.NONE, Strategy.BANDS, Strategy.DELTA):
        assert size(strategy, CLASSIC) == hedge_amounts(
            strategy, stake=CLASSIC.stake, payout=CLASSIC.payout, legs=CLASSIC.legs, contract_step=CENTI
        )


def test_a_thin_book_cuts_a_leg_to_the_whole_lots_it_holds() -> None:
    books = {
        "KX-1": book(("0.60", "10.5"), ("0.61", "3")),
        "KX-2": book(("0.55", "0.9")),
        "KX-3": Book(()),
    }
    thin = replace(HUNDRED, books=books, step=Decimal(1))
    for strategy in (Strategy.BANDS, Strategy.DELTA):
        hedges = size(strategy, thin)
        assert [str(hedge.contracts) for hedge in hedges] == ["13.00", "0.00", "0.00"]
        assert [hedge.skip for hedge in hedges] == [None, SkipReason.NO_DEPTH, SkipReason.NO_DEPTH]
    for strategy in (Strategy.MIN_VARIANCE, Strategy.CVAR):
        hedges = size(strategy, thin)
        assert [str(hedge.contracts) for hedge in hedges] == ["13.00", "0.00", "0.00"]
        assert hedges[2].skip is SkipReason.NO_DEPTH


def test_a_plan_beyond_its_cap_is_cut_in_proportion() -> None:
    hedges = size(Strategy.MIN_VARIANCE, replace(HUNDRED, cap=Money.of(100)))
    paid = total_paid(positions(hedges, None, {}))
    assert Money.of(99) < paid <= Money.of(100)
    ratios = [
        hedge.contracts.contracts / full
        for hedge, full in zip(hedges, map(Decimal, ("137.5", "150", "165")), strict=True)
    ]
    assert max(ratios) - min(ratios) < Decimal("0.001")


def test_a_cap_too_small_for_a_lot_is_a_skip_with_that_reason() -> None:
    hedges = size(Strategy.BANDS, replace(CLASSIC, step=Decimal(1), cap=Money.of("0.50")))
    assert [hedge.skip for hedge in hedges] == [
        SkipReason.BELOW_BAND,
        SkipReason.OVER_BUDGET,
        SkipReason.OVER_BUDGET,
    ]


def test_a_fee_decides_whether_the_last_lot_is_affordable() -> None:
    """Forty contracts at 0.50 are 20.00; with their fee of 0.70 the budget holds one less of a whole lot."""
    whole = replace(HUNDRED, step=Decimal(1))
    assert contracts(Strategy.CVAR, replace(whole, budget=Money.of("20.70"))) == ["0.00", "0.00", "40.00"]
    assert contracts(Strategy.CVAR, replace(whole, budget=Money.of("20.69"))) == ["0.00", "0.00", "39.00"]


def test_the_budget_is_of_the_tail_strategy_alone_and_the_cap_of_all() -> None:
    poor = replace(HUNDRED, budget=Money.of(1))
    assert contracts(Strategy.MIN_VARIANCE, poor) == ["137.50", "150.00", "165.00"]
    assert total_paid(positions(size(Strategy.CVAR, poor), None, {})) <= Money.of(1)
    assert size(Strategy.CVAR, replace(HUNDRED, cap=Money.of(1))) == size(Strategy.CVAR, poor)


def test_each_optimum_is_the_best_plan_by_its_own_measure() -> None:
    """Legs 1 and 2 are correlated, books have depth, fees are paid; evaluated as the price models it."""
    parlay = [replace(leg, event_ticker=f"EV-{max(leg.number, 2)}") for leg in legs("0.60", "0.55", "0.50")]
    modelled = joint_states(parlay, [PairCorrelation(first=1, second=2, rho=Decimal("0.5"))])
    terms = Terms(stake=Money.of(100), payment_fee=Money.of("3.20"), payout=Money.of(430))
    given = Problem(
        stake=terms.stake,
        payout=terms.payout,
        legs=parlay,
        states=modelled.states,
        budget=Money.of(400),
        books={leg.ticker: book((str(leg.ask), "90"), ("0.70", "500")) for leg in parlay},
        step=CENTI,
    )
    found = {
        strategy: evaluate(
            terms, given.states, positions(size(strategy, given), given.books, {}), alpha=given.alpha
        )
        for strategy in STATIC
    }
    within_rounding = Money.of("0.02")
    for other in found.values():
        assert found[Strategy.MIN_VARIANCE].sd <= other.sd + within_rounding
        assert found[Strategy.CVAR].cvar >= other.cvar - within_rounding
    assert found[Strategy.MIN_VARIANCE].sd < found[Strategy.DELTA].sd < found[Strategy.NONE].sd
    assert found[Strategy.CVAR].cvar > found[Strategy.MIN_VARIANCE].cvar


def test_rolling_is_not_static() -> None:
    with pytest.raises(ValueError, match="not static"):
        size(Strategy.ROLLING, CLASSIC)


def test_states_of_other_legs_are_refused() -> None:
    with pytest.raises(ValueError, match="states of 3 legs"):
        replace(CLASSIC, legs=legs("0.5"))


levels = st.lists(st.integers(1, 4_000), max_size=3)


@given(
    strategy=st.sampled_from(STATIC),
    seed=st.integers(0, 10_000),
    depths=st.lists(st.one_of(st.none(), levels), min_size=2, max_size=5),
    stake=st.integers(100, 10_000).map(Money.cents),
    payout=st.integers(500, 100_000).map(Money.cents),
    budget=st.integers(0, 10_000).map(Money.cents),
    cap=st.one_of(st.none(), st.integers(0, 10_000).map(Money.cents)),
    lot_and_precision=st.sampled_from([("0.01", "0.0001"), ("0.01", "0.01"), ("1", "0.0001"), ("1", "0.01")]),
)
def test_a_plan_is_whole_lots_within_the_books_and_the_budget_and_never_above_what_was_planned(
    strategy: Strategy,
    seed: int,
    depths: list[list[int] | None],
    stake: Money,
    payout: Money,
    budget: Money,
    cap: Money | None,
    lot_and_precision: tuple[str, str],
) -> None:
    step, precision = map(Decimal, lot_and_precision)
    states = any_states(np.random.default_rng(seed), len(depths))
    parlay = legs(*asks_of(states))
    books = {
        leg.ticker: Book(
            tuple(
                Level(price=Price(leg.ask.micros + k * 2_000), count=Count(centis))
                for k, centis in enumerate(counts)
            )
        )
        for leg, counts in zip(parlay, depths, strict=True)
        if counts is not None
    }
    fees = {leg.ticker: FeeSchedule(precision=precision) for leg in parlay}
    free = Problem(
        stake=stake,
        payout=payout,
        legs=parlay,
        states=states,
        budget=budget,
        books=books,
        fees=fees,
        step=step,
    )
    hedges = size(strategy, replace(free, cap=cap))
    bought = positions(hedges, books, fees)
    bounds = [budget] * (strategy is Strategy.CVAR) + ([] if cap is None else [cap])
    assert all(total_paid(bought) <= bound for bound in bounds)
    for hedge, position, leg in zip(hedges, bought, parlay, strict=True):
        assert hedge.leg is leg
        assert position.contracts == hedge.contracts
        assert hedge.contracts.contracts % step == 0
        assert hedge.contracts.contracts * leg.ask.dollars <= hedge.amount.dollars + Decimal("0.000001")
        assert (hedge.skip is None) == (hedge.contracts > Count.ZERO)
        assert leg.ticker not in books or hedge.contracts <= books[leg.ticker].depth
