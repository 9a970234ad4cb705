"""Tells the log of every halt and resume, whoever made it and in whatever process."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hedge_service.store import ops_records

if TYPE_CHECKING:
    from hedge_service.store.db import Database
    from hedge_service.store.ops_records import Switched

AT_ONCE = 100
TOLD_THERE = frozenset({"start-up", "second locks"})
"""Parts of a service that tell of their own halts, with what they were for."""


class HaltWatch:
    """Follows the rows of halts; what stands at the start is told when it is a halt."""

    def __init__(self, *, database: Database, log: Any) -> None:
        self._database = database
        self._log = log
        self._last: int | None = None

    async def step(self) -> None:
        """Tell what is new."""
        last = self._last
        if last is None:
            newest = await self._database.read(ops_records.newest_switch)
            self._last = 0 if newest is None else newest.id
            if newest is not None and newest.halted:
                self._tell(newest)
            return
        for one in await self._database.read(lambda tx: ops_records.switched_since(tx, last, AT_ONCE)):
            self._last = one.id
            if one.actor not in TOLD_THERE:
                self._tell(one)

    def _tell(self, one: Switched) -> None:
        fields = {"reason": one.reason, "by": one.actor, "since": one.at.isoformat()}
        if one.halted:
            self._log.warning("sending.halted", **fields)
        else:
            self._log.info("sending.resumed", **fields)
