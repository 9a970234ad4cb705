"""Strategies: the check figures, and what rounding never does."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hedge_service.core.hedging import (
    LegHedge,
    SkipReason,
    Strategy,
    hedge_amounts,
    total_amount,
    total_cost,
)
from hedge_service.core.market import Side
from hedge_service.core.money import Count, Money, Price
from hedge_service.core.pricing import Leg

CENTI = Decimal("0.01")


def legs(*asks: str | int) -> list[Leg]:
    return [
        Leg(
            number=number,
            ticker=f"KX-{number}",
            event_ticker=f"EV-{number}",
            side=Side.YES,
            ask=Price(ask) if isinstance(ask, int) else Price.of(ask),
        )
        for number, ask in enumerate(asks, 1)
    ]


def classic(strategy: Strategy = Strategy.BANDS, ratio: str = "1", step: str = "1") -> tuple[LegHedge, ...]:
    return hedge_amounts(
        strategy,
        stake=Money.of(5),
        payout=Money.of("30.96"),
        legs=legs("0.43", "0.52", "0.65"),
        contract_step=Decimal(step),
        ratio=Decimal(ratio),
    )


def hundred(strategy: Strategy, ratio: str = "1") -> list[str]:
    hedges = hedge_amounts(
        strategy,
        stake=Money.of(100),
        payout=Money.of(500),
        legs=legs("0.60", "0.55", "0.50"),
        contract_step=CENTI,
        ratio=Decimal(ratio),
    )
    return [str(hedge.contracts) for hedge in hedges]


def test_the_classic_rule_buys_one_and_three_contracts() -> None:
    hedges = classic()
    assert [str(hedge.amount) for hedge in hedges] == ["0.00", "0.75", "2.00"]
    assert [hedge.contracts for hedge in hedges] == [Count.ZERO, Count.of(1), Count.of(3)]
    assert [hedge.skip for hedge in hedges] == [SkipReason.BELOW_BAND, None, None]
    assert str(total_amount(hedges)) == "2.75"
    assert str(total_cost(hedges)) == "2.47"
    assert str(hedges[2].potential_win) == "3.00"


def test_a_single_leg_at_65_percent_is_hedged_with_two_dollars() -> None:
    (hedge,) = hedge_amounts(Strategy.BANDS, stake=Money.of(5), payout=Money.of("6.92"), legs=legs("0.65"))
    assert (hedge.amount, hedge.contracts) == (Money.of(2), Count.of(3))


def test_strategies_give_the_published_contracts() -> None:
    assert hundred(Strategy.BANDS) == ["41.66", "45.45", "30.00"]
    assert hundred(Strategy.DELTA, "0.4") == ["55.00", "60.00", "66.00"]
    assert hundred(Strategy.DELTA) == ["137.50", "150.00", "165.00"]


def test_the_variance_optimal_hedge_of_the_classic_parlay() -> None:
    fine, whole = classic(Strategy.DELTA, step="0.01"), classic(Strategy.DELTA)
    assert [str(hedge.contracts) for hedge in fine] == ["10.46", "8.65", "6.92"]
    assert [str(hedge.contracts) for hedge in whole] == ["10.00", "8.00", "6.00"]


@pytest.mark.parametrize(
    ("ask", "amount"),
    [
        ("0.65", "2.00"),
        ("0.649999", "1.25"),
        ("0.55", "1.25"),
        ("0.549999", "0.75"),
        ("0.50", "0.75"),
        ("1", "2.00"),
    ],
)
def test_a_band_begins_at_its_price(ask: str, amount: str) -> None:
    (hedge,) = hedge_amounts(Strategy.BANDS, stake=Money.of(5), payout=Money.of(9), legs=legs(ask))
    assert hedge.amount == Money.of(amount)


def test_without_a_strategy_every_leg_is_a_skip() -> None:
    hedges = classic(Strategy.NONE)
    assert {hedge.skip for hedge in hedges} == {SkipReason.NOT_HEDGED}
    assert total_amount(hedges) == total_cost(hedges) == Money.ZERO


def test_less_than_one_contract_is_a_skip_that_keeps_its_amount() -> None:
    (hedge,) = hedge_amounts(Strategy.BANDS, stake=Money.of(1), payout=Money.of(2), legs=legs("0.52"))
    assert (hedge.skip, hedge.contracts, hedge.amount) == (
        SkipReason.BELOW_ONE_CONTRACT,
        Count.ZERO,
        Money.of("0.15"),
    )
    assert total_amount([hedge]) == Money.ZERO


@pytest.mark.parametrize("ratio", ["0", "0.29", "1.01", "-1"])
def test_a_delta_ratio_outside_its_range_is_refused(ratio: str) -> None:
    with pytest.raises(ValueError, match="ratio"):
        classic(Strategy.DELTA, ratio)


@pytest.mark.parametrize("step", ["0", "-1", "0.001"])
def test_a_step_that_is_no_lot_is_refused(step: str) -> None:
    with pytest.raises(ValueError, match=r"lots|negative|finer"):
        classic(step=step)


@pytest.mark.parametrize("strategy", [Strategy.MIN_VARIANCE, Strategy.CVAR, Strategy.ROLLING])
def test_a_strategy_that_needs_more_than_prices_is_not_guessed(strategy: Strategy) -> None:
    with pytest.raises(ValueError, match=strategy):
        classic(strategy)


@given(
    strategy=st.sampled_from([Strategy.NONE, Strategy.BANDS, Strategy.DELTA]),
    stake=st.integers(1, 100_000).map(Money.cents),
    payout=st.integers(1, 1_000_000).map(Money.cents),
    asks=st.lists(st.integers(1, 1_000_000), min_size=1, max_size=8),
    step=st.sampled_from(["0.01", "1", "5"]),
    ratio=st.sampled_from(["0.3", "0.5", "1"]),
)
def test_rounding_never_buys_more_than_the_rule_says_and_less_than_one_lot_short(
    strategy: Strategy, stake: Money, payout: Money, asks: list[int], step: str, ratio: str
) -> None:
    parlay = legs(*asks)
    hedges = hedge_amounts(
        strategy, stake=stake, payout=payout, legs=parlay, contract_step=Decimal(step), ratio=Decimal(ratio)
    )
    assert [hedge.leg for hedge in hedges] == parlay
    for hedge in hedges:
        contracts, amount = Fraction(hedge.contracts.contracts), Fraction(hedge.amount.dollars)
        lot = Fraction(step) * Fraction(hedge.leg.probability)
        cost = contracts * Fraction(hedge.leg.probability)
        assert contracts % Fraction(step) == 0
        assert cost < amount + Fraction(1, 1_000_000)
        assert amount < cost + lot + Fraction(1, 1_000_000)
        assert (hedge.skip is None) == (hedge.contracts > Count.ZERO)
