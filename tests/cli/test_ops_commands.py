"""Operators' commands: on the database alone, whether a service runs or not."""

from __future__ import annotations

import asyncio
import getpass
import json
import os
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import pytest
from click.testing import CliRunner

from hedge_service.cli import main
from hedge_service.core.money import Count, Money
from hedge_service.core.orders import AttemptState
from hedge_service.core.parlay import Mode
from hedge_service.core.reconcile_views import Difference, Kind, Outcome
from hedge_service.sandbox.credentials import generate_credentials
from hedge_service.store import halts, journal, leases, migrate, parlays, reconciliations
from hedge_service.store.db import Database
from hedge_service.store.schema import attempts, audit, intents, parlay_legs
from tests.store.parlay_samples import NOW, intent_of, planned, put_attempt, put_parlay, put_state
from tests.system.extension import SEA, WARM
from tests.system.sandbox_stage import open_sandbox
from tests.system.stage import knobs_of, serving

if TYPE_CHECKING:
    from collections.abc import Callable

    from click.testing import Result
    from sqlalchemy.engine import Connection

    from hedge_service.core.journal import Attempt
    from hedge_service.store.parlays import Parlay

T = TypeVar("T")
S = AttemptState
PROJECT = Path(__file__).parents[2]
WORD = ("--evidence", "order page, 12:05 UTC")


class Desk:
    """A migrated database and the commands that work on it."""

    def __init__(self, folder: Path) -> None:
        self.url = f"sqlite+aiosqlite:///{folder / 'hedge.db'}"
        self.do(migrate.upgrade)

    def do(self, work: Callable[[Connection], T]) -> T:
        """Run a unit of work of the test's own."""

        async def run() -> T:
            async with Database(self.url) as database:
                return await database.write(work)

        return asyncio.run(run())

    def run(self, *arguments: str, url: str | None = None, **knobs: str) -> Result:
        environ = {f"HEDGE_{name}": value for name, value in knobs.items()}
        environ["HEDGE_DATABASE__URL"] = self.url if url is None else url
        return CliRunner().invoke(main, arguments, env=environ)

    def ok(self, *arguments: str, **knobs: str) -> str:
        result = self.run(*arguments, **knobs)
        assert result.exit_code == 0, result.output
        return result.output

    def json(self, *arguments: str) -> Any:
        return json.loads(self.ok(*arguments, "--json"))

    def audited(self) -> list[tuple[str, str, str, str]]:
        rows = self.do(lambda tx: tx.execute(audit.select().order_by(audit.c.id)).all())
        return [(row.actor, row.action, row.subject, row.reason) for row in rows]

    def park(self) -> Attempt:
        """Store an order of ten contracts at 67 cents whose outcome nobody knows."""

        def put(tx: Connection) -> Attempt:
            attempt = journal.sending(tx, put_attempt(tx), epoch=1, at=NOW)
            return put_state(tx, attempt, S.UNKNOWN, S.PARKED)

        return self.do(put)


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Desk:
    # Neither this project's config.toml nor anybody's .env belongs to the test.
    monkeypatch.chdir(tmp_path)
    for name in [name for name in os.environ if name.startswith(("HEDGE_", "KALSHI_", "STRIPE_"))]:
        monkeypatch.delenv(name)
    return Desk(tmp_path)


def foreign(name: str = "hs-from-another-life") -> Difference:
    return Difference(kind=Kind.FOREIGN_ORDER, subject=name, ours="no such order", theirs="executed")


def test_halt_and_resume_are_acts_of_a_person(desk: Desk) -> None:
    assert desk.ok("halt", "--reason", "the exchange acts up") == "sending is halted\n"
    assert desk.do(halts.reason) == "the exchange acts up"
    assert "stays halted; before: the exchange acts up" in desk.ok("halt", "--reason", "still")
    assert desk.ok("resume", "--reason", "it is quiet") == "sending is resumed; it was halted: still\n"
    assert desk.do(halts.reason) is None
    assert desk.ok("resume", "--reason", "again") == "sending was not halted\n"
    me = getpass.getuser()
    assert desk.audited() == [
        (me, "halt", "sending", "the exchange acts up"),
        (me, "halt", "sending", "still"),
        (me, "resume", "sending", "it is quiet"),
    ]


