"""`make bench`: one table, ours beside its floor and its peers, in one run."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import click
from rich.console import Console

from benchmarks import table
from benchmarks.figures import Effort
from benchmarks.goals import goals
from benchmarks.processes import PROJECT, BenchError
from benchmarks.registry import PROGRAMS, ROWS

if TYPE_CHECKING:
    from types import FrameType

    from benchmarks.figures import Figure, Row

NAMES = (*(row.name for row in ROWS), *PROGRAMS)
WIDTH = 150


@click.command()
@click.option("--only", multiple=True, type=click.Choice(NAMES), help="Measure this row; may be repeated.")
@click.option("--quick", is_flag=True, help="Smaller work, three rounds instead of five.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object instead of the table.")
@click.option("--check", is_flag=True, help="End with 1 when a goal of benchmarks/goals.toml is missed.")
def main(only: tuple[str, ...], *, quick: bool, as_json: bool, check: bool) -> None:
    """Measure and print; how far it has got is told on standard error."""
    effort = Effort(quick=quick)
    figures: list[Figure] = []
    failed = [
        row.name for row in ROWS if (not only or row.name in only) and not _measured(row, effort, figures)
    ]
    wanted = goals()
    if as_json:
        print(json.dumps({**table.where(), "quick": quick, "figures": table.rows(figures, wanted)}))
    elif figures:
        console = Console(width=None if sys.stdout.isatty() else WIDTH)
        console.print(table.table(figures, wanted))
        console.print(" ".join(f"{name}: {value}." for name, value in table.where().items()))
    for program in PROGRAMS:
        if program in only or not (only or as_json or check):
            _run(program)
    missed = table.shortfalls(figures, wanted)
    if check and missed:
        effort.say(f"short of its goal: {', '.join(missed)}")
    if failed or (check and missed):
        sys.exit(1)


def _measured(row: Row, effort: Effort, figures: list[Figure]) -> bool:
    """Measure a row; one that fails is told, and costs the run its good end, but not the other rows."""
    try:
        for figure in row.measure(effort):
            figures.append(figure)
            said = f"{figure.name}: {figure.ours} against {figure.floor}, ratio {figure.ratio}"
            effort.say(f"{said} {figure.note}")
    except BenchError as error:
        effort.say(f"{row.name} failed: {error}")
        return False
    return True


def _run(program: str) -> None:
    subprocess.run(  # noqa: S603 - our own program
        (sys.executable, "-m", f"benchmarks.{program}"), cwd=PROJECT, check=True
    )


def _stop(number: int, frame: FrameType | None) -> None:
    """End as Ctrl-C does: every process is ended on the way out."""
    del number, frame
    raise KeyboardInterrupt


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, _stop)
    main()
