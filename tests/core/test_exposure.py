from __future__ import annotations

from dataclasses import replace
from datetime import date
from itertools import product
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hedge_service.core.acceptance import CAP_REASONS
from hedge_service.core.exposure import (
    Cap,
    Claim,
    EventClaims,
    Exposure,
    ExposureCaps,
    LegClaim,
    MarketClaims,
    Use,
    near,
    passed,
    uses,
)
from hedge_service.core.market import Side
from hedge_service.core.money import Count, Money
from hedge_service.core.money_back import GOES_BACK

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

EVENT = "KXMVP-26"
MARKETS = ("KXMVP-26-A", "KXMVP-26-B", "KXMVP-26-C")
DAY = date(2026, 11, 22)
YES, NO = Side.YES, Side.NO
CAPS = ExposureCaps(market=Money.of(60), event=Money.of(80), day=Money.of(100))


def claim(payout: str, *legs: tuple[str, Side], day: date | None = DAY) -> Claim:
    return Claim(
        payout=Money.of(payout),
        legs=tuple(
            LegClaim(ticker=ticker, event_ticker=ticker.rsplit("-", 1)[0], side=side) for ticker, side in legs
        ),
        ends_on=day,
    )


def event_of(*claims: Claim, exclusive: bool | None = None) -> EventClaims:
    event = EventClaims(event_ticker=EVENT, exclusive=exclusive)
    for each in claims:
        event = event.adding(each)
    return event


def with_contracts(market: MarketClaims, side: Side, count: Count) -> MarketClaims:
    if side is YES:
        return replace(market, held_yes=market.held_yes + count)
    return replace(market, held_no=market.held_no + count)


def holding(event: EventClaims, held: Mapping[str, tuple[Side, int]]) -> EventClaims:
    markets = dict(event.markets)
    for ticker, (side, contracts) in held.items():
        market = markets.get(ticker, MarketClaims(ticker=ticker))
        markets[ticker] = with_contracts(market, side, Count.of(contracts))
    return replace(event, markets=markets)


A, B, C = MARKETS


def test_a_market_costs_its_worse_outcome_less_what_is_held_of_that() -> None:
    market = MarketClaims(ticker=A, yes=Money.of(30), no=Money.of(20), held_yes=Count.of(12))
    assert (market.net(YES), market.net(NO)) == (Money.of(18), Money.of(20))
    assert market.exposure == Money.of(20)


def test_parlays_on_both_sides_of_a_market_never_win_together() -> None:
    event = event_of(claim("30", (A, YES)), claim("20", (A, NO)))
    assert event.markets[A].exposure == Money.of(30)


def test_more_contracts_than_payouts_cost_nothing() -> None:
    market = MarketClaims(ticker=A, yes=Money.of(5), held_yes=Count.of(9))
    assert market.exposure == Money.ZERO


def test_markets_that_exclude_each_other_cost_the_dearest_of_them() -> None:
    claims = (claim("30", (A, YES)), claim("20", (B, YES)), claim("7", (C, NO)))
    # A wins: 30 for A, and 7 since C does not; the same two and B's, were they not exclusive.
    assert event_of(*claims, exclusive=True).exposure == Money.of(37)
    assert event_of(*claims, exclusive=False).exposure == Money.of(57)
    assert event_of(*claims).exposure == Money.of(57)


def test_contracts_of_the_other_markets_pay_too_where_one_alone_can_win() -> None:
    event = event_of(claim("30", (A, YES)), claim("20", (B, YES)), exclusive=True)
    assert holding(event, {B: (NO, 12)}).exposure == Money.of(20)
    assert holding(event, {A: (YES, 12)}).exposure == Money.of(20)
    assert holding(event, {A: (YES, 5)}).exposure == Money.of(25)


def test_a_parlay_with_two_legs_in_an_event_is_paid_once() -> None:
    twice = claim("30", (A, YES), (B, YES))
    assert event_of(twice).exposure == Money.of(30)
    assert event_of(twice, claim("4", (B, NO))).exposure == Money.of(34)


def test_a_parlay_of_another_event_changes_nothing() -> None:
    event = event_of(claim("30", (A, YES)))
    assert event.adding(claim("9", ("KXOTHER-1-X", YES))) == event


def test_a_figure_past_its_cap_stands_only_in_the_way_of_what_adds_to_it() -> None:
    held = Exposure().adding(claim("50", (A, YES), day=None)).adding(claim("20", (A, YES), day=None))
    assert _passed(held, claim("1", (A, YES))) is Cap.MARKET
    assert _passed(held, claim("1", (A, NO))) is None
    # Another market of an event whose markets may all end badly.
    assert _passed(held, claim("20", (B, YES))) is Cap.EVENT
    assert _passed(held, claim("10", (B, YES))) is None


def test_the_day_counts_only_parlays_that_end_on_it() -> None:
    held = Exposure(days={DAY: Money.of(90)})
    assert _passed(held, claim("20", (A, YES))) is Cap.DAY
    assert _passed(held, claim("20", (A, YES), day=date(2026, 11, 23))) is None
    assert _passed(held, claim("20", (A, YES), day=None)) is None


def test_a_cap_is_passed_by_the_first_micro_above_it() -> None:
    assert _passed(Exposure(), claim("60", (A, YES))) is None
    assert _passed(Exposure(), claim("60.000001", (A, YES))) is Cap.MARKET