def test_resume_accepts_the_orders_that_it_was_halted_for_by_id(desk: Desk) -> None:
    unconfirmed = Difference(
        kind=Kind.POSITION_DIFFERS, subject="KXA-1", ours="1.00", theirs="2.00", figure="1.00"
    )

    def halt(tx: Connection) -> None:
        both = (foreign(), unconfirmed)
        halts.put(tx, halted=True, reason="restored", actor="start-up", at=NOW)
        reconciliations.put(tx, Outcome(differences=both, mismatch=(foreign(),)), NOW)

    desk.do(halt)
    said = desk.ok("resume", "--reason", "from the old machine, checked")
    assert "accepted: foreign_order hs-from-another-life" in said
    assert "KXA-1" not in said
    assert desk.do(reconciliations.acknowledged) == {foreign().acknowledged_as}


def test_what_was_a_mismatch_before_the_last_resume_is_not_accepted_again(desk: Desk) -> None:
    def before(tx: Connection) -> None:
        reconciliations.put(tx, Outcome(differences=(foreign(),), mismatch=(foreign(),)), NOW)
        later = NOW + timedelta(minutes=1)
        halts.put(tx, halted=False, reason="fine", actor="ann", at=later)
        halts.put(tx, halted=True, reason="maintenance", actor="ann", at=later)

    desk.do(before)
    assert "accepted" not in desk.ok("resume", "--reason", "over")


@pytest.mark.parametrize(
    "arguments",
    [
        ("halt",),
        ("halt", "--reason", "  "),
        ("resume",),
        ("resolve", "hs-1"),
        ("resolve", "hs-1", "--as", "maybe", *WORD),
        ("resolve", "hs-1", "--as", "absent"),
        ("resolve", "hs-1", "--as", "absent", "--evidence", ""),
        ("resolve", "hs-1", "--as", "absent", "--count", "1", *WORD),
        ("resolve", "hs-1", "--as", "filled", *WORD),
        ("resolve", "hs-1", "--as", "filled", "--count", "1", *WORD),
        ("resolve", "hs-1", "--as", "filled", "--count", "0.001", "--price", "0.5", *WORD),
        ("resolve", "hs-1", "--as", "filled", "--count", "1", "--price", "1.5", *WORD),
        ("resolve", "hs-1", "--as", "filled", "--count", "1", "--price", "x", *WORD),
        ("resolve", "hs-1", "--as", "filled", "--count", "1", "--price", "0.5", "--fees", "-1", *WORD),
        ("rehedge",),
        ("status", "--yaml"),
    ],
)
def test_wrong_use_ends_with_2(desk: Desk, arguments: tuple[str, ...]) -> None:
    result = desk.run(*arguments)
    assert result.exit_code == 2, result.output
    assert desk.audited() == []


@pytest.mark.parametrize("command", [("status",), ("parked",), ("halt", "--reason", "x"), ("reconcile",)])
def test_a_database_that_is_not_there_is_not_made(
    desk: Desk, tmp_path: Path, command: tuple[str, ...]
) -> None:
    missing = tmp_path / "nowhere.db"
    result = desk.run(*command, url=f"sqlite+aiosqlite:///{missing}")
    assert result.exit_code == 1
    assert "there is no database at" in result.output
    assert not missing.exists()


def test_a_database_of_another_environment_is_left_alone(desk: Desk) -> None:
    from hedge_service.store import identity

    desk.do(lambda tx: identity.claim(tx, {"environment": "production"}))
    result = desk.run("halt", "--reason", "wrong window")
    assert (result.exit_code, desk.do(halts.reason)) == (1, None)
    assert "the database belongs to environment 'production'" in result.output


def test_an_empty_file_is_told_to_be_migrated(desk: Desk, tmp_path: Path) -> None:
    (tmp_path / "empty.db").touch()
    result = desk.run("status", url=f"sqlite+aiosqlite:///{tmp_path / 'empty.db'}")
    assert (result.exit_code, "hedge-service migrate" in result.output) == (1, True)


def test_the_status_of_a_new_database(desk: Desk) -> None:
    assert desk.json("status") == {
        "mode": "dry_run",
        "environment": "demo",
        "account": "demo/main/0",
        "halted": False,
        "halt": None,
        "sender": None,
        "parlays": {},
        "orders": {
            state: {"count": 0, "oldest_age_s": None}
            for state in ("planned", "sending", "resting", "unknown", "parked")
        },
        "inbox": {"count": 0, "oldest_age_s": None},
        "parked_payments": 0,
        "day": {"reserved_dollars": "0.00", "cap_dollars": "1000.00"},
        "open_payout": {"dollars": "0.00", "cap_dollars": "5000.00"},
        "reconciliation": None,
    }


