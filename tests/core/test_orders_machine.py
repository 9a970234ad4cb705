"""Orders against a model exchange: whatever is lost, late, repeated or refused, nothing is bought twice.

The machine does what the dispatcher does, with the product's own tables; the exchange in it loses replies,
delivers copies late (as long as their signature holds) and shows orders late.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import partial

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from hedge_service.core.journal import (
    Attempt,
    Begin,
    End,
    GiveUp,
    Intent,
    LookUp,
    Send,
    Step,
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
    accepted_state,
    move,
    settle_reply,
)

S = AttemptState
NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
WINDOW = timedelta(seconds=60)
# The model exchange's own figure, not the product's: a copy older than this is refused.
SIGNATURE_HOLDS = timedelta(seconds=60)
PRICE = Price.of("0.50")
MAX_ATTEMPTS = 3
SECONDS = st.sampled_from((0, 1, 1, 2, 5, 31, 61))
TURNED_AWAY: dict[str, Reply] = {
    "refused": Refused(code="insufficient_balance", status=400),
    "throttled": Throttled(),
    "clock": ClockExpired(),
    "unsent": Unsent(reason="connect_failed"),
}
WAYS = ("answered", "reply_lost", "slow", "lost", *TURNED_AWAY)


@dataclass
class Placed:
    """An order in the exchange's book."""

    filled: Count
    resting: Count = Count.ZERO
    shown: bool = True


@dataclass
class Copy:
    """A copy that was written and has not arrived."""

    attempt: Attempt
    signed_at: datetime


@dataclass
class ModelExchange:
    """Accepts an id once; copies on their way may still arrive."""

    book: dict[str, Placed] = field(default_factory=dict)
    on_the_way: list[Copy] = field(default_factory=list)

    def place(self, attempt: Attempt, fill: int, rest: int, *, shown: bool) -> Reply:
        """Take a copy that has arrived."""
        if attempt.client_order_id in self.book:
            return Unproved(reason="conflict", code="order_already_exists", status=409)
        bought = Count(min(fill * 100, attempt.count.centis))
        left = Count(min(rest * 100, (attempt.count - bought).centis))
        self.book[attempt.client_order_id] = Placed(filled=bought, resting=left, shown=shown)
        return accepted(self.book[attempt.client_order_id])

    def late(self) -> bool:
        """Say whether reads have not caught up with the book."""
        return any(not placed.shown for placed in self.book.values())


def accepted(placed: Placed) -> Accepted:
    return Accepted(order_id="o", fill_count=placed.filled, remaining_count=placed.resting)


