"""The short forms of the proof, for every run of the tests; `make soak` and `make crash` are the whole."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

import pytest

from hedge_service.crash import PEER_POINTS
from tests.postgres_server import NoServer
from tests.proof.crash import Director
from tests.proof.crash_points import COMMANDS, NEVER, PACKAGE, all_points, units, units_in
from tests.proof.scenes import SETTINGS
from tests.proof.soak import Plan, soak

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

# Where it hurts: accepting, SENDING, the bytes, the reply, fills, settlement, claim.
DEATHS = (
    "commit.before:Intake._fulfil",
    "commit.after:Intake._fulfil",
    "commit.before:Wire._begin",
    "commit.after:Wire._begin",
    "exchange.after_write:POST",
    "exchange.after_reply:POST",
    "commit.after:LookUps._booking",
    "commit.before:Fills._storing",
    "commit.before:Settler._settlement",
    "commit.after:Accounts.claim",
)


@pytest.mark.timeout(600)
async def test_no_promise_is_broken_by_faults_and_kills(tmp_path: Path) -> None:
    # Four of these parlays win, one more than are refunded or disputed away: some claim is always left.
    plan = Plan(parlays=12, seed=13, fault_rate=0.4, kill_every_s=0, kill_every_sold=5, buyers=4)
    run = await soak(tmp_path, plan)
    assert run.problems == []
    assert run.refused == []
    assert run.sold == 12
    assert run.done["kills"] >= 2
    # Of the books: the answer to a claim may be lost in a kill.
    assert run.figures["claimed"] > 0


@pytest.mark.timeout(600)
async def test_no_promise_is_broken_by_two_processes_and_a_server_that_restarts(tmp_path: Path) -> None:
    plan = Plan(
        parlays=6,
        seed=7,
        fault_rate=0.2,
        kill_every_s=0,
        kill_every_sold=3,
        buyers=4,
        replicas=2,
        postgresql=True,
        shake_every_s=10,
    )
    try:
        run = await soak(tmp_path, plan)
    except NoServer as lack:
        pytest.skip(str(lack))
    assert run.problems == []
    assert run.sold > 0
    assert run.done["kills"] >= 1


@pytest.mark.timeout(600)
async def test_no_promise_is_broken_by_ten_deaths_in_one_life(tmp_path: Path) -> None:
    director = Director(tmp_path, jobs=1)
    await director.crash("patient", *DEATHS)
    assert director.report.problems == []
    assert director.report.reached == {*DEATHS}


async def test_every_point_that_a_run_reaches_is_in_the_list(tmp_path: Path) -> None:
    director = Director(tmp_path, jobs=1)
    reached = await director.record("plain")
    assert director.report.problems == []
    reads = {point for point in reached if point.endswith(":GET")}
    assert reached - reads <= set(all_points())
    assert set(PEER_POINTS[:3]) <= reached


def test_no_commit_of_a_serving_process_is_left_out_of_the_list() -> None:
    found = {name for path in _serving() for name in units_in(ast.parse(path.read_text()))}
    assert found == units()


def test_what_is_stated_as_never_reached_is_there() -> None:
    assert NEVER.keys() <= units()


def test_there_are_several_settings() -> None:
    assert len(SETTINGS) > 10


def _serving() -> Iterator[Path]:
    """Give every file of the product but operators' commands and the database itself."""
    for path in PACKAGE.rglob("*.py"):
        if path.name not in {*COMMANDS, "db.py", "sqlite.py"} and path.relative_to(PACKAGE).parts[0] not in {
            "cli",
            "demo",
        }:
            yield path