def test_the_status_tells_what_waits_and_since_when(desk: Desk) -> None:
    desk.park()
    now = datetime.now(UTC)

    def put(tx: Connection) -> None:
        leases.take(tx, "demo/main/0", "host:1", now=now, until=now + timedelta(hours=1))
        leases.reconciled(tx, "demo/main/0", 1, now)
        halts.put(tx, halted=True, reason="maintenance", actor="ann", at=now)
        reconciliations.put(tx, Outcome(differences=(foreign(),), mismatch=(foreign(),)), now)
        tx.execute(intents.update().values(created_ms=int(now.timestamp() * 1000)))

    desk.do(put)
    seen = desk.json("status")
    assert (seen["halted"], seen["halt"]["reason"], seen["halt"]["by"]) == (True, "maintenance", "ann")
    assert (seen["sender"]["holder"], seen["sender"]["epoch"], seen["sender"]["live"]) == ("host:1", 1, True)
    assert seen["parlays"] == {"open": 1}
    assert seen["orders"]["parked"]["count"] == 1
    assert isinstance(seen["orders"]["parked"]["oldest_age_s"], float)
    assert (seen["day"]["reserved_dollars"], seen["open_payout"]["dollars"]) == ("7.00", "30.00")
    assert seen["reconciliation"]["result"] == "mismatch"
    assert seen["reconciliation"]["differences"][0]["subject"] == "hs-from-another-life"
    told = desk.ok("status")
    assert "HALTED by ann: maintenance" in told
    assert "host:1, epoch 1, ready" in told
    assert "differs: foreign_order hs-from-another-life" in told


def test_a_parked_order_is_shown_with_what_was_tried_and_how_to_end_it(desk: Desk) -> None:
    assert desk.ok("parked") == "nothing is parked\n"
    assert desk.json("parked") == {"parked": []}
    attempt = desk.park()
    (one,) = desk.json("parked")["parked"]
    assert (one["client_order_id"], one["ticker"], one["side"]) == (
        attempt.client_order_id,
        "KXA-1-SEA",
        "bid",
    )
    assert (one["count"], one["price"], one["sends"]) == ("10.00", "0.6700", 1)
    assert one["first_sent_at"] == NOW.isoformat()
    assert [each["event"] for each in one["tried"]] == ["order.sending", "order.moved", "order.moved"]
    told = desk.ok("parked")
    for command in one["commands"].values():
        assert command in told
        assert command.startswith(f"hedge-service resolve {attempt.client_order_id} --as ")


def test_the_commands_that_parked_prints_work_as_printed(desk: Desk) -> None:
    attempt = desk.park()
    command = desk.json("parked")["parked"][0]["commands"]["filled"]
    words = command.removeprefix("hedge-service ").replace('"..."', "seen").split()
    desk.ok(*words)
    assert desk.do(lambda tx: journal.get(tx, attempt.client_order_id)).state is S.FILLED


def test_an_order_resolved_as_absent_ends_without_a_contract(desk: Desk) -> None:
    attempt = desk.park()
    said = desk.ok("resolve", attempt.client_order_id, "--as", "absent", *WORD)
    assert said == f"{attempt.client_order_id} is cancelled, 0.00 of 10.00 filled\n"
    ended = desk.do(lambda tx: journal.get(tx, attempt.client_order_id))
    intent, _ = desk.do(lambda tx: journal.load(tx, attempt.intent_id))
    assert (ended.state, ended.filled, ended.order_id) == (S.CANCELLED, Count.ZERO, None)
    # Its time was over: it ends with its order, and no longer counts against the caps.
    assert intent.end_reason == "ttl_over"
    assert desk.do(lambda tx: journal.reserved_since(tx, NOW)) == Money.ZERO
    assert desk.audited() == [
        (getpass.getuser(), "resolve", attempt.client_order_id, "order page, 12:05 UTC")
    ]
    assert desk.ok("parked") == "nothing is parked\n"


