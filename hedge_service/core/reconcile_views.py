"""Both sides of a reconciliation as values: what we say, what the exchange says, and a difference."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime

    from hedge_service.core.market import BookSide, Side
    from hedge_service.core.money import Count, Money, Price
    from hedge_service.core.orders import AttemptState
    from hedge_service.core.venue import VenueFill, VenueOrder, VenuePosition, VenueSettlement


BY_HAND = "resolved:"
"""Begins the trade id of an execution booked on a person's word: the exchange lists no such trade."""


class Kind(StrEnum):
    """What can differ."""

    FOREIGN_ORDER = "foreign_order"
    """An order under our prefix that the journal lacks: a restored or foreign database."""
    TRADE_OF_OTHERS = "trade_of_others"
    """An order that this service did not place has traded in its subaccount."""
    ORDER_MISSING = "order_missing"
    ORDER_DIFFERS = "order_differs"
    FILL_NOT_BOOKED = "fill_not_booked"
    FILL_MISSING = "fill_missing"
    FILL_DIFFERS = "fill_differs"
    POSITION_DIFFERS = "position_differs"
    SETTLEMENT_NOT_BOOKED = "settlement_not_booked"
    SETTLEMENT_DIFFERS = "settlement_differs"


# An order is journalled before its first byte, so one look proves these; others need a second.
AT_ONCE = frozenset({Kind.FOREIGN_ORDER})


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Difference:
    """One thing on which the two sides disagree; `subject` is its id there (order, trade or ticker)."""

    kind: Kind
    subject: str
    ours: str
    theirs: str
    figure: str = ""
    """What an acknowledgement holds for: the difference itself; empty where the id alone decides."""

    @property
    def same_as(self) -> tuple[Kind, str]:
        """Give what makes it the same difference in two snapshots: its figures may have moved on."""
        return self.kind, self.subject

    @property
    def acknowledged_as(self) -> tuple[Kind, str, str]:
        """Give what an acknowledgement is kept under."""
        return self.kind, self.subject, self.figure

    def sentence(self) -> str:
        """Say it in a line for people."""
        return f"{self.kind.value} {self.subject}: ours {self.ours}, the exchange's {self.theirs}"


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnOrder:
    """An attempt as the journal has it; `changed_at` is its latest event."""

    client_order_id: str
    order_id: str | None
    ticker: str
    side: BookSide
    state: AttemptState
    count: Count
    filled: Count
    first_sent_at: datetime | None
    changed_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnFill:
    """An execution as booked; `seen_at` is when we booked it."""

    trade_id: str
    order_id: str
    ticker: str
    side: Side
    count: Count
    cost: Money
    fee: Money
    filled_at: datetime
    seen_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnPosition:
    """What the books hold of a market, in hundredths of contracts (YES positive)."""

    ticker: str
    signed_centis: int


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnResult:
    """A market's final result as kept: what one YES contract paid."""

    ticker: str
    value: Price
    settled_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnView:
    """Our side, read after the exchange's."""

    orders: tuple[OwnOrder, ...] = ()
    fills: tuple[OwnFill, ...] = ()
    positions: tuple[OwnPosition, ...] = ()
    results: tuple[OwnResult, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class VenueView:
    """The exchange's side: complete lists."""

    orders: tuple[VenueOrder, ...] = ()
    fills: tuple[VenueFill, ...] = ()
    positions: tuple[VenuePosition, ...] = ()
    settlements: tuple[VenueSettlement, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """Which items are compared.

    `quiet_before`: nothing that changed later. `opened_at`: what was executed before is part of what the
    books were opened with. `orders_since`, `fills_since`: how far back the exchange's lists reach, None for
    ever (the archives were read, too).
    """

    quiet_before: datetime
    opened_at: datetime | None = None
    orders_since: datetime | None = None
    fills_since: datetime | None = None


class Result(StrEnum):
    """What a reconciliation came to."""

    AGREES = "agrees"
    DIFFERS = "differs"
    """Something differs, but not (yet) in two snapshots in a row, or it was acknowledged."""
    MISMATCH = "mismatch"


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What one reconciliation found; the mismatch is the part of the differences that halts sending."""

    differences: tuple[Difference, ...]
    mismatch: tuple[Difference, ...]

    @property
    def result(self) -> Result:
        """Give the one word."""
        if self.mismatch:
            return Result.MISMATCH
        return Result.DIFFERS if self.differences else Result.AGREES

    def reason(self) -> str:
        """Say in one line why sending is halted."""
        more = f" (and {len(self.mismatch) - 1} more)" if len(self.mismatch) > 1 else ""
        return f"reconciliation mismatch: {self.mismatch[0].sentence()}{more}"
