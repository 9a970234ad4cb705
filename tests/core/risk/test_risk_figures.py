"""The published check figures of price, risk and plans, each computed from its contracts."""

from __future__ import annotations

from decimal import Decimal

import pytest

from hedge_service.core.fees import FCM_PRECISION, taker_fee
from hedge_service.core.money import Count, Money, Price
from hedge_service.core.pricing import edge, joint, payout
from hedge_service.core.risk.evaluate import Evaluation, Position, evaluate
from hedge_service.core.risk.joint import View, joint_states
from tests.core.risk.joint_samples import fair, leg, legs_of, pair, terms, unhedged

CLASSIC = legs_of("0.43", "0.52", "0.65")
CLASSIC_TERMS = terms("5", "30.96")
LARGE = legs_of("0.60", "0.55", "0.50")
LARGE_TERMS = terms("100", "500")
SAME_GAME = [leg(1, "0.60", "G"), leg(2, "0.55", "G"), leg(3, "0.50")]


def shown(money: Money, places: str = "0.01") -> Decimal:
    return money.dollars.quantize(Decimal(places))


def all_hit(found: Evaluation) -> Money:
    return next(state.result for state in found.states if all(state.hits))


def test_the_classic_parlay_without_and_with_its_classic_hedge() -> None:
    states = joint_states(CLASSIC).states
    bare = unhedged(CLASSIC_TERMS, states)
    assert (shown(bare.ev), shown(bare.sd)) == (Decimal("0.50"), Decimal("10.91"))
    hedged = evaluate(CLASSIC_TERMS, states, fair(CLASSIC, "0", "1.44", "3.08"))
    assert (shown(hedged.ev), shown(hedged.sd)) == (Decimal("0.50"), Decimal("10.29"))
    assert abs(all_hit(hedged).dollars - Decimal("-24.19")) < Decimal("0.01")


def test_the_classic_hedge_in_whole_contracts_with_all_costs() -> None:
    """1 and 3 contracts, one cent of slippage, fees of a non-direct account, Stripe's $0.445."""
    bought = [
        (Count.ZERO, Price.of("0.44")),
        (Count.of(1), Price.of("0.53")),
        (Count.of(3), Price.of("0.66")),
    ]
    held = [
        Position(contracts=n, outlay=ask.times(n), fees=taker_fee(n, ask, precision=FCM_PRECISION))
        for n, ask in bought
    ]
    found = evaluate(terms("5", "30.96", "0.445"), joint_states(CLASSIC).states, held)
    assert (str(found.outlay), str(found.fees)) == ("2.51", "0.07")
    # $0.445 is Stripe's fee before it is rounded to a cent
    assert all_hit(found) == Money.of("-24.985")
    assert (shown(found.ev, "0.001"), shown(found.sd)) == (Decimal("-0.055"), Decimal("10.37"))


def test_the_classic_parlays_variance_optimal_hedge() -> None:
    found = evaluate(CLASSIC_TERMS, joint_states(CLASSIC).states, fair(CLASSIC, "10.46", "8.65", "6.92"))
    assert shown(found.sd) == Decimal("7.91")


@pytest.mark.parametrize(
    ("contracts", "sd", "worst", "p_loss"),
    [
        (("0", "0", "0"), "185.6", "-400.0", "0.165"),
        (("41.67", "45.45", "30"), "164.3", "-347.9", "0.165"),
        (("55", "60", "66"), "153.7", "-318.0", "0.165"),
        (("137.5", "150", "165"), "132.4", "-195.0", "0.390"),
        (("0", "0", "500"), "236.0", "-150.0", "0.665"),
    ],
    ids=["none", "bands", "40 % of delta", "variance-optimal", "minimax"],
)
def test_the_hedges_of_the_hundred_dollar_parlay(
    contracts: tuple[str, ...], sd: str, worst: str, p_loss: str
) -> None:
    found = evaluate(LARGE_TERMS, joint_states(LARGE).states, fair(LARGE, *contracts))
    assert shown(found.ev) == Decimal("17.50")
    assert shown(found.sd, "0.1") == Decimal(sd)
    assert abs(found.worst.dollars - Decimal(worst)) < Decimal("0.05")
    assert found.p_loss.quantize(Decimal("0.001")) == Decimal(p_loss)


