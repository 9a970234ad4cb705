"""A sandbox, a service process that may die at any moment, and users who buy parlays meanwhile."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import sys
import threading
import time
from asyncio.subprocess import PIPE
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import aiohttp

from hedge_service.crash import VARIABLE
from hedge_service.sandbox.stripe.delivery import HANDLED_TYPES
from tests.empty_database import put_empty_database
from tests.proof.balancer import balancing
from tests.proof.checker import judge, unfinished
from tests.proof.money_checker import judge_money
from tests.proof.reading import rows
from tests.system.extension import BOS, BTC, HOT, SEA, WARM, Extension, Reply
from tests.system.service_process import PROJECT, ProcessDesk, ServiceProcess
from tests.system.stage import knobs_of

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
    from random import Random

    from tests.proof.balancer import Balancer
    from tests.proof.reading import Place

T = TypeVar("T")
Json = dict[str, Any]
TICKERS = (SEA, BOS, WARM, HOT, BTC)
KNOBS: Mapping[str, str] = {
    "KALSHI__LEASE_S": "1",
    "KALSHI__ORDER_TIMEOUT_S": "1",
    "KALSHI__LOOKUP_MARGIN_S": "0",
    "KALSHI__QUIET_S": "1",
    "KALSHI__RESEND_WINDOW_S": "8",
    "KALSHI__RECONCILE_EVERY_S": "10",
    "KALSHI__SETTLE_EVERY_S": "0.5",
    "STRIPE__CATCH_UP_EVERY_S": "20",
    "HEDGING__INTENT_TTL_S": "20",
    "HEDGING__STRATEGY": "delta",
    "LIMITS__MAX_DAY_HEDGE_DOLLARS": "10000000",
    "LIMITS__MAX_OPEN_PAYOUT_DOLLARS": "90000000",
    "LIMITS__MAX_MARKET_EXPOSURE_DOLLARS": "90000000",
    "LIMITS__MAX_EVENT_EXPOSURE_DOLLARS": "90000000",
    "LIMITS__MAX_DAY_EXPOSURE_DOLLARS": "90000000",
    "OPENAI__ENABLED": "false",
}
START_S = 60.0
# How often a user tries again after a no, and how long while the service is away: bounds for what never ends,
# not for speed, since a restart may take many seconds on a busy machine.
PATIENCE = 100
AWAY_S = 240.0


class Refused(AssertionError):  # noqa: N818 - named for what happened
    """The service has said no to the end; the message tells its last answer."""


@dataclass
class Shopper(Extension):
    """A user whose browser keeps the market pages it has seen."""

    pages: dict[str, Json] = field(default_factory=dict)

    async def found(self, ticker: str) -> Json:
        if ticker not in self.pages:
            self.pages[ticker] = await super().found(ticker)
        return self.pages[ticker]


@dataclass
class Theatre:
    """Runs services on one database; `opening_cash` is what the exchange held before the first order.

    `armed`: crash points, each for one start of the service; `deaths`: those at which it has died. With
    several `replicas` users and Stripe come to them through a balancer, and there are no crash points.
    """

    desk: ProcessDesk
    random: Random
    opening_cash: str
    port: int
    database: Place
    balancer: Balancer | None = None
    replicas: int = 1
    changes: dict[str, str] = field(default_factory=dict)
    services: list[ServiceProcess] = field(default_factory=list)
    paid: set[str] = field(default_factory=set)
    users: dict[str, str] = field(default_factory=dict)
    pages: dict[str, Json] = field(default_factory=dict)
    armed: list[str] = field(default_factory=list)
    deaths: list[str] = field(default_factory=list)
    turn: asyncio.Lock = field(default_factory=asyncio.Lock)
    ports: dict[int, int] = field(default_factory=dict)

    @property
    def service(self) -> ServiceProcess | None:
        """The service, or the first of several; None while none runs."""
        return self.services[0] if self.services else None

    @property
    def base(self) -> str:
        """Where the service, or the balancer before it, listens after every start."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def knobs(self) -> dict[str, str]:
        """The whole environment of the service, and of operators' commands."""
        port = self.port if self.balancer is None else 0
        changes = {**KNOBS, "SERVICE__PORT": str(port), **self.changes}
        if isinstance(self.database, str):
            changes["DATABASE__URL"] = self.database
        return knobs_of(self.desk.sandbox, changes)

    async def start(self) -> None:
        """Start what is missing, armed with the next crash point; wait until each listens or has died."""
        while len(self.services) < self.replicas:
            service = await self.desk.run(self.knobs | ({VARIABLE: self.armed[0]} if self.armed else {}))
            self.services.append(service)
            await self._started(service)

    async def _started(self, service: ServiceProcess) -> None:
        words = asyncio.create_task(service.events.wait("service.started", within_s=START_S))
        ended = asyncio.create_task(service.process.wait())
        try:
            await asyncio.wait({words, ended}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (words, ended):
                task.cancel()
        if self.balancer is not None and words.done() and not words.cancelled():
            self.balancer.ports.append(words.result()[0]["port"])
            self.ports[id(service)] = words.result()[0]["port"]

    async def restart(self) -> None:
        """Kill the service, one of several, as the power cord does, and start it again."""
        async with self.turn:
            if self.services:
                service = self.services.pop(self.random.randrange(len(self.services)))
                with contextlib.suppress(ProcessLookupError):
                    service.process.kill()
                await service.ended()
                self._forget(service)
            await self.start()

    async def stop(self) -> None:
        """End what runs cleanly, and note when it dies on the way."""
        while self.services:
            service = self.services.pop()
            running = service.process.returncode is None
            if running and await service.told_to_stop() == -signal.SIGKILL:
                self.note_death()
            self._forget(service)

    def _forget(self, service: ServiceProcess) -> None:
        if self.balancer is not None and id(service) in self.ports:
            self.balancer.ports.remove(self.ports.pop(id(service)))

    def note_death(self) -> None:
        """Count the crash point that the service was armed with as met."""
        self.deaths.append(self.armed.pop(0))

    def forget_words(self) -> None:
        """Drop what the service has said: only books count here, and there are many lines."""
        for service in self.services:
            service.events.text = ""
            service.events.lines.clear()

    async def command(self, *arguments: str) -> tuple[int, str]:
        """Run an operator's command beside the service; give its exit status and what it wrote."""
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "hedge_service", *arguments),
            cwd=self.desk.folder,
            env={"PATH": "/usr/bin:/bin", "USER": "operator", "PYTHONPATH": str(PROJECT), **self.knobs},
            stdout=PIPE,
            stderr=PIPE,
        )
        out, err = await process.communicate()
        return process.returncode or 0, (out + err).decode()

    def shopper(self, user: str) -> Shopper:
        """Give a user's extension."""
        return Shopper(self.desk.sandbox.http, self.base, user=user, pages=self.pages)

    async def patiently(self, call: Callable[[], Awaitable[T]]) -> T:
        """Make a call again and again while the service is away or says no. Raises Refused at last."""
        refused, given_up, last = 0, time.monotonic() + AWAY_S, ""
        while refused < PATIENCE and time.monotonic() < given_up:
            try:
                return await call()
            except (aiohttp.ClientError, AssertionError, OSError) as error:
                refused += isinstance(error, AssertionError) and "not_ready" not in str(error)
                last = f"{type(error).__name__} {error}"
                if _is_wrong(error):
                    break
                await self.pause()
        raise Refused(f"refused {refused} times, the last answer: {last}")

    async def tried(self, call: Callable[[], Awaitable[object]]) -> None:
        """Make a call that is refused, until it is refused by a service that is there."""
        given_up = time.monotonic() + AWAY_S
        while time.monotonic() < given_up:
            try:
                await call()
            except (aiohttp.ClientError, AssertionError, OSError) as error:
                if "not_ready" not in str(error) and isinstance(error, AssertionError):
                    return
                await self.pause()

    def session_is(self, session: str, status: str) -> bool:
        """Say whether a session has this status at Stripe."""
        found = self.desk.sandbox.sandbox.stripe.books.sessions.get(session)
        return bool(found["status"] == status)

    async def buy(self, user: str, sides: Mapping[str, bool], stake: Any) -> str:
        """Buy one parlay (True: a bet on NO) and pay for it; give its session. Raises Refused."""
        session = await self.patiently(lambda: self.check_out(user, sides, stake))
        await self.pay(session, user)
        return session

    async def pay(self, session: str, user: str) -> None:
        """Pay for an open session."""
        await self.desk.sandbox.pay(session)
        self.paid.add(session)
        self.users[session] = user
        self.forget_words()

    async def check_out(self, user: str, sides: Mapping[str, bool], stake: Any) -> str:
        """Save what is missing, ask for a quote and open the payment; give its session."""
        extension = self.shopper(user)
        extension.saved = await extension.bets()
        have = {bet["ticker"] for bet in extension.saved}
        for ticker, on_no in sides.items():
            if ticker not in have:
                label = {"side": "no", "optionLabel": f"Not {ticker}"} if on_no else {}
                await extension.save(ticker, **label)
        return await extension.checked_out(await extension.quote(stake))

    async def settle(self, within_s: float) -> None:
        """Wait until the service has nothing left to do; parked orders excepted. Raises TimeoutError."""
        await self.desk.sandbox.control("stripe/flush")
        await self.until(lambda: not self.left(), self.redeliver, within_s)

    async def until(
        self, met: Callable[[], bool], between: Callable[[], Awaitable[None]], within_s: float
    ) -> None:
        """Wait until something is true. Raises TimeoutError, which says what the service has left to do."""
        try:
            async with asyncio.timeout(within_s):
                while not met():
                    await between()
                    await self.pause(0.25)
        except TimeoutError:
            raise TimeoutError(f"not done within {within_s:.0f} s, left: {self.left()}") from None

    def left(self) -> dict[str, int]:
        """Count what is still to be done, by the service or by Stripe."""
        untaken = len(self._untaken())
        return unfinished(self.database) | ({"events not taken": untaken} if untaken else {})

    def verdict(self) -> list[str]:
        """Judge what the books say now, which is only fair while everything is quiet."""
        exchange, stripe = self.desk.sandbox.sandbox.exchange, self.desk.sandbox.sandbox.stripe
        book = {**exchange.book(), "opening_cash": self.opening_cash}
        markets = {
            ticker: {"value": market.settlement_value if market.settled_s is not None else None}
            for ticker, market in exchange.catalogue.markets.items()
        }
        shelves = ("charges", "refunds", "disputes", "balance_transactions")
        told = {name: getattr(stripe.books, name).newest_first() for name in shelves}
        return [*judge(self.database, book, self.paid), *judge_money(self.database, markets, told)]

    def _untaken(self) -> list[Json]:
        """Give the events that the service should have and lacks."""
        known = {row[0] for row in rows(self.database, "SELECT external_id FROM inbox")}
        sold = {row[0] for row in rows(self.database, "SELECT session_id FROM payments")}
        wanted = [
            event
            for event in self.desk.sandbox.sandbox.stripe.books.events.newest_first()
            if event["type"] in HANDLED_TYPES and event["id"] not in known
        ]
        # A payment may also have been found in Stripe's list of sessions.
        return [event for event in wanted if event["data"]["object"]["id"] not in sold]

    async def redeliver(self) -> None:
        """Let Stripe send again what was not taken."""
        # Stripe goes on for days; the theatre has less time, and sends what was not taken again at once. What
        # was never sent at all is left to the service to find.
        tried = {entry["event"] for entry in self.desk.sandbox.sandbox.stripe.courier.log}
        for event in self._untaken():
            if event["id"] in tried:
                await self.desk.sandbox.control("stripe/deliver", event_id=event["id"], times=1)

    async def pause(self, seconds: float = 0.1) -> None:
        """Let the other processes work for a moment."""
        await asyncio.get_running_loop().run_in_executor(None, threading.Event().wait, seconds)