def test_every_cap_has_a_setting_and_its_payments_go_back() -> None:
    assert [cap.limit for cap in Cap] == [
        "max_market_exposure_dollars",
        "max_event_exposure_dollars",
        "max_day_exposure_dollars",
    ]
    assert set(CAP_REASONS.values()) <= GOES_BACK


def _passed(held: Exposure, new: Claim) -> Cap | None:
    use = passed(uses(held, new), CAPS)
    return None if use is None else use.cap


# Properties

payouts = st.integers(1, 60_000_000).map(Money)
sides = st.sampled_from(Side)
legs = st.dictionaries(st.sampled_from(MARKETS), sides, min_size=1, max_size=3)
claims = st.builds(lambda payout, found: Claim(payout=payout, legs=_legs(found)), payouts, legs)
holdings = st.dictionaries(st.sampled_from(MARKETS), st.tuples(sides, st.integers(0, 80)))
many = st.lists(claims, max_size=8)


def _legs(found: Mapping[str, Side]) -> tuple[LegClaim, ...]:
    return tuple(
        LegClaim(ticker=ticker, event_ticker=EVENT, side=side) for ticker, side in sorted(found.items())
    )


def _possible(each: Claim) -> bool:
    """Leave out what is refused as impossible: two YES where one market alone can win."""
    return sum(leg.side is YES for leg in each.legs) < 2


def _cost(found: Iterable[Claim], held: Mapping[str, tuple[Side, int]], ended: Mapping[str, Side]) -> Money:
    """Pay one outcome of all markets out, parlay by parlay."""
    won = (each for each in found if all(ended[leg.ticker] is leg.side for leg in each.legs))
    due = sum((each.payout for each in won), Money.ZERO)
    paid = (contracts for ticker, (side, contracts) in held.items() if ended[ticker] is side)
    return due - sum((Money.of(contracts) for contracts in paid), Money.ZERO)


@given(found=many, held=holdings)
def test_exclusive_markets_cost_exactly_their_worst_outcome(
    found: list[Claim], held: dict[str, tuple[Side, int]]
) -> None:
    possible = [each for each in found if _possible(each)]
    event = holding(event_of(*possible, exclusive=True), held)
    nobody = dict.fromkeys(MARKETS, NO)
    outcomes = [nobody, *(nobody | {winner: YES} for winner in MARKETS)]
    worst = max(_cost(possible, held, ended) for ended in outcomes)
    assert event.exposure == max(worst, Money.ZERO)


@given(found=many, held=holdings)
def test_no_outcome_costs_more_than_the_figure_of_an_event(
    found: list[Claim], held: dict[str, tuple[Side, int]]
) -> None:
    event = holding(event_of(*found), held)
    for ended in product(Side, repeat=len(MARKETS)):
        assert _cost(found, held, dict(zip(MARKETS, ended, strict=True))) <= event.exposure


@given(found=many, held=holdings, new=claims, exclusive=st.sampled_from([True, False, None]))
def test_one_more_parlay_lowers_no_figure(
    found: list[Claim], held: dict[str, tuple[Side, int]], new: Claim, exclusive: bool | None
) -> None:
    before = holding(event_of(*found, exclusive=exclusive), held)
    after = before.adding(new)
    assert Money.ZERO <= before.exposure <= after.exposure
    for ticker, market in before.markets.items():
        assert Money.ZERO <= market.exposure <= after.markets[ticker].exposure


@given(found=many, held=holdings, new=claims, contracts=st.integers(0, 60), exclusive=st.booleans())
def test_a_parlay_with_its_own_hedge_lowers_only_what_rested_on_the_opposite_side(
    found: list[Claim],
    held: dict[str, tuple[Side, int]],
    new: Claim,
    contracts: int,
    exclusive: bool,
) -> None:
    before = holding(event_of(*found, exclusive=exclusive), held)
    leg, own = new.legs[0], min(contracts, new.payout.micros // 1_000_000)
    market = before.adding(new).markets[leg.ticker]
    hedged = with_contracts(market, leg.side, Count.of(own))
    was = before.markets.get(leg.ticker, MarketClaims(ticker=leg.ticker))
    assert hedged.net(leg.side) >= was.net(leg.side)
    assert hedged.net(leg.side.opposite) == was.net(leg.side.opposite)


@given(offered=st.lists(st.tuples(claims, st.sampled_from([DAY, date(2026, 11, 23), None])), max_size=25))
def test_what_is_sold_never_exceeds_a_cap(offered: list[tuple[Claim, date | None]]) -> None:
    held = Exposure(events={EVENT: EventClaims(event_ticker=EVENT, exclusive=True)})
    for each, day in offered:
        new = replace(each, ends_on=day)
        if passed(uses(held, new), CAPS) is None:
            held = held.adding(new)
        event = held.events[EVENT]
        assert event.exposure <= CAPS.event
        assert all(market.exposure <= CAPS.market for market in event.markets.values())
        assert all(money <= CAPS.day for known, money in held.days.items() if known is not None)


@pytest.mark.parametrize(("after", "close"), [("60", False), ("60.01", True)])
def test_only_figures_whose_bound_is_past_a_cap_need_a_closer_look(after: str, *, close: bool) -> None:
    use = Use(cap=Cap.MARKET, name=A, before=Money.ZERO, after=Money.of(after))
    assert near([use], CAPS) == ({Cap.MARKET} if close else set())
