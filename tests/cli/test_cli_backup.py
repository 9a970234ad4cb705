"""`backup`: a checked copy that takes no file's place."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

from tests.store.parlay_samples import put_parlay

if TYPE_CHECKING:
    from pathlib import Path

    from tests.cli.ops_desk import Desk


def parlays_in(path: Path) -> int:
    with closing(sqlite3.connect(path)) as copy:
        return int(copy.execute("SELECT count(*) FROM parlays").fetchone()[0])


def test_the_copy_is_whole_and_one_file_for_its_owner_alone(desk: Desk, tmp_path: Path) -> None:
    desk.do(put_parlay)
    target = tmp_path / "copies" / "one.db"
    target.parent.mkdir()
    told = json.loads(desk.ok("backup", str(target), "--json"))
    assert told["size_bytes"] == target.stat().st_size
    assert target.stat().st_mode & 0o777 == 0o600
    assert parlays_in(target) == 1
    assert [file.name for file in target.parent.iterdir()] == ["one.db"]


def test_what_is_written_later_is_not_in_the_copy_and_the_copy_works_in_its_place(
    desk: Desk, tmp_path: Path
) -> None:
    target = tmp_path / "copy.db"
    desk.ok("backup", str(target))
    desk.do(put_parlay)
    assert parlays_in(target) == 0
    url = f"sqlite+aiosqlite:///{target}"
    assert desk.run("status", "--json", url=url).exit_code == 0


def test_a_file_that_is_there_is_never_replaced(desk: Desk, tmp_path: Path) -> None:
    target = tmp_path / "precious.txt"
    target.write_text("not a database")
    done = desk.run("backup", str(target))
    assert (done.exit_code, target.read_text()) == (1, "not a database")
    assert "is there already" in done.output
    assert not target.with_name("precious.txt.part").exists()


def test_a_copy_that_another_run_is_making_is_left_alone(desk: Desk, tmp_path: Path) -> None:
    part = tmp_path / "copy.db.part"
    part.write_text("of another")
    assert "is in the way" in desk.run("backup", str(tmp_path / "copy.db")).output
    assert part.read_text() == "of another"


def test_without_a_database_or_a_folder_there_is_no_copy(desk: Desk, tmp_path: Path) -> None:
    missing = desk.run("backup", str(tmp_path / "x.db"), url="sqlite+aiosqlite:///nowhere.db")
    assert (missing.exit_code, "there is no database" in missing.output) == (1, True)
    assert desk.run("backup", str(tmp_path / "nowhere" / "x.db")).exit_code == 1


def test_a_damaged_database_gives_no_copy(desk: Desk, tmp_path: Path) -> None:
    torn = tmp_path / "torn.db"
    torn.write_bytes((tmp_path / "hedge.db").read_bytes()[:20_000])
    target = tmp_path / "copy.db"
    done = desk.run("backup", str(target), url=f"sqlite+aiosqlite:///{torn}")
    assert (done.exit_code, target.exists()) == (1, False)
    assert list(tmp_path.glob("*.part")) == []
