"""Time as a collaborator: it enters at app.py and is passed down."""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime, timedelta
from typing import Protocol

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Clock(Protocol):
    """Wall time for people and signatures, monotonic time for waits and deadlines."""

    def now(self) -> datetime:
        """Give the wall time, UTC."""

    def monotonic(self) -> float:
        """Give seconds that never go back."""

    async def sleep(self, seconds: float) -> None:
        """Wait."""


class SystemClock:
    """The machine's own clocks."""

    def now(self) -> datetime:
        """Give the wall time, UTC."""
        return datetime.now(UTC)

    def monotonic(self) -> float:
        """Give seconds that never go back."""
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        """Wait."""
        await asyncio.sleep(seconds)


def millis(at: datetime) -> int:
    """Give whole milliseconds since 1970 (exact integer arithmetic, no float)."""
    return (at - EPOCH) // timedelta(milliseconds=1)


def instant(ms: int) -> datetime:
    """Give the UTC time of whole milliseconds since 1970."""
    return EPOCH + timedelta(milliseconds=ms)
