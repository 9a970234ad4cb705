"""Operators' commands: on the database alone, whether a service runs or not."""

from __future__ import annotations

import getpass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from hedge_service.cli import main
from hedge_service.core.money import Count, Money
from hedge_service.core.orders import AttemptState
from hedge_service.core.parlay import Mode
from hedge_service.core.reconcile_views import Difference, Kind, Outcome
from hedge_service.store import halts, journal, leases, payments, reconciliations, refunds
from hedge_service.store.payments import Payment, PaymentState
from hedge_service.store.schema import intents, order_events
from tests.store.parlay_samples import NOW, put_attempt, put_parlay

if TYPE_CHECKING:
    from pathlib import Path

    from sqlalchemy.engine import Connection

    from tests.cli.ops_desk import Desk


S = AttemptState
WORD = ("--evidence", "order page, 12:05 UTC")


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
    assert result.stderr.endswith("hedge-service: see docs/errors.md#wrong_use\n")
    assert desk.audited() == []


@pytest.mark.parametrize("command", [(), *((name,) for name in main.commands)])
def test_each_help_tells_every_exit_code(desk: Desk, command: tuple[str, ...]) -> None:
    told = " ".join(desk.ok(*command, "--help").split())
    assert "0 done, 1 failed, 2 wrong use or configuration, 70 a fault of ours, 130 broken off" in told


def test_a_command_that_is_broken_off_ends_with_130(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken_off(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("hedge_service.cli.ops.read", broken_off)
    result = desk.run("status")
    assert (result.exit_code, "Traceback" in result.output) == (130, False)


def test_a_fault_of_ours_ends_with_70_and_its_traceback(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    def faulty(*_: object) -> None:
        raise ZeroDivisionError("of nobody's making")

    monkeypatch.setattr("hedge_service.cli.ops.read", faulty)
    result = desk.run("status")
    assert (result.exit_code, "ZeroDivisionError: of nobody's making" in result.stderr) == (70, True)


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


def test_a_reason_does_nothing_to_the_terminal_that_shows_it(desk: Desk) -> None:
    desk.ok("halt", "--reason", "odd \x1b[31m[/x] fills")
    assert "odd [31m[/x] fills" in desk.ok("status")


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
        "refunds_unmade": {"count": 0, "oldest_age_s": None},
        "open_disputes": {"count": 0, "oldest_age_s": None},
        "day": {"reserved_dollars": "0.00", "cap_dollars": "1000.00"},
        "open_payout": {"dollars": "0.00", "cap_dollars": "5000.00"},
        "reconciliation": None,
    }


@pytest.mark.parametrize(
    ("left", "mode", "shown"),
    [
        (timedelta(hours=1), "live", "live (configured here: dry_run)"),
        (timedelta(0), "dry_run", "dry_run on"),
    ],
)
def test_the_mode_is_that_of_the_service_that_runs(
    desk: Desk, left: timedelta, mode: str, shown: str
) -> None:
    now, holder = datetime.now(UTC), leases.holder_of("host:1", Mode.LIVE)
    desk.do(lambda tx: leases.take(tx, "demo/main/0", holder, now=now, until=now + left))
    assert desk.json("status")["mode"] == mode
    assert shown in desk.ok("status")


def test_a_lease_that_was_given_up_does_not_expire_any_more(desk: Desk) -> None:
    now = datetime.now(UTC)

    def put(tx: Connection) -> None:
        leases.take(tx, "demo/main/0", "host:1", now=now, until=now + timedelta(hours=1))
        leases.release(tx, "demo/main/0", 1)

    desk.do(put)
    sender = desk.json("status")["sender"]
    assert (sender["live"], sender["expires_in_s"]) == (False, 0.0)


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
    assert desk.json("parked") == {"parked": [], "payments": []}
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


def test_acts_are_told_to_programs_too(desk: Desk) -> None:
    assert desk.json("halt", "--reason", "exchange acts up") == {"halted": True, "before": None}
    told = desk.json("resume", "--reason", "it is well again")
    assert told == {"halted": False, "was": "exchange acts up", "accepted": []}
    attempt = desk.park()
    ended = desk.json("resolve", attempt.client_order_id, "--as", "absent", *WORD)
    assert ended == {"state": "cancelled", "filled": "0.00", "count": "10.00"}


def test_a_parked_payment_is_shown_with_why_and_how_to_end_it(desk: Desk) -> None:
    paid = Payment(
        session_id="cs_secret",
        quote_id=None,
        event_id="evt_1",
        payment_intent="pi_1",
        amount_cents=500,
        currency="usd",
        paid_at=NOW,
        state=PaymentState.PARKED,
        reason="unknown_session",
    )
    desk.do(lambda tx: payments.put(tx, paid, NOW))
    (one,) = desk.json("parked")["payments"]
    assert (one["payment_intent"], one["why"], one["refund"]) == ("pi_1", "unknown_session", None)
    told = desk.ok("parked")
    assert "payment pi_1 of 5.00 usd" in told
    assert 'resolve-payment pi_1 --refund --reason "..."' in told
    assert told.endswith("1 parked payments\n")
    assert "cs_secret" not in told + str(one)
    desk.do(lambda tx: refunds.due(tx, "cs_secret", parlay_id=None, reason="paid_too_late", at=NOW))
    assert "its refund is due, asked for by the running service" in desk.ok("parked")
    assert desk.json("status")["refunds_unmade"]["count"] == 1


def test_the_commands_that_parked_prints_work_as_printed(desk: Desk) -> None:
    attempt = desk.park()
    command = desk.json("parked")["parked"][0]["commands"]["filled"]
    # An order that ends without it is booked twice once the exchange shows it.
    assert '--order-id "..."' in command
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


def test_a_price_beyond_the_limit_is_refused_as_a_slip(desk: Desk) -> None:
    attempt = desk.park()
    figures = ("--count", "10", "--price", "0.68")
    result = desk.run("resolve", attempt.client_order_id, "--as", "filled", *figures, *WORD)
    assert (result.exit_code, "its limit is 0.6700 (YES)" in result.output) == (1, True)
    assert desk.do(lambda tx: journal.get(tx, attempt.client_order_id)).state is S.PARKED


def test_what_was_tried_leaves_out_what_is_not_known(desk: Desk) -> None:
    attempt = desk.park()
    evidence = '{"reason": "timeout", "status": null, "code": ""}'
    desk.do(lambda tx: tx.execute(order_events.update().values(evidence=evidence)))
    told = desk.ok("parked")
    assert attempt.client_order_id in told
    assert told.count("reason timeout\n") == 3
    assert "None" not in told


def test_a_report_on_a_narrow_screen_cuts_no_figure_short(desk: Desk) -> None:
    parlay = desk.do(put_parlay)
    told = desk.run("report").output
    assert "…" not in told
    for word in (parlay.id, "payment fee", "open payout"):
        assert word in told
