"""Intents and attempts, and the table of what to do next with them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from hedge_service.core.money import Count, Money
from hedge_service.core.orders import AttemptState, Order, Purpose, TimeInForce, move

if TYPE_CHECKING:
    from datetime import datetime

    from hedge_service.core.market import BookSide
    from hedge_service.core.money import Price

RETRY_WAIT = timedelta(seconds=1)
"""How long a new attempt waits after an order that did not fill whole, for the book to refill."""

SIGNATURE_LIFE = timedelta(seconds=60)
"""How long a signed request may still be taken by the exchange: 30 s was seen, 60 s was not (README 1)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Intent:
    """One order that we mean to have exist; `price` is the YES limit price of every attempt."""

    id: str
    parlay_id: str
    leg: int
    purpose: Purpose
    sequence: int
    ticker: str
    side: BookSide
    count: Count
    price: Price
    max_cost: Money
    time_in_force: TimeInForce
    reduce_only: bool
    created_at: datetime
    expires_at: datetime
    ended_at: datetime | None = None
    end_reason: str | None = None

    def at_rest(self, attempts: tuple[Attempt, ...]) -> bool:
        """Say whether nothing of this intent is on its way: ended, or waiting for the exchange's word."""
        if self.ended_at is not None:
            return True
        waiting = {AttemptState.UNKNOWN, AttemptState.PARKED, AttemptState.RESTING}
        return bool(attempts) and attempts[-1].state in waiting

    def order(self, client_order_id: str, count: Count, subaccount: int) -> Order:
        """Give the order of one attempt."""
        return Order(
            client_order_id=client_order_id,
            ticker=self.ticker,
            side=self.side,
            count=count,
            price=self.price,
            time_in_force=self.time_in_force,
            subaccount=subaccount,
            reduce_only=self.reduce_only,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One client_order_id under an intent; `body` is the exact JSON sent, and sent again.

    `in_doubt`: some copy is not proved unsent. `cost`: paid for the side bought, without `fees`.
    """

    client_order_id: str
    intent_id: str
    number: int
    count: Count
    state: AttemptState
    body: bytes
    planned_at: datetime
    sends: int = 0
    in_doubt: bool = False
    clock_retried: bool = False
    order_id: str | None = None
    filled: Count = Count.ZERO
    cost: Money = Money.ZERO
    fees: Money = Money.ZERO
    code: str | None = None
    first_sent_at: datetime | None = None
    last_sent_at: datetime | None = None
    ended_at: datetime | None = None


def moved(attempt: Attempt, state: AttemptState, at: datetime, **changes: Any) -> Attempt:
    """Give an attempt in its next state. Raises IllegalMove when the table does not hold the move."""
    move(attempt.state, state)
    ended_at = at if state.ended else attempt.ended_at
    return replace(attempt, state=state, ended_at=ended_at, **changes)


def sent(attempt: Attempt, at: datetime) -> Attempt:
    """Give an attempt of which one more copy goes out. Raises IllegalMove."""
    first = at if attempt.first_sent_at is None else attempt.first_sent_at
    changes = {"sends": attempt.sends + 1, "first_sent_at": first, "last_sent_at": at}
    return moved(attempt, AttemptState.SENDING, at, **changes)


class EndReason(StrEnum):
    """Why nothing more is done for an intent."""

    FILLED = "filled"
    DRY_RUN = "dry_run"
    REFUSED = "refused"
    ATTEMPTS_USED = "attempts_used"
    TTL_OVER = "ttl_over"
    NOT_SENT = "not_sent"


@dataclass(frozen=True, slots=True)
class Begin:
    """Plan a new attempt of `count`, not before `not_before`."""

    number: int
    count: Count
    not_before: datetime | None


@dataclass(frozen=True, slots=True)
class Send:
    """Send this planned attempt."""

    attempt: Attempt


@dataclass(frozen=True, slots=True)
class GiveUp:
    """This planned attempt is not sent any more."""

    attempt: Attempt
    reason: str


@dataclass(frozen=True, slots=True)
class LookUp:
    """Ask the exchange what became of this attempt."""

    attempt: Attempt


@dataclass(frozen=True, slots=True)
class Track:
    """Follow an order that rests."""

    attempt: Attempt


@dataclass(frozen=True, slots=True)
class End:
    """Nothing more is to be done for the intent."""

    reason: EndReason


Step = Begin | Send | GiveUp | LookUp | Track | End


def next_step(intent: Intent, attempts: tuple[Attempt, ...], *, now: datetime, max_attempts: int) -> Step:
    """Decide what an open intent needs now; `attempts` in order of their numbers."""
    late = now >= intent.expires_at
    if not attempts:
        return End(EndReason.TTL_OVER) if late else Begin(number=1, count=intent.count, not_before=None)
    last = attempts[-1]
    match last.state:
        case AttemptState.PLANNED:
            return GiveUp(last, "ttl_over") if late else Send(last)
        case AttemptState.SENDING | AttemptState.UNKNOWN | AttemptState.PARKED:
            return LookUp(last)
        case AttemptState.RESTING:
            return Track(last)
        case AttemptState.CANCELLED:
            return _after_cancel(intent, attempts, late=late, max_attempts=max_attempts)
        case _:
            return End(_REASONS[last.state])


_REASONS = {
    AttemptState.FILLED: EndReason.FILLED,
    AttemptState.REFUSED: EndReason.REFUSED,
    AttemptState.NOT_SENT: EndReason.NOT_SENT,
    AttemptState.DRY_RUN: EndReason.DRY_RUN,
}


def _after_cancel(intent: Intent, attempts: tuple[Attempt, ...], *, late: bool, max_attempts: int) -> Step:
    last = attempts[-1]
    rest = intent.count - filled(attempts)
    if not rest:
        return End(EndReason.FILLED)
    if last.number >= max_attempts:
        return End(EndReason.ATTEMPTS_USED)
    if late:
        return End(EndReason.TTL_OVER)
    wait_until = _new_id_from(last)
    if wait_until is not None and wait_until >= intent.expires_at:
        return End(EndReason.TTL_OVER)
    return Begin(number=last.number + 1, count=rest, not_before=wait_until)


def _new_id_from(last: Attempt) -> datetime | None:
    """Say from when on a new id may be sent after an attempt that has ended.

    While a copy of the last id is not proved unsent, a frozen process may still write it: the new id waits
    until that copy's signature can no longer be valid.
    """
    rested = None if last.ended_at is None else last.ended_at + RETRY_WAIT
    if not last.in_doubt or last.last_sent_at is None:
        return rested
    stale = last.last_sent_at + SIGNATURE_LIFE
    return stale if rested is None else max(rested, stale)


def filled(attempts: tuple[Attempt, ...]) -> Count:
    """Add up what an intent's attempts filled."""
    return Count(sum(attempt.filled.centis for attempt in attempts))


def reserved(intent: Intent, attempts: tuple[Attempt, ...]) -> Money:
    """Say what an intent counts against the caps: its most while open or in doubt, else what it paid."""
    if intent.ended_at is None or any(not attempt.state.ended for attempt in attempts):
        return intent.max_cost
    return Money(sum(attempt.cost.micros + attempt.fees.micros for attempt in attempts))


class UnknownStep(StrEnum):
    """What follows a complete look-up that did not find an attempt."""

    RESEND = "resend"
    LOOK_AGAIN = "look_again"
    PARK = "park"


def after_absence(
    attempt: Attempt, *, now: datetime, resend_window: timedelta, expires_at: datetime
) -> UnknownStep:
    """Decide about an attempt that is absent past the exchange's data timestamp.

    Past `expires_at`, the intent's end, a resend could trade at a market the plan never saw: only look.
    """
    if attempt.state is AttemptState.PARKED or attempt.first_sent_at is None:
        return UnknownStep.LOOK_AGAIN
    if now >= attempt.first_sent_at + resend_window:
        return UnknownStep.PARK
    return UnknownStep.RESEND if now < expires_at else UnknownStep.LOOK_AGAIN


def after_failed_look(attempt: Attempt, *, now: datetime, resend_window: timedelta) -> UnknownStep:
    """Decide about an attempt whose look-up proved nothing: parked after twice the window, else repeated."""
    if attempt.state is AttemptState.PARKED or attempt.first_sent_at is None:
        return UnknownStep.LOOK_AGAIN
    return UnknownStep.PARK if now >= attempt.first_sent_at + 2 * resend_window else UnknownStep.LOOK_AGAIN
