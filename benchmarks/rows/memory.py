"""Memory: of a service that idles before it loads scipy and openai, and for each 10,000 open parlays.

Idle is the composed service with doors open and all loops running, which leaves out only the loading of the
solver and the model's library that `serve` begins in the background. The parlays are in the database of a
real `serve`, beside one with none: the most that either was seen to hold while settling and searching.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.figures import Figure, Row
from benchmarks.sold import Sale, sell
from benchmarks.stage import prepared, product, served, stage

if TYPE_CHECKING:
    from collections.abc import Iterator

    from benchmarks.figures import Effort
    from benchmarks.stage import Stage

PARLAYS = 10_000
LEGS = 3
LOOK_S = 0.2
SETTLE_S = 3.0


def measure(effort: Effort) -> Iterator[Figure]:
    """Measure the idle service, then two that serve."""
    effort.say("memory of an idle service")
    with stage() as set_up, product(set_up, "idle.db") as idle:
        time.sleep(SETTLE_S)
        yield Figure(
            name="memory.idle",
            what="resident, idle, before scipy and openai",
            unit="MiB",
            ours=resident_mib(idle.popen.pid),
        )
    with stage() as set_up:
        watched_s = effort.of(30, 15)
        sold = [Sale(number, LEGS) for number in range(PARLAYS)]
        prepared(set_up, lambda tx: sell(tx, sold, hedged=False), "full.db")
        effort.say(f"memory with {PARLAYS} open parlays, and with none")
        with_none = _most_mib(set_up, "empty.db", watched_s)
        with_all = _most_mib(set_up, "full.db", watched_s)
    yield Figure(
        name="memory.parlays",
        what=f"more resident with {PARLAYS:,} open parlays",
        unit="MiB",
        ours=with_all - with_none,
        note=f"{with_all:.0f} against {with_none:.0f} MiB, all loaded",
    )


def resident_mib(pid: int) -> float:
    """Read a process's resident memory."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    raise ValueError(f"process {pid} tells no memory")


def _most_mib(set_up: Stage, database: str, watched_s: int) -> float:
    with served(set_up, database) as ours:
        until, most = time.monotonic() + watched_s, 0.0
        while time.monotonic() < until:
            most = max(most, resident_mib(ours.process.popen.pid))
            time.sleep(LOOK_S)
    return most


ROW = Row(name="memory", figures=("memory.idle", "memory.parlays"), measure=measure)
