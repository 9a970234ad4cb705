"""The beginning of the books: what the exchange account held before this service ever sent an order."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from hedge_service.core.ledger import Position
from hedge_service.store import books
from hedge_service.store.leases import Deposed

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy.engine import Connection

    from hedge_service.clock import Clock
    from hedge_service.core.venue import Balance, VenueFill, VenuePosition
    from hedge_service.flow.sender import Sender
    from hedge_service.store.db import Database


class OpeningReads(Protocol):
    """The exchange reads that open the books."""

    async def user_data_timestamp(self) -> datetime:
        """Tell how fresh the other reads are."""

    async def balance(self) -> Balance:
        """Read the cash."""

    async def positions(self) -> list[VenuePosition]:
        """List positions, all pages."""

    async def fills(self, *, since: datetime) -> list[VenueFill]:
        """List live executions, all pages."""


class Books:
    """Opens the books once in a database's life, before the first order is sent."""

    def __init__(
        self, *, database: Database, reads: OpeningReads, sender: Sender, clock: Clock, log: Any
    ) -> None:
        self._database = database
        self._reads = reads
        self._sender = sender
        self._clock = clock
        self._log = log

    async def open(self) -> bool:
        """Write down cash and positions as they are, unless that was done; say whether the books are open.

        Raises PeerError. Gives False when somebody traded meanwhile: the three reads are then of no one time.
        """
        if await self._database.read(books.opening) is not None:
            return True
        as_of = await self._reads.user_data_timestamp()
        held = {row.ticker: _held(row) for row in await self._reads.positions() if row.count}
        start = books.Opening(as_of, (await self._reads.balance()).cash, held)
        if any(_after(fill, as_of) for fill in await self._reads.fills(since=as_of)):
            self._log.warning("books.not_opened", reason="executions while the account was read")
            return False
        try:
            await self._begin(start)
        except Deposed as error:
            self._log.warning("books.not_opened", reason=str(error))
            return False
        return True

    async def _begin(self, start: books.Opening) -> None:
        now = self._clock.now()

        def begin(tx: Connection) -> bool:
            self._sender.guard(tx)
            return books.begin(tx, start, now)

        if await self._database.write(begin):
            self._log.info("books.opened", cash_dollars=str(start.cash), positions=len(start.held))


def _after(fill: VenueFill, at: datetime) -> bool:
    return fill.created_time is None or fill.created_time >= at


def _held(row: VenuePosition) -> Position:
    return Position(side=row.side, count=row.count, cost=row.exposure)
