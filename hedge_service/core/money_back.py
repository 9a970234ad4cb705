"""Money that goes back: when, why, and what it makes of the parlay it had paid for.

Everything is decided from facts that Stripe states (its refunds of a payment, its disputes), never from the
order in which events arrive: the same facts give the same ruling.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import TYPE_CHECKING

from hedge_service.core.acceptance import CAP_REASONS, ParkReason
from hedge_service.core.settlement import ParlayState

if TYPE_CHECKING:
    from collections.abc import Iterable

GOES_BACK = frozenset(
    {
        ParkReason.PAID_TOO_LATE,
        ParkReason.MARKET_OVER,
        ParkReason.QUOTE_ALREADY_SOLD,
        ParkReason.PRICE_DRIFT,
        ParkReason.OPEN_PAYOUT_CAP,
        *CAP_REASONS.values(),
    }
)
"""Why a payment's money goes back by itself; every other reason needs a person."""

FIRST_WAIT = timedelta(seconds=1)
LONGEST_WAIT = timedelta(minutes=5)
FIRST_WAIT_REFUSED = timedelta(minutes=1)
LONGEST_WAIT_REFUSED = timedelta(hours=6)
_MOST_DOUBLINGS = 20


class RefundState(StrEnum):
    """Where a refund of ours stands; the last two are ends.

    A refused one is asked for again, in case that it only lacked a balance; one that failed at the payer's
    bank needs another way, which a person has to find.
    """

    DUE = "due"
    REFUSED = "refused"
    FAILED = "failed"
    MADE = "made"
    DROPPED = "dropped"  # the money went back another way


@dataclass(frozen=True, slots=True, kw_only=True)
class StripeRefund:
    """A refund as Stripe tells of it, whoever made it; `came_back`: it failed and the money is ours again."""

    id: str
    amount_cents: int
    came_back: bool = False


class DisputeState(StrEnum):
    """Where a dispute stands: open until Stripe closes it, then never open again."""

    OPEN = "open"
    WON = "won"
    LOST = "lost"


@dataclass(frozen=True, slots=True)
class DisputeFee:
    """What Stripe charges for a dispute in one movement of our balance; negative when it gives it back."""

    transaction_id: str
    cents: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Dispute:
    """A payer's bank takes a payment back, and perhaps gives it up again."""

    id: str
    payment_intent: str
    amount_cents: int
    state: DisputeState
    fees: tuple[DisputeFee, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Gone:
    """How much of a payment went back: by refunds, and by disputes lost."""

    refunded_cents: int = 0
    charged_back_cents: int = 0

    @property
    def cents(self) -> int:
        """Give both."""
        return self.refunded_cents + self.charged_back_cents


class Ruling(StrEnum):
    """What money gone back makes of a payment and its parlay."""

    STANDS = "stands"  # nothing changes
    VOID = "void"  # the parlay is void: nothing is owed for it
    CLOSED = "closed"  # the payment is over; what it cost is booked
    PERSON = "person"  # the payment waits for a person


def gone(refunds: Iterable[StripeRefund], disputes: Iterable[Dispute]) -> Gone:
    """Add up what went back."""
    return Gone(
        refunded_cents=sum(refund.amount_cents for refund in refunds if not refund.came_back),
        charged_back_cents=sum(each.amount_cents for each in disputes if each.state is DisputeState.LOST),
    )


def ruling(back: Gone, *, paid_cents: int, state: ParlayState | None, claimed: bool) -> Ruling:
    """Decide what money gone back means; `state` is the parlay's, None for a payment that bought nothing.

    - All of it before the result: the parlay is void.
    - A part, or all of it by refund after the result: a person decides, the parlay stands meanwhile.
    - A dispute lost over all of it: what is won but not claimed is void too, since it was never paid for;
      a lost or claimed parlay stays what it is, and the money is booked as a loss.
    """
    if not back.cents:
        return Ruling.STANDS
    whole = back.cents >= paid_cents
    if state is None or state is ParlayState.VOID:
        return Ruling.CLOSED if whole else Ruling.STANDS
    if state is ParlayState.OPEN:
        return Ruling.VOID if whole else Ruling.PERSON
    if back.charged_back_cents < paid_cents:
        return Ruling.PERSON
    return Ruling.VOID if state is ParlayState.WON and not claimed else Ruling.CLOSED


def wait_before_next(tries: int, *, refused: bool) -> timedelta:
    """Say how long a refund waits after `tries` tries: doubling, longer when Stripe has said no."""
    first, longest = (FIRST_WAIT_REFUSED, LONGEST_WAIT_REFUSED) if refused else (FIRST_WAIT, LONGEST_WAIT)
    factor: int = 2 ** min(tries, _MOST_DOUBLINGS)
    return min(first * factor, longest)
