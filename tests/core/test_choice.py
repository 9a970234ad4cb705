"""Plans and the choice among them: the model picks, the house is never worse off for it."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hedge_service.core.choice import (
    STATIC,
    ChosenBy,
    Facts,
    Measure,
    choose,
    decide,
    offer,
    within_reach,
)
from hedge_service.core.fees import FeeSchedule
from hedge_service.core.hedging import SkipReason, Strategy
from hedge_service.core.money import Money, Price
from hedge_service.core.pricing import Impossible, PairCorrelation
from hedge_service.core.risk.structure import Structure
from hedge_service.core.rolling import NotInSequence, NotOffered
from hedge_service.core.strike import Strike, StrikeKind
from tests.core.choice_samples import CLASSIC, book, facts_of, rules_of

if TYPE_CHECKING:
    from hedge_service.core.choice import Plan
    from hedge_service.core.hedging import LegHedge

asks = st.lists(st.integers(20, 90).map(lambda cents: f"0.{cents}"), min_size=2, max_size=4)
strategies = st.sampled_from(STATIC)


def contracts(plan: Plan) -> list[Decimal]:
    return [hedge.contracts.contracts for hedge in plan.hedges]


def test_the_classic_parlay_is_offered_every_static_plan_and_bought_by_bands() -> None:
    decision = decide(facts_of())
    assert tuple(plan.strategy for plan in decision.offered.plans) == STATIC
    choice = decision.choice
    assert (choice.plan.strategy, choice.by, decision.sold) == (Strategy.BANDS, ChosenBy.DEFAULT, True)
    assert contracts(choice.plan) == [0, 1, 3]
    assert decision.offered.price.payout == Money.of("30.96")
    # 5 - 0.45 (card) - 30.96 * 0.14534 - 0.0175 - 0.0478 (fees of 1 at 52 cents, 3 at 65 cents)
    assert Money.of("-0.0152") < choice.plan.edge < Money.of("-0.0150")
    assert choice.plan.evaluation.outlay == Money.of("2.47")


def test_without_costs_of_a_hedge_its_edge_is_its_expected_result() -> None:
    plan = offer(facts_of()).plan(Strategy.NONE)
    assert abs(plan.edge.micros - plan.evaluation.ev.micros) <= 1


def test_depth_costs_more_than_the_ask_and_what_is_beyond_an_orders_reach_is_not_there() -> None:
    levels = book(("0.65", "1"), ("0.66", "1"), ("0.68", "9"))
    deep = {"KX-3": within_reach(levels, Decimal("0.65"), Decimal("0.02"))}
    thin = offer(facts_of(books=deep)).plan(Strategy.BANDS)
    plain = offer(facts_of()).plan(Strategy.BANDS)
    assert contracts(thin) == [0, 1, 2]
    assert thin.evaluation.outlay == Money.of("1.83")
    assert thin.edge + thin.evaluation.fees + Money.cents(1) == plain.edge + plain.evaluation.fees


def test_an_offer_below_the_quoted_ask_is_no_gain_yet() -> None:
    cheap = {"KX-2": book(("0.40", "50")), "KX-3": book(("0.40", "50"))}
    better, plain = offer(facts_of(books=cheap)), offer(facts_of())
    fees = [each.plan(Strategy.BANDS).evaluation.fees for each in (better, plain)]
    edges = [each.plan(Strategy.BANDS).edge for each in (better, plain)]
    assert edges[0] + fees[0] == edges[1] + fees[1]


@pytest.mark.parametrize("measure", list(Measure))
def test_the_models_plan_is_bought_where_it_is_no_worse_and_else_overruled_with_both_figures(
    measure: Measure,
) -> None:
    facts = facts_of(rules=rules_of(measure=measure))
    offered = offer(facts)
    default = offered.plan(Strategy.BANDS)
    for plan in offered.plans:
        choice = choose(offered, replace(facts, wanted=plan.strategy.value))
        worse = measure.worse(plan.evaluation, default.evaluation)
        assert choice.by is (ChosenBy.OVERRULED if worse else ChosenBy.MODEL)
        assert choice.plan is (default if worse else plan)
        assert choice.wanted == measure.of(plan.evaluation)
        assert choice.default == measure.of(default.evaluation)
    assert choose(offered, replace(facts, wanted="none")).by is ChosenBy.OVERRULED


@pytest.mark.parametrize("named", ["", "BANDS", "rolling", "bands ", "no hedge at all", "__proto__"])
def test_a_plan_that_was_not_offered_is_refused(named: str) -> None:
    choice = decide(facts_of(wanted=named)).choice
    assert (choice.by, choice.plan.strategy) == (ChosenBy.NOT_OFFERED, Strategy.BANDS)


def test_a_plan_that_leaves_less_than_the_minimum_edge_is_not_bought_for_the_model() -> None:
    rules = rules_of(minimum_edge=Decimal("0.0098"), strategy=Strategy.NONE, measure=Measure.SD)
    facts = facts_of(rules=rules, wanted="min_variance")
    decision = decide(facts)
    assert (decision.sold, decision.choice.by) == (True, ChosenBy.BELOW_MINIMUM_EDGE)
    assert decision.choice.plan.strategy is Strategy.NONE


def test_the_default_decides_whether_the_parlay_is_sold_whatever_the_model_names() -> None:
    rules = rules_of(minimum_edge=Decimal(0), measure=Measure.SD)
    decision = decide(facts_of(rules=rules, wanted="none"))
    assert decision.offered.plan(Strategy.NONE).edge > Money.ZERO
    assert not decision.sold


def test_a_nested_parlay_is_priced_as_its_rarer_leg_and_a_contradiction_is_refused() -> None:
    def above(floor: str) -> Strike:
        return Strike(kind=StrikeKind.GREATER_OR_EQUAL, floor=Decimal(floor))

    structure = Structure(strikes={"KX-1": above("60"), "KX-2": above("70")})
    nested = facts_of("0.65", "0.15", events=("HIGH", "HIGH"), structure=structure)
    price = offer(nested).price
    assert (price.joint.q, price.joint.product) == (Decimal("0.15"), Decimal("0.0975"))
    below = Strike(kind=StrikeKind.LESS, cap=Decimal(50))
    with pytest.raises(Impossible):
        offer(replace(nested, structure=Structure(strikes={"KX-1": above("60"), "KX-2": below})))


def test_rolling_legs_in_sequence_are_bought_one_after_the_other() -> None:
    facts = facts_of(rules=rules_of(strategy=Strategy.ROLLING), sequence=(3, 1, 2))
    decision = decide(facts)
    plan = decision.choice.plan
    assert (plan.strategy, decision.offered.not_rolling) == (Strategy.ROLLING, None)
    assert [hedge.skip for hedge in plan.hedges] == [SkipReason.LATER_LEG, SkipReason.LATER_LEG, None]
    seen = plan.evaluation
    assert (seen.sd, seen.best) == (Money.ZERO, seen.ev)
    # the drift reserve, 2 % of the payout, may be lost on top
    assert seen.ev - seen.worst == Money.of("0.6192")
    assert {state.result for state in seen.states} == {seen.ev}
    # what rolls cost above the asks and the reserve are in the edge
    assert abs((plan.edge - (seen.ev - Money.of("0.6192"))).micros) <= 2


def test_rolling_is_charged_the_fees_of_the_legs_own_series() -> None:
    dear = {f"KX-{number}": FeeSchedule(multiplier=Decimal(2)) for number in (1, 2, 3)}
    rules = rules_of(strategy=Strategy.ROLLING)
    plain, double = (
        decide(facts_of(rules=rules, sequence=(1, 2, 3), fees=fees)).choice.plan for fees in ({}, dear)
    )
    # 30.96 times the product of ask, 2 cents and one fee (0.07 p (1 - p)) a contract; then two fees.
    assert (plain.evaluation.ev, double.evaluation.ev) == (Money.of("-0.978031"), Money.of("-1.495293"))
    assert plain.edge - double.edge == plain.evaluation.ev - double.evaluation.ev
    # Each leg's payoff pays the next one's fees, so dearer ones take more of the first.
    assert contracts(double)[0] > contracts(plain)[0]


def test_legs_out_of_sequence_are_hedged_by_delta_instead_and_the_reason_is_kept() -> None:
    why = NotOffered(reason=NotInSequence.ENDS_TOO_CLOSE, legs=(1, 2))
    decision = decide(facts_of(rules=rules_of(strategy=Strategy.ROLLING), sequence=why, wanted="rolling"))
    assert (decision.offered.default, decision.offered.not_rolling) == (Strategy.DELTA, why)
    assert decision.choice.by is ChosenBy.NOT_OFFERED


def test_rolls_that_would_not_fit_under_the_order_cap_are_not_begun() -> None:
    rules = rules_of(strategy=Strategy.ROLLING, order=Money.of(5))
    offered = offer(facts_of(rules=rules, sequence=(1, 2, 3)))
    assert offered.not_rolling is not None
    assert offered.not_rolling.reason is NotInSequence.OVER_ORDER_CAP


@settings(deadline=None, max_examples=20)
@given(asks=asks, rho=st.integers(-100, 100), wanted=st.one_of(st.none(), st.text(max_size=12), strategies))
def test_whatever_the_model_says_the_payout_only_falls_and_the_house_is_no_worse_than_by_default(
    asks: list[str], rho: int, wanted: Any
) -> None:
    events = tuple("SAME" if n < 2 else f"EV-{n}" for n in range(len(asks)))
    before = facts_of(*asks, events=events)
    pair = PairCorrelation(first=1, second=2, rho=Decimal(rho).scaleb(-2))
    after: Facts = replace(before, correlations=(pair,), wanted=wanted)
    decision = decide(after)
    assert decision.offered.price.payout <= offer(before).price.payout
    chosen, default = decision.choice.plan, decision.offered.plan(Strategy.BANDS)
    assert chosen in decision.offered.plans
    assert chosen.evaluation.cvar >= default.evaluation.cvar


@settings(deadline=None, max_examples=20)
@given(
    asks=asks,
    order=st.integers(1, 40),
    parlay=st.integers(1, 60),
    stake=st.integers(1, 100),
    times=st.sampled_from((0, 1, 3)),
)
def test_no_plan_can_cost_more_than_the_caps(
    asks: list[str], order: int, parlay: int, stake: int, times: int
) -> None:
    rules = rules_of(order=Money.of(order), parlay=Money.of(parlay))
    charged = FeeSchedule(multiplier=Decimal(times))
    fees = {f"KX-{number}": charged for number in range(1, len(asks) + 1)}

    def costs(hedge: LegHedge) -> Money:
        limit = Price.of(min(hedge.leg.ask.dollars + rules.slippage, Decimal(1)))
        return limit.times(hedge.contracts) + charged.largest(hedge.contracts, limit)

    for plan in offer(facts_of(*asks, stake=str(stake), rules=rules, fees=fees)).plans:
        most = [costs(hedge) for hedge in plan.hedges]
        assert all(each <= rules.caps.order for each in most)
        assert sum(most, Money.ZERO) <= rules.caps.parlay
        assert all(bool(hedge.contracts) is (hedge.skip is None) for hedge in plan.hedges)


def test_the_same_facts_give_the_same_plans_and_choice() -> None:
    facts = facts_of(*CLASSIC, wanted="cvar")
    first, second = decide(facts), decide(facts, offer(facts))
    assert (first.choice, first.offered.plans) == (second.choice, second.offered.plans)
