"""The exchange's read budget among several processes: half is the sender's, the rest for others' doors."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hedge_service.core.pacing import part_of

if TYPE_CHECKING:
    from hedge_service.clients.limiter import RateLimiter
    from hedge_service.flow.sender import Sender


class Pace:
    """Keeps this process to its part of the account's reads; orders and cancels are the sender's alone."""

    def __init__(self, *, limiter: RateLimiter, sender: Sender, processes: int) -> None:
        self._limiter = limiter
        self._sender = sender
        self._processes = processes
        self._paced: object = None

    async def step(self) -> None:
        """Take the part of the role this process has now."""
        whole, sends = self._limiter.limits.read, self._sender.alive()
        if self._processes > 1 and self._paced != (whole, sends):
            self._limiter.read.reconfigure(part_of(whole, self._processes, sends=sends))
            self._paced = (whole, sends)
