"""The program that measures replicas lays out what it found, and gives up where it can't measure."""

from __future__ import annotations

import os
from contextlib import nullcontext
from io import StringIO

import pytest
from click.testing import CliRunner
from rich.console import Console

from benchmarks import replicas
from benchmarks.on_server import Order
from benchmarks.processor import TICKS_PER_S, spent_s
from benchmarks.replicas import Line, Report, main, median, notes, table
from benchmarks.several import Found
from tests.postgres_server import NoServer

FOUND = [
    Found(per_s=per_s, service_ms=2.5, server_ms=0.75, load_ms=0.125) for per_s in (400.0, 1_500.0, 90.0)
]
REPORT = Report(
    lines=[Line(database="PostgreSQL", processes=4, webhooks=FOUND[1], reads=FOUND[2])],
    commits_alone_per_s=233.0,
    commits_together_per_s=4_100.0,
    order=Order(service_ms=6.0, server_ms=2.0, bytes=5_900.0, wal_bytes=13_000.0),
)


def test_the_median_is_of_each_figure() -> None:
    assert median(FOUND) == FOUND[0]


def test_the_table_shows_a_setup_and_how_many_cores_it_shares() -> None:
    console = Console(width=200, file=StringIO())
    with console.capture() as shown:
        console.print(table(REPORT.lines))
    text = shown.get()
    for words in ("PostgreSQL", "1,500", "90", "0.75", f"{os.cpu_count()} cores"):
        assert words in text


def test_the_notes_tell_commits_and_what_an_order_costs() -> None:
    text = " ".join(notes(REPORT))
    for words in ("233/s", "4,100/s", "6.00 ms", "5,900 bytes"):
        assert words in text


def test_processor_time_is_what_the_system_tells_a_process_of_itself() -> None:
    told = sum(os.times()[:4])
    # Four figures, each cut off at a tick.
    assert told - 4 / TICKS_PER_S <= spent_s(os.getpid())
    assert told > 0


def test_a_machine_without_a_server_is_told_and_is_no_error(monkeypatch: pytest.MonkeyPatch) -> None:
    def none(*, durable: bool) -> None:
        raise NoServer(f"no server, durable {durable}")

    monkeypatch.setattr(replicas, "running", none)
    monkeypatch.setattr(replicas, "stage", nullcontext)
    done = CliRunner().invoke(main, ["--quick"])
    assert done.exit_code == 0
    assert "not measured: no server, durable True" in done.output


@pytest.mark.parametrize("argument", ["--quick", "--json"])
def test_arguments_are_listed(argument: str) -> None:
    assert argument in CliRunner().invoke(main, ["--help"]).output
