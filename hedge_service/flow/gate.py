"""Whether new business may be taken, and whether the service is ready."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hedge_service.errors import NotReady
from hedge_service.store import halts, leases

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy.engine import Connection

    from hedge_service.clock import Clock
    from hedge_service.store.db import Database


class Gate:
    """Answers from rows alone: another process may hold the lease, a person may have halted."""

    def __init__(
        self,
        *,
        database: Database,
        clock: Clock,
        account: str,
        dry_run: bool,
        paused: Callable[[], bool] = lambda: False,
    ) -> None:
        self._database = database
        self._clock = clock
        self._account = account
        self._dry_run = dry_run
        self._paused = paused
        self.stopping = False

    async def problems(self) -> tuple[str, ...]:
        """Say why the service is not ready; empty when it is.

        Ready: the database answers and, unless in dry run, the lease row shows a live, reconciled sender.
        """
        if self.stopping:
            return ("the service is stopping",)
        if self._dry_run:
            await self._database.read(halts.reason)
            return ()
        return await self._database.read(self._sender_problems)

    async def admit(self) -> None:
        """Let a quote or a checkout through. Raises NotReady while halted, paused, stopping or not ready."""
        reason = await self._database.read(halts.reason)
        if reason is not None:
            raise NotReady(
                "New parlays are not taken now", "Sending is halted. Try again later.", code="halted"
            )
        if self._paused():
            raise NotReady(
                "Trading is paused at the exchange", "Try again when it trades again.", code="exchange_paused"
            )
        problems = await self.problems()
        if problems:
            raise NotReady(
                "The service is not ready", "It is starting or stopping. Try again in a few seconds."
            )

    def _sender_problems(self, tx: Connection) -> tuple[str, ...]:
        lease = leases.read(tx, self._account)
        if lease is None or lease.expires_at <= self._clock.now():
            return ("no live sender holds the lease",)
        if lease.reconciled_at is None:
            return ("the sender has not read the exchange yet",)
        return ()
