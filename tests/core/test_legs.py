from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hedge_service.core.legs import LegProblem, Match, SavedParlay, Unmatched, match_legs, outcomes
from hedge_service.core.market import Side
from hedge_service.core.parlay import AskedLeg, Bet

SEA = AskedLeg(market_title="Seattle at Los Angeles", option_label="SEA")
BOS = AskedLeg(market_title="Boston at New York", option_label="BOS")


def bet(number: int, ticker: str, leg: AskedLeg, *, side: Side = Side.YES, environment: str = "demo") -> Bet:
    return Bet(
        id=number,
        user_id="",
        market_id="page",
        market_title=leg.market_title,
        market_url="https://kalshi.com/markets/page",
        image_url=None,
        option_id=ticker,
        option_label=leg.option_label,
        prob=Decimal(43),
        ticker=ticker,
        event_ticker=ticker.rsplit("-", 1)[0],
        side=side,
        environment=environment,
    )


def saved(user: str, *bets: Bet, total: int | None = None) -> SavedParlay:
    return SavedParlay(user_id=user, total=len(bets) if total is None else total, bets=bets)


ANN = saved("ann", bet(1, "KXA-1-SEA", SEA), bet(2, "KXB-1-BOS", BOS))


def problem_of(asked: list[AskedLeg], *parlays: SavedParlay) -> tuple[LegProblem, tuple[int, ...]]:
    with pytest.raises(Unmatched) as found:
        match_legs(asked, parlays)
    return found.value.problem, found.value.legs


def test_legs_mean_the_saved_bets_of_their_names_in_the_order_asked() -> None:
    match = match_legs([BOS, SEA], [ANN])
    assert match.user_id == "ann"
    assert [bet.ticker for bet in match.bets] == ["KXB-1-BOS", "KXA-1-SEA"]


def test_a_look_alike_bet_of_a_stranger_changes_nothing() -> None:
    stranger = saved("eve", bet(3, "KXEVIL-1-X", SEA))
    assert match_legs([SEA, BOS], [stranger, ANN]) == match_legs([SEA, BOS], [ANN])


def test_the_user_whose_bets_are_exactly_the_set_comes_before_one_who_has_more() -> None:
    stranger = saved("eve", bet(3, "KXEVIL-1-X", SEA), bet(4, "KXEVIL-2-Y", BOS), total=3)
    assert match_legs([SEA, BOS], [stranger, ANN]).user_id == "ann"


def test_without_an_exact_set_a_user_whose_bets_contain_it_is_meant() -> None:
    more = saved("ann", *ANN.bets, total=5)
    assert match_legs([SEA], [more]).bets == (ANN.bets[0],)


def test_two_users_with_the_same_outcomes_agree_and_the_quote_is_nobodys() -> None:
    bob = saved("bob", bet(7, "KXA-1-SEA", SEA), bet(8, "KXB-1-BOS", BOS))
    match = match_legs([SEA, BOS], [ANN, bob])
    assert match == Match(user_id="", bets=ANN.bets)


def test_two_users_with_different_outcomes_are_ambiguous() -> None:
    bob = saved("bob", bet(7, "KXA-2-SEA", SEA), bet(8, "KXB-1-BOS", BOS))
    assert problem_of([SEA, BOS], ANN, bob) == (LegProblem.AMBIGUOUS, (1, 2))


def test_two_sides_of_one_option_at_two_users_are_ambiguous() -> None:
    no = saved("bob", bet(7, "KXA-1-SEA", SEA, side=Side.NO))
    assert problem_of([SEA], saved("ann", ANN.bets[0]), no) == (LegProblem.AMBIGUOUS, (1,))


def test_unknown_legs_are_named() -> None:
    assert problem_of([SEA, BOS], saved("ann", ANN.bets[0])) == (LegProblem.UNKNOWN, (2,))
    assert problem_of([SEA, BOS]) == (LegProblem.UNKNOWN, (1, 2))


