"""`migrate --from --to`: all of it arrives, nothing else is let in, and never can both sides send."""

from __future__ import annotations

import asyncio
import json
import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import func, select, text

from hedge_service.core.ledger import Account
from hedge_service.core.parlay import Mode
from hedge_service.flow.moving import BACK_POINTS, POINTS, Moving
from hedge_service.flow.operating import Operator
from hedge_service.store import bets, halts, leases, ledger, moves
from hedge_service.store.move_target import Target
from hedge_service.store.schema import audit, inbox, ledger_postings, quotes
from tests.cli.move_stage import MANY, MoveStage, put_content, unbalance, writes
from tests.store.parlay_samples import NOW, new_bet

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sqlalchemy.engine import Connection

    from tests.cli.ops_desk import Desk
    from tests.postgres_server import Server


@pytest.fixture(scope="module")
def empty(server: Server) -> str:
    """Give one database for all tests: to make one, and to remove its files, takes longer than a test."""
    return server.empty()


@pytest.fixture
def stage(desk: Desk, server: Server, empty: str) -> Iterator[MoveStage]:
    desk.do(put_content)
    yield MoveStage(desk, empty)
    name = empty.partition("@/")[2].partition("?")[0]
    server.ask(name, "DROP SCHEMA public CASCADE")
    server.ask(name, "CREATE SCHEMA public")


def run_on(tx: Connection) -> None:
    """Have a service run on the database."""
    now = datetime.now(UTC)
    until = now + timedelta(minutes=5)
    assert leases.take(tx, "sandbox/main/0", leases.holder_of("p", Mode.LIVE), now=now, until=until)


def test_everything_is_moved_compared_and_told(stage: MoveStage) -> None:
    balances = stage.desk.do(ledger.balances)
    done = stage.migrate("--json")
    assert done.exit_code == 0, done.output
    told = json.loads(done.stdout)
    assert (told["moved"], told["differences"]) == (True, [])
    assert told["source"]["tables"] == told["target"]["tables"]
    assert told["target"]["tables"]["audit"]["rows"] == MANY + 1
    assert told["target"]["tables"]["fills"]["sums"]["cost_micros"] == 2_600_000
    assert told["target"]["ledger_sum_micros"] == 0
    assert balances[Account.POSITIONS].micros > 0
    assert stage.there(ledger.balances) == balances
    assert stage.there(lambda tx: tx.execute(select(inbox.c.payload)).scalar_one()) == b"\x00\xff"
    assert stage.able() == (False, True)


def test_ids_go_on_past_the_highest_that_was_ever_given(stage: MoveStage) -> None:
    """The last bet was deleted: its id must not come to mean another bet."""
    last = text("SELECT seq FROM sqlite_sequence WHERE name = 'bets'")
    given = stage.desk.do(lambda tx: tx.execute(last).scalar_one())
    assert stage.migrate().exit_code == 0
    assert stage.there(lambda tx: bets.add(tx, new_bet("KXN-1-NEW"), NOW)).id == given + 1
    stage.there(lambda tx: halts.put(tx, halted=True, reason="again", actor="ann", at=NOW))


def test_the_target_arrives_halted_with_its_past_and_the_epoch_goes_on_rising(stage: MoveStage) -> None:
    shown = stage.migrate()
    assert "new ids follow the old ones" in shown.output
    assert stage.there(halts.reason) == f"moved to {stage.target}; resume when ready"
    lease = stage.there(lambda tx: leases.read(tx, "sandbox/main/0"))
    assert lease is not None
    assert lease.epoch == 1
    stage.there(run_on)
    taken = stage.there(lambda tx: leases.read(tx, "sandbox/main/0"))
    assert taken is not None
    assert taken.epoch == 2


@pytest.mark.parametrize(
    "command",
    [
        ("halt", "--reason", "x"),
        ("resume", "--reason", "x"),
        ("serve",),
        ("migrate",),
        ("rehedge", "par_0123456789abcdef0123456789abcdef"),
        ("payout", "user_1", "--amount", "1.00", "--reference", "w", "--reason", "x"),
    ],
)
def test_a_retired_source_refuses_with_the_address_of_its_successor(
    stage: MoveStage, command: tuple[str, ...]
) -> None:
    assert stage.migrate().exit_code == 0
    refused = stage.desk.run(*command)
    assert refused.exit_code in (1, 2)
    assert f"moved to {stage.target} and is retired" in refused.stderr
    assert "docs/errors.md#database_moved" in refused.stderr