def test_an_order_resolved_as_filled_is_booked_on_the_persons_word(desk: Desk) -> None:
    from hedge_service.core.ledger import Account
    from hedge_service.store import ledger, positions

    attempt = desk.park()
    figures = ("--count", "4", "--price", "0.655", "--fees", "0.07")
    desk.ok("resolve", attempt.client_order_id, "--as", "filled", *figures, *WORD)
    ended = desk.do(lambda tx: journal.get(tx, attempt.client_order_id))
    assert (ended.state, str(ended.filled)) == (S.CANCELLED, "4.00")
    assert (ended.cost, ended.fees) == (Money.of("2.62"), Money.of("0.07"))
    held = desk.do(lambda tx: positions.held(tx, "KXA-1-SEA"))
    assert held is not None
    assert (str(held.count), held.cost) == ("4.00", Money.of("2.62"))
    assert desk.do(ledger.balances)[Account.EXCHANGE_CASH] == -Money.of("2.69")
    assert desk.do(lambda tx: journal.reserved_since(tx, NOW)) == Money.of("2.69")


def test_with_the_exchanges_order_id_the_executions_are_left_to_the_service(desk: Desk) -> None:
    from hedge_service.store import fills

    attempt = desk.park()
    figures = ("--count", "10", "--price", "0.67", "--order-id", "order-77")
    desk.ok("resolve", attempt.client_order_id, "--as", "filled", *figures, *WORD)
    ended = desk.do(lambda tx: journal.get(tx, attempt.client_order_id))
    assert (ended.state, ended.order_id) == (S.FILLED, "order-77")
    (waiting,) = desk.do(lambda tx: fills.unbooked(tx, 10))
    assert waiting.order_id == "order-77"


def test_only_a_parked_order_is_resolved(desk: Desk) -> None:
    planned_one = desk.do(put_attempt)
    refused = desk.run("resolve", planned_one.client_order_id, "--as", "absent", *WORD)
    assert refused.exit_code == 1
    assert "is planned, not parked" in refused.output
    unknown = desk.run("resolve", "hs-nobodys", "--as", "absent", *WORD)
    assert (unknown.exit_code, "there is no order hs-nobodys" in unknown.output) == (1, True)
    assert desk.audited() == []


def test_more_than_was_ordered_can_not_have_filled(desk: Desk) -> None:
    attempt = desk.park()
    figures = ("--count", "10.01", "--price", "0.67")
    result = desk.run("resolve", attempt.client_order_id, "--as", "filled", *figures, *WORD)
    assert (result.exit_code, "it can't have filled 10.01" in result.output) == (1, True)
    assert desk.do(lambda tx: journal.get(tx, attempt.client_order_id)).state is S.PARKED


def hedged(tx: Connection, *, filled: str = "1", state: S = S.CANCELLED) -> Parlay:
    """Store a parlay of three legs wanting three contracts each; leg 1 has an ended intent."""
    parlay = put_parlay(tx)
    intent = intent_of(parlay, contracts="3")
    journal.put_intent(tx, intent)
    attempt = journal.sending(tx, journal.plan(tx, planned(intent)), epoch=1, at=NOW)
    put_state(tx, attempt, state)
    bought = {"fill_centis": Count.of(filled).centis, "cost_micros": 650_000}
    tx.execute(attempts.update().values(**bought))
    if state.ended:
        journal.end_intent(tx, intent.id, "attempts_used", NOW)
    return parlay


def test_rehedge_tries_for_the_rest_at_the_plans_own_limits(desk: Desk) -> None:
    parlay = desk.do(hedged)
    said = desk.ok("rehedge", parlay.id, "--reason", "the book has refilled")
    assert "leg 1: bid 2.00 of KXA-1-SEA at 0.6700" in said
    # Legs without an order yet: the quote's ask of 65 cents and 2 cents of slippage.
    assert "leg 2: bid 3.00 of KXB-1-BOS at 0.6700" in said
    made = desk.do(lambda tx: journal.of_parlay(tx, parlay.id))
    assert [(one.leg, one.sequence, str(one.count)) for one, _ in made] == [
        (1, 1, "3.00"),
        (1, 2, "2.00"),
        (2, 1, "3.00"),
        (3, 1, "3.00"),
    ]
    new = [one for one, _ in made if one.ended_at is None]
    assert len(new) == 3
    assert all(one.expires_at - one.created_at == timedelta(seconds=120) for one in new)
    assert desk.audited() == [(getpass.getuser(), "rehedge", parlay.id, "the book has refilled")]