def test_bets_of_two_users_are_never_put_together() -> None:
    one, other = saved("ann", ANN.bets[0]), saved("bob", bet(9, "KXB-1-BOS", BOS))
    assert problem_of([SEA, BOS], one, other) == (LegProblem.UNKNOWN, (1, 2))


def test_two_bets_of_one_name_are_ambiguous_when_one_is_asked_for() -> None:
    double = saved("ann", bet(1, "KXA-1-SEA", SEA), bet(2, "KXA-2-SEA", SEA))
    assert problem_of([SEA], double) == (LegProblem.AMBIGUOUS, (1,))


def test_two_bets_of_one_name_are_both_meant_when_both_are_asked_for() -> None:
    double = saved("ann", bet(1, "KXA-1-SEA", SEA), bet(2, "KXA-2-SEA", SEA))
    assert [bet.id for bet in match_legs([SEA, SEA], [double]).bets] == [1, 2]


def test_the_same_bet_twice_is_the_same_market_twice() -> None:
    assert problem_of([SEA, SEA], saved("ann", ANN.bets[0])) == (LegProblem.SAME_MARKET_TWICE, (1, 2))


def test_a_bet_by_name_and_by_id_is_the_same_market_twice() -> None:
    by_id = AskedLeg(market_title="", option_label="", bet_id=1)
    assert problem_of([SEA, by_id], ANN) == (LegProblem.SAME_MARKET_TWICE, (1, 2))


def test_one_market_under_two_names_is_the_same_market_twice() -> None:
    twice = saved("ann", bet(1, "KXA-1-SEA", SEA), bet(2, "KXA-1-SEA", BOS))
    assert problem_of([SEA, BOS], twice) == (LegProblem.SAME_MARKET_TWICE, (1, 2))


def test_both_sides_of_a_market_are_refused() -> None:
    both = saved("ann", bet(1, "KXA-1-SEA", SEA), bet(2, "KXA-1-SEA", BOS, side=Side.NO))
    assert problem_of([SEA, BOS], both) == (LegProblem.BOTH_SIDES_OF_A_MARKET, (1, 2))


def test_environments_are_never_mixed() -> None:
    mixed = saved("ann", bet(1, "KXA-1-SEA", SEA), bet(2, "KXB-1-BOS", BOS, environment="production"))
    assert problem_of([SEA, BOS], mixed) == (LegProblem.MIXED_ENVIRONMENTS, (1, 2))


def test_a_newer_client_names_its_bets_by_id_and_ticker() -> None:
    leg = AskedLeg(market_title="anything", option_label="", bet_id=2, ticker="KXB-1-BOS")
    assert match_legs([leg], [ANN]).bets == (ANN.bets[1],)
    wrong = AskedLeg(market_title="anything", option_label="", bet_id=2, ticker="KXA-1-SEA")
    assert problem_of([wrong], ANN) == (LegProblem.UNKNOWN, (1,))


def test_a_ticker_settles_which_of_two_bets_of_one_name_is_meant() -> None:
    double = saved("ann", bet(1, "KXA-1-SEA", SEA), bet(2, "KXA-2-SEA", SEA))
    leg = AskedLeg(market_title=SEA.market_title, option_label="SEA", ticker="KXA-2-SEA")
    assert match_legs([leg], [double]).bets[0].id == 2


@given(st.lists(st.sets(st.integers(0, 4), min_size=1), max_size=4), st.permutations(range(5)))
def test_strangers_without_the_whole_set_never_matter(sets: list[set[int]], order: list[int]) -> None:
    names = [AskedLeg(market_title=f"market {n}", option_label="A") for n in range(5)]
    own = saved("ann", *(bet(n + 1, f"KXA-{n}", names[n]) for n in range(5)))
    strangers = [
        saved(f"eve{i}", *(bet(100 + n, f"KXEVIL-{i}-{n}", names[n]) for n in some))
        for i, some in enumerate(sets)
        if len(some) < 5
    ]
    match = match_legs([names[n] for n in order], [*strangers, own])
    assert match.user_id == "ann"
    assert outcomes(match.bets) == outcomes(own.bets)
