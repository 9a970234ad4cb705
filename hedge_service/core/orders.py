"""Orders: what we mean to send, what came back, and the table that moves an attempt.

The table is the one place that says which outcome ends an attempt; `flow` asks it, never decides.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from hedge_service.core.market import BookSide, Side

if TYPE_CHECKING:
    from hedge_service.core.money import Count, Money, Price


class TimeInForce(StrEnum):
    """How long an order lives (the exchange's words)."""

    IMMEDIATE_OR_CANCEL = "immediate_or_cancel"
    FILL_OR_KILL = "fill_or_kill"
    GOOD_TILL_CANCELED = "good_till_canceled"


class Purpose(StrEnum):
    """Why an intent exists; part of its order id."""

    HEDGE = "hedge"
    ROLL = "roll"
    UNWIND = "unwind"


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """One create-order request; `price` is always the YES price, on the market's grid."""

    client_order_id: str
    ticker: str
    side: BookSide
    count: Count
    price: Price
    time_in_force: TimeInForce = TimeInForce.IMMEDIATE_OR_CANCEL
    subaccount: int = 0
    reduce_only: bool = False

    @property
    def outcome(self) -> Side:
        """Give the outcome this order buys."""
        return self.side.outcome

    @property
    def limit(self) -> Price:
        """Give the most paid per contract of the side bought."""
        return self.price if self.side is BookSide.BID else self.price.complement


class AttemptState(StrEnum):
    """Where an attempt stands; the last five are ends."""

    PLANNED = "planned"
    SENDING = "sending"
    UNKNOWN = "unknown"
    PARKED = "parked"
    RESTING = "resting"
    FILLED = "filled"
    CANCELLED = "cancelled"
    REFUSED = "refused"
    NOT_SENT = "not_sent"
    DRY_RUN = "dry_run"

    @property
    def ended(self) -> bool:
        """Say whether nothing more is expected of the exchange."""
        return self in _ENDS

    @property
    def in_doubt(self) -> bool:
        """Say whether the exchange may hold an order that we cannot prove."""
        return self in _DOUBT


_DOUBT = frozenset({AttemptState.SENDING, AttemptState.UNKNOWN, AttemptState.PARKED})
_ENDS = frozenset(
    {
        AttemptState.FILLED,
        AttemptState.CANCELLED,
        AttemptState.REFUSED,
        AttemptState.NOT_SENT,
        AttemptState.DRY_RUN,
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Accepted:
    """The exchange holds the order: an id and sane counts were read."""

    order_id: str
    fill_count: Count
    remaining_count: Count
    average_fill_price: Price | None = None
    fees: Money | None = None
    """Fees as far as the reply tells them (average per contract times count); accounts use fills instead."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """This copy was definitely not placed."""

    code: str
    status: int
    message: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Throttled:
    """429: not processed; the same id may be sent again after backing off."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClockExpired:
    """401 header_timestamp_expired: not processed; worth one freshly signed send of the same id."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Unsent:
    """Proof that no byte of this copy was written."""

    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Unproved:
    """Anything else: timeouts, resets, 5xx, unreadable 2xx, 409 order_already_exists."""

    reason: str
    code: str = ""
    status: int | None = None


Reply = Accepted | Refused | Throttled | ClockExpired | Unsent | Unproved


@dataclass(frozen=True, slots=True, kw_only=True)
class Move:
    """What a reply does to an attempt: its next state, and why."""

    state: AttemptState
    code: str = ""


def settle_reply(reply: Reply, *, count: Count, in_doubt: bool, clock_retried: bool) -> Move:
    """Decide the state of an attempt in SENDING after one send's reply.

    `in_doubt`: an earlier copy of this attempt is not proved unsent, so that a refusal of this copy says
    nothing about that one (and may be caused by it). `clock_retried`: the one extra send that
    header_timestamp_expired is worth has been used. PLANNED means: send the same id again.
    """
    match reply:
        case Accepted():
            return Move(state=accepted_state(reply, count))
        case Unproved():
            return Move(state=AttemptState.UNKNOWN, code=reply.code or reply.reason)
        case _ if in_doubt:
            return Move(state=AttemptState.UNKNOWN, code=_code(reply))
        case Throttled() | Unsent():
            return Move(state=AttemptState.PLANNED, code=_code(reply))
        case ClockExpired():
            state = AttemptState.REFUSED if clock_retried else AttemptState.PLANNED
            return Move(state=state, code=_code(reply))
        case Refused():
            return Move(state=AttemptState.REFUSED, code=reply.code)


def accepted_state(reply: Accepted, count: Count) -> AttemptState:
    """Derive the state of an order that the exchange holds; its reply carries no status field."""
    if reply.remaining_count:
        return AttemptState.RESTING
    return AttemptState.FILLED if reply.fill_count == count else AttemptState.CANCELLED


def _code(reply: Refused | Throttled | ClockExpired | Unsent) -> str:
    match reply:
        case Refused():
            return reply.code
        case Throttled():
            return "too_many_requests"
        case ClockExpired():
            return "header_timestamp_expired"
        case Unsent():
            return reply.reason


S = AttemptState
TRANSITIONS: dict[AttemptState, frozenset[AttemptState]] = {
    S.PLANNED: frozenset({S.SENDING, S.NOT_SENT, S.DRY_RUN}),
    S.SENDING: frozenset({S.PLANNED, S.UNKNOWN, S.RESTING, S.FILLED, S.CANCELLED, S.REFUSED}),
    S.UNKNOWN: frozenset({S.SENDING, S.PARKED, S.RESTING, S.FILLED, S.CANCELLED}),
    S.PARKED: frozenset({S.RESTING, S.FILLED, S.CANCELLED}),
    S.RESTING: frozenset({S.FILLED, S.CANCELLED}),
    S.FILLED: frozenset(),
    S.CANCELLED: frozenset(),
    S.REFUSED: frozenset(),
    S.NOT_SENT: frozenset(),
    S.DRY_RUN: frozenset(),
}


class IllegalMove(Exception):  # noqa: N818 - named for what happened, as the exchange's own words are
    """A move that the table does not hold; nothing has changed."""

    def __init__(self, old: AttemptState, new: AttemptState) -> None:
        super().__init__(f"an attempt never goes from {old} to {new}")
        self.old = old
        self.new = new


def move(old: AttemptState, new: AttemptState) -> AttemptState:
    """Give the new state. Raises IllegalMove when the table does not hold the move."""
    if new not in TRANSITIONS[old]:
        raise IllegalMove(old, new)
    return new
