"""Start and end the demo's child processes; none outlives the demo."""

from __future__ import annotations

import asyncio
import os
import sys
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from hedge_service.demo.errors import DemoError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping, Sequence
    from pathlib import Path

    from hedge_service.demo.events import Event, EventFeed

# What a Python process may need to start. No HEDGE_* and no secret of the caller's goes along.
INHERITED = ("PATH", "LANG", "LC_ALL", "LD_LIBRARY_PATH", "TMPDIR", "TZ")
# The service promises to be gone within 15 s of SIGTERM.
STOP_S = 16.0
LONGEST_LINE = 1024 * 1024
SHOWN_STDERR_LINES = 5


class Child:
    """A `hedge-service` process, its events, and its end."""

    def __init__(self, process: asyncio.subprocess.Process, feed: EventFeed, errors: Path) -> None:
        self.feed = feed
        self._process = process
        self._errors = errors

    async def started(self, name: str) -> Event:
        """Wait for the event that says it answers. Raises DemoError with what it said instead."""
        try:
            return await self.feed.nth(name)
        except DemoError as error:
            raise DemoError(f"{error}{self._last_words()}") from None

    async def stop(self) -> int:
        """End it by SIGTERM, by SIGKILL if it does not obey, and give its exit code."""
        if self._process.returncode is None:
            self._process.terminate()
        try:
            async with asyncio.timeout(STOP_S):
                return await self._process.wait()
        except TimeoutError:
            self._process.kill()
            return await self._process.wait()
        finally:
            # A second Ctrl-C lands in the wait above.
            if self._process.returncode is None:
                self._process.kill()

    def _last_words(self) -> str:
        lines = self._errors.read_text(errors="replace").splitlines()[-SHOWN_STDERR_LINES:]
        return "".join(f"\n  {line}" for line in lines)


@asynccontextmanager
async def child(
    arguments: Sequence[str], *, name: str, folder: Path, environment: Mapping[str, str], feed: EventFeed
) -> AsyncIterator[Child]:
    """Run `hedge-service` with these arguments in a folder; it is ended when the block is left.

    `name`.jsonl and `name`.stderr in the folder keep what it printed.
    """
    errors = folder / f"{name}.stderr"
    with errors.open("wb") as stderr, (folder / f"{name}.jsonl").open("wb") as copy:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            *("-P", "-m", "hedge_service", *arguments),
            cwd=folder,
            env={**_inherited(os.environ), **environment},
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=stderr,
            limit=LONGEST_LINE,
        )
        assert process.stdout is not None
        following = asyncio.create_task(feed.follow(process.stdout, copy))
        started = Child(process, feed, errors)
        try:
            yield started
        finally:
            await started.stop()
            await following


def _inherited(environment: Mapping[str, str]) -> dict[str, str]:
    return {name: environment[name] for name in INHERITED if name in environment}
