"""Measure 1, 2 and 4 service processes on one PostgreSQL database, SQLite with one beside them.

Run with `python -m benchmarks.replicas`. Real `hedge-service serve` processes, the bench's stand-in, a server
on a socket with fsync on, and a load process for each service. Webhooks (64 at once) are of a type that is
stored and noted; reads (16 at once) are of saved bets. Setups take turns, three rounds, medians.

Services, server and load share the machine's cores: few cores hide what more processes gain. Processor time
for a request is what carries over to another machine. Where no server can be run it says so, and ends well.
"""

from __future__ import annotations

import json
import statistics
import sys
from dataclasses import asdict, dataclass, fields
from typing import TYPE_CHECKING, Any

import click
from rich.console import Console
from rich.table import Table

from benchmarks import on_server
from benchmarks.figures import Effort
from benchmarks.several import READS_AT_ONCE, WEBHOOKS_AT_ONCE, Found, Setup, at_work
from benchmarks.stage import stage
from benchmarks.table import where
from tests.postgres_server import NoServer, running

if TYPE_CHECKING:
    from collections.abc import Sequence

    from benchmarks.stage import Stage
    from tests.postgres_server import Server

PROCESSES = (1, 2, 4)
ROUNDS = 3
WIDTH = 150
WORK = {"webhooks": WEBHOOKS_AT_ONCE, "reads": READS_AT_ONCE}
SIZES = {"webhooks": (2_000, 800), "reads": (1_000, 400)}
WARM_UP = 400
COMMITS = (2_000, 800)
BATCHES = (6, 3)


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One setup's medians."""

    database: str
    processes: int
    webhooks: Found
    reads: Found


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """All that a run found."""

    lines: Sequence[Line]
    commits_alone_per_s: float
    commits_together_per_s: float
    order: on_server.Order


@click.command()
@click.option("--quick", is_flag=True, help="Smaller work.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object instead of the table.")
def main(*, quick: bool, as_json: bool) -> None:
    """Measure and print; how far it has got is told on standard error."""
    effort = Effort(quick=quick)
    try:
        with stage() as set_up, running(durable=True) as server:
            report = measure(effort, set_up, server)
    except NoServer as error:
        effort.say(f"replicas: not measured: {error}")
        return
    if as_json:
        print(json.dumps({**where(), "quick": quick, **asdict(report)}))
        return
    console = Console(width=None if sys.stdout.isatty() else WIDTH)
    console.print(table(report.lines))
    for words in (*notes(report), " ".join(f"{name}: {value}." for name, value in where().items())):
        console.print(words)


def measure(effort: Effort, stage: Stage, server: Server) -> Report:
    """Measure every setup in turns, then what the server and an order come to."""
    setups = [Setup(processes=1, name="alone.db")]
    setups += [Setup(processes=count, name=f"replicas_{count}", server=server) for count in PROCESSES]
    for setup in setups:
        setup.prepare(stage)
    turns = [[_turn(effort, stage, setup) for setup in setups] for _ in range(ROUNDS)]
    effort.say("commits, and orders on PostgreSQL")
    alone, together = (
        on_server.commits_per_s(server, at_once, effort.of(*COMMITS))
        for at_once in (1, on_server.COMMITS_AT_ONCE)
    )
    return Report(
        lines=[_line(setup, found) for setup, found in zip(setups, zip(*turns, strict=True), strict=True)],
        commits_alone_per_s=alone,
        commits_together_per_s=together,
        order=on_server.order(stage, server, effort.of(*BATCHES)),
    )


def _turn(effort: Effort, stage: Stage, setup: Setup) -> dict[str, Found]:
    with at_work(stage, setup) as ours:
        # What a process does once, at its first requests, is no request's.
        ours.webhooks(WARM_UP)
        ours.reads(WARM_UP)
        found = {
            "webhooks": ours.webhooks(effort.of(*SIZES["webhooks"])),
            "reads": ours.reads(effort.of(*SIZES["reads"])),
        }
    said = ", ".join(f"{one.per_s:.0f} {name}/s" for name, one in found.items())
    effort.say(f"{setup.name}, {setup.processes} processes: {said}")
    return found


def _line(setup: Setup, turns: Sequence[dict[str, Found]]) -> Line:
    return Line(
        database="SQLite" if setup.server is None else "PostgreSQL",
        processes=setup.processes,
        webhooks=median([turn["webhooks"] for turn in turns]),
        reads=median([turn["reads"] for turn in turns]),
    )


def median(found: Sequence[Found]) -> Found:
    """Give the median of each figure by itself."""
    middle: dict[str, Any] = {
        field.name: statistics.median(getattr(one, field.name) for one in found) for field in fields(Found)
    }
    return Found(**middle)


def table(lines: Sequence[Line]) -> Table:
    """Lay setups out: answers a second, and processor milliseconds for one."""
    made = Table(title=f"Processes on one database; all share {where()['machine']}")
    made.add_column("database")
    made.add_column("processes", justify="right")
    for name, at_once in WORK.items():
        for heading in (f"{name}/s, {at_once} at once", "service ms", "server ms", "load ms"):
            made.add_column(heading, justify="right")
    for line in lines:
        made.add_row(line.database, str(line.processes), *_cells(line.webhooks), *_cells(line.reads))
    return made


def notes(report: Report) -> list[str]:
    """Say what the server and an order come to."""
    order = report.order
    commits = (
        f"Durable commits: {report.commits_alone_per_s:,.0f}/s on one connection, "
        f"{report.commits_together_per_s:,.0f}/s on {on_server.COMMITS_AT_ONCE}."
    )
    costs = (
        f"An order on PostgreSQL until it is booked and ended: service {order.service_ms:.2f} ms, "
        f"server {order.server_ms:.2f} ms, {order.bytes:,.0f} bytes with indexes and its part of a parlay, "
        f"{order.wal_bytes:,.0f} bytes of WAL."
    )
    return [commits, costs]


def _cells(found: Found) -> tuple[str, ...]:
    each = (found.service_ms, found.server_ms, found.load_ms)
    return (f"{found.per_s:,.0f}", *(f"{value:.2f}" for value in each))


if __name__ == "__main__":
    main()
