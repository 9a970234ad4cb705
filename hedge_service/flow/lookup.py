"""What became of an attempt in doubt: ask the exchange, past its data timestamp, all pages."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Protocol

from hedge_service.core.journal import UnknownStep, after_absence, after_failed_look
from hedge_service.core.money import Count
from hedge_service.core.orders import AttemptState
from hedge_service.core.venue import VenueStatus
from hedge_service.errors import PeerError
from hedge_service.flow.order_log import order_fields
from hedge_service.store import journal

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
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
        """List an order's live executions, all pages."""

    async def historical_fills(self, *, ticker: str, priority: bool) -> list[VenueFill]:
        """List archived executions of a market, all pages."""


@dataclass(frozen=True, slots=True)
class Absent:
    """Not there, though reads have passed the send."""


@dataclass(frozen=True, slots=True)
class Unproved:
    """Nothing is proved: reads have not passed the send yet, don't add up, or could not be made."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """The exchange holds the order under this very id; `fills` prove `state`."""

    order: VenueOrder
    fills: tuple[VenueFill, ...]
    state: AttemptState


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
        self._first_looks: dict[str, tuple[int, datetime]] = {}

    async def resolve(self, intent: Intent, attempt: Attempt) -> UnknownStep | None:
        """Look an attempt up once; None when it was found and booked, else what to do next."""
        step = await self._resolved(intent, attempt)
        if step is None or step is UnknownStep.PARK:
            self._first_looks.pop(attempt.client_order_id, None)
        return step

    async def _resolved(self, intent: Intent, attempt: Attempt) -> UnknownStep | None:
        seen = await self._seen(intent, attempt)
        if isinstance(seen, Found):
            await self._book(intent, attempt, seen)
            return None
        now, window = self._clock.now(), self._window
        if isinstance(seen, Absent):
            step = after_absence(attempt, now=now, resend_window=window, expires_at=intent.expires_at)
        else:
            step = after_failed_look(attempt, now=now, resend_window=window)
        if step is UnknownStep.PARK:
            await self._park(intent, attempt, "absent" if isinstance(seen, Absent) else "not proved")
        return step

    async def follow(self, intent: Intent, attempt: Attempt) -> bool:
        """Read a resting order once; say whether it has ended."""
        if attempt.order_id is None:
            return False
        order = await self._reads.order(attempt.order_id)
        if order is None:
            seen = await self._find(intent, attempt)
        else:
            seen = await self._evidence(attempt, order)
        if not isinstance(seen, Found) or seen.state is AttemptState.RESTING:
            return False
        await self._book(intent, attempt, seen)
        return True

    async def doubt(self, intent: Intent, attempt: Attempt) -> None:
        """Turn an attempt in SENDING into an unknown one: its send is over and its outcome was not stored."""
        now = self._clock.now()

        def doubt(tx: Connection) -> Attempt:
            self._sender.guard(tx)
            return journal.doubted(tx, attempt, at=now, reason="not_stored")

        doubted = await self._database.write(doubt)
        self._log.warning("order.unknown", **order_fields(intent, doubted))

    async def _seen(self, intent: Intent, attempt: Attempt) -> Found | Absent | Unproved:
        given_up = self._given_up(attempt)
        try:
            # Asked before the lists, so that they are at least as fresh.
            passed = await self._reads.user_data_timestamp() >= given_up + self._margin
            seen = await self._find(intent, attempt)
        except PeerError as error:
            self._log.warning("lookup.failed", **order_fields(intent, attempt), reason=error.code)
            return Unproved()
        # Positive evidence counts at any time; only absence needs fresh reads.
        return Unproved() if isinstance(seen, Absent) and not passed else seen

    def _given_up(self, attempt: Attempt) -> datetime:
        """Say from when on no byte of the last send was under way from here: its first look-up at the latest.

        The exchange may have accepted the order at any time until then, however long ago it was sent.
        """
        name, looked = attempt.client_order_id, (attempt.sends, self._clock.now())
        known = self._first_looks.get(name, looked)
        self._first_looks[name] = known if known[0] == attempt.sends else looked
        return self._first_looks[name][1]

    async def _find(self, intent: Intent, attempt: Attempt) -> Found | Absent | Unproved:
        since = _since(attempt)
        orders = await self._reads.orders(ticker=intent.ticker, since=since, priority=True)
        if (order := _with_id(orders, attempt)) is None and await self._archived_since(since):
            archived = await self._reads.historical_orders(ticker=intent.ticker, priority=True)
            order = _with_id(archived, attempt)
        return Absent() if order is None else await self._evidence(attempt, order)

    async def _evidence(self, attempt: Attempt, order: VenueOrder) -> Found | Unproved:
        fills = await self._executions(attempt, order) if order.fill_count else ()
        state = _state(attempt, order, fills)
        return Unproved() if state is None else Found(order=order, fills=fills, state=state)

    async def _executions(self, attempt: Attempt, order: VenueOrder) -> tuple[VenueFill, ...]:
        fills = _unique(await self._reads.fills(order_id=order.order_id, priority=True), order)
        if _total(fills) == order.fill_count or not await self._archived_since(_since(attempt)):
            return fills
        older = await self._reads.historical_fills(ticker=order.ticker, priority=True)
        return _unique((*fills, *older), order)

    async def _archived_since(self, since: datetime) -> bool:
        cutoff = await self._reads.historical_cutoff()
        return max(cutoff.orders_updated, cutoff.trades_created) > since

    async def _book(self, intent: Intent, attempt: Attempt, seen: Found) -> None:
        booked = await self._database.write(self._booking(attempt, seen))
        self._log.info("order.accepted", **order_fields(intent, booked), found_by="lookup")

    async def _park(self, intent: Intent, attempt: Attempt, reason: str) -> None:
        now = self._clock.now()

        def park(tx: Connection) -> Attempt:
            self._sender.guard(tx)
            return journal.moved(
                tx,
                attempt,
                AttemptState.PARKED,
                at=now,
                event="order.parked",
                evidence={"reason": reason, "window_s": str(self._window.total_seconds())},
            )

        parked = await self._database.write(park)
        self._log.error("order.parked", **order_fields(intent, parked))

    def _booking(self, attempt: Attempt, seen: Found) -> Callable[[Connection], Attempt]:
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
                tx, attempt, seen.state, at=now, event="order.accepted", evidence=evidence, **columns
            )

        return book


def _with_id(orders: list[VenueOrder], attempt: Attempt) -> VenueOrder | None:
    return next((order for order in orders if order.client_order_id == attempt.client_order_id), None)


def _since(attempt: Attempt) -> datetime:
    first = attempt.planned_at if attempt.first_sent_at is None else attempt.first_sent_at
    return first - BEFORE_SEND


def _unique(fills: Iterable[VenueFill], order: VenueOrder) -> tuple[VenueFill, ...]:
    """Give an order's executions, each once however often it is listed."""
    return tuple({fill.trade_id: fill for fill in fills if fill.order_id == order.order_id}.values())


def _total(fills: tuple[VenueFill, ...]) -> Count:
    return sum((fill.count for fill in fills), Count.ZERO)


def _state(attempt: Attempt, order: VenueOrder, fills: tuple[VenueFill, ...]) -> AttemptState | None:
    """Give the state that the evidence proves, or None while it doesn't add up.

    Executions that do not sum to the order's own count are reads of different age: look again.
    """
    if _total(fills) != order.fill_count or order.fill_count > attempt.count:
        return None
    match order.status:
        case VenueStatus.RESTING:
            return AttemptState.RESTING
        case VenueStatus.EXECUTED | VenueStatus.CANCELED:
            whole = order.fill_count == attempt.count
            return AttemptState.FILLED if whole else AttemptState.CANCELLED
        case _:
            return None
