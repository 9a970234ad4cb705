"""What became of an attempt in doubt: ask the exchange, past its data timestamp, all pages."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Protocol

from hedge_service.core.journal import UnknownStep, after_absence, after_failed_look
from hedge_service.core.orders import AttemptState
from hedge_service.core.venue import VenueStatus
from hedge_service.errors import PeerError
from hedge_service.flow.order_log import order_fields
from hedge_service.store import journal

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from sqlalchemy.engine import Connection

    from hedge_service.clock import Clock
    from hedge_service.core.journal import Attempt, Intent
    from hedge_service.core.venue import HistoricalCutoff, VenueFill, VenueOrder
    from hedge_service.flow.sender import Sender
    from hedge_service.store.db import Database

# Orders are listed from a little before the send, since the exchange's clock is not ours.
BEFORE_SEND = timedelta(seconds=60)


class OrderReads(Protocol):
    """The exchange reads that a look-up needs; every list is complete or an error."""

    async def user_data_timestamp(self) -> datetime:
        """Tell how fresh the other reads are."""

    async def orders(self, *, ticker: str, since: datetime, priority: bool) -> list[VenueOrder]:
        """List live orders of a market, all pages."""

    async def historical_orders(self, *, ticker: str, priority: bool) -> list[VenueOrder]:
        """List archived orders of a market, all pages."""

    async def historical_cutoff(self) -> HistoricalCutoff:
        """Tell since when orders are live."""

    async def order(self, order_id: str) -> VenueOrder | None:
        """Read one order."""

    async def fills(self, *, order_id: str, priority: bool) -> list[VenueFill]:
        """List an order's executions, all pages."""


@dataclass(frozen=True, slots=True)
class Absent:
    """Not there, though reads have passed the send."""


@dataclass(frozen=True, slots=True)
class TooEarly:
    """Reads have not passed the send yet: absence would prove nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """The exchange holds the order under this very id; `fills` are its executions."""

    order: VenueOrder
    fills: tuple[VenueFill, ...]


class LookUps:
    """Resolves attempts in doubt and follows orders that rest."""

    def __init__(
        self,
        *,
        database: Database,
        reads: OrderReads,
        sender: Sender,
        clock: Clock,
        margin_s: float,
        resend_window_s: float,
        log: Any,
    ) -> None:
        self._database = database
        self._reads = reads
        self._sender = sender
        self._clock = clock
        self._margin = timedelta(seconds=margin_s)
        self._window = timedelta(seconds=resend_window_s)
        self._log = log

    async def resolve(self, intent: Intent, attempt: Attempt) -> UnknownStep | None:
        """Look an attempt up once; None when it was found and booked, else what to do next."""
        try:
            seen = await self._look(intent, attempt)
        except PeerError as error:
            self._log.warning("lookup.failed", **order_fields(intent, attempt), reason=error.code)
            step = after_failed_look(attempt, now=self._clock.now(), resend_window=self._window)
        else:
            if isinstance(seen, Found) and _state(seen) is not None:
                await self.book(intent, attempt, seen)
                return None
            if not isinstance(seen, Absent):
                return UnknownStep.LOOK_AGAIN
            step = after_absence(attempt, now=self._clock.now(), resend_window=self._window)
        if step is UnknownStep.PARK:
            await self._park(intent, attempt)
        return step

    async def follow(self, intent: Intent, attempt: Attempt) -> bool:
        """Read a resting order once; say whether it has ended."""
        if attempt.order_id is None:
            return False
        order = await self._reads.order(attempt.order_id)
        if order is None or order.status is VenueStatus.RESTING:
            return False
        seen = await self._with_fills(order)
        if _state(seen) is None:
            return False
        await self.book(intent, attempt, seen)
        return True

    async def book(self, intent: Intent, attempt: Attempt, seen: Found) -> Attempt:
        """Store positive evidence: the exchange holds the order, with these executions."""
        state = _state(seen)
        if state is None:
            return attempt
        booked = await self._database.write(self._booking(attempt, seen, state))
        self._log.info("order.accepted", **order_fields(intent, booked), found_by="lookup")
        return booked

    async def _look(self, intent: Intent, attempt: Attempt) -> Found | Absent | TooEarly:
        sent_at = attempt.planned_at if attempt.last_sent_at is None else attempt.last_sent_at
        if await self._reads.user_data_timestamp() < sent_at + self._margin:
            # Positive evidence counts at any time; only absence needs fresh reads.
            found = await self._find(intent, attempt)
            return TooEarly() if found is None else found
        found = await self._find(intent, attempt)
        return Absent() if found is None else found

    async def _find(self, intent: Intent, attempt: Attempt) -> Found | None:
        first = attempt.planned_at if attempt.first_sent_at is None else attempt.first_sent_at
        since = first - BEFORE_SEND
        orders = await self._reads.orders(ticker=intent.ticker, since=since, priority=True)
        if (order := _with_id(orders, attempt)) is None and await self._may_be_archived(first):
            archived = await self._reads.historical_orders(ticker=intent.ticker, priority=True)
            order = _with_id(archived, attempt)
        return None if order is None else await self._with_fills(order)

    async def _with_fills(self, order: VenueOrder) -> Found:
        if not order.fill_count:
            return Found(order=order, fills=())
        return Found(
            order=order, fills=tuple(await self._reads.fills(order_id=order.order_id, priority=True))
        )

    async def _may_be_archived(self, sent_at: datetime) -> bool:
        cutoff = await self._reads.historical_cutoff()
        return cutoff.orders_updated > sent_at - BEFORE_SEND

    async def _park(self, intent: Intent, attempt: Attempt) -> None:
        now = self._clock.now()

        def park(tx: Connection) -> Attempt:
            self._sender.guard(tx)
            return journal.moved(
                tx,
                attempt,
                AttemptState.PARKED,
                at=now,
                event="order.parked",
                evidence={"reason": "not found", "window_s": str(self._window.total_seconds())},
            )

        parked = await self._database.write(park)
        self._log.error("order.parked", **order_fields(intent, parked))

    def _booking(self, attempt: Attempt, seen: Found, state: AttemptState) -> Callable[[Connection], Attempt]:
        now = self._clock.now()
        evidence = {"found": seen.order.status.value, "order_id": seen.order.order_id}
        columns = {
            "order_id": seen.order.order_id,
            "fill_centis": seen.order.fill_count.centis,
            "cost_micros": sum(fill.cost.micros for fill in seen.fills),
            "fees_micros": sum(fill.fee.micros for fill in seen.fills),
            "code": None,
        }

        def book(tx: Connection) -> Attempt:
            self._sender.guard(tx)
            return journal.moved(
                tx, attempt, state, at=now, event="order.accepted", evidence=evidence, **columns
            )

        return book


def _with_id(orders: list[VenueOrder], attempt: Attempt) -> VenueOrder | None:
    return next((order for order in orders if order.client_order_id == attempt.client_order_id), None)


def _state(seen: Found) -> AttemptState | None:
    """Give the state that the evidence proves, or None while it doesn't add up.

    Executions that do not sum to the order's own count are reads of different age: look again.
    """
    order = seen.order
    if sum(fill.count.centis for fill in seen.fills) != order.fill_count.centis:
        return None
    match order.status:
        case VenueStatus.RESTING:
            return AttemptState.RESTING
        case VenueStatus.EXECUTED | VenueStatus.CANCELED:
            whole = order.fill_count == order.initial_count
            return AttemptState.FILLED if whole else AttemptState.CANCELLED
        case _:
            return None