def test_rehedge_leaves_alone_what_is_hedged_under_way_or_settled(desk: Desk) -> None:
    parlay = desk.do(lambda tx: hedged(tx, filled="3", state=S.FILLED))
    desk.do(lambda tx: tx.execute(parlay_legs.update().where(parlay_legs.c.leg == 2).values(settled_ms=1)))
    said = desk.ok("rehedge", parlay.id)
    assert "leg 1: no order (hedged)" in said
    assert "leg 2: no order (market_over)" in said
    assert "leg 3: bid 3.00" in said
    again = desk.run("rehedge", parlay.id)
    assert (again.exit_code, "leg 3: no order (under_way)" in again.output) == (1, True)


def test_rehedge_keeps_within_the_caps(desk: Desk) -> None:
    parlay = desk.do(hedged)
    result = desk.run("rehedge", parlay.id, LIMITS__MAX_ORDER_DOLLARS="1.00")
    assert (result.exit_code, result.output.count("no order (order_cap)")) == (1, 3)
    caps = {"LIMITS__MAX_ORDER_DOLLARS": "3", "LIMITS__MAX_PARLAY_HEDGE_DOLLARS": "4"}
    said = desk.ok("rehedge", parlay.id, **caps)
    assert said.count("no order (parlay_cap)") == 2


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"state": "lost"}, "is lost: only an open parlay is hedged"),
        ({"mode": Mode.DRY_RUN.value}, "was taken in dry run"),
    ],
)
def test_rehedge_refuses_what_is_not_open_or_was_never_real(
    desk: Desk, change: dict[str, str], why: str
) -> None:
    from hedge_service.store.schema import parlays as rows

    parlay = desk.do(hedged)
    desk.do(lambda tx: tx.execute(rows.update().values(**change)))
    result = desk.run("rehedge", parlay.id)
    assert (result.exit_code, why in result.output) == (1, True)
    assert desk.do(lambda tx: parlays.get(tx, "par_none")) is None
    assert "there is no parlay par_none" in desk.run("rehedge", "par_none").output


async def hedge_service(folder: Path, environ: dict[str, str], *arguments: str) -> tuple[int, str, str]:
    """Run a command as a process of its own."""
    plain = {name: os.environ[name] for name in ("PATH", "HOME", "TMPDIR") if name in os.environ}
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "hedge_service", *arguments),
        cwd=folder,
        env={**plain, "PYTHONPATH": str(PROJECT), **environ},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await process.communicate()
    assert process.returncode is not None
    return process.returncode, out.decode(), err.decode()


async def test_commands_beside_a_running_service(tmp_path: Path) -> None:
    url = f"sqlite+aiosqlite:///{tmp_path / 'hedge.db'}"
    knobs = {"KALSHI__QUIET_S": "0", "KALSHI__RECONCILE_EVERY_S": "3600"}
    async with (
        open_sandbox(generate_credentials()) as sandbox,
        serving(sandbox, tmp_path, knobs) as stage,
    ):
        environ = knobs_of(sandbox, {**knobs, "DATABASE__URL": url})
        await stage.events.one("reconciliation.finished")
        await stage.summary(await stage.bought(SEA, WARM), outcome="executed")
        await stage.events.one("fill.booked")

        status, out, err = await hedge_service(tmp_path, environ, "reconcile", "--json")
        assert (status, json.loads(out)["result"]) == (0, "agrees"), err
        assert "reconciliation.finished" in err

        assert (await hedge_service(tmp_path, environ, "halt", "--reason", "look"))[0] == 0
        refused = await stage.extension.ask(5, [(await stage.extension.save(WARM))[-1]])
        assert (refused.status, refused.code) == (503, "halted")
        assert (await hedge_service(tmp_path, environ, "resume", "--reason", "seen"))[0] == 0

        sandbox.place(
            {
                "ticker": WARM,
                "client_order_id": "typed-in",
                "side": "bid",
                "count": "2.00",
                "price": "0.6900",
                "time_in_force": "immediate_or_cancel",
                "self_trade_prevention_type": "taker_at_cross",
            }
        )
        status, out, _ = await hedge_service(tmp_path, environ, "reconcile", "--json")
        (one,) = json.loads(out)["differences"]
        assert (status, one["kind"], one["mismatch"]) == (1, "trade_of_others", True)
        status, out, _ = await hedge_service(tmp_path, environ, "status", "--json")
        assert json.loads(out)["halt"]["reason"].startswith("reconciliation mismatch: trade_of_others")
        status, out, _ = await hedge_service(tmp_path, environ, "resume", "--reason", "mine")
        assert (status, "accepted: trade_of_others" in out) == (0, True)
