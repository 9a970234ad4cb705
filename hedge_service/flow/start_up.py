"""Before the first send: read the exchange once, completely, and see that it knows no order we don't."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from hedge_service.core.ids import ORDER_PREFIX
from hedge_service.core.reconcile import foreign_orders
from hedge_service.core.reconcile_views import Outcome
from hedge_service.errors import PeerError
from hedge_service.store import halts, journal, reconciliations

if TYPE_CHECKING:
    from sqlalchemy.engine import Connection

    from hedge_service.clock import Clock
    from hedge_service.core.reconcile_views import Difference
    from hedge_service.core.venue import ExchangeStatus, VenueOrder, VenuePosition
    from hedge_service.flow.books import Books
    from hedge_service.flow.sender import Sender
    from hedge_service.store.db import Database

FOREIGN = "the exchange knows orders of ours that this database does not: restored or foreign database"
TOLD = 20


class Snapshot(Protocol):
    """The reads that a start needs; every list is complete or an error."""

    async def orders(self) -> list[VenueOrder]:
        """List live orders, all pages."""

    async def historical_orders(self) -> list[VenueOrder]:
        """List archived orders, all pages."""

    async def positions(self) -> list[VenuePosition]:
        """List positions, all pages."""

    async def exchange_status(self) -> ExchangeStatus:
        """Tell whether the exchange trades."""


class StartUp:
    """Lets a fresh epoch send only after the exchange has been read."""

    def __init__(
        self,
        *,
        database: Database,
        reads: Snapshot,
        books: Books,
        sender: Sender,
        clock: Clock,
        dry_run: bool,
        log: Any,
    ) -> None:
        self._database = database
        self._reads = reads
        self._books = books
        self._sender = sender
        self._clock = clock
        self._dry_run = dry_run
        self._log = log

    async def step(self) -> None:
        """Reconcile once in an epoch; in dry run nothing is sent, so nothing need be read."""
        epoch = self._sender.epoch
        if epoch is None or self._sender.reconciled:
            return
        if not (self._dry_run or await self._read()):
            return
        # What was read while another process may have sent is no basis for a later epoch of ours.
        if self._sender.epoch == epoch:
            await self._sender.mark_reconciled()

    async def _read(self) -> bool:
        try:
            orders = await self._reads.orders() + await self._reads.historical_orders()
            positions = await self._reads.positions()
            status = await self._reads.exchange_status()
            opened = await self._books.open()
        except PeerError as error:
            self._log.warning("exchange.unreadable", **error.log_context())
            return False
        ours = [order for order in orders if order.client_order_id.startswith(ORDER_PREFIX)]
        foreign = await self._database.read(lambda tx: _foreign(tx, ours))
        self._log.info(
            "exchange.read",
            orders=len(orders),
            orders_of_others=len(orders) - len(ours),
            positions=len(positions),
            trading=status.trading_active,
        )
        if foreign:
            await self._halt(foreign)
        return opened

    async def _halt(self, foreign: tuple[Difference, ...]) -> None:
        now = self._clock.now()

        def halt(tx: Connection) -> None:
            self._sender.guard(tx)
            # Recorded as a reconciliation's mismatch, so that a person sees each order and can accept it.
            reconciliations.put(tx, Outcome(differences=foreign, mismatch=foreign), now)
            if halts.reason(tx) is None:
                halts.put(tx, halted=True, reason=FOREIGN, actor="start-up", at=now)

        await self._database.write(halt)
        self._log.error(
            "sending.halted",
            reason=FOREIGN,
            orders=[order.subject for order in foreign[:TOLD]],
            count=len(foreign),
        )


def _foreign(tx: Connection, ours: list[VenueOrder]) -> tuple[Difference, ...]:
    """Give the orders under our prefix that the journal lacks and that nobody has accepted by id."""
    known = journal.known_orders(tx, [order.client_order_id for order in ours])
    accepted = reconciliations.acknowledged(tx)
    unknown = foreign_orders(order for order in ours if order.client_order_id not in known)
    return tuple(sorted({one for one in unknown if one.acknowledged_as not in accepted}))
