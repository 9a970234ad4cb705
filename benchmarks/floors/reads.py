"""The floor of reads: a bare aiohttp handler that gives the same bytes as JSON.

`python -m benchmarks.floors.reads FILE` serves the bodies of a JSON object by path and writes its port.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from aiohttp import web

from benchmarks.controlled import controlled, run, say

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable


def handler(body: object) -> Callable[[web.Request], Awaitable[web.Response]]:
    """Give a handler that renders a value."""

    async def answer(request: web.Request) -> web.Response:
        del request
        return web.json_response(body)

    return answer


async def main() -> None:
    """Serve until told to end."""
    bodies: dict[str, object] = json.loads(Path(sys.argv[1]).read_text())  # noqa: ASYNC240 - before serving
    app = web.Application()
    for path, body in bodies.items():
        app.router.add_get(path, handler(body))
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    say({"port": runner.addresses[0][1]})
    await controlled({})
    await runner.cleanup()


if __name__ == "__main__":
    run(main())
