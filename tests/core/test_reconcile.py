"""What differs between our books and the exchange's, and when it is a mismatch."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hedge_service.core.market import BookSide, Side
from hedge_service.core.money import Count, Money, Price
from hedge_service.core.orders import AttemptState
from hedge_service.core.reconcile import compare, confirmed
from hedge_service.core.reconcile_views import (
    BY_HAND,
    Difference,
    Frame,
    Kind,
    Outcome,
    OwnFill,
    OwnOrder,
    OwnPosition,
    OwnResult,
    OwnView,
    Result,
    VenueView,
)
from hedge_service.core.venue import VenueFill, VenueOrder, VenuePosition, VenueSettlement, VenueStatus

if TYPE_CHECKING:
    from random import Random

S = AttemptState
NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
AGO = NOW - timedelta(minutes=5)
FRAME = Frame(quiet_before=NOW - timedelta(seconds=10))
T = "KXA-1-SEA"


def own_order(number: int = 1, state: S = S.FILLED, filled: str = "3", at: datetime = AGO) -> OwnOrder:
    return OwnOrder(
        client_order_id=f"hs-{number}",
        order_id=None if state.in_doubt else f"order-{number}",
        ticker=T,
        side=BookSide.BID,
        state=state,
        count=Count.of(3),
        filled=Count.of(filled),
        first_sent_at=at,
        changed_at=at,
    )


def venue_order(
    number: int = 1,
    status: VenueStatus = VenueStatus.EXECUTED,
    filled: str = "3",
    at: datetime = AGO,
    named: str | None = None,
) -> VenueOrder:
    return VenueOrder(
        order_id=f"order-{number}",
        client_order_id=f"hs-{number}" if named is None else named,
        ticker=T,
        side=BookSide.BID,
        status=status,
        yes_price=Price.of("0.67"),
        initial_count=Count.of(3),
        fill_count=Count.of(filled),
        remaining_count=Count.ZERO,
        fill_cost=Money.of("1.95"),
        fees=Money.of("0.05"),
        created_time=at,
        last_update_time=at,
        subaccount=0,
        exchange_index=0,
    )


def own_fill(number: int = 1, count: str = "3", fee: str = "0.05", at: datetime = AGO) -> OwnFill:
    return OwnFill(
        trade_id=f"trade-{number}",
        order_id=f"order-{number}",
        ticker=T,
        side=Side.YES,
        count=Count.of(count),
        cost=Price.of("0.65").times(Count.of(count)),
        fee=Money.of(fee),
        filled_at=at,
        seen_at=at,
    )


def venue_fill(
    number: int = 1, count: str = "3", at: datetime = AGO, side: BookSide = BookSide.BID
) -> VenueFill:
    return VenueFill(
        trade_id=f"trade-{number}",
        order_id=f"order-{number}",
        ticker=T,
        side=side,
        count=Count.of(count),
        yes_price=Price.of("0.65"),
        fee=Money.of("0.05"),
        is_taker=True,
        created_time=at,
        subaccount=0,
        exchange_index=0,
    )


def position(count: str, side: Side = Side.YES, at: datetime = AGO) -> VenuePosition:
    return VenuePosition(
        ticker=T,
        side=side,
        count=Count.of(count),
        exposure=Money.ZERO,
        realized_pnl=Money.ZERO,
        fees_paid=Money.ZERO,
        last_updated=at,
        exchange_index=0,
    )


def settlement(value: str = "1", at: datetime = AGO) -> VenueSettlement:
    return VenueSettlement(
        ticker=T,
        event_ticker="KXA-1",
        result="yes",
        yes_count=Count.of(3),
        no_count=Count.ZERO,
        yes_cost=Money.of("1.95"),
        no_cost=Money.ZERO,
        revenue=Money.of(3),
        value=Price.of(value),
        fee=Money.ZERO,
        settled_time=at,
        exchange_index=0,
    )


OURS = OwnView(
    orders=(own_order(),), fills=(own_fill(),), positions=(OwnPosition(ticker=T, signed_centis=300),)
)
THEIRS = VenueView(orders=(venue_order(),), fills=(venue_fill(),), positions=(position("3"),))


def kinds(own: OwnView = OURS, venue: VenueView = THEIRS, frame: Frame = FRAME) -> list[Kind]:
    return [one.kind for one in compare(own, venue, frame).differences]


def test_books_that_say_what_the_exchange_says_agree() -> None:
    seen = compare(OURS, THEIRS, FRAME)
    assert (seen.differences, seen.found, seen.of_others) == ((), (), ())
    assert Outcome(differences=seen.differences, mismatch=()).result is Result.AGREES


def test_an_order_of_ours_that_the_journal_lacks_is_foreign() -> None:
    venue = replace(THEIRS, orders=(*THEIRS.orders, venue_order(2, filled="0", at=NOW)))
    (one,) = compare(OURS, venue, FRAME).differences
    assert (one.kind, one.subject, one.figure) == (Kind.FOREIGN_ORDER, "hs-2", "")
    assert "3.00" in one.theirs


def test_an_order_of_others_is_reported_and_its_trade_differs() -> None:
    bought = venue_fill(9, "10")
    venue = VenueView(
        orders=(*THEIRS.orders, venue_order(9, named="by-hand")),
        fills=(*THEIRS.fills, bought),
        positions=(position("13"),),
    )
    seen = compare(OURS, venue, FRAME)
    assert seen.of_others == ("order-9",)
    # The position is explained by the trade: only the trade is told.
    assert [(one.kind, one.subject) for one in seen.differences] == [(Kind.TRADE_OF_OTHERS, "order-9")]


def test_an_order_of_others_that_never_traded_differs_in_nothing() -> None:
    venue = replace(THEIRS, orders=(*THEIRS.orders, venue_order(9, VenueStatus.RESTING, "0", named="")))
    seen = compare(OURS, venue, FRAME)
    assert (seen.differences, seen.of_others) == ((), ("order-9",))


def test_what_others_traded_before_the_books_were_opened_is_theirs_to_explain() -> None:
    venue = replace(THEIRS, fills=(*THEIRS.fills, venue_fill(9, "10", at=AGO - timedelta(days=9))))
    opened = replace(FRAME, opened_at=AGO - timedelta(days=1))
    assert kinds(venue=venue, frame=opened) == []
    assert kinds(venue=replace(venue, positions=(position("13"),)), frame=opened) == [Kind.POSITION_DIFFERS]


@pytest.mark.parametrize(
    ("state", "filled", "status", "their_fill", "expected"),
    [
        (S.FILLED, "3", VenueStatus.EXECUTED, "3", []),
        (S.FILLED, "3", VenueStatus.EXECUTED, "2", [Kind.ORDER_DIFFERS]),
        (S.FILLED, "3", VenueStatus.RESTING, "3", [Kind.ORDER_DIFFERS]),
        (S.CANCELLED, "1", VenueStatus.CANCELED, "1", []),
        (S.CANCELLED, "0", VenueStatus.CANCELED, "1", [Kind.ORDER_DIFFERS]),
        (S.RESTING, "1", VenueStatus.RESTING, "1", []),
        (S.RESTING, "1", VenueStatus.EXECUTED, "3", [Kind.ORDER_DIFFERS]),
        (S.REFUSED, "0", VenueStatus.CANCELED, "0", [Kind.ORDER_DIFFERS]),
        (S.NOT_SENT, "0", VenueStatus.EXECUTED, "3", [Kind.ORDER_DIFFERS]),
        (S.FILLED, "3", VenueStatus.OTHER, "3", []),
    ],
)
def test_an_order_agrees_when_state_and_fill_count_do(
    state: S, filled: str, status: VenueStatus, their_fill: str, expected: list[Kind]
) -> None:
    own = OwnView(orders=(own_order(state=state, filled=filled),))
    assert kinds(own, VenueView(orders=(venue_order(status=status, filled=their_fill),))) == expected


def test_an_order_in_doubt_that_the_exchange_holds_is_evidence_and_no_difference() -> None:
    own = OwnView(orders=(own_order(state=S.PARKED, filled="0"),))
    seen = compare(own, VenueView(orders=(venue_order(),)), FRAME)
    assert (seen.differences, seen.found) == ((), ("hs-1",))


def test_an_accepted_order_that_the_exchange_does_not_list_is_missing() -> None:
    own = OwnView(orders=(own_order(),))
    assert kinds(own, VenueView()) == [Kind.ORDER_MISSING]
    assert kinds(OwnView(orders=(own_order(state=S.PARKED),)), VenueView()) == []


def test_what_may_be_archived_is_left_to_a_complete_run() -> None:
    short = replace(FRAME, orders_since=AGO, fills_since=AGO)
    own = OwnView(orders=(own_order(),), fills=(own_fill(),))
    assert kinds(own, VenueView(), short) == []
    assert kinds(own, VenueView()) == [Kind.FILL_MISSING, Kind.ORDER_MISSING]


def test_a_fill_is_compared_by_its_trade_id_with_every_figure() -> None:
    assert kinds(replace(OURS, fills=(), positions=())) == [Kind.FILL_NOT_BOOKED]
    assert kinds(venue=replace(THEIRS, fills=())) == [Kind.FILL_MISSING]
    assert kinds(replace(OURS, fills=(own_fill(fee="0.06"),))) == [Kind.FILL_DIFFERS]


def test_a_fill_booked_on_a_persons_word_is_not_looked_for() -> None:
    said = replace(own_fill(), trade_id=f"{BY_HAND}hs-1")
    assert kinds(OwnView(fills=(said,)), VenueView()) == []


def test_a_fill_without_its_order_may_be_ours_while_we_are_in_doubt() -> None:
    own = OwnView(orders=(own_order(state=S.UNKNOWN, filled="0"),))
    assert kinds(own, VenueView(fills=(venue_fill(7),))) == []
    assert kinds(OwnView(), VenueView(fills=(venue_fill(7),))) == [Kind.TRADE_OF_OTHERS]


@pytest.mark.parametrize(
    ("ours", "theirs", "figure"),
    [(300, "4", "1.00"), (300, "2.5", "-0.50"), (300, None, "-3.00"), (None, "3", "3.00")],
)
def test_positions_differ_by_what_nothing_explains(ours: int | None, theirs: str | None, figure: str) -> None:
    own = OwnView(positions=() if ours is None else (OwnPosition(ticker=T, signed_centis=ours),))
    venue = VenueView(positions=() if theirs is None else (position(theirs),))
    (one,) = compare(own, venue, FRAME).differences
    assert (one.kind, one.figure) == (Kind.POSITION_DIFFERS, figure)


def test_a_position_that_an_order_in_doubt_explains_is_none() -> None:
    own = replace(OURS, orders=(*OURS.orders, own_order(2, S.PARKED, "0")))
    assert kinds(own, replace(THEIRS, positions=(position("6"),))) == []
    assert kinds(own, replace(THEIRS, positions=(position("6.01"),))) == [Kind.POSITION_DIFFERS]
    assert kinds(own, replace(THEIRS, positions=(position("2.99"),))) == [Kind.POSITION_DIFFERS]


@pytest.mark.parametrize("at", [NOW - timedelta(seconds=9), NOW])
def test_nothing_that_has_just_moved_is_compared(at: datetime) -> None:
    assert kinds(OwnView(orders=(own_order(at=at),)), VenueView(orders=(venue_order(filled="1"),))) == []
    assert kinds(OwnView(orders=(own_order(),)), VenueView(orders=(venue_order(filled="1", at=at),))) == []
    assert (
        kinds(OwnView(orders=(own_order(),)), VenueView(orders=(venue_order(),), fills=(venue_fill(at=at),)))
        == []
    )
    assert kinds(OwnView(), VenueView(positions=(position("3", at=at),))) == []
    assert kinds(OURS, replace(THEIRS, settlements=(settlement(at=at),))) == []


def test_a_settlement_that_the_books_do_not_know_is_told() -> None:
    venue = VenueView(orders=THEIRS.orders, fills=THEIRS.fills, settlements=(settlement(),))
    assert kinds(OURS, venue) == [Kind.SETTLEMENT_NOT_BOOKED]
    settled = replace(OURS, positions=(), results=(result("1"),))
    assert kinds(settled, venue) == []


def test_a_settlement_with_another_value_differs() -> None:
    own = OwnView(results=(result("0"),))
    assert kinds(own, VenueView(settlements=(settlement(),))) == [Kind.SETTLEMENT_DIFFERS]
    # The exchange tells whole cents, rounded down.
    assert kinds(OwnView(results=(result("0.3375"),)), VenueView(settlements=(settlement("0.33"),))) == []


def result(value: str) -> OwnResult:
    return OwnResult(ticker=T, value=Price.of(value), settled_at=AGO)


def difference(kind: Kind, subject: str = T, figure: str = "1.00") -> Difference:
    return Difference(kind=kind, subject=subject, ours="a", theirs="b", figure=figure)


def test_a_difference_is_a_mismatch_when_two_snapshots_show_it() -> None:
    seen = difference(Kind.POSITION_DIFFERS)
    assert confirmed([seen], before=[], acknowledged=frozenset()) == ()
    moved_on = replace(seen, figure="2.00")
    assert confirmed([moved_on], before=[seen], acknowledged=frozenset()) == (moved_on,)
    other = replace(seen, subject="KXB-1")
    assert confirmed([other], before=[seen], acknowledged=frozenset()) == ()


def test_a_foreign_order_is_a_mismatch_at_once() -> None:
    seen = difference(Kind.FOREIGN_ORDER, "hs-9", "")
    assert confirmed([seen], before=[], acknowledged=frozenset()) == (seen,)


def test_what_was_acknowledged_is_no_mismatch_until_its_figure_changes() -> None:
    seen = difference(Kind.POSITION_DIFFERS)
    accepted = frozenset({seen.acknowledged_as})
    assert confirmed([seen], before=[seen], acknowledged=accepted) == ()
    grown = replace(seen, figure="2.00")
    assert confirmed([grown], before=[seen], acknowledged=accepted) == (grown,)


times = st.sampled_from([AGO, NOW - timedelta(hours=1), NOW])
own_orders = st.builds(
    own_order, st.integers(1, 4), st.sampled_from(list(S)), st.sampled_from(["0", "1", "3"]), times
)
venue_orders = st.builds(
    venue_order,
    st.integers(1, 5),
    st.sampled_from(list(VenueStatus)),
    st.sampled_from(["0", "1", "3"]),
    times,
    st.sampled_from([None, "", "by-hand"]),
)
own_fills = st.builds(own_fill, st.integers(1, 5), st.sampled_from(["1", "3"]), st.just("0.05"), times)
venue_fills = st.builds(
    venue_fill, st.integers(1, 6), st.sampled_from(["1", "3"]), times, st.sampled_from(list(BookSide))
)
own_views = st.builds(
    OwnView,
    orders=st.lists(own_orders, unique_by=lambda one: one.client_order_id, max_size=4).map(tuple),
    fills=st.lists(own_fills, unique_by=lambda one: one.trade_id, max_size=4).map(tuple),
    positions=st.integers(-500, 500).map(lambda n: (OwnPosition(ticker=T, signed_centis=n),)),
)
venue_views = st.builds(
    VenueView,
    # The exchange gives an order id, and a trade id, to one thing only; rows told twice are equal.
    orders=st.lists(venue_orders, max_size=5, unique_by=lambda order: order.order_id).map(tuple),
    fills=st.lists(venue_fills, max_size=5, unique_by=lambda fill: fill.trade_id).map(tuple),
    positions=st.builds(position, st.sampled_from(["0", "1", "3"]), st.sampled_from(list(Side)), times).map(
        lambda one: (one,)
    ),
    settlements=st.lists(st.builds(settlement, st.just("1"), times), max_size=1).map(tuple),
)


@given(own_views, venue_views, st.randoms(use_true_random=False))
def test_neither_the_order_of_rows_nor_rows_told_twice_change_anything(
    own: OwnView, venue: VenueView, random: Random
) -> None:
    def shuffled(rows: tuple[object, ...]) -> tuple[object, ...]:
        twice = [*rows, *random.sample(rows, k=len(rows) // 2)]
        random.shuffle(twice)
        return tuple(twice)

    again = VenueView(
        orders=shuffled(venue.orders),  # type: ignore[arg-type]
        fills=shuffled(venue.fills),  # type: ignore[arg-type]
        positions=shuffled(venue.positions),  # type: ignore[arg-type]
        settlements=shuffled(venue.settlements),  # type: ignore[arg-type]
    )
    assert compare(own, again, FRAME) == compare(own, venue, FRAME)


@given(own_views, venue_views)
def test_a_second_run_of_the_same_changes_nothing(own: OwnView, venue: VenueView) -> None:
    first, second = compare(own, venue, FRAME), compare(own, venue, FRAME)
    assert first == second
    mismatch = confirmed(first.differences, before=second.differences, acknowledged=frozenset())
    assert mismatch == first.differences
    third = confirmed(first.differences, before=mismatch, acknowledged=frozenset())
    assert third == mismatch


@given(own_views, venue_views)
def test_what_is_acknowledged_never_halts_again(own: OwnView, venue: VenueView) -> None:
    seen = compare(own, venue, FRAME).differences
    accepted = frozenset(one.acknowledged_as for one in seen)
    assert confirmed(seen, before=seen, acknowledged=accepted) == ()
