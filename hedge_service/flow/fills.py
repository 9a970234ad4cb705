"""Executions of our orders into the ledger: at once where we know of one, by a sweep for the rest."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Protocol

from hedge_service.errors import PeerError
from hedge_service.flow.batching import Batcher
from hedge_service.flow.executions import ExecutionReads, Executions, whole
from hedge_service.store import books, fills
from hedge_service.store.db import StoreUnavailable
from hedge_service.store.leases import Deposed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from sqlalchemy.engine import Connection

    from hedge_service.clock import Clock
    from hedge_service.core.venue import HistoricalCutoff, VenueFill, VenueOrder
    from hedge_service.flow.sender import Sender
    from hedge_service.store.db import Database
    from hedge_service.store.fills import Owner, Recount, Unbooked

    Found = tuple[Sequence[VenueFill], Owner | None]

AT_ONCE = 100
# Reads may lag by minutes, and an execution may show after a younger one.
SWEEP_MARGIN = timedelta(minutes=15)
# An order whose execution shows may itself not show yet; after this it is taken for nobody's.
OWNER_PATIENCE = timedelta(seconds=60)
FIRST_PAUSE_S = 1.0
LONGEST_PAUSE_S = 30.0
LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)


class FillReads(ExecutionReads, Protocol):
    """The exchange reads that find executions and whose they are."""

    async def historical_cutoff(self) -> HistoricalCutoff:
        """Tell since when executions are live."""

    async def order(self, order_id: str) -> VenueOrder | None:
        """Read one live order."""

    async def historical_orders(self, *, ticker: str) -> list[VenueOrder]:
        """List archived orders of a market, all pages."""


@dataclass(frozen=True, slots=True)
class Stored:
    """What one commit booked."""

    new: tuple[VenueFill, ...]
    recount: Recount | None

    @property
    def exact(self) -> bool:
        """Say whether the attempt's figures are those of its executions."""
        return self.recount is not None and self.recount.exact


class Pauses:
    """Longer and longer pauses for orders whose executions do not show yet."""

    def __init__(self) -> None:
        self._until: dict[str, tuple[float, float]] = {}

    def due(self, order_id: str, now: float) -> bool:
        """Say whether an order may be read again."""
        return self._until.get(order_id, (0.0, 0.0))[0] <= now

    def over(self, order_id: str) -> None:
        """Forget an order."""
        self._until.pop(order_id, None)

    def longer(self, order_id: str, now: float) -> float:
        """Double an order's pause and begin it; give its seconds."""
        before = self._until.get(order_id, (0.0, FIRST_PAUSE_S / 2))[1]
        pause = min(before * 2, LONGEST_PAUSE_S)
        self._until[order_id] = (now + pause, pause)
        return pause