def test_a_combo_is_the_exact_hedge() -> None:
    n, ask = Count.of(500), Price.of("0.175")
    combo = Position(contracts=n, outlay=ask.times(n), fees=taker_fee(n, ask))
    found = evaluate(LARGE_TERMS, joint_states(LARGE).states, [Position()] * 3, combo=combo)
    assert (found.sd, found.p_loss) == (Money.ZERO, Decimal(0))
    assert found.worst == found.best == found.ev
    # the fee is 5.0531, and $7.4469 is left
    assert shown(found.ev, "0.001") == Decimal("7.447")


@pytest.mark.parametrize(
    ("rho", "q", "ev"),
    [("0.3", "0.1884", "5.81"), ("0.5", "0.2052", "-2.62"), ("-0.3", "0.1419", "29.07")],
)
def test_correlated_legs_are_evaluated_as_the_model_sees_them(rho: str, q: str, ev: str) -> None:
    found = joint_states(SAME_GAME, [pair(1, 2, rho)], view=View.MODELLED)
    assert abs(found.states.probabilities[found.states.won].item() - float(q)) < 6e-5
    bare = unhedged(LARGE_TERMS, found.states)
    assert abs(bare.ev.dollars - Decimal(ev)) < Decimal("0.01")
    if Decimal(rho) > 0:
        assert joint_states(SAME_GAME, [pair(1, 2, rho)]).states.probabilities.tolist() == (
            found.states.probabilities.tolist()
        )


def test_a_negative_correlation_never_raises_a_payout() -> None:
    found = joint_states(SAME_GAME, [pair(1, 2, "-0.3")])
    assert found.joint.q == found.joint.product == Decimal("0.165")
    assert unhedged(LARGE_TERMS, found.states).ev == Money.of("17.50")


def test_a_share_sold_on_the_naive_quarter_loses_when_the_truth_is_36_percent() -> None:
    """Two legs at 50 %, correlated by 0.637 so that both hit at 36 %: an edge of -29.6 % at a 90 % share."""
    legs = legs_of("0.5", "0.5", event="G")
    found = joint_states(legs, [pair(1, 2, "0.63742399")])
    assert abs(found.joint.q - Decimal("0.36")) < Decimal("2e-5")
    owed = payout(Money.of(100), Decimal("0.90"), joint(legs).q)
    assert str(owed) == "360.00"
    assert abs(unhedged(terms("100", "360"), found.states).ev.dollars + Decimal("29.6")) < Decimal("0.01")


@pytest.mark.parametrize(("stake", "sold"), [("4.23", True), ("4.22", False)])
def test_a_ten_percent_margin_breaks_even_with_stripe_at_423(stake: str, sold: bool) -> None:
    money, q = Money.of(stake), Decimal("0.225")
    fee = Money.ceil(money.dollars * Decimal("0.029")) + Money.of("0.30")
    owed = payout(money, Decimal("0.90"), q)
    none = Money.ZERO
    found = edge(stake=money, payment_fee=fee, payout=owed, q=q, hedge_cost=none, fees=none)
    assert (found >= none) is sold


def test_a_ten_percent_margin_is_one_percent_after_stripe_at_five_dollars() -> None:
    bare = unhedged(terms("5", "20", "0.445"), joint_states([leg(1, "0.225")]).states)
    assert bare.ev == Money.of("0.055")


@pytest.mark.parametrize(("flips", "explained"), [(2, 0.67), (5, 0.16)])
def test_what_single_legs_explain_of_the_variance(flips: int, explained: float) -> None:
    """R^2 = q sum((1 - p) / p) / (1 - q), reached by the variance-optimal contracts N prod of the others."""
    legs = legs_of(*["0.5"] * flips)
    bargain, states = terms("100", "3200"), joint_states(legs).states
    optimal = str(Decimal(3200) / 2 ** (flips - 1))
    sds = [
        found.sd.dollars
        for found in (
            unhedged(bargain, states),
            evaluate(bargain, states, fair(legs, *[optimal] * flips)),
        )
    ]
    assert abs(1 - (sds[1] / sds[0]) ** 2 - Decimal(explained)) < Decimal("0.005")
