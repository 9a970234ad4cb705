"""The page's news: one line whenever something has changed, so that it fetches itself anew."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from aiohttp import web

from hedge_service.errors import TooMany
from hedge_service.store import ops_changes
from hedge_service.store.db import StoreUnavailable
from hedge_service.web.middleware import REQUEST_ID
from hedge_service.web.ops import guards
from hedge_service.web.ops.access import COOKIE
from hedge_service.web.ops.keys import DESK

if TYPE_CHECKING:
    from hedge_service.web.ops.keys import Desk

POLL_S = 1.0
KEEP_ALIVE_POLLS = 15
MOST_STREAMS = 50
HEADERS = {"Content-Type": "text/event-stream", "X-Accel-Buffering": "no"}


class Watch:
    """Looks for changes, for every open page together; `stopping` ends all streams."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._looking = asyncio.Lock()
        self._looked_at = float("-inf")
        self._seen = ""
        self.open = 0
        self.stopping = asyncio.Event()

    async def seen(self) -> str:
        """Give a word that changes with what is to be seen; asks the database once a second at most."""
        async with self._looking:
            now = self._desk.clock.monotonic()
            if now - self._looked_at >= POLL_S:
                self._seen = await self._desk.database.read(ops_changes.seen)
                self._looked_at = now
            return self._seen

    async def rest(self) -> None:
        """Wait until it is worth looking again, or until everything stops."""
        try:
            async with asyncio.timeout(POLL_S):
                await self.stopping.wait()
        except TimeoutError:
            return


WATCH: web.AppKey[Watch] = web.AppKey("watch", Watch)


async def stop(app: web.Application) -> None:
    """End all streams: a listener that closes waits for its requests."""
    app[WATCH].stopping.set()


async def stream(request: web.Request) -> web.StreamResponse:
    """Tell of changes until the page goes away or its session ends; watching does not count as use."""
    watch = request.app[WATCH]
    if watch.open >= MOST_STREAMS:
        raise TooMany("Too many pages are open", retry_after_s=30)
    response = web.StreamResponse(headers={**guards.HEADERS, **HEADERS, "X-Request-Id": request[REQUEST_ID]})
    watch.open += 1
    try:
        await response.prepare(request)
        await _tell(request, response, watch)
    except ConnectionError:
        pass  # The page is gone.
    finally:
        watch.open -= 1
    return response


async def _tell(request: web.Request, response: web.StreamResponse, watch: Watch) -> None:
    sessions, cookie = request.app[DESK].sessions, request.cookies.get(COOKIE)
    told, polls = "", 0
    while not watch.stopping.is_set():
        if sessions.find(cookie, touch=False) is None:
            await response.write(b"event: ended\ndata: -\n\n")
            return
        try:
            seen = await watch.seen()
        except StoreUnavailable:
            seen = told
        if seen != told:
            await response.write(f"data: {seen}\n\n".encode())
        elif polls % KEEP_ALIVE_POLLS == 0:
            await response.write(b": still here\n\n")
        told, polls = seen, polls + 1
        await watch.rest()