class Fills:
    """Books every execution of the account once; the sum of an order's executions equals its fill count."""

    def __init__(
        self,
        *,
        database: Database,
        reads: FillReads,
        sender: Sender,
        clock: Clock,
        sweep_every_s: float,
        log: Any,
    ) -> None:
        self._database = database
        self._reads = reads
        self._sender = sender
        self._clock = clock
        self._sweep_every_s = sweep_every_s
        self._log = log
        self._executions = Executions(reads=reads, clock=clock, log=log)
        self._ended: Batcher[str, Sequence[Unbooked]] = Batcher(self._book_listed)
        self._next_sweep = 0.0
        self._pauses = Pauses()

    async def step(self) -> None:
        """Complete accepted orders and, when its time has come, sweep; what fails is tried again."""
        if not self._sender.may_send():
            return
        try:
            await self._step()
        except Deposed as error:
            self._log.warning("fills.left", reason=str(error))

    async def _step(self) -> None:
        waiting = await self._database.read(lambda tx: fills.unbooked(tx, AT_ONCE))
        now = self._clock.monotonic()
        try:
            await self._complete([order for order in waiting if self._pauses.due(order.order_id, now)])
        except (Deposed, StoreUnavailable):
            raise
        except Exception:
            # The process may end by it, at every start: what only the sweep finds must not wait behind it.
            await self._sweep_when_due(now)
            raise
        await self._sweep_when_due(now)

    async def of_intent(self, intent_id: str) -> None:
        """Book the executions of an intent's orders now; what can't be read is left to the loop.

        Only the list that serves many is waited for together: an order that must be asked for alone, and is
        slow to show, keeps no other intent from its end.
        """
        await self._complete(await self._ended.put(intent_id))

    async def of_order(self, order: VenueOrder) -> None:
        """Book what a resting order has been filled with so far. Raises PeerError."""
        listed = await self._executions.of_order(order.order_id)
        owner = await self._database.read(lambda tx: fills.owner_of_order(tx, order.order_id))
        _booked(await self._store([(listed, owner)]))

    async def sweep(self) -> int:
        """Book every execution since a safe margin before the newest one booked; give how many were new.

        Before the books are open there is nothing to add to. Raises PeerError when any page is missing.
        """
        opening, newest = await self._database.read(lambda tx: (books.opening(tx), fills.newest(tx)))
        if opening is None:
            return 0
        since = opening.at if newest is None else max(opening.at, newest - SWEEP_MARGIN)
        listed = await self._reads.fills(since=since)
        if (await self._reads.historical_cutoff()).trades_created > since:
            listed += await self._reads.historical_fills(since=since)
        # What was executed before the books began is part of the positions they began with.
        return await self._take([fill for fill in listed if not _before(fill, opening.at)])

    async def _sweep_when_due(self, now: float) -> None:
        if now < self._next_sweep:
            return
        try:
            await self.sweep()
        except PeerError as error:
            self._log.warning("fills.unreadable", reason=error.code)
        else:
            self._next_sweep = self._clock.monotonic() + self._sweep_every_s

    async def _book_listed(self, intent_ids: Sequence[str]) -> Sequence[Sequence[Unbooked]]:
        """Book the orders of these intents that one list shows whole; give each intent those it does not."""
        orders = await self._database.read(lambda tx: fills.unbooked_of(tx, intent_ids))
        found = await self._executions.listed([order for order in orders if order.booked < order.filled])
        shown = [order for order in orders if whole(order, found)]
        await self._book(shown, found)
        left: dict[str, list[Unbooked]] = defaultdict(list)
        for order in orders:
            if not whole(order, found):
                left[order.owner.intent_id].append(order)
        return [left[intent_id] for intent_id in intent_ids]

    async def _complete(self, orders: Sequence[Unbooked]) -> None:
        """Book what is there of each order; those of which something is missing pause."""
        missing = [order for order in orders if order.booked < order.filled]
        await self._book(orders, await self._executions.of(missing) if missing else {})

    async def _book(self, orders: Sequence[Unbooked], found: Mapping[str, list[VenueFill]]) -> None:
        told = await self._store([(found.get(order.order_id, []), order.owner) for order in orders])
        for order, stored in zip(orders, told, strict=True):
            if isinstance(stored, Stored):
                self._note(order, stored)
        _booked(told)

    def _note(self, order: Unbooked, stored: Stored) -> None:
        if stored.exact:
            self._pauses.over(order.order_id)
        else:
            self._pause(order)

    def _pause(self, order: Unbooked) -> None:
        wait_s = self._pauses.longer(order.order_id, self._clock.monotonic())
        self._log.warning(
            "fills.incomplete",
            **_owned(order.owner),
            order_id=order.order_id,
            fill_count=str(order.filled),
            again_in_s=str(wait_s),
        )

    async def _take(self, listed: list[VenueFill]) -> int:
        ids = [fill.trade_id for fill in listed]
        known = await self._database.read(lambda tx: fills.known(tx, ids))
        new = {fill.trade_id: fill for fill in listed if fill.trade_id not in known}
        orders: dict[str, list[VenueFill]] = defaultdict(list)
        for fill in sorted(
            new.values(), key=lambda fill: LONG_AGO if fill.created_time is None else fill.created_time
        ):
            orders[fill.order_id].append(fill)
        told = [one for order_id, rows in orders.items() for one in await self._take_order(order_id, rows)]
        return sum(len(stored.new) for stored in _booked(told))

    async def _take_order(self, order_id: str, rows: list[VenueFill]) -> Sequence[Stored | Exception]:
        owner = await self._database.read(lambda tx: fills.owner_of_order(tx, order_id))
        if owner is None:
            order = await self._order(order_id, rows[0].ticker)
            if order is None and self._clock.now() - _seen(rows) < OWNER_PATIENCE:
                return []
            owner = await self._owner(order)
        return await self._store([(rows, owner)])

    async def _order(self, order_id: str, ticker: str) -> VenueOrder | None:
        order = await self._reads.order(order_id)
        if order is not None:
            return order
        archived = await self._reads.historical_orders(ticker=ticker)
        return next((row for row in archived if row.order_id == order_id), None)

    async def _owner(self, order: VenueOrder | None) -> Owner | None:
        if order is None:
            return None
        named = order.client_order_id
        return await self._database.read(lambda tx: fills.owner_of_id(tx, named))

    async def _store(self, found: Sequence[Found]) -> Sequence[Stored | Exception]:
        """Book in one unit of work; where that fails, each order in one of its own: one must not fail all."""
        if not found:
            return []
        try:
            return await self._store_together(found)
        except (Deposed, StoreUnavailable):
            # No order's own: each by itself would only fail again.
            raise
        except Exception as error:  # noqa: BLE001 - `_booked` raises it once the others are booked
            if len(found) == 1:
                return [error]
        return [outcome for one in found for outcome in await self._store([one])]

    async def _store_together(self, found: Sequence[Found]) -> list[Stored]:
        told = await self._database.write(self._storing(found))
        for (_, owner), stored in zip(found, told, strict=True):
            for fill in stored.new:
                self._log.info("fill.booked", **_owned(owner), **_fields(fill))
            if stored.recount is not None:
                self._tell(stored.recount, owner)
        return told

    def _tell(self, recount: Recount, owner: Owner | None) -> None:
        counts = {"before": str(recount.before), "after": str(recount.after)}
        if recount.filled:
            self._log.info("fills.completed", **_owned(owner), **counts)
        if recount.reversed_id is not None:
            self._log.warning("fill.reversed", **_owned(owner), trade_id=recount.reversed_id, **counts)
        if recount.late:
            self._log.error("fill.anomalous", **_owned(owner), reason="the order had ended", **counts)

    def _storing(self, found: Sequence[Found]) -> Callable[[Connection], list[Stored]]:
        now = self._clock.now()

        def store(tx: Connection) -> list[Stored]:
            self._sender.guard(tx)
            return [_stored(tx, rows, owner, now) for rows, owner in found]

        return store


