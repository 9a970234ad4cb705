"""Work done once for all who ask for it: while it runs, and for a while after."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from functools import partial
from typing import TYPE_CHECKING, Any, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Hashable

    from hedge_service.clock import Clock

T = TypeVar("T")
MOST_REMEMBERED = 1000


class SingleFlight(Generic[T]):
    """Runs one piece of work per key at a time; whoever asks meanwhile gets its result or its error.

    The work is a task of its own: a caller who leaves (a popup that closes) doesn't stop it for the others.
    """

    def __init__(self) -> None:
        self._flights: dict[Hashable, asyncio.Task[T]] = {}

    async def run(self, key: Hashable, work: Callable[[], Coroutine[Any, Any, T]]) -> T:
        """Give the result of the flight under way, or start one."""
        flight = self._flights.get(key)
        if flight is None:
            flight = asyncio.create_task(work())
            self._flights[key] = flight
            flight.add_done_callback(partial(self._landed, key))
        return await asyncio.shield(flight)

    async def close(self) -> None:
        """Wait until every flight has landed."""
        await asyncio.gather(*self._flights.values(), return_exceptions=True)

    def _landed(self, key: Hashable, flight: asyncio.Task[T]) -> None:
        del self._flights[key]
        # Every caller may be gone; then nobody else would fetch the error.
        if not flight.cancelled():
            flight.exception()


class Remembered(Generic[T]):
    """Values kept for a time of their own, the least recently used forgotten first."""

    def __init__(self, *, clock: Clock, most: int = MOST_REMEMBERED) -> None:
        self._clock = clock
        self._most = most
        self._kept: OrderedDict[Hashable, tuple[float, T]] = OrderedDict()

    def get(self, key: Hashable) -> T | None:
        """Give what is kept, or None once its time is over."""
        until, value = self._kept.get(key, (0.0, None))
        if value is None or until <= self._clock.monotonic():
            return None
        self._kept.move_to_end(key)
        return value

    def put(self, key: Hashable, value: T, *, seconds: float) -> None:
        """Keep a value."""
        self._kept[key] = (self._clock.monotonic() + seconds, value)
        self._kept.move_to_end(key)
        while len(self._kept) > self._most:
            self._kept.popitem(last=False)
