"""Signed requests: one plain send for orders, patient and paced asking for everything else."""

from __future__ import annotations

from contextlib import AsyncExitStack
from dataclasses import dataclass, field, replace
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import quote, urlencode

from yarl import URL

from hedge_service.clients.kalshi.errors import ExchangeRefused, Undelivered
from hedge_service.clients.meter import UNMETERED
from hedge_service.clock import millis
from hedge_service.core.pacing import KNOWN_COSTS
from hedge_service.errors import OutcomeUnknown, Peer, PeerPaused, PeerUnavailable
from hedge_service.wire.kalshi import errors as wire
from hedge_service.wire.kalshi import fields
from hedge_service.wire.kalshi.auth import presign, signed_headers

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from hedge_service.clients.kalshi.signer import Signer
    from hedge_service.clients.kalshi.transport import Response, Transport
    from hedge_service.clients.limiter import PacedBucket, RateLimiter
    from hedge_service.clients.meter import Meter
    from hedge_service.clock import Clock

T = TypeVar("T")
# Pauses before the second, third and fourth try of a read or a cancel.
PAUSES_S = (0.2, 0.4, 0.8)
# No further try begins later than this after the first one was let through.
PATIENCE_S = 10.0
PAGE_ROWS = 1000
MAX_PAGES = 1000
_REFUSALS = range(400, 500)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """A request that may be repeated: `path` is a template, `segments` fill it, `query` follows it."""

    path: str
    method: str = "GET"
    segments: Mapping[str, str] = field(default_factory=dict)
    query: Mapping[str, str | int | Sequence[str] | None] = field(default_factory=dict)
    """A sequence repeats its parameter."""
    priority: bool = False
    balance: bool = False
    readable: frozenset[int] = frozenset({HTTPStatus.OK})
    """Statuses whose body is the answer."""

    @property
    def writes(self) -> bool:
        """Say whether this changes something at the exchange."""
        return self.method != "GET"

    def target(self) -> str:
        """Give path and query, percent-encoded, unset parameters left out."""
        path = self.path.format_map({key: quote(value, safe="") for key, value in self.segments.items()})
        given = {key: value for key, value in self.query.items() if value is not None}
        query = urlencode(given, doseq=True, safe=",")
        return f"{path}?{query}" if query else path


@dataclass(frozen=True, slots=True, kw_only=True)
class _Again:
    reason: str
    status: int | None = None
    begun: bool = True


class _RoundTrip:
    """How long a request has been out; `begin` is called just before its first byte."""

    __slots__ = ("_began", "_clock", "_on_written")

    def __init__(self, clock: Clock, on_written: Callable[[], None]) -> None:
        self._clock = clock
        self._on_written = on_written
        self._began: float | None = None

    def begin(self) -> None:
        self._on_written()
        self._began = self._clock.monotonic()

    @property
    def seconds(self) -> float | None:
        """Give the time since the first byte; None when none was written."""
        return None if self._began is None else self._clock.monotonic() - self._began