class OrderLife(RuleBasedStateMachine):
    @initialize(contracts=st.integers(1, 12))
    def start(self, contracts: int) -> None:
        self.plan(contracts)

    def plan(self, contracts: int) -> None:
        self.now = NOW
        self.exchange = ModelExchange()
        self.attempts: list[Attempt] = []
        self.intent = Intent(
            id="int_1",
            parlay_id="par_1",
            leg=1,
            purpose=Purpose.HEDGE,
            sequence=1,
            ticker="KXA-1-SEA",
            side=BookSide.BID,
            count=Count.of(contracts),
            price=PRICE,
            max_cost=PRICE.times(Count.of(contracts)),
            time_in_force=TimeInForce.IMMEDIATE_OR_CANCEL,
            reduce_only=False,
            created_at=NOW,
            expires_at=NOW + timedelta(seconds=120),
        )

    # What passes without us.

    def pass_time(self, seconds: int) -> None:
        self.now += timedelta(seconds=seconds)
        alive = [copy for copy in self.exchange.on_the_way if self.now < copy.signed_at + SIGNATURE_HOLDS]
        self.exchange.on_the_way = alive

    @precondition(lambda self: self.exchange.on_the_way)
    @rule(fill=st.integers(0, 12), shown=st.booleans())
    def a_late_copy_arrives(self, fill: int, shown: bool) -> None:
        copy = self.exchange.on_the_way.pop(0)
        self.exchange.place(copy.attempt, fill, 0, shown=shown)

    @rule()
    def reads_catch_up(self) -> None:
        for placed in self.exchange.book.values():
            placed.shown = True

    @rule(more=st.integers(0, 12), cancelled=st.booleans())
    def what_rests_is_filled_or_cancelled(self, more: int, cancelled: bool) -> None:
        for placed in self.exchange.book.values():
            bought = Count(min(more * 100, placed.resting.centis))
            placed.filled, placed.resting = placed.filled + bought, placed.resting - bought
            if cancelled:
                placed.resting = Count.ZERO

    # What the service does.

    @rule(
        seconds=SECONDS,
        way=st.sampled_from(WAYS),
        fill=st.integers(0, 12),
        rest=st.sampled_from((0, 0, 3)),
        shown=st.booleans(),
        readable=st.sampled_from((True, True, False)),
    )
    def the_service_takes_a_step(
        self, seconds: int, way: str, fill: int, rest: int, *, shown: bool, readable: bool
    ) -> None:
        """Do what the table says after so long; `way` is what becomes of a copy, if one is sent."""
        self.pass_time(seconds)
        match self.next():
            case Begin(number=number, count=count, not_before=not_before):
                if not_before is None or self.now >= not_before:
                    self.begin(number, count)
            case Send(attempt=attempt):
                self.send(attempt, way, fill, rest, shown=shown)
            case GiveUp(attempt=attempt):
                self.put(attempt, S.NOT_SENT)
            case LookUp(attempt=attempt) | Track(attempt=attempt):
                self.look_up(attempt, way, fill, rest, shown=shown, readable=readable)
            case End(reason=reason):
                self.intent = replace(self.intent, ended_at=self.now, end_reason=reason.value)
            case _:
                self.plan(fill + 1)

    @rule()
    def a_person_ends_it_as_absent(self) -> None:
        """Let a person look once no copy can arrive any more."""
        step = self.next()
        if not isinstance(step, LookUp) or step.attempt.state is not S.PARKED:
            return
        waiting = any(
            copy.attempt.client_order_id == step.attempt.client_order_id for copy in self.exchange.on_the_way
        )
        if not waiting and step.attempt.client_order_id not in self.exchange.book:
            self.put(step.attempt, S.CANCELLED)

    # What must hold at any moment.

    @invariant()
    def no_more_is_bought_than_planned(self) -> None:
        bought = sum(placed.filled.centis + placed.resting.centis for placed in self.exchange.book.values())
        assert bought <= self.intent.count.centis

    @invariant()
    def what_has_ended_has_ended_as_the_exchange_says(self) -> None:
        for attempt in self.attempts:
            if attempt.state.ended:
                placed = self.exchange.book.get(attempt.client_order_id, Placed(Count.ZERO))
                assert (attempt.filled, placed.resting) == (placed.filled, Count.ZERO)

    @invariant()
    def what_may_be_spent_is_reserved(self) -> None:
        spent = sum(PRICE.times(placed.filled).micros for placed in self.exchange.book.values())
        assert reserved(self.intent, tuple(self.attempts)).micros >= spent

    @invariant()
    def there_are_no_more_attempts_than_allowed_and_each_has_its_own_id(self) -> None:
        assert len(self.attempts) <= MAX_ATTEMPTS
        assert len({attempt.client_order_id for attempt in self.attempts}) == len(self.attempts)

    @invariant()
    def only_the_last_attempt_is_open(self) -> None:
        assert all(attempt.state.ended for attempt in self.attempts[:-1])

    # Steps.

    def next(self) -> Step | None:
        if self.intent.ended_at is not None:
            return None
        return next_step(self.intent, tuple(self.attempts), now=self.now, max_attempts=MAX_ATTEMPTS)

    def begin(self, number: int, count: Count) -> None:
        assert number == len(self.attempts) + 1
        assert count == self.intent.count - filled(tuple(self.attempts))
        assert not self.exchange.on_the_way, "a copy of an older id may still arrive"
        self.attempts.append(
            Attempt(
                client_order_id=f"hs-{number}",
                intent_id=self.intent.id,
                number=number,
                count=count,
                state=S.PLANNED,
                body=b"{}",
                planned_at=self.now,
            )
        )

    def send(self, attempt: Attempt, way: str, fill: int, rest: int, *, shown: bool) -> None:
        sending = self.sending(attempt)
        if way in TURNED_AWAY:
            self.settle(sending, TURNED_AWAY[way])
        elif way == "answered":
            self.settle(sending, self.exchange.place(sending, fill, rest, shown=shown))
        else:
            if way == "reply_lost":
                self.exchange.place(sending, fill, rest, shown=shown)
            elif way == "slow":
                self.exchange.on_the_way.append(Copy(sending, self.now))
            # A process that dies here leaves SENDING behind, which its successor takes for unknown, too.
            self.settle(sending, Unproved(reason="timeout"))

    def look_up(
        self, attempt: Attempt, way: str, fill: int, rest: int, *, shown: bool, readable: bool
    ) -> None:
        placed = self.exchange.book.get(attempt.client_order_id)
        if readable and placed is not None and placed.shown:
            self.found(attempt, placed)
        elif attempt.state is not S.RESTING:
            proved = readable and not self.exchange.late()
            if self.after_nothing_was_found(attempt, proved=proved) is UnknownStep.RESEND:
                self.send(attempt, way, fill, rest, shown=shown)

    def sending(self, attempt: Attempt) -> Attempt:
        assert self.now < self.intent.expires_at
        first = self.now if attempt.first_sent_at is None else attempt.first_sent_at
        assert self.now < first + WINDOW
        return self.put(
            attempt, S.SENDING, sends=attempt.sends + 1, first_sent_at=first, last_sent_at=self.now
        )

    def settle(self, attempt: Attempt, reply: Reply) -> None:
        decided = settle_reply(
            reply, count=attempt.count, in_doubt=attempt.in_doubt, clock_retried=attempt.clock_retried
        )
        changes: dict[str, object] = {}
        if decided.state is S.PLANNED:
            changes["first_sent_at"] = None
        if isinstance(reply, Accepted):
            changes |= bought(reply)
        if isinstance(reply, Unproved):
            changes["in_doubt"] = True
        if isinstance(reply, ClockExpired):
            changes["clock_retried"] = True
        self.put(attempt, decided.state, **changes)

    def found(self, attempt: Attempt, placed: Placed) -> None:
        state = accepted_state(accepted(placed), attempt.count)
        if state is not attempt.state:
            self.put(attempt, state, **bought(accepted(placed)))

    def after_nothing_was_found(self, attempt: Attempt, *, proved: bool) -> UnknownStep:
        if proved:
            step = after_absence(
                attempt, now=self.now, resend_window=WINDOW, expires_at=self.intent.expires_at
            )
        else:
            step = after_failed_look(attempt, now=self.now, resend_window=WINDOW)
        if step is UnknownStep.PARK:
            self.put(attempt, S.PARKED)
        return step

    def put(self, attempt: Attempt, state: AttemptState, **changes: object) -> Attempt:
        assert attempt == self.attempts[-1]
        ended = {"ended_at": self.now} if state.ended else {}
        moved = replace(attempt, state=move(attempt.state, state), **(ended | changes))  # type: ignore[arg-type]
        self.attempts[-1] = moved
        return moved


def bought(reply: Accepted) -> dict[str, object]:
    cost = PRICE.times(reply.fill_count)
    return {"order_id": reply.order_id, "filled": reply.fill_count, "cost": cost, "fees": Money.ZERO}


def test_a_new_id_waits_until_no_copy_of_the_old_one_can_arrive() -> None:
    """A walk that the machine finds too seldom."""
    life = OrderLife()
    life.start(10)
    step = partial(life.the_service_takes_a_step, rest=0, shown=True, readable=True)
    step(0, "answered", 0)
    step(0, "slow", 0)
    step(2, "answered", 4)
    assert [attempt.state for attempt in life.attempts] == [S.CANCELLED]
    assert life.exchange.on_the_way
    step(31, "answered", 0)
    assert len(life.attempts) == 1
    step(61, "answered", 0)
    assert len(life.attempts) == 2


TestOrderLife = OrderLife.TestCase
TestOrderLife.settings = settings(max_examples=80, stateful_step_count=50, deadline=None)
