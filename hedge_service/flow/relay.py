"""Nudges from process to process: what one has left to do, the sender's process does."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hedge_service.flow.runner import Nudge

if TYPE_CHECKING:
    from hedge_service.flow.sender import Sender
    from hedge_service.store.db import Database


class Relay:
    """Tells other processes of the nudges it made, and wakes those that others tell of.

    Only a process without the lease tells: what is nudged here is the sender's work. A nudge told after the
    commit may be lost with its process or its connection, like any other: every loop also polls.
    """

    def __init__(self, *, database: Database, sender: Sender) -> None:
        self._database = database
        self._sender = sender
        self._nudges: dict[str, Nudge] = {}
        self._untold: set[str] = set()
        self.pending = Nudge()

    def nudge(self, name: str, *also: Nudge) -> Nudge:
        """Give a nudge that is also given in other processes, under this name."""
        made = Nudge(*also, tell=lambda: self._tell(name))
        self._nudges[name] = made
        return made

    async def step(self) -> None:
        """Listen, and tell what is not told yet. Raises StoreUnavailable: what was to be told is lost."""
        await self._database.hear(self._heard)
        untold, self._untold = self._untold, set()
        if untold:
            await self._database.tell(sorted(untold))

    def _tell(self, name: str) -> None:
        if not self._sender.alive():
            self._untold.add(name)
            self.pending.set()

    def _heard(self, name: str) -> None:
        if name in self._nudges:
            self._nudges[name].wake()