def test_a_retired_source_can_be_read_and_says_that_it_is_old(stage: MoveStage) -> None:
    assert stage.migrate().exit_code == 0
    sandbox = {"KALSHI__ENVIRONMENT": "sandbox", "KALSHI__BASE_URL": "http://127.0.0.1:1/trade-api/v2"}
    read = stage.desk.run("status", "--json", **sandbox)
    assert read.exit_code == 0, read.output
    assert "is retired" in read.stderr
    assert json.loads(read.stdout)["parlays"]


def test_moving_again_changes_nothing(stage: MoveStage, server: Server) -> None:
    assert stage.migrate().exit_code == 0
    assert "nothing was done" in stage.migrate().output
    elsewhere = stage.migrate(target=server.empty())
    assert (elsewhere.exit_code, "holds no such move" in elsewhere.output) == (1, True)
    assert stage.able() == (False, True)


def lifted(tx: Connection) -> None:
    halts.put(tx, halted=False, reason="fine", actor="ann", at=NOW)


def older(tx: Connection) -> None:
    tx.execute(text("UPDATE alembic_version SET version_num = '0001'"))


def newer(tx: Connection) -> None:
    tx.execute(text("UPDATE alembic_version SET version_num = '9999'"))


def odd_text(tx: Connection) -> None:
    tx.execute(quotes.update().values(strategy="b\x00d"))


def odd_number(tx: Connection) -> None:
    tx.execute(text("UPDATE quotes SET stake_micros = 0.5"))


@pytest.mark.parametrize(
    ("spoil", "code"),
    [
        (lifted, "source_not_halted"),
        (run_on, "source_in_use"),
        (older, "database_older"),
        (newer, "database_newer"),
        (unbalance, "source_damaged"),
        (odd_text, "target_failed"),
        (odd_number, "target_failed"),
    ],
)
def test_a_source_that_is_not_ready_is_left_as_it_is(
    stage: MoveStage, spoil: Callable[[Connection], None], code: str
) -> None:
    stage.desk.do(spoil)
    refused = stage.migrate()
    assert (refused.exit_code, f"docs/errors.md#{code}" in refused.output) == (1, True), refused.output
    assert "Traceback" not in refused.output
    assert stage.able() == (True, False)
    assert "move" not in [row[1] for row in stage.desk.audited()]


def test_references_to_nothing_are_found_before_anything_is_copied(stage: MoveStage) -> None:
    with closing(sqlite3.connect(stage.file)) as raw:
        raw.execute("UPDATE fills SET parlay_id = 'par_lost'")
        raw.commit()
    assert "fills.parlay_id points to rows that are not there" in stage.migrate().output


def test_what_is_no_database_is_refused(stage: MoveStage) -> None:
    away = stage.migrate(source=f"sqlite+aiosqlite:///{stage.file}.away")
    assert (away.exit_code, "database_missing" in away.output) == (1, True)
    torn = stage.file.with_name("torn.db")
    torn.write_bytes(b"not a database" * 100)
    assert stage.migrate(source=f"sqlite+aiosqlite:///{torn}").exit_code == 1


def with_a_table(tx: Connection) -> None:
    tx.execute(text("CREATE TABLE somebody_elses (id int)"))


def migrated_with_a_bet(tx: Connection) -> None:
    from hedge_service.store import migrate

    migrate.upgrade(tx)
    bets.add(tx, new_bet("KXN-1-NEW"), NOW)


def arriving_from_another(tx: Connection) -> None:
    from hedge_service.store import migrate

    migrate.upgrade(tx)
    moves.put(tx, moves.ARRIVING, "another")


@pytest.mark.parametrize("spoil", [with_a_table, migrated_with_a_bet, arriving_from_another])
def test_a_target_that_holds_anything_else_is_refused(
    stage: MoveStage, spoil: Callable[[Connection], None]
) -> None:
    stage.there(spoil)
    refused = stage.migrate()
    assert (refused.exit_code, "docs/errors.md#target_not_empty" in refused.output) == (1, True)
    assert stage.able()[0]


