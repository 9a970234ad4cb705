"""Joint probability, payout and edge: the check figures and what always holds."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given, reject
from hypothesis import strategies as st

from hedge_service.core.market import Side
from hedge_service.core.money import Money, Price
from hedge_service.core.pricing import (
    Impossibility,
    Impossible,
    Joint,
    Leg,
    PairCorrelation,
    ParlayPrice,
    edge,
    frechet_bounds,
    independent,
    joint,
    payout,
    percent_text,
)

asks = st.integers(1, 1_000_000).map(Price)
shares = st.decimals(min_value=Decimal("0.80"), max_value=Decimal("0.95"), places=2)


def leg(
    number: int, ask: str | Price, event: str | None = None, side: Side = Side.YES, ticker: str = ""
) -> Leg:
    return Leg(
        number=number,
        ticker=ticker or f"KX-{number}",
        event_ticker=f"EV-{number}" if event is None else event,
        side=side,
        ask=ask if isinstance(ask, Price) else Price.of(ask),
    )


def pair(first: int, second: int, rho: str) -> PairCorrelation:
    return PairCorrelation(first=first, second=second, rho=Decimal(rho))


CLASSIC = [leg(1, "0.43"), leg(2, "0.52"), leg(3, "0.65")]
SAME_GAME = [leg(1, "0.60", "G"), leg(2, "0.55", "G"), leg(3, "0.50")]


@st.composite
def parlays(draw: st.DrawFn) -> tuple[list[Leg], list[PairCorrelation], frozenset[str]]:
    events = draw(st.lists(st.sampled_from("ABC"), min_size=1, max_size=6))
    legs = [
        leg(number, draw(asks), event, draw(st.sampled_from(Side))) for number, event in enumerate(events, 1)
    ]
    numbers = st.integers(0, 7)
    rho = st.decimals(min_value=-2, max_value=2, places=2)
    pairs = st.builds(PairCorrelation, first=numbers, second=numbers, rho=rho)
    return legs, draw(st.lists(pairs, max_size=4)), draw(st.frozensets(st.sampled_from("ABC")))


def test_the_classic_parlay_shows_its_classic_figures() -> None:
    price = ParlayPrice(stake=Money.of(5), share=Decimal("0.90"), joint=joint(CLASSIC))
    assert price.joint == Joint(product=Decimal("0.14534"), q=Decimal("0.14534"))
    assert (str(price.naive_payout), str(price.payout)) == ("34.40", "30.96")
    assert (str(price.potential_profit), str(price.effective_odds)) == ("25.96", "6.19")
    assert percent_text(price.joint.q) == "14.53%"
    assert price.joint.correlation_factor == 1


@pytest.mark.parametrize(("rho", "expected"), [("0.3", "0.1884"), ("0.5", "0.2052")])
def test_correlated_legs_of_one_event_raise_the_probability(rho: str, expected: str) -> None:
    found = joint(SAME_GAME, [pair(1, 2, rho)])
    assert abs(found.q - Decimal(expected)) < Decimal("6e-5")
    assert found.product == Decimal("0.165")
    assert found.unmodelled == ()


@pytest.mark.parametrize(("rho", "ev"), [("0.3", "5.81"), ("0.5", "-2.62")])
def test_the_edge_of_a_correlated_parlay_is_the_published_one(rho: str, ev: str) -> None:
    q = joint(SAME_GAME, [pair(1, 2, rho)]).q
    nothing = Money.ZERO
    found = edge(
        stake=Money.of(100), payment_fee=nothing, payout=Money.of(500), q=q, hedge_cost=nothing, fees=nothing
    )
    assert abs(found.dollars - Decimal(ev)) < Decimal("0.05")


@given(parlays())
def test_q_lies_between_the_product_and_the_smallest_leg(
    parlay: tuple[list[Leg], list[PairCorrelation], frozenset[str]],
) -> None:
    legs, pairs, exclusive = parlay
    try:
        found = joint(legs, pairs, exclusive)
    except Impossible:
        reject()
    probabilities = [one.probability for one in legs]
    low, high = frechet_bounds(probabilities)
    exact = Fraction(1)
    for probability in probabilities:
        exact *= Fraction(probability)
    assert exact <= Fraction(found.product) < exact + Fraction(1, 10**12)
    assert low <= found.product <= found.q <= high
    assert found.correlation_factor >= 1


@given(st.lists(asks, min_size=1, max_size=6), st.decimals(min_value=-1, max_value=1, places=2))
def test_a_pair_of_two_events_counts_for_nothing(prices: list[Price], rho: Decimal) -> None:
    legs = [leg(number, price) for number, price in enumerate(prices, 1)]
    pairs = [PairCorrelation(first=1, second=number, rho=rho) for number in range(8)]
    assert joint(legs, pairs) == joint(legs)


def test_the_largest_pair_of_an_event_counts_clamped_to_0_and_08() -> None:
    legs = [leg(1, "0.60", "G"), leg(2, "0.55", "G"), leg(3, "0.50", "G")]
    assert joint(legs, [pair(1, 2, "0.1"), pair(2, 3, "0.4")]) == joint(legs, [pair(1, 3, "0.4")])
    assert joint(legs, [pair(1, 2, "5")]) == joint(legs, [pair(1, 2, "0.8")])
    assert joint(legs, [pair(1, 2, "-0.9")]).q == joint(legs).q == joint(legs).product


def test_events_priced_without_any_correlation_are_named() -> None:
    assert joint(SAME_GAME).unmodelled == ("G",)
    assert joint(CLASSIC).unmodelled == ()


def test_a_no_leg_implied_by_a_yes_leg_costs_nothing_more() -> None:
    """One team winning means that the other does not: selling that twice at the product would be a gift."""
    legs = [leg(1, "0.50", "G"), leg(2, "0.55", "G", Side.NO)]
    found = joint(legs, exclusive_events={"G"})
    assert (found.q, found.product, found.unmodelled) == (Decimal("0.5"), Decimal("0.275"), ())
    assert found.correlation_factor == Decimal("1.8182")


@pytest.mark.parametrize(
    ("second", "reason"),
    [
        (leg(2, "0.5", "G", ticker="KX-1"), Impossibility.SAME_MARKET_TWICE),
        (leg(2, "0.5", "G", Side.NO, ticker="KX-1"), Impossibility.BOTH_SIDES_OF_A_MARKET),
        (leg(2, "0.5", "G"), Impossibility.MUTUALLY_EXCLUSIVE),
    ],
)
def test_legs_that_repeat_or_exclude_each_other_are_refused_by_name(
    second: Leg, reason: Impossibility
) -> None:
    with pytest.raises(Impossible) as caught:
        joint([leg(1, "0.5", "G"), leg(7, "0.9"), second], exclusive_events={"G"})
    assert (caught.value.reason, caught.value.legs) == (reason, (1, 2))


def test_two_no_legs_of_an_exclusive_event_can_both_hit() -> None:
    legs = [leg(1, "0.5", "G", Side.NO), leg(2, "0.6", "G", Side.NO)]
    assert joint(legs, exclusive_events={"G"}).q == Decimal("0.3")


def test_a_parlay_without_legs_and_a_leg_without_a_price_are_refused() -> None:
    with pytest.raises(ValueError, match="legs"):
        joint([])
    with pytest.raises(ValueError, match="price"):
        leg(1, "0")


def test_a_correlation_that_is_no_number_is_refused() -> None:
    with pytest.raises(ValueError, match="finite"):
        pair(1, 2, "NaN")


@given(st.integers(1, 100_000), shares, st.decimals(min_value=Decimal("0.0001"), max_value=1, places=12))
def test_a_payout_is_the_share_of_the_fair_one_and_never_a_cent_more(
    cents: int, share: Decimal, q: Decimal
) -> None:
    found = payout(Money.cents(cents), share, q)
    fair = Fraction(cents, 100) * Fraction(share) / Fraction(q)
    assert 0 <= fair - Fraction(found.dollars) < Fraction(1, 100)
    assert found == found.floor_to_cent()


@pytest.mark.parametrize(("share", "q"), [("0", "0.5"), ("1.01", "0.5"), ("0.9", "0"), ("0.9", "1.1")])
def test_a_payout_needs_a_share_and_a_probability(share: str, q: str) -> None:
    with pytest.raises(ValueError, match="share"):
        payout(Money.of(5), Decimal(share), Decimal(q))


def test_the_edge_of_the_classic_example_after_all_costs() -> None:
    """Stripe $0.445, one cent of slippage on four contracts, fees 2c + 5c."""
    found = edge(
        stake=Money.of(5),
        payment_fee=Money.of("0.445"),
        payout=Money.of("30.96"),
        q=Decimal("0.14534"),
        hedge_cost=Money.of("0.04"),
        fees=Money.of("0.07"),
    )
    assert found == Money.of("-0.054727")


def test_a_share_sold_on_the_naive_product_is_a_loss() -> None:
    """Naive 25 %, truly 36 %: a 90 % share of the naive price is an edge of -29.6 %."""
    nothing = Money.ZERO
    owed = payout(Money.of(100), Decimal("0.90"), Decimal("0.25"))
    found = edge(
        stake=Money.of(100),
        payment_fee=nothing,
        payout=owed,
        q=Decimal("0.36"),
        hedge_cost=nothing,
        fees=nothing,
    )
    assert found == Money.of("-29.60")


def test_frechet_bounds_of_likely_legs() -> None:
    assert frechet_bounds([Decimal("0.9"), Decimal("0.8")]) == (Decimal("0.7"), Decimal("0.8"))
    assert frechet_bounds([Decimal("0.3"), Decimal("0.4")]) == (Decimal(0), Decimal("0.3"))


def test_a_product_finer_than_12_places_is_rounded_up() -> None:
    assert independent([Decimal("0.01")] * 8) == Decimal("1e-12")
