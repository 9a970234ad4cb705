"""Figures that are dear to make, kept for some seconds, so that many open pages cost no more than one."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from hedge_service.clock import Clock

FRESH_S = 5.0


class Recent:
    """Keeps each figure until it is no longer fresh; one is made at a time."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._making = asyncio.Lock()
        self._kept: dict[str, tuple[float, Any]] = {}

    async def of(self, name: str, make: Callable[[], Awaitable[Any]]) -> Any:
        """Give a figure that is fresh."""
        async with self._making:
            now = self._clock.monotonic()
            made_at, figure = self._kept.get(name, (float("-inf"), None))
            if now - made_at > FRESH_S:
                figure = await make()
                self._kept[name] = (now, figure)
            return figure
