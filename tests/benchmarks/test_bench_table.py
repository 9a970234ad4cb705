"""The benchmark's runner, its goals and its table name the same figures."""

from __future__ import annotations

import json
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner
from rich.console import Console

from benchmarks import __main__ as runner
from benchmarks.figures import Figure, Row, paired
from benchmarks.goals import goals
from benchmarks.processes import BenchError
from benchmarks.registry import PROGRAMS, ROWS
from benchmarks.rows.limiter_use import most_over
from benchmarks.table import VERDICTS, rows, shortfalls, table

if TYPE_CHECKING:
    from collections.abc import Iterator

    from benchmarks.figures import Effort

PROJECT = Path(__file__).parents[2]
FAST = Figure(name="door.10", what="fast", unit="/s", ours=90.0, floor=100.0, ratio=0.9, against="bare")
SLOW = Figure(name="door.64", what="slow", unit="/s", ours=10.0, floor=100.0, ratio=0.1, against="bare")
LATE = Figure(name="door.p99", what="late", unit="ms", ours=26.0)
ABSENT = Figure(name="orders.sdk.10", what="absent", unit="/s", ours=None, note="no Python 3.13")


def test_every_goal_is_of_one_figure_that_a_row_measures() -> None:
    named = [name for row in ROWS for name in row.figures]
    assert len(named) == len(set(named))
    assert set(goals()) <= set(named)


def test_every_row_has_a_goal() -> None:
    """A row that nothing is asked of would be no row of the issue's table."""
    wanted = goals()
    assert all(any(name in wanted for name in row.figures) for row in ROWS)


def test_a_figure_is_judged_by_its_ratio_or_by_itself() -> None:
    met = {row["name"]: row["met"] for row in rows([FAST, SLOW, LATE, ABSENT], goals())}
    assert met == {"door.10": True, "door.64": False, "door.p99": False, "orders.sdk.10": None}


def test_what_can_not_be_measured_is_no_shortfall() -> None:
    assert shortfalls([FAST, SLOW, LATE, ABSENT], goals()) == ["door.64", "door.p99"]


def test_the_table_shows_each_figure_with_its_goal_and_verdict() -> None:
    console = Console(width=200, file=StringIO())
    with console.capture() as shown:
        console.print(table([FAST, SLOW, ABSENT], goals()))
    text = shown.get()
    for words in ("door.10", ">= 0.5 x", *VERDICTS.values(), "no Python 3.13"):
        assert words in text


def test_the_median_of_ratios_is_of_rounds() -> None:
    """A disturbance that hits one round hits both sides of it, and leaves the ratio alone."""
    found = paired([(50.0, 100.0), (5.0, 10.0), (60.0, 100.0)])
    assert (found.ours, found.floor, found.ratio) == (50.0, 100.0, 0.5)


@pytest.mark.parametrize(("check", "code"), [(["--check"], 1), ([], 0)])
def test_check_ends_with_one_on_a_shortfall(
    monkeypatch: pytest.MonkeyPatch, check: list[str], code: int
) -> None:
    monkeypatch.setattr(runner, "ROWS", (Row(name="door", figures=(), measure=lambda _: iter([FAST, SLOW])),))
    done = CliRunner().invoke(runner.main, ["--json", *check])
    assert done.exit_code == code
    told = json.loads(done.stdout)
    assert [figure["name"] for figure in told["figures"]] == ["door.10", "door.64"]
    assert ("short of its goal: door.64" in done.stderr) is bool(check)


def test_a_row_that_fails_leaves_the_others_and_ends_with_one(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(_: Effort) -> Iterator[Figure]:
        yield FAST
        raise BenchError("the stand-in is gone")

    good = Row(name="reads", figures=(), measure=lambda _: iter([LATE]))
    monkeypatch.setattr(runner, "ROWS", (Row(name="door", figures=(), measure=broken), good))
    done = CliRunner().invoke(runner.main, ["--json"])
    assert done.exit_code == 1
    assert [figure["name"] for figure in json.loads(done.stdout)["figures"]] == ["door.10", "door.p99"]
    assert "the stand-in is gone" in done.stderr


def test_only_takes_no_unknown_name() -> None:
    assert CliRunner().invoke(runner.main, ["--only", "nonsense"]).exit_code == 2


def test_a_window_above_the_bucket_is_found() -> None:
    """Ten tokens each from a bucket of 20 that refills 10 a second: the fourth in one second is too many."""
    assert most_over([0.0, 0.0, 1.0, 2.0], 20) == 0
    assert most_over([0.0, 0.5, 0.5, 0.5], 20) == 10


def test_the_page_describes_every_row_and_program() -> None:
    page = (PROJECT / "docs" / "benchmarks.md").read_text()
    for name in (*(row.name for row in ROWS), *PROGRAMS):
        assert f"`{name}`" in page
