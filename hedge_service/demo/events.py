"""Follow what a child process prints: one JSON object a line."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any, TypeAlias

from hedge_service.demo.errors import DemoError

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import BinaryIO

Event: TypeAlias = dict[str, Any]

# A bound for what never comes: the end of a process is noticed at once, and a busy machine starts slowly.
WAIT_S = 60.0


class EventFeed:
    """Everything one process has told so far, and a way to wait for what it has yet to tell."""

    def __init__(self, who: str, on_event: Callable[[Event], None]) -> None:
        self.who = who
        self.seen: list[Event] = []
        self.unreadable: list[str] = []
        self._on_event = on_event
        self._news = asyncio.Event()
        self._ended = False

    async def follow(self, stream: asyncio.StreamReader, copy: BinaryIO) -> None:
        """Take lines in until the process closes its output; `copy` gets them as they came."""
        try:
            async for line in stream:
                copy.write(line)
                self._take(line)
        finally:
            self._ended = True
            self._news.set()

    def named(self, name: str) -> list[Event]:
        """Give the events of one name, in order."""
        return [event for event in self.seen if event["event"] == name]

    async def nth(self, name: str, number: int = 1, *, timeout_s: float = WAIT_S) -> Event:
        """Wait for the first, second or nth event of a name; those already told count.

        Raises DemoError when it does not come in time, or can't come any more.
        """
        try:
            async with asyncio.timeout(timeout_s):
                while len(self.named(name)) < number:
                    if self._ended:
                        raise DemoError(f"the {self.who} ended before {name}")
                    self._news.clear()
                    await self._news.wait()
        except TimeoutError:
            raise DemoError(f"the {self.who} told no {name} within {timeout_s:g} s") from None
        return self.named(name)[number - 1]

    def _take(self, line: bytes) -> None:
        event = _parsed(line)
        if event is None:
            self.unreadable.append(line.decode(errors="replace").rstrip())
        else:
            self.seen.append(event)
            self._on_event(event)
        self._news.set()


def _parsed(line: bytes) -> Event | None:
    try:
        event = json.loads(line)
    except ValueError:
        return None
    return event if isinstance(event, dict) and isinstance(event.get("event"), str) else None
