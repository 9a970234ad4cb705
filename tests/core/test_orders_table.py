"""The table that moves an attempt, and what each reply does to it."""

from __future__ import annotations

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hedge_service.core.market import BookSide, Side
from hedge_service.core.money import Count, Price
from hedge_service.core.orders import (
    TRANSITIONS,
    Accepted,
    AttemptState,
    ClockExpired,
    IllegalMove,
    Order,
    Refused,
    Reply,
    Throttled,
    Unproved,
    Unsent,
    move,
    settle_reply,
)

S = AttemptState
TEN = Count.of(10)
REFUSED = Refused(code="insufficient_balance", status=400)
UNPROVED = Unproved(reason="timeout")


def accepted(filled: str, remaining: str) -> Accepted:
    return Accepted(order_id="o", fill_count=Count.of(filled), remaining_count=Count.of(remaining))


replies = st.sampled_from(
    [
        accepted("0", "0"),
        accepted("10", "0"),
        accepted("4", "6"),
        REFUSED,
        UNPROVED,
        Throttled(),
        ClockExpired(),
        Unsent(reason="no_connection"),
    ]
)


def after(reply: Reply, *, in_doubt: bool = False, clock_retried: bool = False) -> AttemptState:
    return settle_reply(reply, count=TEN, in_doubt=in_doubt, clock_retried=clock_retried).state


@pytest.mark.parametrize("state", S)
def test_every_state_stands_in_the_table(state: AttemptState) -> None:
    assert state in TRANSITIONS


@pytest.mark.parametrize(("old", "new"), list(product(S, S)))
def test_a_move_is_in_the_table_or_changes_nothing(old: AttemptState, new: AttemptState) -> None:
    if new in TRANSITIONS[old]:
        assert move(old, new) is new
    else:
        with pytest.raises(IllegalMove) as caught:
            move(old, new)
        assert (caught.value.old, caught.value.new) == (old, new)


@pytest.mark.parametrize("state", S)
def test_an_end_state_is_one_that_never_moves(state: AttemptState) -> None:
    assert state.ended == (not TRANSITIONS[state])


@pytest.mark.parametrize("state", S)
def test_nothing_in_doubt_has_ended(state: AttemptState) -> None:
    assert not (state.in_doubt and state.ended)


def test_only_an_unproved_attempt_can_be_parked_and_a_parked_one_is_never_sent() -> None:
    assert [old for old, new in TRANSITIONS.items() if S.PARKED in new] == [S.UNKNOWN]
    assert S.SENDING not in TRANSITIONS[S.PARKED]


def test_an_unknown_attempt_is_never_refused_or_unsent() -> None:
    assert not TRANSITIONS[S.UNKNOWN] & {S.REFUSED, S.NOT_SENT, S.PLANNED}


@pytest.mark.parametrize(
    ("filled", "remaining", "state"),
    [("10", "0", S.FILLED), ("4", "0", S.CANCELLED), ("0", "0", S.CANCELLED), ("4", "6", S.RESTING)],
)
def test_an_accepted_order_without_a_status_tells_its_state_by_its_counts(
    filled: str, remaining: str, state: AttemptState
) -> None:
    assert after(accepted(filled, remaining)) is state
    assert after(accepted(filled, remaining), in_doubt=True) is state


@given(replies, st.booleans())
def test_with_a_copy_in_doubt_only_evidence_of_the_order_ends_the_doubt(reply: Reply, retried: bool) -> None:
    state = after(reply, in_doubt=True, clock_retried=retried)
    assert (state is S.UNKNOWN) == (not isinstance(reply, Accepted))


@given(replies, st.booleans(), st.booleans())
def test_every_reply_is_a_move_that_the_table_holds(reply: Reply, doubt: bool, retried: bool) -> None:
    assert after(reply, in_doubt=doubt, clock_retried=retried) in TRANSITIONS[S.SENDING]


def test_a_definite_refusal_ends_the_first_copy_with_its_code() -> None:
    found = settle_reply(REFUSED, count=TEN, in_doubt=False, clock_retried=False)
    assert (found.state, found.code) == (S.REFUSED, "insufficient_balance")


@pytest.mark.parametrize("reply", [Throttled(), Unsent(reason="no_connection")])
def test_what_was_surely_not_processed_is_planned_again(reply: Reply) -> None:
    assert after(reply) is S.PLANNED


def test_an_expired_timestamp_is_worth_one_more_send() -> None:
    assert after(ClockExpired()) is S.PLANNED
    assert after(ClockExpired(), clock_retried=True) is S.REFUSED


def test_an_unproved_reply_keeps_its_code_or_its_reason() -> None:
    exists = Unproved(reason="conflict", code="order_already_exists", status=409)
    codes = [
        settle_reply(reply, count=TEN, in_doubt=False, clock_retried=False).code
        for reply in (exists, UNPROVED)
    ]
    assert codes == ["order_already_exists", "timeout"]


@pytest.mark.parametrize(
    ("side", "outcome", "limit"), [(BookSide.BID, Side.YES, "0.63"), (BookSide.ASK, Side.NO, "0.37")]
)
def test_an_order_limits_what_is_paid_for_the_side_it_buys(side: BookSide, outcome: Side, limit: str) -> None:
    order = Order(client_order_id="hs-1", ticker="T", side=side, count=TEN, price=Price.of("0.63"))
    assert (order.outcome, order.limit) == (outcome, Price.of(limit))
