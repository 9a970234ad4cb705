"""The product as a controlled process: composed by its own composition root, all loops running.

`python -m benchmarks.product` with the service's environment. It is `hedge-service serve` but for one thing:
intents are put into its database here, and the dispatcher nudged, as the intake does in one commit with the
parlay. So the clock starts when a parlay has been accepted and stops when the outcome of its last order is
in the journal (told by `order.accepted`, which follows that commit). `ended` goes on until executions are
read back from the exchange, booked in the ledger, and every intent has ended: what a lasting load costs.
Doors, lease, snapshots, summaries, look-ups, metrics and event lines (into a file) are all at work.
"""

from __future__ import annotations

import asyncio
import cProfile
import os
import sys
import time
from contextlib import AsyncExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aiohttp import web
from sqlalchemy import func, select

from benchmarks.controlled import controlled, run, say
from benchmarks.sold import sales, sell
from hedge_service.app import Service, open_service
from hedge_service.clock import SystemClock
from hedge_service.collector import loading
from hedge_service.config import load_config
from hedge_service.core.orders import AttemptState
from hedge_service.logs import Redactor, configure_logging, get_logger, listening
from hedge_service.metering.meters import Meters
from hedge_service.store.schema import attempts, intents
from hedge_service.web.routes import web_application
from hedge_service.web.runner import DoorRunner

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlalchemy.engine import Connection

MOST_LEGS = 5
LOOK_S = 0.01
READY_S = 300.0
RECOVERY_LOOK_S = 0.1


class Ear:
    """Hears the service's own events: counts outcomes, and keeps the moment of the last one."""

    def __init__(self, meters: Meters) -> None:
        self._meters = meters
        self._wanted = 0
        self._done = asyncio.Event()
        self.reconciled = asyncio.Event()
        self.at = 0.0

    def __call__(self, level: str, event: str, fields: Mapping[str, object]) -> None:
        """Take note of an event."""
        self._meters.heard(level, event, fields)
        if event == "reconciliation.finished":
            self.reconciled.set()
        if event == "order.accepted":
            self._wanted -= 1
            if self._wanted == 0:
                self.at = time.perf_counter()
                self._done.set()

    def expect(self, count: int) -> None:
        """Begin to count outcomes."""
        self._wanted = count
        self._done.clear()

    async def heard(self) -> float:
        """Give when the last of them was told."""
        await self._done.wait()
        return self.at


class Product:
    """A running service, and what a run asks of it."""

    def __init__(self, service: Service, ear: Ear) -> None:
        self._service = service
        self._database = service.doors.database
        self._ear = ear
        # Above the numbers of what a row has put into the database before.
        self._first = 10_000_000
        self._ready_at = 0.0

    async def ready(self) -> None:
        """Wait until it may send."""
        async with asyncio.timeout(READY_S):
            while not self._can_send():  # noqa: ASYNC110 - the service has no event for it
                await asyncio.sleep(LOOK_S)
        self._ready_at = time.monotonic()

    def _can_send(self) -> bool:
        loops = self._service.loops
        return loops.sender.may_send() and loops.snapshots.cash() is not None

    async def orders(
        self, at_once: int, batches: int, most_legs: int = MOST_LEGS, profile: str = ""
    ) -> dict[str, float]:
        """Send so many batches of so many orders at once; give orders per second."""
        profiler = cProfile.Profile() if profile else None
        # A start compares everything with the exchange: that is over before the clock starts.
        await self._ear.reconciled.wait()
        accepted = ended = 0.0
        for _ in range(batches):
            took = await self._batch(at_once, most_legs, profiler)
            accepted, ended = accepted + took[0], ended + took[1]
        if profiler is not None:
            profiler.dump_stats(profile)
        count = at_once * batches
        return {"per_s": count / accepted, "ended_per_s": count / ended}

    async def recovery(self) -> dict[str, float]:
        """Wait until nothing is in doubt any more; give from when until when, on the monotonic clock."""
        while await self._database.read(_in_doubt):  # noqa: ASYNC110 - the database tells no events
            await asyncio.sleep(RECOVERY_LOOK_S)
        return {"from": self._ready_at, "until": time.monotonic()}

    async def _batch(
        self, at_once: int, most_legs: int, profiler: cProfile.Profile | None
    ) -> tuple[float, float]:
        sold = sales(self._first, at_once, most_legs)
        self._first += len(sold)
        await self._database.write(lambda tx: sell(tx, sold))
        # Accepting a payment reads the markets; their orders go by what it read.
        tickers = {sale.ticker(leg) for sale in sold for leg in range(1, sale.legs + 1)}
        await self._service.loops.snapshots.markets(tuple(sorted(tickers)))
        self._ear.expect(at_once)
        if profiler is not None:
            profiler.enable()
        start = time.perf_counter()
        self._service.loops.planned.set()
        accepted = await self._ear.heard() - start
        await self._all_ended()
        ended = time.perf_counter() - start
        if profiler is not None:
            profiler.disable()
        return accepted, ended

    async def _all_ended(self) -> None:
        while await self._database.read(_open):  # noqa: ASYNC110 - as above
            await asyncio.sleep(LOOK_S)


def _open(tx: Connection) -> int:
    return int(tx.execute(select(func.count()).where(intents.c.ended_ms.is_(None))).scalar_one())


def _in_doubt(tx: Connection) -> int:
    doubtful = attempts.c.state.in_([state.value for state in AttemptState if state.in_doubt])
    return int(tx.execute(select(func.count()).where(doubtful)).scalar_one())


async def main() -> None:
    """Compose the service and obey."""
    # Everything is loaded by now; the collector works as it does in `serve`.
    with loading():
        pass
    config = load_config(path=None, environ=os.environ, cwd=Path.cwd(), live=True)
    with Path("events.jsonl").open("w") as stream:  # noqa: ASYNC230 - as standard output of a service is
        configure_logging(stream, Redactor(config.secrets.values()), SystemClock().now)
        meters = Meters()
        ear = Ear(meters)
        async with AsyncExitStack() as stack:
            stack.enter_context(listening(ear))
            log: Any = get_logger()
            service = await open_service(stack, config, clock=SystemClock(), log=log, meters=meters)
            runner = DoorRunner(web_application(service.doors))
            await runner.setup()
            stack.push_async_callback(runner.cleanup)
            await web.TCPSite(runner, "127.0.0.1", 0).start()
            async with asyncio.TaskGroup() as group:
                service.loops.tasks(group, log)
                product = Product(service, ear)
                await product.ready()
                say({"ready": True})
                await controlled({"orders": product.orders, "recovery": product.recovery})
                for task in list(group._tasks):  # noqa: SLF001 - as the service's own stop does
                    task.cancel()


if __name__ == "__main__":
    run(main())
    sys.exit(0)
