"""Service processes on one database, and load on all their ports at once."""

from __future__ import annotations

import sqlite3
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from benchmarks.processes import BenchError
from benchmarks.processor import spent_s
from benchmarks.rows.reads import PATHS, fill
from benchmarks.stage import WEBHOOK_SECRET, load_client, served
from hedge_service.store import migrate
from hedge_service.store.db import Database
from tests.postgres_server import in_a_loop

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import Any

    from benchmarks.processes import Worker
    from benchmarks.stage import Stage
    from tests.postgres_server import Server

WEBHOOKS_AT_ONCE, READS_AT_ONCE = 64, 16
SAVED_BETS = PATHS["reads.parlay"]
UNHANDLED = "SELECT 1 FROM inbox WHERE handled_ms IS NULL LIMIT 1"
DRAIN_S = 300.0
LOOK_S = 0.05


@dataclass(frozen=True, slots=True, kw_only=True)
class Setup:
    """So many processes on one database; no server: SQLite."""

    processes: int
    name: str
    server: Server | None = None

    @property
    def url(self) -> str:
        """The database's URL, empty for SQLite's file."""
        return "" if self.server is None else self.server.url(self.name)

    def prepare(self, stage: Stage) -> None:
        """Make the database and give one user something to read."""
        if self.server is not None:
            self.server.ask("postgres", f"CREATE DATABASE {self.name} TEMPLATE migrated")
        url = stage.environ(self.name, url=self.url)["HEDGE_DATABASE__URL"]
        in_a_loop(partial(_filled, url))

    def waits(self, stage: Stage) -> bool:
        """Tell whether an event is not noted yet."""
        if self.server is not None:
            return bool(self.server.ask(self.name, UNHANDLED))
        with closing(sqlite3.connect(stage.folder / self.name)) as connection:
            return connection.execute(UNHANDLED).fetchone() is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """One turn: answers per second, and processor milliseconds of each part for one of them."""

    per_s: float
    service_ms: float
    server_ms: float
    load_ms: float


@dataclass(frozen=True, slots=True)
class Running:
    """A setup at work: its services' numbers and ports, and a load client for each."""

    stage: Stage
    setup: Setup
    pids: Sequence[int]
    ports: Sequence[int]
    clients: Sequence[Worker]

    def webhooks(self, count: int) -> Found:
        """Deliver events to all ports; the processor time of noting them is theirs, too."""
        each = {"secret": WEBHOOK_SECRET, "at_once": WEBHOOKS_AT_ONCE // self.setup.processes}
        return self._measured("webhooks", count, each)

    def reads(self, count: int) -> Found:
        """Read saved bets from all ports."""
        each = {"path": SAVED_BETS, "at_once": READS_AT_ONCE // self.setup.processes}
        return self._measured("reads", count, each)

    def _measured(self, do: str, count: int, each: dict[str, Any]) -> Found:
        before = self._spent()
        answers = self._at_once(do, {**each, "count": count // self.setup.processes})
        self._drain()
        spent = [(after - start) * 1_000 / count for start, after in zip(before, self._spent(), strict=True)]
        seconds = max(answer["until"] for answer in answers) - min(answer["from"] for answer in answers)
        return Found(per_s=count / seconds, service_ms=spent[0], server_ms=spent[1], load_ms=spent[2])

    def _at_once(self, do: str, each: dict[str, Any]) -> list[Any]:
        with ThreadPoolExecutor(len(self.clients)) as pool:
            asked = [
                pool.submit(client.ask, do, port=port, **each)
                for client, port in zip(self.clients, self.ports, strict=True)
            ]
        return [answer.result() for answer in asked]

    def _drain(self) -> None:
        until = time.monotonic() + DRAIN_S
        while self.setup.waits(self.stage):
            if time.monotonic() > until:
                raise BenchError("the intake does not come to an end")
            time.sleep(LOOK_S)

    def _spent(self) -> tuple[float, float, float]:
        server = self.setup.server
        return (
            sum(spent_s(pid) for pid in self.pids),
            0.0 if server is None or server.process is None else spent_s(server.process.pid),
            sum(spent_s(client.popen.pid) for client in self.clients),
        )


@contextmanager
def at_work(stage: Stage, setup: Setup) -> Iterator[Running]:
    """Run a setup's services, the first of them the sender, and a load client for each."""
    with ExitStack() as stack:
        start = partial(served, stage, url=setup.url, processes=setup.processes)
        # The first waits until it may send; the others need not wait for a lease they will not get.
        services = [
            stack.enter_context(
                start(setup.name if number == 0 else f"{setup.name}-{number}", sends=number == 0)
            )
            for number in range(setup.processes)
        ]
        clients = [stack.enter_context(load_client(stage.folder)) for _ in services]
        pids = [service.process.popen.pid for service in services]
        yield Running(stage, setup, pids, [service.port for service in services], clients)


async def _filled(url: str) -> None:
    async with Database(url) as database:
        await database.write(migrate.upgrade)
        await database.write(fill)
