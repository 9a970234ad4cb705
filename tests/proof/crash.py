"""Kill the service at every named point, in several settings: `python -m tests.proof.crash`."""

from __future__ import annotations

import argparse
import asyncio
import signal
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any

from hedge_service.crash import VARIABLE
from hedge_service.sandbox.credentials import generate_credentials
from tests.proof.crash_points import all_points
from tests.proof.soak import free_port
from tests.proof.theatre import Theatre, open_theatre

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

SETTINGS: Mapping[str, Sequence[dict[str, Any]]] = {
    "plain": (),
    "reply_lost": ({"kind": "reply_lost_after_accept", "times": 1},),
    "late_reads": ({"kind": "server_error_after_accept"}, {"kind": "late_reads", "seconds": 1}),
    "not_placed": ({"kind": "server_error_before_accept", "times": 1},),
    "partial": ({"kind": "partial_fill", "count": "1", "times": 1},),
}


@dataclass
class Report:
    """What the runs found: a point counts as reached when the process died there."""

    runs: int = 0
    reached: set[str] = field(default_factory=set)
    problems: list[str] = field(default_factory=list)


async def crash_at(theatre: Theatre, point: str, setting: str, number: int) -> tuple[bool, list[str]]:
    """Sell one parlay to a service that dies at `point`, restart it, and judge once it is quiet."""
    await theatre.stop()
    await theatre.desk.sandbox.control("exchange/faults", "DELETE")
    for fault in SETTINGS[setting]:
        await theatre.desk.sandbox.fault(**fault)
    service = await theatre.start(**{VARIABLE: point})
    buyer = asyncio.create_task(theatre.buy(f"user_crash_{number}", 2, 5))
    reached = await _died(theatre, service.process, buyer)
    if reached:
        await theatre.restart()
    sold = await buyer
    await theatre.settle(within_s=30)
    problems = [f"{point} in {setting}: {problem}" for problem in theatre.verdict()]
    if sold is None:
        problems.append(f"{point} in {setting}: the parlay could not be bought after the restart")
    return reached, problems


async def _died(theatre: Theatre, process: asyncio.subprocess.Process, buyer: asyncio.Task[Any]) -> bool:
    """Wait until the service has died, or has nothing left to do."""
    while process.returncode is None:
        if buyer.done() and not theatre.left():
            # The last words (a summary told, a lease renewed) may come a moment later.
            await theatre.pause(0.5)
            break
        await theatre.pause(0.05)
    return process.returncode == -signal.SIGKILL


async def run(folder: Path, points: Sequence[str], settings: Sequence[str]) -> Report:
    """Crash at each point in each setting, on one database that grows."""
    report = Report()
    async with open_theatre(folder, generate_credentials(), Random(5), free_port()) as theatre:
        for setting in settings:
            for point in points:
                report.runs += 1
                try:
                    reached, problems = await crash_at(theatre, point, setting, report.runs)
                except TimeoutError:
                    reached, problems = True, [f"{point} in {setting}: not quiet after 30 s"]
                report.problems += problems
                if reached:
                    report.reached.add(point)
    return report


def main() -> int:
    """Run, and tell how many points and runs there were; 0 when no promise was broken."""
    points = all_points()
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--setting", action="append", choices=sorted(SETTINGS))
    parser.add_argument("--point", action="append")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        report = asyncio.run(run(Path(folder), given.point or points, given.setting or list(SETTINGS)))
    print(f"{len(points)} points, {report.runs} runs, {len(report.reached)} points reached")
    for point in sorted(set(given.point or points) - report.reached):
        print("not reached:", point)
    for problem in report.problems:
        print("BROKEN:", problem)
    return 1 if report.problems else 0


if __name__ == "__main__":
    sys.exit(main())