def test_a_target_that_was_migrated_and_not_used_is_empty(stage: MoveStage) -> None:
    from hedge_service.store import migrate

    stage.there(migrate.upgrade)
    assert stage.migrate().exit_code == 0


def test_a_server_that_is_away_is_told_without_the_password(stage: MoveStage) -> None:
    away = "postgresql+asyncpg://hedge:verysecret@127.0.0.1:1/hedge"
    refused = stage.migrate(target=away)
    assert (refused.exit_code, "target_failed" in refused.output) == (1, True)
    assert "verysecret" not in refused.output
    assert stage.able()[0]


@pytest.mark.parametrize(
    "arguments",
    [
        ("--from", "sqlite+aiosqlite:///a.db"),
        ("--to", "postgresql+asyncpg://u@h/d"),
        ("--back",),
        ("--from", "sqlite+aiosqlite:///a.db", "--to", "sqlite+aiosqlite:///b.db"),
        ("--from", "postgresql+asyncpg://u:verysecret@h/d", "--to", "postgresql+asyncpg://u@h/d"),
        ("--from", "sqlite+aiosqlite:///a.db", "--to", "mysql://u:verysecret@h/d"),
    ],
)
def test_wrong_use_ends_with_2_and_quotes_no_password(desk: Desk, arguments: tuple[str, ...]) -> None:
    refused = desk.run("migrate", *arguments)
    assert refused.exit_code == 2, refused.output
    assert "verysecret" not in refused.output


def test_the_password_goes_nowhere(stage: MoveStage) -> None:
    open_target = stage.target.replace("hedge@", "hedge:verysecret@")
    done = stage.migrate(target=open_target)
    assert done.exit_code == 0, done.output
    assert "verysecret" not in done.output
    assert b"verysecret" not in stage.file.read_bytes()
    assert stage.there(halts.reason) == f"moved to {stage.target}; resume when ready"


# What source and target can do after a kill at each point, and after running the same command again.
BEFORE, NEITHER, AFTER = (True, False), (False, False), (False, True)
CUT: dict[str, tuple[bool, bool]] = {
    "move.named": BEFORE,
    "move.claimed": BEFORE,
    "move.copying#2": BEFORE,
    "move.filled": BEFORE,
    "move.verified": BEFORE,
    "move.retiring": BEFORE,
    "move.retired": NEITHER,
    "move.opened": AFTER,
}
CUT_BACK: dict[str, tuple[bool, bool]] = {
    "back.closed": NEITHER,
    "back.reopening": NEITHER,
    "back.reopened": BEFORE,
}


def test_every_point_is_cut() -> None:
    assert tuple(point.partition("#")[0] for point in CUT) == POINTS
    assert tuple(CUT_BACK) == BACK_POINTS


@pytest.mark.parametrize("point", CUT)
def test_a_move_that_is_killed_leaves_one_able_side_at_most_and_ends_right_when_run_again(
    stage: MoveStage, point: str
) -> None:
    stage.killed_at(point)
    assert stage.able() == CUT[point]
    assert stage.migrate().exit_code == 0
    assert stage.able() == AFTER
    assert stage.there(lambda tx: tx.execute(select(func.count()).select_from(audit)).scalar()) == MANY + 1
    assert stage.there(ledger.balances) == stage.desk.do(ledger.balances)


@pytest.mark.parametrize("command", [("serve",), ("halt", "--reason", "x"), ("migrate",)])
def test_a_target_that_is_not_whole_serves_nobody(stage: MoveStage, command: tuple[str, ...]) -> None:
    stage.killed_at("move.filled")
    refused = stage.desk.run(*command, url=stage.target)
    assert refused.exit_code in (1, 2)
    assert "docs/errors.md#move_unfinished" in refused.stderr


