"""`logs`: the service's JSON lines for a person."""

from __future__ import annotations

import json
import os
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, BinaryIO

import click

from hedge_service.cli.log_lines import Line, Memory, ParlayFilter
from hedge_service.cli.start import fail

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from hedge_service.cli.log_screen import Screen

LEVELS = ("debug", "info", "warning", "error", "critical")


@click.command()
@click.argument("file", required=False, metavar="[FILE]")
@click.option("--parlay", "parlay_id", metavar="ID", help="Only what belongs to this parlay.")
@click.option("--level", type=click.Choice(LEVELS), default="debug", help="Only this level and above.")
def logs(file: str | None, parlay_id: str | None, level: str) -> None:
    """Show the service's log from FILE or standard input, one line for each event, a box for each parlay.

    --parlay also shows the parlay's quote, checkout, webhook, orders and executions. A line that is no event
    is shown as it is, whatever is asked for. Colours come on a terminal, or with FORCE_COLOR=1.

    \b
    Examples:
      hedge-service serve | tee -a hedge.jsonl | hedge-service logs
      tail -f hedge.jsonl | hedge-service logs --level warning
      hedge-service logs hedge.jsonl --parlay par_0123456789abcdef0123456789abcdef
    """  # noqa: D301 - click reads the control character
    from hedge_service.cli.log_screen import open_screen  # noqa: PLC0415 - heavy imports where they are used

    memory = Memory()
    with _quiet_end(), _opened(file) as lines:
        screen = open_screen(memory)
        _show(lines, screen, memory, _Wanted(parlay_id, level))
        screen.flush()


class _Wanted:
    def __init__(self, parlay_id: str | None, level: str) -> None:
        self._filter = None if parlay_id is None else ParlayFilter(parlay_id)
        self._least = LEVELS.index(level)

    def take(self, line: Line) -> list[Line]:
        """Give what is to be shown now."""
        found = [line] if self._filter is None else self._filter.take(line)
        return [one for one in found if self._matters(one)]

    def _matters(self, line: Line) -> bool:
        level = line.get("level")
        # A level that nobody knows is shown: hiding it could hide an error.
        return level not in LEVELS or LEVELS.index(level) >= self._least


def _show(lines: Iterable[bytes], screen: Screen, memory: Memory, wanted: _Wanted) -> None:
    for raw in lines:
        line = _parsed(raw)
        if line is None:
            screen.raw(raw)
            continue
        memory.keep(line)
        for one in wanted.take(line):
            screen.event(one)


def _parsed(raw: bytes) -> Line | None:
    try:
        line = json.loads(raw)
    except (ValueError, RecursionError):
        return None
    return line if isinstance(line, dict) and isinstance(line.get("event"), str) else None


@contextmanager
def _opened(file: str | None) -> Iterator[BinaryIO]:
    if file is None or file == "-":
        if file is None and sys.stdin.isatty():
            raise click.UsageError("Give a file, or pipe the service's output in.")
        yield sys.stdin.buffer
        return
    try:
        opened = open(file, "rb")  # noqa: PTH123, SIM115 - closed below; as the person wrote it
    except OSError as error:
        fail(f"{file} can't be read: {error.strerror}", "log_unreadable")
    with opened:
        yield opened


@contextmanager
def _quiet_end() -> Iterator[None]:
    """End without a word when the reader has gone (`| head`)."""
    try:
        yield
    except BrokenPipeError:
        # What is still buffered would fail again at exit.
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, sys.stdout.fileno())
        os.close(null)
