"""Operators' commands on a PostgreSQL server: the same, but for the backup."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING

import pytest

from hedge_service.sandbox.credentials import generate_credentials
from tests.cli.ops_desk import Desk
from tests.cli.test_cli_check import check
from tests.postgres_server import in_a_loop
from tests.system.sandbox_stage import open_sandbox
from tests.system.stage import knobs_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.postgres_server import Server


@pytest.fixture
def desk(server: Server, tmp_path: Path) -> Iterator[Desk]:
    with server.lent() as url:
        yield Desk(tmp_path, url)


def test_an_operator_sees_and_does_what_he_does_on_a_file(desk: Desk) -> None:
    attempt = desk.park()
    assert desk.json("status")["halt"] is None
    desk.ok("halt", "--reason", "fire drill")
    assert desk.json("status")["halt"]["reason"] == "fire drill"
    desk.ok("resume", "--reason", "over")
    report = desk.run("report", "--json")
    # The sample was never paid for: the books say so, as they would on a file.
    assert (report.exit_code, json.loads(report.output)["adds_up"]) == (1, False)
    assert attempt.client_order_id in desk.ok("parked")
    words = ("--as", "absent", "--evidence", "not among the account's orders")
    desk.ok("resolve", attempt.client_order_id, *words)
    assert [word for _, word, _, _ in desk.audited()] == ["halt", "resume", "resolve"]


def test_a_backup_is_left_to_pg_dump(desk: Desk, tmp_path: Path) -> None:
    done = desk.run("backup", str(tmp_path / "copy.db"))
    assert done.exit_code == 2
    assert done.output.splitlines()[0].endswith("back it up with pg_dump")
    assert not (tmp_path / "copy.db").exists()


def test_a_database_that_is_not_there_is_told_in_a_line(desk: Desk, server: Server) -> None:
    url = server.url("nowhere").replace("hedge@", "hedge:a-password-of-ours@")
    for command in ("status", "report", "migrate"):
        done = desk.run(command, url=url)
        assert done.exit_code == 1
        assert 'database "nowhere" does not exist' in done.output.splitlines()[0]
        assert "a-password-of-ours" not in done.output


def test_migrate_makes_the_tables_of_an_empty_database(desk: Desk, server: Server) -> None:
    empty = server.empty()
    assert desk.run("status", url=empty).exit_code == 1
    assert desk.run("migrate", url=empty).exit_code == 0
    assert desk.run("status", url=empty).exit_code == 0


def test_the_check_looks_at_the_database(desk: Desk, tmp_path: Path) -> None:
    async def checked() -> tuple[int, str]:
        async with open_sandbox(generate_credentials()) as sandbox:
            environ = knobs_of(sandbox, {"DATABASE__URL": desk.url, "SERVICE__PORT": "1"})
            found = (await check(tmp_path, environ))[1]
            return len(found), json.dumps(found["database"])

    async def bounded() -> tuple[int, str]:
        async with asyncio.timeout(60):
            return await checked()

    count, database = in_a_loop(bounded)
    assert count > 10
    assert json.loads(database)["verdict"] == "pass"
