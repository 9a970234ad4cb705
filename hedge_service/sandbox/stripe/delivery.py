"""Webhooks: events signed and posted to the endpoint, late, twice or in another order when told so.

https://docs.stripe.com/webhooks
"""

from __future__ import annotations

import asyncio
import hmac
import json
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import TYPE_CHECKING, Any

import aiohttp

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine

    from hedge_service.sandbox.control import Clock, Json

HANDLED_TYPES = (
    "checkout.session.completed",
    "checkout.session.async_payment_succeeded",
    "checkout.session.async_payment_failed",
    "checkout.session.expired",
    "charge.refunded",
    "charge.dispute.created",
    "charge.dispute.closed",
)
_OK = range(200, 300)
_KEPT_REPLY = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliverySettings:
    """Say how events reach the endpoint.

    `duplicates` more copies of each event at once; the next `drop` events are never sent; with
    `hold` > 1 events wait until so many have gathered and leave in reverse order.
    """

    url: str | None = None
    secret: str = ""
    auto: bool = True
    duplicates: int = 0
    delay_s: float = 0.0
    drop: int = 0
    hold: int = 0
    tries: int = 5
    retry_wait_s: float = 0.5
    timeout_s: float = 10.0
    enabled_events: tuple[str, ...] = HANDLED_TYPES

    def wants(self, kind: str) -> bool:
        """Tell whether the endpoint is subscribed to events of this type."""
        return "*" in self.enabled_events or kind in self.enabled_events


def payload_of(event: Json) -> bytes:
    """Write an event as Stripe does; `pending_webhooks` may change between deliveries."""
    return json.dumps(event, indent=2).encode()


def signature_header(payload: bytes, *, secret: str, timestamp: int) -> str:
    """Sign a payload: HMAC-SHA256 over `timestamp.payload`.

    https://docs.stripe.com/webhooks#verify-manually
    """
    digest = hmac.new(secret.encode(), f"{timestamp}.".encode() + payload, sha256).hexdigest()
    return f"t={timestamp},v1={digest}"


class Courier:
    """Deliver events to the webhook endpoint and log every try.

    Must be closed. `sleep` is asyncio.sleep or a stand-in for tests.
    """

    def __init__(
        self,
        settings: DeliverySettings,
        *,
        clock: Clock,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self.settings = settings
        self.log: list[Json] = []
        self._clock = clock
        self._sleep = sleep
        self._held: list[Json] = []
        self._tasks: set[asyncio.Task[None]] = set()
        self._http: aiohttp.ClientSession | None = None

    def notify(self, event: Json) -> None:
        """Take a new event in and send it as the settings say."""
        settings = self.settings
        if not settings.auto or settings.url is None or not settings.wants(event["type"]):
            return
        if settings.drop > 0:
            self.settings = replace(settings, drop=settings.drop - 1)
            return
        self._held.append(event)
        if len(self._held) >= settings.hold:
            self.flush()

    def flush(self) -> int:
        """Send the events held back, the last first; give their number."""
        held, self._held = self._held[::-1], []
        if held:
            self._spawn(self._deliver_all(held))
        return len(held)

    async def settle(self) -> None:
        """Wait until every delivery under way has ended."""
        while self._tasks:
            await asyncio.gather(*self._tasks, return_exceptions=True)

    async def close(self) -> None:
        """Give up what is under way and close the connections."""
        for task in self._tasks:
            task.cancel()
        await self.settle()
        if self._http is not None:
            await self._http.close()

    async def send(
        self, event: Json, *, attempt: int = 1, secret: str | None = None, timestamp_offset_s: int = 0
    ) -> Json:
        """Post an event once, freshly signed, and give the log entry with its status or error."""
        payload = payload_of(event)
        key = self.settings.secret if secret is None else secret
        timestamp = int(self._clock()) + timestamp_offset_s
        header = signature_header(payload, secret=key, timestamp=timestamp)
        entry = {
            "event": event["id"],
            "type": event["type"],
            "url": self.settings.url,
            "attempt": attempt,
            "at": self._clock(),
            **await self._post(payload, header),
        }
        self.log.append(entry)
        if entry["status"] in _OK:
            event["pending_webhooks"] = 0
        return entry

    async def _post(self, payload: bytes, header: str) -> Json:
        if self.settings.url is None:
            return {"status": None, "error": "no endpoint", "reply": None}
        headers = {"Stripe-Signature": header, "Content-Type": "application/json; charset=utf-8"}
        timeout = aiohttp.ClientTimeout(total=self.settings.timeout_s)
        try:
            async with self._session().post(
                self.settings.url, data=payload, headers=headers, timeout=timeout, allow_redirects=False
            ) as reply:
                text = (await reply.text(errors="replace"))[:_KEPT_REPLY]
                return {"status": reply.status, "error": None, "reply": text}
        except (aiohttp.ClientError, TimeoutError, OSError) as failure:
            return {"status": None, "error": type(failure).__name__, "reply": None}

    async def _deliver_all(self, events: list[Json]) -> None:
        for event in events:
            await self._deliver(event)

    async def _deliver(self, event: Json) -> None:
        if self.settings.delay_s > 0:
            await self._sleep(self.settings.delay_s)
        copies = 1 + self.settings.duplicates
        await asyncio.gather(*(self._send_until_taken(event) for _ in range(copies)))

    async def _send_until_taken(self, event: Json) -> None:
        for attempt in range(1, self.settings.tries + 1):
            entry = await self.send(event, attempt=attempt)
            if entry["status"] in _OK or attempt == self.settings.tries:
                return
            await self._sleep(self.settings.retry_wait_s * 2 ** (attempt - 1))

    def _session(self) -> aiohttp.ClientSession:
        if self._http is None:
            self._http = aiohttp.ClientSession(
                headers={"User-Agent": "Stripe/1.0 (+https://stripe.com/docs/webhooks)"}
            )
        return self._http

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
