"""What a service says: its log lines, as they come, with a way to wait for one."""

from __future__ import annotations

import asyncio
import io
import json
from typing import Any

Line = dict[str, Any]
# A bound for what never comes, not for speed: a busy machine takes its time.
WITHIN_S = 60.0


class Events(io.StringIO):
    """A text stream that reads the lines written to it; `text` is all of it, as it came."""

    def __init__(self) -> None:
        super().__init__()
        self.text = ""
        self.lines: list[Line] = []
        self._rest = ""
        self._loop = asyncio.get_running_loop()
        self._changed = asyncio.Event()

    def write(self, text: str) -> int:
        """Take text in, from any thread; a line that is not JSON fails the test that wrote it."""
        self.text += text
        *whole, self._rest = (self._rest + text).split("\n")
        self.lines += [json.loads(line) for line in whole]
        self._loop.call_soon_threadsafe(self._changed.set)
        return len(text)

    def named(self, name: str, **fields: object) -> list[Line]:
        """Give the lines of one event that carry these fields."""
        return [
            line
            for line in self.lines
            if line["event"] == name and all(line.get(key) == value for key, value in fields.items())
        ]

    async def wait(
        self, name: str, *, count: int = 1, within_s: float = WITHIN_S, **fields: object
    ) -> list[Line]:
        """Give at least `count` such lines; fails after `within_s` with what was said instead."""
        try:
            async with asyncio.timeout(within_s):
                while len(found := self.named(name, **fields)) < count:
                    self._changed.clear()
                    await self._changed.wait()
        except TimeoutError:
            said = "\n".join(json.dumps(line) for line in self.lines[-40:])
            raise AssertionError(f"{name} {fields} was not said {count} times; instead:\n{said}") from None
        return found

    async def one(self, name: str, **fields: Any) -> Line:
        """Wait for the first such line."""
        return (await self.wait(name, **fields))[0]

    def mark(self) -> int:
        """Give a place to look from later."""
        return len(self.lines)