def test_nobody_writes_to_the_source_while_it_is_copied_and_compared(stage: MoveStage) -> None:
    tried: dict[str, str] = {}

    def write_beside(point: str) -> None:
        with closing(sqlite3.connect(stage.file, timeout=0)) as raw:
            try:
                raw.execute("UPDATE leases SET epoch = epoch")
                tried[point] = "written"
            except sqlite3.Error as error:
                tried[point] = str(error)

    async def move() -> None:
        by = Operator(name="ann", reason="moved", at=datetime.now(UTC))
        async with Target(stage.target) as target:
            moving = Moving(source=stage.file, target=target, by=by, new_id=lambda: "m", probe=write_beside)
            await moving.move()

    asyncio.run(move())
    refused = f"the database was moved to {stage.target}"
    assert tried == {
        **dict.fromkeys(("move.named", "move.claimed"), "written"),
        **dict.fromkeys(
            ("move.copying", "move.filled", "move.verified", "move.retiring"), "database is locked"
        ),
        **dict.fromkeys(("move.retired", "move.opened"), refused),
    }


def test_a_source_that_went_on_after_a_killed_move_is_copied_anew(stage: MoveStage) -> None:
    stage.killed_at("move.verified")
    stage.desk.do(lambda tx: bets.add(tx, new_bet("KXN-1-NEW"), NOW))
    assert stage.migrate().exit_code == 0
    saved = stage.there(lambda tx: bets.of_user(tx, new_bet("x").user_id))
    assert "KXN-1-NEW" in {bet.ticker for bet in saved}


@pytest.mark.parametrize("point", CUT_BACK)
def test_going_back_can_be_cut_off_and_run_again(stage: MoveStage, point: str) -> None:
    assert stage.migrate().exit_code == 0
    stage.killed_at(point, "--back")
    assert stage.able() == CUT_BACK[point]
    assert stage.migrate("--back").exit_code == (1 if point == "back.reopened" else 0)
    assert stage.able() == BEFORE


def test_going_back_closes_the_target_for_those_who_ask_no_mark_and_can_be_gone_again(
    stage: MoveStage,
) -> None:
    assert stage.migrate().exit_code == 0
    assert "moved back" in stage.migrate("--back").output
    assert stage.able() == BEFORE
    assert not stage.there(writes)
    assert str(stage.desk.do(halts.reason)).startswith("moved back from")
    stage.desk.do(lambda tx: bets.add(tx, new_bet("KXN-1-NEW"), NOW))
    assert stage.migrate().exit_code == 0
    assert stage.able() == AFTER
    assert stage.there(writes)


def test_there_is_no_way_back_once_the_target_was_written_to(stage: MoveStage) -> None:
    assert stage.migrate().exit_code == 0
    stage.there(run_on)
    refused = stage.migrate("--back")
    assert (refused.exit_code, "written_since_move" in refused.output) == (1, True)
    assert "leases: the contents differ" in refused.output
    assert stage.able() == AFTER


def test_there_is_nothing_to_go_back_from_before_a_move(stage: MoveStage) -> None:
    assert "there is no move to undo" in stage.migrate("--back").output
    assert stage.able() == BEFORE


def test_a_row_that_changes_on_its_way_stops_the_move(stage: MoveStage) -> None:
    """The database itself spoils a row: sums and counts stay equal, the contents do not."""
    stage.killed_at("move.claimed")
    body = "BEGIN NEW.actor = 'eve'; RETURN NEW; END"
    function = text(f"CREATE FUNCTION spoil() RETURNS trigger LANGUAGE plpgsql AS $$ {body} $$")
    trigger = text("CREATE TRIGGER spoil BEFORE INSERT ON audit FOR EACH ROW EXECUTE FUNCTION spoil()")
    stage.there(lambda tx: (tx.execute(function), tx.execute(trigger)))
    refused = stage.migrate()
    assert (refused.exit_code, "docs/errors.md#move_differs" in refused.output) == (1, True), refused.output
    assert "audit: the contents differ" in refused.output
    assert "DIFFERS" in refused.output
    assert stage.able() == BEFORE


def test_the_ledger_s_own_sums_are_among_what_is_compared(stage: MoveStage) -> None:
    told = json.loads(stage.migrate("--json").stdout)
    micros = stage.there(lambda tx: tx.execute(select(func.sum(ledger_postings.c.micros))).scalar())
    assert told["target"]["tables"]["ledger_postings"]["sums"] == {"micros": 0}
    assert micros == 0
