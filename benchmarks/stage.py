"""What several rows stand on: a temporary folder, keys, the stand-in, the product's environment."""

from __future__ import annotations

import json
import sys
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from sqlalchemy import create_engine

from benchmarks import keys
from benchmarks.processes import BenchError, Process, Worker, worker
from hedge_service.store import migrate

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any

    from sqlalchemy.engine import Connection

WEBHOOK_SECRET = "whsec_" + "b" * 32
OPS_TOKEN = "bench:" + "o" * 24
BIG = "10000000"
START_S = 600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """A stand-in exchange at work, and where everything of this row is kept."""

    folder: Path
    pem_file: Path
    exchange: Worker
    base: str

    def environ(self, database: str = "hedge.db", *, url: str = "") -> dict[str, str]:
        """Give the whole environment of a service that places orders on the stand-in; `url`: no file then."""
        return {
            "HEDGE_KALSHI__ENVIRONMENT": "sandbox",
            "HEDGE_KALSHI__BASE_URL": f"{self.base}/trade-api/v2",
            "HEDGE_KALSHI__DRY_RUN": "false",
            "HEDGE_OPENAI__ENABLED": "false",
            "HEDGE_DATABASE__URL": url or f"sqlite+aiosqlite:///{self.folder / database}",
            "HEDGE_SERVICE__PORT": "0",
            "HEDGE_OPS__PORT": "0",
            "HEDGE_LIMITS__MAX_DAY_HEDGE_DOLLARS": BIG,
            "HEDGE_LIMITS__MAX_OPEN_PAYOUT_DOLLARS": BIG,
            "HEDGE_LIMITS__MAX_MARKET_EXPOSURE_DOLLARS": BIG,
            "HEDGE_LIMITS__MAX_EVENT_EXPOSURE_DOLLARS": BIG,
            "HEDGE_LIMITS__MAX_DAY_EXPOSURE_DOLLARS": BIG,
            "KALSHI_DEMO_API_KEY": keys.KEY_ID,
            "KALSHI_DEMO_PRIVATE_KEY_PATH": str(self.pem_file),
            "STRIPE_WEBHOOK_SECRET": WEBHOOK_SECRET,
        }


@dataclass(frozen=True, slots=True)
class Served:
    """A running service, its public port and its log."""

    process: Process
    port: int
    log: Path


@contextmanager
def stage(kind: str = keys.RSA) -> Iterator[Stage]:
    """Set up a stand-in for keys of one kind; all of it is gone when the block is left."""
    with TemporaryDirectory(prefix="hedge-bench-") as name:
        folder = Path(name)
        pem_file = folder / "key.pem"
        pem_file.write_text(keys.new_pem(kind))
        with worker("benchmarks.exchange", str(pem_file), folder=folder) as exchange:
            port = exchange.line_json()["port"]
            yield Stage(folder=folder, pem_file=pem_file, exchange=exchange, base=f"http://127.0.0.1:{port}")


def prepared(stage: Stage, fill: Callable[[Connection], object], database: str = "hedge.db") -> None:
    """Make a migrated database and fill it before any process opens it."""
    engine = create_engine(f"sqlite:///{stage.folder / database}")
    with engine.begin() as tx:
        migrate.upgrade(tx)
        fill(tx)
    engine.dispose()


@contextmanager
def product(stage: Stage, database: str = "hedge.db", *, url: str = "") -> Iterator[Worker]:
    """Run the composed service, ready to send."""
    environ = stage.environ(database, url=url)
    with worker("benchmarks.product", folder=stage.folder, environ=environ) as started:
        started.line_json()
        yield started


@contextmanager
def bare_client(stage: Stage) -> Iterator[Worker]:
    """Run the bare client."""
    arguments = (stage.base, str(stage.pem_file), str(stage.folder))
    with worker("benchmarks.floors.orders", *arguments, folder=stage.folder) as started:
        started.line_json()
        yield started


@contextmanager
def load_client(folder: Path) -> Iterator[Worker]:
    """Run the load client."""
    with worker("benchmarks.client", folder=folder) as started:
        started.line_json()
        yield started


@contextmanager
def bare_door(folder: Path) -> Iterator[int]:
    """Run the bare door; give its port."""
    with worker("benchmarks.floors.door", str(folder), WEBHOOK_SECRET, folder=folder) as started:
        port: int = started.line_json()["port"]
        yield port


@contextmanager
def bare_reads(folder: Path, bodies: dict[str, object]) -> Iterator[int]:
    """Run the bare handlers of reads; give their port."""
    file = folder / "bodies.json"
    file.write_text(json.dumps(bodies))
    with worker("benchmarks.floors.reads", str(file), folder=folder) as started:
        port: int = started.line_json()["port"]
        yield port


@contextmanager
def served(
    stage: Stage, database: str = "hedge.db", *, url: str = "", sends: bool = True, processes: int = 1
) -> Iterator[Served]:
    """Run the real `hedge-service serve`, until it may send; its event lines go into a file.

    With a `url`, `database` only names that file; one that `sends` not stands by for a sender among so many.
    """
    environ = stage.environ(database, url=url) | {"HEDGE_KALSHI__RATE_LIMIT__PROCESSES": str(processes)}
    log = stage.folder / f"{database}.jsonl"
    command = (sys.executable, "-P", "-m", "hedge_service", "serve")
    with log.open("wb") as events:
        process = Process("serve", command, folder=stage.folder, environ=environ, stdout=events)
        try:
            yield Served(process, _started(process, log, sends=sends)["port"], log)
        finally:
            process.stop()


def _started(process: Process, log: Path, *, sends: bool) -> dict[str, Any]:
    """Wait until it takes calls and, if it `sends`, has compared its books with the exchange's.

    Gives the fields of its `service.started`.
    """
    told: dict[str, Any] = {}
    until = time.monotonic() + START_S
    while time.monotonic() < until and process.popen.poll() is None:
        # The last line may still be on its way.
        lines = [json.loads(line) for line in log.read_bytes().split(b"\n")[:-1]]
        events = {line["event"]: line for line in lines}
        told = events.get("service.started", told)
        if told and (not sends or "reconciliation.finished" in events):
            return told
        time.sleep(0.05)
    raise BenchError(f"the service did not start\n{log.read_text()[-2_000:]}\n{process.last_words()}")