def _is_wrong(error: Exception) -> bool:
    """Say whether the answer calls the request itself wrong, which no waiting mends."""
    reply = error.args[0] if error.args else None
    return isinstance(reply, Reply) and reply.status in (400, 404)


@asynccontextmanager
async def open_theatre(
    folder: Path,
    credentials: Mapping[str, str],
    random: Random,
    port: int,
    changes: Mapping[str, str],
    *,
    url: str | None = None,
    replicas: int = 1,
) -> AsyncIterator[Theatre]:
    """Open the sandbox with rich accounts; the service is started by the test.

    `url`: a migrated and empty database on a server, instead of a file in the folder.
    """
    place: Place = folder / "hedge.db" if url is None else url
    if isinstance(place, Path):
        put_empty_database(place)
    async with ProcessDesk.opened(folder, credentials) as desk, AsyncExitStack() as stack:
        balancer = await stack.enter_async_context(balancing(port)) if replicas > 1 else None
        await desk.sandbox.control(
            "exchange/balances", balances={str(shard): "1000000.00" for shard in range(4)}
        )
        await desk.sandbox.control("exchange/settings", endless_books=True)
        theatre = Theatre(desk, random, "4000000.00", port, place, balancer, replicas, {**changes})
        await desk.sandbox.deliver_to(theatre.base)
        yield theatre
