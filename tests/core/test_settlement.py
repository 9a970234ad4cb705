"""How markets end, and what their ends make of a parlay."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hedge_service.core.market import Grid, Market, MarketStatus, Side
from hedge_service.core.money import Price
from hedge_service.core.settlement import (
    NOTHING,
    WHOLE,
    Ending,
    LegStanding,
    ParlayState,
    UnclearResult,
    Verdict,
    VerdictReason,
    VoidRule,
    ending,
    judge,
)

HALF = Price.of("0.50")
REFUND, LOST = VoidRule.REFUND, VoidRule.LOST
WORDS = {"w": WHOLE, "l": NOTHING, "v": HALF, "-": None}


def market(status: MarketStatus, result: str, value: str | None = None) -> Market:
    made = Market(
        ticker="KXA-1-SEA",
        event_ticker="KXA-1",
        market_type="binary",
        status=status,
        title="A",
        yes_sub_title="",
        no_sub_title="",
        close_time=datetime(2026, 11, 22, tzinfo=UTC),
        yes_ask=None,
        no_ask=None,
        grid=Grid(),
        exchange_index=0,
        result=result,
        settlement_value=None,
    )
    return made if value is None else replace(made, settlement_value=Price.of(value))


def legs(word: str) -> list[LegStanding]:
    """Read legs as letters: won, lost, void, and a dash for one that is not final."""
    return [LegStanding(leg, WORDS[letter]) for leg, letter in enumerate(word, start=1)]


@pytest.mark.parametrize(
    "status", [status for status in MarketStatus if status is not MarketStatus.FINALIZED]
)
def test_nothing_but_finalized_is_final(status: MarketStatus) -> None:
    assert ending(market(status, "yes", "1")) is None


@pytest.mark.parametrize(
    ("result", "value", "yes_paid"),
    [
        ("yes", None, "1"),
        ("no", None, "0"),
        ("yes", "1", "1"),
        ("no", "0", "0"),
        ("scalar", "0.3725", "0.3725"),
        ("scalar", "0", "0"),
        ("scalar", "1", "1"),
        ("yes", "0.5", "0.5"),
        ("", "0.5", "0.5"),
    ],
)
def test_the_settlement_value_decides_and_a_plain_word_stands_for_one(
    result: str, value: str | None, yes_paid: str
) -> None:
    end = ending(market(MarketStatus.FINALIZED, result, value))
    assert end == Ending(result, Price.of(yes_paid))
    assert end.paid(Side.YES) == Price.of(yes_paid)
    assert end.paid(Side.NO) == Price.of(yes_paid).complement


@pytest.mark.parametrize(
    ("result", "value"), [("", None), ("scalar", None), ("void", None), ("yes", "0"), ("no", "1")]
)
def test_a_final_market_without_a_value_or_with_two_settles_nothing(result: str, value: str | None) -> None:
    with pytest.raises(UnclearResult):
        ending(market(MarketStatus.FINALIZED, result, value))


@pytest.mark.parametrize(
    ("word", "rule", "state", "reason", "leg"),
    [
        ("w", REFUND, ParlayState.WON, VerdictReason.ALL_LEGS_WON, None),
        ("www", LOST, ParlayState.WON, VerdictReason.ALL_LEGS_WON, None),
        ("ww-", REFUND, ParlayState.OPEN, VerdictReason.LEGS_OPEN, None),
        ("---", REFUND, ParlayState.OPEN, VerdictReason.LEGS_OPEN, None),
        ("-l-", REFUND, ParlayState.LOST, VerdictReason.LEG_LOST, 2),
        ("wwl", LOST, ParlayState.LOST, VerdictReason.LEG_LOST, 3),
        ("wvw", REFUND, ParlayState.VOID, VerdictReason.LEG_VOID, 2),
        ("vvv", REFUND, ParlayState.VOID, VerdictReason.LEG_VOID, 1),
        ("v--", REFUND, ParlayState.OPEN, VerdictReason.LEGS_OPEN, None),
        ("v--", LOST, ParlayState.LOST, VerdictReason.LEG_VOID, 1),
        ("wvw", LOST, ParlayState.LOST, VerdictReason.LEG_VOID, 2),
    ],
)
def test_a_parlay_follows_its_legs(
    word: str, rule: VoidRule, state: ParlayState, reason: VerdictReason, leg: int | None
) -> None:
    assert judge(legs(word), rule) == Verdict(state, reason, leg)


@pytest.mark.parametrize("rule", list(VoidRule))
@pytest.mark.parametrize("word", ["vl", "lv", "vlw", "v-l"])
def test_lost_wins_over_void(word: str, rule: VoidRule) -> None:
    assert judge(legs(word), rule).state is ParlayState.LOST
    assert judge(legs(word), rule).reason is VerdictReason.LEG_LOST


def test_a_parlay_without_legs_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one leg"):
        judge([], REFUND)


values = st.integers(0, 1_000_000).map(Price) | st.sampled_from([NOTHING, WHOLE])
rules = st.sampled_from(list(VoidRule))


@given(paid=st.lists(values, min_size=1, max_size=8), rule=rules)
def test_won_means_that_every_leg_paid_its_dollar(paid: list[Price], rule: VoidRule) -> None:
    verdict = judge([LegStanding(leg, price) for leg, price in enumerate(paid, start=1)], rule)
    assert (verdict.state is ParlayState.WON) == all(price == WHOLE for price in paid)
    assert verdict.state is not ParlayState.OPEN


@given(paid=st.lists(values, min_size=1, max_size=4), rule=rules)
def test_the_order_in_which_markets_settle_changes_nothing_and_a_verdict_stands(
    paid: list[Price], rule: VoidRule
) -> None:
    ends = set()
    for order in permutations(range(len(paid))):
        known: dict[int, Price] = {}
        first: ParlayState | None = None
        for leg in order:
            known[leg] = paid[leg]
            state = judge([LegStanding(at, known.get(at)) for at in range(len(paid))], rule).state
            assert first is None or state is first
            first = state if state is not ParlayState.OPEN else first
        ends.add(first)
    assert len(ends) == 1
    assert None not in ends


@given(value=values, side=st.sampled_from(list(Side)))
def test_both_sides_of_a_market_share_one_dollar(value: Price, side: Side) -> None:
    end = Ending("scalar", value)
    assert end.paid(side).micros + end.paid(side.opposite).micros == 1_000_000
