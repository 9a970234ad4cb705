"""What an open intent needs next, and what follows a look-up that found nothing."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hedge_service.core.journal import (
    RETRY_WAIT,
    Attempt,
    Begin,
    End,
    EndReason,
    GiveUp,
    Intent,
    LookUp,
    Send,
    Track,
    UnknownStep,
    after_absence,
    after_failed_look,
    filled,
    next_step,
    reserved,
)
from hedge_service.core.market import BookSide
from hedge_service.core.money import Count, Money, Price
from hedge_service.core.orders import (
    TRANSITIONS,
    Accepted,
    AttemptState,
    ClockExpired,
    Purpose,
    Refused,
    Reply,
    Throttled,
    TimeInForce,
    Unproved,
    Unsent,
    move,
    settle_reply,
)

if TYPE_CHECKING:
    from hedge_service.core.journal import Step

S = AttemptState
NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
TTL = timedelta(seconds=120)
WINDOW = timedelta(seconds=60)
TEN = Count.of(10)
INTENT = Intent(
    id="int_1",
    parlay_id="par_1",
    leg=1,
    purpose=Purpose.HEDGE,
    sequence=1,
    ticker="KXA-1-SEA",
    side=BookSide.BID,
    count=TEN,
    price=Price.of("0.67"),
    max_cost=Money.of("7"),
    time_in_force=TimeInForce.IMMEDIATE_OR_CANCEL,
    reduce_only=False,
    created_at=NOW,
    expires_at=NOW + TTL,
)
PLANNED = Attempt(
    client_order_id="hs-1",
    intent_id="int_1",
    number=1,
    count=TEN,
    state=S.PLANNED,
    body=b"{}",
    planned_at=NOW,
)


def attempt(state: AttemptState, filled_contracts: str = "0", **changes: object) -> Attempt:
    values = {"state": state, "filled": Count.of(filled_contracts), "first_sent_at": NOW, "last_sent_at": NOW}
    ended = {"ended_at": NOW} if state.ended else {}
    return replace(PLANNED, **(values | ended | changes))  # type: ignore[arg-type]


def step(*attempts: Attempt, after: timedelta = timedelta(0), max_attempts: int = 2) -> Step:
    return next_step(INTENT, attempts, now=NOW + after, max_attempts=max_attempts)


def test_a_fresh_intent_begins_its_first_attempt_with_its_whole_count() -> None:
    assert step() == Begin(number=1, count=TEN, not_before=None)


def test_an_intent_past_its_time_begins_nothing() -> None:
    assert step(after=TTL) == End(EndReason.TTL_OVER)


def test_a_planned_attempt_is_sent_in_time_and_given_up_later() -> None:
    assert step(PLANNED, after=TTL - timedelta(milliseconds=1)) == Send(PLANNED)
    assert step(PLANNED, after=TTL) == GiveUp(PLANNED, "ttl_over")


@pytest.mark.parametrize("state", [S.SENDING, S.UNKNOWN, S.PARKED])
@pytest.mark.parametrize("after", [timedelta(0), 10 * TTL])
def test_a_doubt_is_looked_up_however_late_it_is(state: AttemptState, after: timedelta) -> None:
    doubtful = attempt(state)
    assert step(doubtful, after=after) == LookUp(doubtful)


def test_an_order_that_rests_is_followed() -> None:
    resting = attempt(S.RESTING)
    assert step(resting, after=10 * TTL) == Track(resting)


@pytest.mark.parametrize(
    ("state", "reason"),
    [
        (S.FILLED, EndReason.FILLED),
        (S.REFUSED, EndReason.REFUSED),
        (S.NOT_SENT, EndReason.NOT_SENT),
        (S.DRY_RUN, EndReason.DRY_RUN),
    ],
)
def test_an_end_ends_the_intent_with_its_reason(state: AttemptState, reason: EndReason) -> None:
    assert step(attempt(state)) == End(reason)


def test_after_a_part_a_second_attempt_takes_the_rest_once_the_book_had_time() -> None:
    assert step(attempt(S.CANCELLED, "4")) == Begin(number=2, count=Count.of(6), not_before=NOW + RETRY_WAIT)


def test_the_attempts_are_used_up() -> None:
    second = attempt(S.CANCELLED, number=2, client_order_id="hs-2", count=Count.of(6))
    assert step(attempt(S.CANCELLED, "4"), second) == End(EndReason.ATTEMPTS_USED)
    assert step(attempt(S.CANCELLED, "4"), max_attempts=1) == End(EndReason.ATTEMPTS_USED)


def test_no_attempt_begins_that_would_have_to_wait_past_the_intents_time() -> None:
    assert step(attempt(S.CANCELLED), after=TTL) == End(EndReason.TTL_OVER)
    at_the_end = attempt(S.CANCELLED, ended_at=NOW + TTL - RETRY_WAIT)
    assert step(at_the_end, after=TTL - RETRY_WAIT) == End(EndReason.TTL_OVER)


def test_a_new_id_waits_until_a_doubtful_copys_signature_is_no_longer_valid() -> None:
    found = attempt(S.CANCELLED, in_doubt=True, last_sent_at=NOW + timedelta(seconds=5))
    begin = step(found, after=timedelta(seconds=10))
    assert begin == Begin(number=2, count=TEN, not_before=NOW + timedelta(seconds=5 + 60))


def test_what_the_attempts_filled_adds_up_to_a_filled_intent() -> None:
    both = (attempt(S.CANCELLED, "4"), attempt(S.CANCELLED, "6", number=2))
    assert filled(both) == TEN
    assert step(*both) == End(EndReason.FILLED)


attempts_in = st.builds(
    lambda state, centis, doubt: attempt(state, in_doubt=doubt, filled=Count(centis)),
    st.sampled_from(S),
    st.integers(0, 1000),
    st.booleans(),
)


@given(attempts_in, st.timedeltas(timedelta(0), 2 * TTL), st.integers(1, 4), st.integers(1, 4))
def test_every_step_leads_only_to_moves_that_the_table_holds(
    last: Attempt, after: timedelta, number: int, most: int
) -> None:
    last = replace(last, number=number)
    match step(last, after=after, max_attempts=most):
        case Send(attempt=sent):
            assert S.SENDING in TRANSITIONS[sent.state]
        case GiveUp(attempt=given_up):
            assert S.NOT_SENT in TRANSITIONS[given_up.state]
        case LookUp(attempt=doubtful):
            assert doubtful.state.in_doubt
        case Track(attempt=resting):
            assert resting.state is S.RESTING
        case Begin(number=next_number, count=count):
            assert last.state.ended
            assert next_number == last.number + 1 <= most
            assert count.centis == TEN.centis - last.filled.centis > 0
        case End():
            assert last.state.ended


@given(
    st.lists(
        st.tuples(
            st.sampled_from(
                [
                    Refused(code="insufficient_balance", status=400),
                    Throttled(),
                    ClockExpired(),
                    Unsent(reason="no_connection"),
                    Unproved(reason="timeout"),
                    Accepted(order_id="o", fill_count=Count.of(4), remaining_count=Count.ZERO),
                ]
            ),
            st.booleans(),
        ),
        max_size=12,
    ),
    st.integers(1, 4),
)
def test_a_whole_life_moves_legally_uses_at_most_its_attempts_and_never_refuses_a_copy_in_doubt(
    replies: list[tuple[Reply, bool]], most: int
) -> None:
    """Drives the table as the dispatcher does: each reply answers one send, `found` one look-up."""
    attempts: tuple[Attempt, ...] = ()
    now = NOW
    for reply, found in replies:
        now += timedelta(seconds=2)
        todo = next_step(INTENT, attempts, now=now, max_attempts=most)
        match todo:
            case Begin():
                fresh = replace(PLANNED, number=todo.number, count=todo.count)
                attempts = (*attempts, fresh)
            case Send(attempt=last):
                attempts = (*attempts[:-1], _answered(last, reply, now))
            case LookUp(attempt=last) if found:
                move(last.state, S.CANCELLED)
                attempts = (*attempts[:-1], replace(last, state=S.CANCELLED, ended_at=now))
            case LookUp(attempt=last):
                attempts = (*attempts[:-1], _answered(last, reply, now))
            case _:
                assert isinstance(todo, End)
                break
        assert len(attempts) <= most
        assert all(each.state.ended for each in attempts[:-1])
        assert filled(attempts) <= INTENT.count
        assert reserved(INTENT, attempts) >= Money.ZERO


def _answered(last: Attempt, reply: Reply, now: datetime) -> Attempt:
    move(last.state, S.SENDING)
    found = settle_reply(reply, count=last.count, in_doubt=last.in_doubt, clock_retried=last.clock_retried)
    if last.in_doubt:
        assert found.state is not S.REFUSED
        assert found.state is not S.PLANNED
    move(S.SENDING, found.state)
    bought = reply.fill_count if isinstance(reply, Accepted) else Count.ZERO
    return replace(
        last,
        state=found.state,
        in_doubt=last.in_doubt or isinstance(reply, Unproved),
        clock_retried=last.clock_retried or isinstance(reply, ClockExpired),
        filled=min(bought, last.count),
        last_sent_at=now,
        ended_at=now if found.state.ended else None,
    )


@pytest.mark.parametrize(
    ("state", "after_s", "step_due"),
    [
        (S.UNKNOWN, 0, UnknownStep.RESEND),
        (S.UNKNOWN, 59.999, UnknownStep.RESEND),
        (S.UNKNOWN, 60, UnknownStep.PARK),
        (S.PARKED, 0, UnknownStep.LOOK_AGAIN),
        (S.PARKED, 1000, UnknownStep.LOOK_AGAIN),
    ],
)
def test_an_absent_attempt_is_resent_inside_the_window_and_then_parked(
    state: AttemptState, after_s: float, step_due: UnknownStep
) -> None:
    now = NOW + timedelta(seconds=after_s)
    found = after_absence(attempt(state), now=now, resend_window=WINDOW, expires_at=INTENT.expires_at)
    assert found is step_due


def test_nothing_is_resent_past_the_intents_own_time() -> None:
    late = NOW + timedelta(seconds=30)
    found = after_absence(attempt(S.UNKNOWN), now=late, resend_window=WINDOW, expires_at=late)
    assert found is UnknownStep.LOOK_AGAIN
    found = after_absence(attempt(S.UNKNOWN), now=NOW + WINDOW, resend_window=WINDOW, expires_at=late)
    assert found is UnknownStep.PARK


@pytest.mark.parametrize(
    ("state", "after_s", "step_due"),
    [
        (S.UNKNOWN, 119.999, UnknownStep.LOOK_AGAIN),
        (S.UNKNOWN, 120, UnknownStep.PARK),
        (S.PARKED, 1000, UnknownStep.LOOK_AGAIN),
    ],
)
def test_a_look_up_that_proves_nothing_parks_after_twice_the_window(
    state: AttemptState, after_s: float, step_due: UnknownStep
) -> None:
    now = NOW + timedelta(seconds=after_s)
    assert after_failed_look(attempt(state), now=now, resend_window=WINDOW) is step_due


def test_an_open_or_doubtful_intent_reserves_its_most_and_an_ended_one_what_it_paid() -> None:
    paid = attempt(S.FILLED, "10", cost=Money.of("6.5"), fees=Money.of("0.16"))
    ended = replace(INTENT, ended_at=NOW, end_reason="filled")
    assert reserved(INTENT, (paid,)) == INTENT.max_cost
    assert reserved(ended, (paid,)) == Money.of("6.66")
    assert reserved(ended, (attempt(S.PARKED),)) == INTENT.max_cost
    assert reserved(ended, ()) == Money.ZERO


@pytest.mark.parametrize("state", S)
def test_an_open_intent_is_at_rest_only_while_the_exchange_has_the_word(state: AttemptState) -> None:
    assert INTENT.at_rest((attempt(state),)) == (state in {S.UNKNOWN, S.PARKED, S.RESTING})
    assert replace(INTENT, ended_at=NOW).at_rest((attempt(state),))


def test_an_intent_without_attempts_is_not_at_rest() -> None:
    assert not INTENT.at_rest(())


def test_an_attempts_order_carries_the_intents_own_limit_and_the_count_asked_for() -> None:
    order = replace(INTENT, reduce_only=True).order("hs-9", Count.of(3), 7)
    assert (order.client_order_id, order.count, order.subaccount) == ("hs-9", Count.of(3), 7)
    assert (order.ticker, order.side, order.price) == (INTENT.ticker, INTENT.side, INTENT.price)
    assert order.reduce_only
