"""A limit per caller over a sliding minute."""

from __future__ import annotations

import math
from collections import OrderedDict, deque
from typing import TYPE_CHECKING

from hedge_service.errors import TooMany

if TYPE_CHECKING:
    from hedge_service.clock import Clock

WINDOW_S = 60.0
MOST_ADDRESSES = 10_000


class PerMinute:
    """Admits at most `most` requests of one address in any 60 seconds; refused ones don't count.

    Only the addresses heard last are remembered, so that strangers can't fill the memory.
    """

    def __init__(self, *, most: int, clock: Clock, most_addresses: int = MOST_ADDRESSES) -> None:
        self._most = most
        self._clock = clock
        self._most_addresses = most_addresses
        self._admitted: OrderedDict[str, deque[float]] = OrderedDict()

    def admit(self, address: str) -> None:
        """Count a request. Raises TooMany with the seconds until the next one is admitted."""
        now = self._clock.monotonic()
        times = self._times(address)
        while times and times[0] <= now - WINDOW_S:
            times.popleft()
        if len(times) >= self._most:
            raise TooMany(
                "Too many quotes asked for", retry_after_s=max(1, math.ceil(times[0] + WINDOW_S - now))
            )
        times.append(now)

    def _times(self, address: str) -> deque[float]:
        times = self._admitted.setdefault(address, deque())
        self._admitted.move_to_end(address)
        if len(self._admitted) > self._most_addresses:
            self._admitted.popitem(last=False)
        return times
