"""The smallest stake that would do, against trying every cent."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hedge_service.core.choice import Facts, decide, offer, plan_of
from hedge_service.core.hedging import Strategy
from hedge_service.core.minimum_stake import smallest_stake
from hedge_service.core.money import Money
from tests.core.choice_samples import facts_of, rules_of

MOST = Money.of(9)


def found(facts: Facts, most: Money = MOST) -> Money | None:
    offered = offer(facts)
    return smallest_stake(facts, offered.modelled, most=most)


def by_every_cent(facts: Facts) -> Money | None:
    offered = offer(facts)
    least = facts.rules.minimum_edge
    assert least is not None
    for cents in range(1, MOST.to_cents() + 1):
        stake = Money.cents(cents)
        plan = plan_of(offered.default, replace(facts, stake=stake), offered.modelled)
        if plan.edge.dollars >= least * stake.dollars:
            return stake
    return None


def test_without_a_hedge_break_even_is_just_past_the_payment_fee() -> None:
    # 0.30 / (0.1 - 0.029) = 4.23; the fee is rounded up to the cent, the payout down.
    rules = rules_of(strategy=Strategy.NONE, minimum_edge=Decimal(0))
    assert found(facts_of(rules=rules, stake="1")) == by_every_cent(facts_of(rules=rules, stake="1"))
    assert Money.of("4.10") < (found(facts_of(rules=rules)) or Money.ZERO) < Money.of("4.36")


@settings(deadline=None, max_examples=5)
@given(
    asks=st.lists(st.integers(30, 85).map(lambda cents: f"0.{cents}"), min_size=2, max_size=3),
    least=st.integers(0, 60),
    strategy=st.sampled_from([Strategy.NONE, Strategy.BANDS, Strategy.DELTA]),
)
def test_it_is_the_one_that_trying_every_cent_finds(asks: list[str], least: int, strategy: Strategy) -> None:
    rules = rules_of(strategy=strategy, minimum_edge=Decimal(least).scaleb(-3))
    facts = facts_of(*asks, stake="1", rules=rules)
    assert found(facts) == by_every_cent(facts)


@pytest.mark.parametrize("strategy", [Strategy.MIN_VARIANCE, Strategy.CVAR])
def test_plans_that_are_computed_get_an_answer_that_does(strategy: Strategy) -> None:
    facts = facts_of(rules=rules_of(strategy=strategy, minimum_edge=Decimal("0.01")), stake="3")
    assert not decide(facts).sold
    answer = found(facts)
    if answer is not None:
        assert decide(replace(facts, stake=answer)).sold


def test_each_stake_is_tried_with_the_plan_that_its_own_payout_leaves_by_default() -> None:
    rules = rules_of(
        strategy=Strategy.ROLLING,
        order=Money.of(12),
        minimum_edge=Decimal("0.03"),
        drift_reserve=Decimal(0),
        slippage=Decimal(0),
        payment_fee_share=Decimal(0),
    )
    rolled = facts_of(rules=rules, sequence=(1, 2, 3), stake="1")
    too_large = replace(rolled, stake=Money.of(6))
    assert (offer(rolled).default, offer(too_large).default) == (Strategy.ROLLING, Strategy.DELTA)
    answer = found(rolled, Money.of(100))
    assert answer is not None
    assert answer == found(too_large, Money.of(100))
    assert decide(replace(rolled, stake=answer)).sold


def test_where_the_share_leaves_less_than_wanted_no_stake_does() -> None:
    facts = facts_of(rules=rules_of(minimum_edge=Decimal("0.08")))
    assert found(facts, Money.of(1000)) is None


def test_an_answer_above_the_largest_stake_is_none() -> None:
    facts = facts_of(rules=rules_of(strategy=Strategy.NONE, minimum_edge=Decimal("0.02")), stake="1")
    assert found(facts, Money.of(5)) is None
    assert found(facts) is not None


def test_without_a_fixed_fee_a_cent_may_do_but_only_with_a_profit_for_the_payer() -> None:
    rules = rules_of(
        strategy=Strategy.NONE,
        minimum_edge=Decimal(0),
        payment_fee_share=Decimal(0),
        payment_fee_fixed=Money.ZERO,
    )
    answer = found(facts_of("0.80", "0.99", rules=rules))
    assert answer is not None
    assert decide(replace(facts_of("0.80", "0.99", rules=rules), stake=answer)).offered.price.payout > answer
