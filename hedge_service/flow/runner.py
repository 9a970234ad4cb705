"""Loops: they wake on a nudge, poll anyway, and a dead one is noticed."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from hedge_service.store.db import StoreUnavailable

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable


def _nobody() -> None:
    pass


class Nudge:
    """A wake-up that may be lost without harm: every loop also polls."""

    def __init__(self, *also: Nudge, tell: Callable[[], None] = _nobody) -> None:
        """Take the nudges that are to be given together with this one, and who else is to be told."""
        self._event = asyncio.Event()
        self._also = also
        self._tell = tell

    def set(self) -> None:
        """Wake the loop, and tell."""
        self.wake()
        self._tell()

    def wake(self) -> None:
        """Wake the loop of this process alone."""
        self._event.set()
        for other in self._also:
            other.set()

    async def wait(self, seconds: float) -> None:
        """Return on a nudge, or after `seconds`."""
        try:
            async with asyncio.timeout(seconds):
                await self._event.wait()
        except TimeoutError:
            return
        finally:
            self._event.clear()


async def run_loop(
    name: str, step: Callable[[], Awaitable[object]], *, nudge: Nudge, poll_s: float, log: Any
) -> None:
    """Repeat `step` until cancelled; a database that fails for now is waited out, other errors end it."""
    while True:
        try:
            await step()
        except StoreUnavailable as error:
            log.warning("loop.store_unavailable", loop=name, reason=str(error))
        await nudge.wait(poll_s)
