"""Webhooks acknowledged durably: verified, a row on disk, 200.

Ours is the real `hedge-service serve` with everything it does: each event is also read again and noted by
the intake, beside the load. The floor is a bare aiohttp handler with verify and one group-committed insert.
p99: sent at fixed moments at half of our own peak, timed from the moment each should have been sent.
"""

from __future__ import annotations

import sqlite3
import statistics
import time
from contextlib import ExitStack, closing
from functools import partial
from typing import TYPE_CHECKING

from benchmarks.figures import Figure, Row, in_turns, percentile
from benchmarks.processes import BenchError
from benchmarks.stage import WEBHOOK_SECRET, bare_door, load_client, served, stage

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from benchmarks.figures import Effort
    from benchmarks.processes import Worker

AT_ONCE = (1, 10, 64)
COUNTS = {1: 400, 10: 2_000, 64: 4_000}
DRAIN_S = 300.0
P99_S = 10


def measure(effort: Effort) -> Iterator[Figure]:
    """Measure throughput at each width, then p99 at half the peak."""
    with ExitStack() as stack:
        set_up = stack.enter_context(stage())
        ours = stack.enter_context(served(set_up))
        floor = stack.enter_context(bare_door(set_up.folder))
        client = stack.enter_context(load_client(set_up.folder))
        peak, database = 0.0, set_up.folder / "hedge.db"
        for at_once in AT_ONCE:
            effort.say(f"webhooks, {at_once} at once")
            send = partial(_rate, client, at_once=at_once, count=COUNTS[at_once] // effort.of(1, 4))
            found = in_turns(
                partial(_drained, database, partial(send, ours.port)), partial(send, floor), effort.rounds
            )
            peak = max(peak, found.ours)
            yield Figure(
                name=f"door.{at_once}",
                what=f"webhooks on disk, {at_once} at once",
                unit="/s",
                ours=found.ours,
                floor=found.floor,
                ratio=found.ratio,
                against="bare handler",
            )
        yield _p99(effort, client, ours.port, floor, peak / 2)


def _rate(client: Worker, port: int, *, at_once: int, count: int) -> float:
    answer = client.ask("webhooks", port=port, secret=WEBHOOK_SECRET, at_once=at_once, count=count)
    return float(answer["per_s"])


def _p99(effort: Effort, client: Worker, port: int, floor: int, per_s: float) -> Figure:
    effort.say(f"webhooks at {per_s:.0f}/s, half of our peak")
    count = int(per_s * effort.of(P99_S, P99_S // 3))

    def once(asked: int) -> float:
        answer = client.ask(
            "webhooks", port=asked, secret=WEBHOOK_SECRET, at_once=64, count=count, per_s=per_s
        )
        return percentile(answer["took_ms"], 0.99)

    found = [(once(port), once(floor)) for _ in range(effort.rounds)]
    return Figure(
        name="door.p99",
        what=f"webhook's p99 at half of our peak ({per_s:.0f}/s)",
        unit="ms",
        ours=statistics.median(ours for ours, _ in found),
        floor=statistics.median(other for _, other in found),
        against="bare handler",
    )


def _drained(database: Path, work: Callable[[], float]) -> float:
    """Do the work, then wait until the intake has noted every event: the floor's turn is to be quiet."""
    rate = work()
    until = time.monotonic() + DRAIN_S
    with closing(sqlite3.connect(database)) as connection:
        while connection.execute("SELECT 1 FROM inbox WHERE handled_ms IS NULL LIMIT 1").fetchone():
            if time.monotonic() > until:
                raise BenchError("the intake does not come to an end")
            time.sleep(0.05)
    return rate


ROW = Row(name="door", figures=(*(f"door.{width}" for width in AT_ONCE), "door.p99"), measure=measure)
