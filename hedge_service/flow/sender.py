"""The one sender of an exchange account: takes the lease, keeps it, and knows when it is over."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from hedge_service.store import journal, leases
from hedge_service.store.db import StoreUnavailable
from hedge_service.store.leases import Deposed

if TYPE_CHECKING:
    from sqlalchemy.engine import Connection

    from hedge_service.clock import Clock
    from hedge_service.store.db import Database
    from hedge_service.store.leases import Lease


class Sender:
    """Holds (or waits for) the lease of one account; `epoch` is None while another process holds it.

    `alive` is asked just before bytes are written. The deadline counts from before the row was written, so
    that this process stops sending no later than the row says.
    """

    def __init__(
        self, *, database: Database, clock: Clock, account: str, holder: str, lease_s: float, log: Any
    ) -> None:
        self._database = database
        self._clock = clock
        self._holder = holder
        self._lease = timedelta(seconds=lease_s)
        self._log = log
        self._deadline = 0.0
        self.account = account
        self.epoch: int | None = None
        self.reconciled = False
        self.renew_every_s = lease_s / 3

    def alive(self) -> bool:
        """Say whether the lease is certainly still ours."""
        return self.epoch is not None and self._clock.monotonic() < self._deadline

    def may_send(self) -> bool:
        """Say whether sending is allowed: a live lease, and the exchange read in this epoch."""
        return self.reconciled and self.alive()

    def guard(self, tx: Connection) -> int:
        """Give the epoch, inside a transaction. Raises Deposed when it is over."""
        # Read once: the transaction may run beside the loop that takes and loses the lease.
        epoch = self.epoch
        if epoch is None:
            raise Deposed(f"{self.account} is not ours")
        leases.guard(tx, self.account, epoch)
        return epoch

    async def step(self) -> None:
        """Take or renew the lease; a fresh epoch inherits what was left in SENDING as unknown."""
        if self.epoch is None:
            await self._take()
        else:
            await self._renew()

    async def release(self) -> None:
        """Give the lease up, so that a successor need not wait."""
        epoch, self.epoch = self.epoch, None
        if epoch is not None:
            await self._database.write(lambda tx: leases.release(tx, self.account, epoch))

    async def current(self) -> Lease | None:
        """Give the lease row, whoever holds it."""
        return await self._database.read(lambda tx: leases.read(tx, self.account))

    async def _take(self) -> None:
        started, now = self._clock.monotonic(), self._clock.now()

        def take(tx: Connection) -> tuple[int | None, int]:
            epoch = leases.take(tx, self.account, self._holder, now=now, until=now + self._lease)
            return epoch, 0 if epoch is None else journal.inherit(tx, now)

        epoch, inherited = await self._database.write(take)
        if epoch is not None:
            self.epoch, self.reconciled = epoch, False
            self._deadline = started + self._lease.total_seconds()
            self._log.info("lease.taken", account=self.account, epoch=epoch, inherited_unknown=inherited)

    async def _renew(self) -> None:
        epoch, started = self.epoch, self._clock.monotonic()
        until = self._clock.now() + self._lease
        if epoch is None:
            return
        try:
            await self._database.write(lambda tx: leases.renew(tx, self.account, epoch, until))
        except Deposed:
            self.epoch, self.reconciled = None, False
            self._log.warning("lease.lost", account=self.account, epoch=epoch)
        except StoreUnavailable as error:
            self._log.warning("lease.not_renewed", account=self.account, epoch=epoch, reason=str(error))
        else:
            self._deadline = started + self._lease.total_seconds()

    async def mark_reconciled(self) -> None:
        """Record that this epoch has read the exchange: from now on it may send."""
        epoch, now = self.epoch, self._clock.now()
        if epoch is None:
            return
        try:
            await self._database.write(lambda tx: leases.reconciled(tx, self.account, epoch, now))
        except Deposed:
            self.epoch = None
        else:
            self.reconciled = True
            self._log.info("exchange.reconciled", account=self.account, epoch=epoch)
