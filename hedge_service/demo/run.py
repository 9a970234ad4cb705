"""The whole demo: sandbox, both runs, verdict."""

from __future__ import annotations

import asyncio
import shutil
import signal
import tempfile
import time
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dotenv import dotenv_values

from hedge_service.demo.client import SandboxClient, open_session
from hedge_service.demo.errors import DemoError
from hedge_service.demo.events import EventFeed
from hedge_service.demo.expectations import broken_off, check_run
from hedge_service.demo.processes import child
from hedge_service.demo.record import Mode
from hedge_service.demo.script import Stage, run_once, secrets_of, service_settings

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator, Mapping, Sequence

    from hedge_service.demo.expectations import Expectation
    from hedge_service.demo.record import RunRecord
    from hedge_service.demo.table import Screen

ENV_FILE = ".env"
PREFIX = "HEDGE_"
# What points the service at this sandbox: another value would make it some other demo.
FIXED = frozenset(service_settings(Mode.DRY_RUN)) | {
    "HEDGE_CONFIG",
    "HEDGE_KALSHI__ENVIRONMENT",
    "HEDGE_KALSHI__BASE_URL",
    "HEDGE_STRIPE__API_BASE",
    "HEDGE_OPENAI__BASE_URL",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class RunResult:
    """One run: what was expected of it, and its record unless it broke off."""

    mode: Mode
    record: RunRecord | None
    expectations: Sequence[Expectation]

    def wire(self) -> dict[str, Any]:
        """Give it as JSON."""
        facts = {} if self.record is None else self.record.facts()
        return {"mode": self.mode.value, **facts, "expectations": [one.wire() for one in self.expectations]}


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoResult:
    """Both runs, and how long they took together."""

    runs: Sequence[RunResult]
    took_s: float

    @property
    def expectations(self) -> list[Expectation]:
        """Everything that was expected, in order."""
        return [one for run in self.runs for one in run.expectations]

    @property
    def held(self) -> bool:
        """Whether all of it was so."""
        return all(one.held for one in self.expectations)

    def wire(self) -> dict[str, Any]:
        """Give it as JSON."""
        return {
            "ok": self.held,
            "took_ms": round(self.took_s * 1000),
            "runs": [run.wire() for run in self.runs],
        }


def read_settings(texts: Sequence[str]) -> dict[str, str]:
    """Read NAME=VALUE settings for the demo's service. Raises ValueError for one the demo can't use."""
    settings = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not equals or not name.startswith(PREFIX):
            raise ValueError(f"{text!r} is not {PREFIX}<SECTION>__<KEY>=VALUE")
        if name in FIXED:
            raise ValueError(f"{name} is the demo's own to set")
        settings[name] = value
    return settings


def run_demo(screen: Screen, *, settings: Mapping[str, str], keep: bool) -> DemoResult:
    """Run the demo from beginning to end; its processes are ended however it ends.

    `keep` leaves the folder with databases and event logs behind, without the secrets.
    Raises KeyboardInterrupt when told to stop.
    """
    with _folder(keep=keep) as folder:
        try:
            result = asyncio.run(_until_told_to_stop(screen, folder, settings))
        except asyncio.CancelledError:
            raise KeyboardInterrupt from None
        failed = sum(not one.held for one in result.expectations)
        kept = str(folder) if keep else None
        screen.ending(failed=failed, total=len(result.expectations), took_s=result.took_s, kept=kept)
        return result


@contextmanager
def _folder(*, keep: bool) -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="hedge-demo-"))
    try:
        yield folder
    finally:
        (folder / ENV_FILE).unlink(missing_ok=True)
        if not keep:
            shutil.rmtree(folder, ignore_errors=True)


async def _until_told_to_stop(screen: Screen, folder: Path, settings: Mapping[str, str]) -> DemoResult:
    # Ctrl-C cancels by itself; SIGTERM would end us without ending the children.
    task = asyncio.current_task()
    assert task is not None
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    began = time.monotonic()
    screen.opening()
    runs = await _both_runs(screen, folder, settings)
    return DemoResult(runs=runs, took_s=time.monotonic() - began)


async def _both_runs(screen: Screen, folder: Path, settings: Mapping[str, str]) -> list[RunResult]:
    try:
        async with _stage(screen, folder, settings) as stage:
            return [await _run(stage, mode) for mode in Mode]
    except DemoError as error:
        broken = (broken_off(str(error)),)
        screen.verdict("The sandbox did not start", broken)
        return [RunResult(mode=Mode.DRY_RUN, record=None, expectations=broken)]


@asynccontextmanager
async def _stage(screen: Screen, folder: Path, settings: Mapping[str, str]) -> AsyncIterator[Stage]:
    feed = EventFeed("sandbox", lambda _event: None)
    command = ["sandbox", "--port", "0", "--write-env", ENV_FILE]
    async with (
        open_session() as http,
        child(command, name="sandbox", folder=folder, environment={}, feed=feed) as sandbox,
    ):
        started = await sandbox.started("sandbox.started")
        url = f"http://{started['host']}:{started['port']}"
        yield Stage(
            folder=folder,
            http=http,
            sandbox=SandboxClient(http, url),
            secrets=secrets_of(dotenv_values(folder / ENV_FILE, interpolate=False)),
            settings=settings,
            screen=screen,
        )


async def _run(stage: Stage, mode: Mode) -> RunResult:
    stage.screen.run(mode)
    try:
        record = await run_once(stage, mode)
    except DemoError as error:
        result = RunResult(mode=mode, record=None, expectations=(broken_off(str(error)),))
    else:
        stage.screen.report(record)
        result = RunResult(mode=mode, record=record, expectations=check_run(record))
    stage.screen.verdict("Expected", result.expectations)
    return result
