"""The other end of a worker: answer commands, one JSON object a line, until standard input ends."""

from __future__ import annotations

import asyncio
import contextlib
import json
import sys
import traceback
from typing import TYPE_CHECKING, Any

import uvloop

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine, Mapping

    Commands = Mapping[str, Callable[..., Awaitable[object]]]

LONGEST_LINE = 1 << 26


async def controlled(commands: Commands) -> None:
    """Answer commands by name until standard input ends, which also breaks off the one at work."""
    reader = asyncio.StreamReader(limit=LONGEST_LINE)
    loop = asyncio.get_running_loop()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    lines: asyncio.Queue[bytes] = asyncio.Queue()
    answering = asyncio.create_task(_answer(lines, commands))
    while line := await reader.readline():
        lines.put_nowait(line)
    answering.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await answering


async def _answer(lines: asyncio.Queue[bytes], commands: Commands) -> None:
    """Answer one after the other; a command that fails is told, not raised."""
    while True:
        asked: dict[str, Any] = json.loads(await lines.get())
        try:
            answer = await commands[asked.pop("do")](**asked)
        except Exception:  # noqa: BLE001 - whatever it is, the run must learn of it
            answer = {"failed": traceback.format_exc()}
        say(answer)


def say(answer: object) -> None:
    """Write one answer."""
    sys.stdout.buffer.write(json.dumps(answer).encode() + b"\n")
    sys.stdout.buffer.flush()


def run(main: Coroutine[Any, Any, None]) -> None:
    """Run a controlled program on the event loop that the service uses."""
    uvloop.run(main)
