"""`simulate`: the same seed gives the same book, in tables, JSON and a picture."""

from __future__ import annotations

import importlib.util
import json
import sys
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner

from hedge_service.cli import main

if TYPE_CHECKING:
    from pathlib import Path

    from click.testing import Result

SMALL = ("--parlays", "60", "--seed", "3")


def run(*words: str) -> Result:
    return CliRunner().invoke(main, ["simulate", *words])


def simulated(*words: str) -> dict[str, Any]:
    done = run(*words, "--json")
    assert done.exit_code == 0, done.output
    body: dict[str, Any] = json.loads(done.output)
    return body


def test_the_same_seed_gives_the_same_output_and_another_another() -> None:
    first = run(*SMALL)
    assert first.exit_code == 0, first.output
    assert run(*SMALL).output == first.output
    assert run("--parlays", "60", "--seed", "4").output != first.output


def test_a_strategy_alone_meets_the_same_parlays_as_beside_others() -> None:
    whole = simulated(*SMALL)
    assert [one["strategy"] for one in whole["strategies"]] == [
        *("none", "bands", "delta", "min_variance", "cvar", "rolling")
    ]
    for one in whole["strategies"]:
        alone = simulated(*SMALL, "--strategy", one["strategy"])
        assert alone["strategies"] == [one]
        assert alone["stakes"] == whole["stakes"]


def test_programs_get_exact_strings_and_every_setting() -> None:
    body = simulated(*SMALL, "--strategy", "none", "--stakes", "20", "--drift", "0.05")
    assert (body["seed"], body["stakes"], body["rolling"]) == (3, "1200.00", None)
    settings = body["settings"]
    assert (settings["drift"], settings["legs"], settings["stakes"]) == ("0.05", [2, 4], ["20.00"])
    (none,) = body["strategies"]
    assert (none["fees"], none["costs"], none["capital"]) == ("0.00", "0.00", none["capital"])
    assert all(isinstance(value, str) for value in none.values())


def test_people_get_tables_of_a_hundred_columns() -> None:
    done = run(*SMALL)
    assert max(map(len, done.stdout.splitlines())) <= 100
    for words in ("60 parlays of 2 to 4 legs, seed 3", "min_variance", "drawdown", "capital needed", "rolls"):
        assert words in done.stdout


def test_a_plot_is_drawn(tmp_path: Path) -> None:
    path = tmp_path / "book.png"
    done = run(*SMALL, "--plot", str(path))
    assert done.exit_code == 0, done.output
    assert path.read_bytes().startswith(b"\x89PNG")
    assert path.stat().st_size > 20_000


def test_without_matplotlib_the_extra_is_named_before_any_work(monkeypatch: pytest.MonkeyPatch) -> None:
    found = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name: None if name == "matplotlib" else found(name)
    )
    done = run("--parlays", "100000000", "--plot", "book.png")
    assert (done.exit_code, done.stdout) == (2, "")
    assert done.stderr.splitlines() == [
        "hedge-service: --plot needs the extra `plot` (matplotlib): pip install 'hedge-service[plot]'",
        "hedge-service: see docs/errors.md#wrong_use",
    ]


def test_a_long_run_tells_how_far_it_is_on_standard_error(monkeypatch: pytest.MonkeyPatch) -> None:
    # the module: in the package the command hides it
    monkeypatch.setattr(sys.modules["hedge_service.cli.simulate"], "QUIET_S", 0.0)
    done = run("--parlays", "600", "--strategy", "none")
    assert done.stderr.splitlines() == ["hedge-service: 500 of 600 parlays"]
    assert "500 of 600" not in done.stdout


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (("--parlays", "0"), "parlays and parlays a day are 1 or more"),
        (("--legs", "1-3"), "legs lie between 2 and 6"),
        (("--legs", "two"), "legs are two whole numbers, such as 2-4"),
        (("--legs", "4-2"), "legs lie between 2 and 6"),
        (("--prices", "5-80"), "prices lie between 10 and 90 cents"),
        (("--stakes", "5,x"), "not a decimal number"),
        (("--stakes", "5.001"), "stakes are whole cents"),
        (("--rho", "0.9"), "rho lies between 0 and 0.8"),
        (("--priced-rho", "-0.1"), "priced rho lies between 0 and 0.8"),
        (("--drift", "1"), "drift lies between 0 and 0.2"),
        (("--bias", "0.06"), "bias lies between -0.05 and 0.05"),
        (("--lots", "0.015"), "lots is a multiple of 0.01"),
        (("--slippage", "0.00001"), "slippage is a multiple of 0.0001"),
        (("--ratio", "0.1"), "ratio lies between 0.3 and 1"),
        (("--plot", "book.gif"), "--plot writes .png, .svg, .pdf: book.gif"),
        (("--plot", "nowhere/book.png"), "there is no folder nowhere"),
    ],
)
def test_what_makes_no_sense_is_told_in_one_line_and_where_it_is_explained(
    words: tuple[str, ...], line: str
) -> None:
    done = run(*words)
    assert (done.exit_code, done.stdout) == (2, "")
    assert line in done.stderr
    assert done.stderr.splitlines()[1:] == ["hedge-service: see docs/errors.md#wrong_use"]
