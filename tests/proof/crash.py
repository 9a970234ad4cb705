"""Kill the service at every named point, in several settings: `python -m tests.proof.crash`."""

from __future__ import annotations

import argparse
import asyncio
import signal
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING

from hedge_service.crash import RECORD
from hedge_service.sandbox.credentials import generate_credentials
from tests.proof.crash_points import NEVER, all_points, unreachable
from tests.proof.scenes import SETTINGS, WITHIN_S, Setting
from tests.proof.soak import free_port
from tests.proof.theatre import Theatre, open_theatre

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

RUN_WITHIN_S = 400
# What happens before the first order is the same in every setting, and is tried in the first one.
ON_THE_WAY = ("add_bet", "remove_bet", "clear_bets", "Quoting.", "Checkouts.", "upgrade", "_open_database")


@dataclass
class Report:
    """What the runs found; a point counts as reached when the process died there."""

    runs: int = 0
    reached: set[str] = field(default_factory=set)
    recorded: dict[str, set[str]] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)

    def lines(self, points: Sequence[str]) -> list[str]:
        """Say how much was tried and what was found."""
        never = {point for point in points if point in unreachable()}
        missed = sorted(set(points) - self.reached - never)
        return [
            f"{len(points)} points, {self.runs} runs in {len(self.recorded)} settings",
            f"died at {len(self.reached)} points",
            *(f"not reached, as stated: {unit}: {why}" for unit, why in NEVER.items() if never),
            *(f"NOT REACHED: {point}" for point in missed),
            *(f"BROKEN: {problem}" for problem in self.problems),
            f"{len(self.problems)} broken promises",
        ]


class Director:
    """Plays scenes, each on a stage of its own, `jobs` at a time."""

    def __init__(self, folder: Path, jobs: int) -> None:
        self._folder = folder
        self._credentials = generate_credentials()
        self._free = asyncio.Semaphore(jobs)
        self._number = 0
        self.report = Report()

    async def record(self, name: str) -> set[str]:
        """Play a setting once without a crash, and give the points that it reaches."""
        file = self._folder / f"{name}.points"
        await self._play(name, f"{RECORD}{file}")
        points = set(file.read_text().split())
        self.report.recorded[name] = points
        return points

    async def crash(self, name: str, *points: str) -> None:
        """Play a setting with a service that dies at each of the points in turn, and is started again."""
        self.report.runs += 1
        deaths = await self._play(name, *points)
        self.report.reached |= {point.partition("#")[0] for point in deaths}

    async def _play(self, name: str, *armed: str) -> list[str]:
        async with self._free:
            self._number += 1
            folder = self._folder / str(self._number)
            folder.mkdir()
            deaths: list[str] = []
            try:
                async with asyncio.timeout(RUN_WITHIN_S * len(armed)):
                    problems = await self._stage(SETTINGS[name], armed, folder, deaths)
            except (TimeoutError, AssertionError) as error:
                problems = [f"{type(error).__name__} {error}"]
        self.report.problems += [f"{', '.join(armed)} in {name}: {problem}" for problem in problems]
        print("x" if problems else ".", end="", flush=True)
        return deaths

    async def _stage(
        self, setting: Setting, armed: Sequence[str], folder: Path, deaths: list[str]
    ) -> list[str]:
        opened = open_theatre(folder, self._credentials, Random(5), free_port(), setting.knobs)
        async with opened as theatre:
            for fault in setting.faults:
                await theatre.desk.sandbox.control("exchange/faults", **fault)
            theatre.armed, theatre.deaths = [*armed], deaths
            await theatre.start()
            watch = asyncio.create_task(_started_again(theatre))
            try:
                return await _played(theatre, setting, watch)
            finally:
                watch.cancel()


async def _played(theatre: Theatre, setting: Setting, watch: asyncio.Task[None]) -> list[str]:
    await setting.scene(theatre)
    await theatre.settle(WITHIN_S)
    if watch.done() and watch.exception() is not None:
        raise AssertionError(f"it could not be started again: {watch.exception()}")
    async with theatre.turn:
        # Not in the middle of a start.
        watch.cancel()
    # The last point of all is the clean stop.
    deaths = len(theatre.deaths)
    await theatre.stop()
    if len(theatre.deaths) > deaths:
        await theatre.start()
        await theatre.settle(WITHIN_S)
        await theatre.stop()
    return theatre.verdict() if setting.fair else []


async def _started_again(theatre: Theatre) -> None:
    """Start the service again whenever it has died."""
    while True:
        service = theatre.service
        if service is None or await service.process.wait() != -signal.SIGKILL:
            await theatre.pause()
        else:
            theatre.note_death()
            await theatre.restart()


async def run(folder: Path, settings: Iterable[str], points: Sequence[str], jobs: int) -> Report:
    """Find out which of the points each setting reaches, and crash there."""
    director = Director(folder, jobs)
    names = list(settings)
    reached = await asyncio.gather(*(director.record(name) for name in names))
    recorded = set().union(*reached) & set(all_points())
    print(f" {len(recorded)} of {len(all_points())} points seen", flush=True)
    await asyncio.gather(
        *(
            director.crash(name, point)
            for name, found in zip(names, reached, strict=True)
            for point in points
            if point.partition("#")[0] in found and (name == names[0] or not _on_the_way(point))
        )
    )
    print()
    return director.report


def _on_the_way(point: str) -> bool:
    place = point.partition(":")[2]
    return place.startswith(ON_THE_WAY) or place == "Payments.create_session"


def main() -> int:
    """Run, and tell how many points and runs there were; 0 when all was reached and no promise broken."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--setting", action="append", choices=sorted(SETTINGS))
    parser.add_argument(
        "--point", action="append", help="as named in crash_points, with #N for the N-th time"
    )
    parser.add_argument("--jobs", type=int, default=2)
    given = parser.parse_args()
    points, began = given.point or all_points(), time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        report = asyncio.run(run(Path(folder), given.setting or list(SETTINGS), points, given.jobs))
    print("\n".join(report.lines([point.partition("#")[0] for point in points])))
    print(f"{time.monotonic() - began:.0f} s")
    missed = set(points) - report.reached - unreachable() if not given.setting and not given.point else ()
    return 1 if report.problems or missed else 0


if __name__ == "__main__":
    sys.exit(main())