class Caller:
    """Sends for one API key of one exchange; every send is signed afresh, every one pays the limiter."""

    def __init__(
        self,
        *,
        base_url: str,
        signer: Signer | None,
        transport: Transport,
        limiter: RateLimiter,
        clock: Clock,
        read_timeout_s: float,
        meter: Meter = UNMETERED,
    ) -> None:
        self._base = base_url.rstrip("/")
        self._signer = signer
        self._transport = transport
        self._clock = clock
        self._read_timeout_s = read_timeout_s
        self._meter = meter
        self.limiter = limiter
        self.costs = KNOWN_COSTS

    async def send(
        self,
        method: str,
        target: str,
        *,
        body: bytes | None = None,
        timeout_s: float,
        on_written: Callable[[], None],
        template: str | None = None,
    ) -> Response:
        """Sign, given a key, and send once, without the limiter. Raises Undelivered, or as `on_written`.

        `template` is the target without ids, for the meter; None: there are none in it.
        """
        # The URL object that is sent is the one whose path is signed; `encoded` keeps yarl from rewriting it.
        url = URL(self._base + target, encoded=True)
        headers = {} if self._signer is None else await self._signed(self._signer, method, url)
        if body is not None:
            headers["Content-Type"] = "application/json"
        trip = _RoundTrip(self._clock, on_written)
        status: int | None = None
        try:
            response = await self._transport.send(
                method, url, headers=headers, body=body, timeout_s=timeout_s, on_written=trip.begin
            )
            status = response.status
        finally:
            if trip.seconds is not None:
                path = target if template is None else template
                self._meter.answered(method, path, status, trip.seconds)
        return response

    async def _signed(self, signer: Signer, method: str, url: URL) -> dict[str, str]:
        timestamp_ms = millis(self._clock.now())
        signature = await signer.sign_aside(presign(timestamp_ms, method, url.raw_path))
        return signed_headers(key_id=signer.key_id, timestamp_ms=timestamp_ms, signature=signature)

    async def ask(self, ask: Ask, read: Callable[[dict[str, Any]], T]) -> T:
        """Ask until there is a readable answer: a few tries for 429, 5xx, timeouts and unreadable replies.

        Raises ExchangeRefused (a refusal; 404 included), PeerPaused, PeerUnavailable, and for a cancel whose
        effect is not known OutcomeUnknown.
        """
        started: float | None = None
        last = _Again(reason="not_asked", begun=False)
        doubt = False
        for pause_s in (*PAUSES_S, None):
            outcome, granted_at = await self._try(ask, read)
            started = granted_at if started is None else started
            if not isinstance(outcome, _Again):
                return outcome
            last = outcome
            doubt |= last.begun and last.status != HTTPStatus.TOO_MANY_REQUESTS
            if pause_s is None or self._clock.monotonic() + pause_s - started > PATIENCE_S:
                break
            await self._clock.sleep(pause_s)
        failure = OutcomeUnknown if ask.writes and doubt else PeerUnavailable
        raise failure(Peer.EXCHANGE, path=ask.path, reason=last.reason, http_status=last.status)

    async def find(self, ask: Ask, read: Callable[[dict[str, Any]], T]) -> T | None:
        """Ask for one thing; None when the exchange says, in its own format, that it does not have it."""
        try:
            return await self.ask(ask, read)
        except ExchangeRefused as refusal:
            if refusal.http_status == HTTPStatus.NOT_FOUND:
                return None
            raise

    async def collect(self, ask: Ask, key: str, read: Callable[[fields.Row], T]) -> list[T]:
        """Ask for every page of a list. Raises as `ask`, and for a missing page or a cursor seen before."""
        found: list[T] = []
        cursors = {""}
        cursor = ""
        for _ in range(MAX_PAGES):
            page = _page(ask, cursor)
            rows, cursor = await self.ask(page, lambda payload: _read_page(payload, key, read))
            found += rows
            if not cursor:
                return found
            if cursor in cursors:
                break
            cursors.add(cursor)
        raise PeerUnavailable(Peer.EXCHANGE, path=ask.path, reason="endless_pages", pages=len(cursors))

    async def _try(self, ask: Ask, read: Callable[[dict[str, Any]], T]) -> tuple[T | _Again, float]:
        bucket = self.limiter.write if ask.writes else self.limiter.read
        cost = self.costs.of(ask.method, ask.path)
        async with AsyncExitStack() as held:
            grants = []
            if ask.balance:
                grants.append(await held.enter_async_context(self.limiter.balance.acquire(1)))
            grants.append(await held.enter_async_context(bucket.acquire(cost, priority=ask.priority)))
            granted_at = self._clock.monotonic()

            def on_written() -> None:
                for grant in grants:
                    grant.written()

            try:
                response = await self.send(
                    ask.method,
                    ask.target(),
                    timeout_s=self._read_timeout_s,
                    on_written=on_written,
                    template=ask.path,
                )
            except Undelivered as failure:
                return _Again(reason=failure.reason, begun=failure.begun), granted_at
        for each in (bucket, self.limiter.balance) if ask.balance else (bucket,):
            each.arrived()
        return self._answer(ask, read, response, bucket), granted_at

    def _answer(
        self, ask: Ask, read: Callable[[dict[str, Any]], T], response: Response, bucket: PacedBucket
    ) -> T | _Again:
        status = response.status
        if status in ask.readable:
            try:
                return read(wire.load_object(response.body))
            except wire.Unreadable as unreadable:
                return _Again(reason=str(unreadable), status=status)
        if status == HTTPStatus.TOO_MANY_REQUESTS:
            bucket.throttled()
            return _Again(reason="throttled", status=status)
        error = wire.read_error(response.body)
        if error.code in wire.PAUSED_CODES:
            raise PeerPaused(Peer.EXCHANGE, refusal=error.code, http_status=status)
        # A refusal that is not JSON comes from something in between: it says nothing about the exchange.
        refusal = error.readable and status in _REFUSALS and error.code != wire.HEADER_TIMESTAMP_EXPIRED
        if not refusal:
            return _Again(reason=error.code or f"http_{status}", status=status)
        raise ExchangeRefused(http_status=status, refusal=error.code, message=error.message)


def _page(ask: Ask, cursor: str) -> Ask:
    query = {**ask.query, "limit": PAGE_ROWS, "cursor": cursor or None}
    return replace(ask, query=query)


def _read_page(payload: fields.Row, key: str, read: Callable[[fields.Row], T]) -> tuple[list[T], str]:
    return [read(row) for row in fields.rows(payload, key)], fields.cursor(payload)