def _booked(told: Iterable[Stored | Exception]) -> list[Stored]:
    """Give what was booked, or raise what kept any of it from being booked."""
    failed = [one for one in told if isinstance(one, Exception)]
    if len(failed) > 1:
        raise ExceptionGroup("executions of several orders can't be booked", failed)
    for error in failed:
        raise error
    return [one for one in told if isinstance(one, Stored)]


def _stored(tx: Connection, rows: Sequence[VenueFill], owner: Owner | None, now: datetime) -> Stored:
    new = tuple(fill for fill in rows if fills.book(tx, fill, owner, now))
    return Stored(new, None if owner is None else fills.recount(tx, owner.client_order_id, now))


def _before(fill: VenueFill, at: datetime) -> bool:
    return fill.created_time is not None and fill.created_time < at


def _seen(rows: list[VenueFill]) -> datetime:
    return max((fill.created_time for fill in rows if fill.created_time is not None), default=LONG_AGO)


def _owned(owner: Owner | None) -> dict[str, Any]:
    return (
        {"parlay_id": None, "client_order_id": None}
        if owner is None
        else {"parlay_id": owner.parlay_id, "client_order_id": owner.client_order_id}
    )


def _fields(fill: VenueFill) -> dict[str, Any]:
    return {
        "order_id": fill.order_id,
        "trade_id": fill.trade_id,
        "ticker": fill.ticker,
        "side": fill.side.value,
        "count": str(fill.count),
        "price": str(fill.yes_price),
        "cost_dollars": str(fill.cost),
        "fee": str(fill.fee),
    }
