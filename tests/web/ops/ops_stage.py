"""The operators' listener, whoever calls it, and an exchange that holds what a test puts in."""

from __future__ import annotations

import itertools
import re
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from aiohttp import ClientSession, CookieJar, web

from hedge_service.clients.limiter import RateLimiter
from hedge_service.config import load_config
from hedge_service.core.money import Money
from hedge_service.core.pacing import tier_limits
from hedge_service.core.venue import Balance, MarketList
from hedge_service.errors import Peer, PeerUnavailable
from hedge_service.flow.runner import Nudge
from hedge_service.web.ops.app import open_desk, ops_application
from hedge_service.web.ops.keys import Nudges
from hedge_service.web.runner import DoorRunner

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Mapping

    from aiohttp import ClientResponse

    from hedge_service.store.db import Database
    from hedge_service.web.ops.keys import Desk

ANN = "anns-own-secret-2026"
NOW = datetime(2026, 11, 22, 12, 5, tzinfo=UTC)
CSRF = re.compile(r'name="csrf" value="([^"]+)"')


class StageClock:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.elapsed_s = 0.0

    def now(self) -> datetime:
        return NOW + timedelta(seconds=self.elapsed_s)

    def monotonic(self) -> float:
        return 1000 + self.elapsed_s

    async def sleep(self, seconds: float) -> None:
        self.elapsed_s += seconds


class Log:
    """Keeps what is told."""

    def __init__(self) -> None:
        self.lines: list[tuple[str, dict[str, Any]]] = []

    def named(self, event: str) -> list[dict[str, Any]]:
        return [fields for name, fields in self.lines if name == event]

    def info(self, event: str, **fields: Any) -> None:
        self.lines.append((event, fields))

    warning = error = info


class EmptyExchange:
    """An exchange account on which nothing ever happened; away when told."""

    away = False

    def __init__(self, clock: StageClock) -> None:
        self.limiter = RateLimiter(tier_limits("basic"), clock)

    async def balance(self) -> Balance:
        self._asked()
        return Balance(cash=Money.of(100), portfolio_value=Money.ZERO, shards=None, updated_ts=0)

    def _asked(self) -> None:
        if self.away:
            raise PeerUnavailable(Peer.EXCHANGE)

    def _since(self, _since: datetime) -> list[Any]:
        return []

    async def markets(self, _tickers: object) -> MarketList:
        self._asked()
        return MarketList(found={}, unreadable={})

    async def user_data_timestamp(self) -> datetime:
        self._asked()
        return NOW

    async def orders(self) -> list[Any]:
        self._asked()
        return []

    async def historical_orders(self) -> list[Any]:
        return []

    async def positions(self) -> list[Any]:
        return []

    async def fills(self, *, since: datetime) -> list[Any]:
        return self._since(since)

    async def historical_fills(self, *, since: datetime) -> list[Any]:
        return self._since(since)

    async def settlements(self, *, since: datetime) -> list[Any]:
        return self._since(since)


class Ready:
    """Says that nothing is in the way."""

    async def problems(self) -> tuple[str, ...]:
        return ()


@dataclass
class OpsStage:
    """The listener as a browser and a program see it."""

    base: str
    desk: Desk
    log: Log
    exchange: EmptyExchange
    http: ClientSession
    headers: dict[str, str] = field(default_factory=lambda: {"Authorization": f"Bearer {ANN}"})

    async def api(self, method: str, path: str, body: Any = None, **how: Any) -> tuple[int, Any]:
        """Ask as a program, with Ann's token unless other headers are given."""
        how.setdefault("headers", self.headers)
        async with self.http.request(method, f"{self.base}/ops/api{path}", json=body, **how) as reply:
            return reply.status, await reply.json()

    async def page(self, path: str, **how: Any) -> tuple[int, str, ClientResponse]:
        async with self.http.get(self.base + path, **how) as reply:
            return reply.status, await reply.text(), reply

    async def post(
        self, path: str, form: Mapping[str, str], *, headers: Mapping[str, str] | None = None
    ) -> tuple[int, str, ClientResponse]:
        """Post a form without following where it leads."""
        sent = {} if headers is None else dict(headers)
        url = self.base + path
        async with self.http.post(url, data=dict(form), headers=sent, allow_redirects=False) as reply:
            return reply.status, await reply.text(), reply

    async def log_in(self, token: str = ANN) -> str:
        """Log in and give the session's CSRF token."""
        status, text, _ = await self.post("/ops/login", {"token": token})
        assert status == 303, text
        return await self.csrf()

    async def csrf(self) -> str:
        _, text, _ = await self.page("/ops")
        found = CSRF.search(text)
        assert found is not None, text
        return found[1]


def counting(prefix: str) -> Callable[[], str]:
    numbers = itertools.count(1)
    return lambda: f"{prefix}-{next(numbers)}"


@asynccontextmanager
async def listening(
    database: Database,
    clock: StageClock,
    *,
    token: str = "",
    knobs: Mapping[str, str] | None = None,
    change: Callable[[Desk], Desk] = lambda desk: desk,
) -> AsyncIterator[OpsStage]:
    """Serve the operators' listener on a free port of loopback."""
    environ = {"HEDGE_OPS_TOKEN": token} | ({} if knobs is None else dict(knobs))
    config = load_config(path=None, environ=environ, cwd=Path(__file__).parent)
    log, exchange = Log(), EmptyExchange(clock)
    desk = change(
        open_desk(
            config=config,
            database=database,
            clock=clock,
            log=log,
            exchange=cast("Any", exchange),
            readiness=Ready(),
            nudges=Nudges(arrived=Nudge(), planned=Nudge(), changed=Nudge()),
            new_id=counting("req"),
            new_secret=counting("unguessable"),
        )
    )
    runner = DoorRunner(ops_application(desk), shutdown_timeout_s=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    base = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        async with ClientSession(cookie_jar=CookieJar(unsafe=True)) as http:
            yield OpsStage(base=base, desk=desk, log=log, exchange=exchange, http=http)
    finally:
        await runner.cleanup()


def patient(desk: Desk) -> Desk:
    """Give a desk whose bearer door never makes anybody wait."""
    from hedge_service.web.ops.access import Door, Patience

    calm = Patience(free=10_000, longest_s=1)
    return replace(desk, bearer=Door(desk.tokens, desk.clock, of_one=calm, of_all=calm))
