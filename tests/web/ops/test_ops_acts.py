"""What operators do, on the page and as programs: the same acts, all of them audited."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from hedge_service.core.inbox import NewEvent
from hedge_service.core.money import Count, Money
from hedge_service.core.orders import AttemptState
from hedge_service.core.reconcile_views import Difference, Kind, Outcome
from hedge_service.logs import digest
from hedge_service.store import halts, inbox, journal, parlays, payments, reconciliations, refunds
from hedge_service.store.payments import Payment, PaymentState
from hedge_service.store.schema import audit
from hedge_service.store.schema import inbox as inbox_rows
from hedge_service.store.schema import parlays as parlay_rows
from tests.store.parlay_samples import NOW, USER, put_attempt, put_parlay, put_sent, put_state

if TYPE_CHECKING:
    from sqlalchemy.engine import Connection

    from hedge_service.core.journal import Attempt
    from hedge_service.store.db import Database
    from tests.web.ops.ops_stage import OpsStage, StageClock

S = AttemptState


async def audited(database: Database) -> list[tuple[str, str, str, str]]:
    rows = await database.read(lambda tx: tx.execute(audit.select().order_by(audit.c.id)).all())
    return [(row.actor, row.action, row.subject, row.reason) for row in rows]


def park(tx: Connection) -> Attempt:
    """Store an order of ten contracts at 67 cents whose outcome nobody knows."""
    return put_state(tx, put_sent(tx, put_attempt(tx), epoch=1, at=NOW), S.UNKNOWN, S.PARKED)


async def test_an_operator_halts_and_resumes_on_the_page(ops: OpsStage, database: Database) -> None:
    csrf = await ops.log_in()
    form = {"csrf": csrf, "back": "/ops", "reason": "the  exchange\r\nacts up\x00"}
    status, _, reply = await ops.post("/ops/acts/halt", form)
    assert (status, reply.headers["Location"]) == (303, "/ops")
    _, text, _ = await ops.page("/ops")
    assert "Sending is HALTED by ann" in text
    assert "the exchange acts up" in text
    assert "Sending is halted." in text
    _, text, _ = await ops.page("/ops")
    assert "Sending is halted." not in text  # told once
    await ops.post("/ops/acts/resume", {"csrf": csrf, "reason": "quiet again"})
    assert await database.read(halts.reason) is None
    assert await audited(database) == [
        ("ann", "halt", "sending", "the exchange acts up"),
        ("ann", "resume", "sending", "quiet again"),
    ]
    assert [line["actor"] for line in ops.log.named("operator.acted")] == ["ann", "ann"]


async def test_a_reason_is_shown_as_text_whatever_it_holds(ops: OpsStage) -> None:
    await ops.api("POST", "/halt", {"reason": "<script>alert(1)</script>"})
    await ops.log_in()
    _, text, _ = await ops.page("/ops")
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in text
    assert "<script>" not in text


async def test_an_act_without_a_reason_is_not_done(ops: OpsStage, database: Database) -> None:
    csrf = await ops.log_in()
    for reason in ("", " \t", "\u200b"):
        await ops.post("/ops/acts/halt", {"csrf": csrf, "reason": reason})
        _, text, _ = await ops.page("/ops")
        assert 'class="notice bad"' in text
    assert (await ops.api("POST", "/halt", {}))[0] == 400
    assert await database.read(halts.reason) is None


async def test_programs_act_under_the_name_of_their_token(ops: OpsStage, database: Database) -> None:
    bob = {"Authorization": "Bearer bobs-own-secret-2026"}
    assert await ops.api("POST", "/halt", {"reason": "a"}) == (200, {"halted": True, "before": None})
    status, body = await ops.api("POST", "/halt", {"reason": "b"}, headers=bob)
    assert (status, body["before"]) == (200, "a")
    assert [row[0] for row in await audited(database)] == ["ann", "bob"]


async def test_resuming_accepts_the_mismatches_of_the_halt(ops: OpsStage, database: Database) -> None:
    foreign = Difference(kind=Kind.FOREIGN_ORDER, subject="hs-other", ours="no such order", theirs="executed")

    def halt(tx: Connection) -> None:
        halts.put(tx, halted=True, reason="restored", actor="start-up", at=NOW)
        reconciliations.put(tx, Outcome(differences=(foreign,), mismatch=(foreign,)), NOW)

    await database.write(halt)
    status, body = await ops.api("POST", "/resume", {"reason": "checked"})
    assert (status, body["was"]) == (200, "restored")
    assert [one["subject"] for one in body["acknowledged"]] == ["hs-other"]
    assert (await ops.api("POST", "/resume", {"reason": "again"}))[1]["was"] is None


async def test_a_parked_order_is_ended_on_a_persons_word(ops: OpsStage, database: Database) -> None:
    attempt = await database.write(park)
    csrf = await ops.log_in()
    form = {
        "csrf": csrf,
        "client_order_id": attempt.client_order_id,
        "as": "filled",
        "evidence": "order page, 4 at 66 cents",
        "count": "4",
        "price": "0.66",
        "fees": "",
        "order_id": "",
    }
    await ops.post("/ops/acts/resolve", form)
    ended = await database.read(lambda tx: journal.get(tx, attempt.client_order_id))
    assert (ended.state, ended.filled, ended.cost) == (S.CANCELLED, Count.of(4), Money.of("2.64"))
    assert ("ann", "resolve", attempt.client_order_id, "order page, 4 at 66 cents") in await audited(database)
    status, body = await ops.api(
        "POST", f"/orders/{attempt.client_order_id}/resolve", {"as": "absent", "evidence": "x"}
    )
    assert (status, body["code"], body["docs"]) == (409, "not_allowed", "docs/errors.md#not_allowed")
    assert "not parked" in body["error"]


@pytest.mark.parametrize(
    "fields",
    [
        {"as": "filled", "evidence": "x"},
        {"as": "filled", "evidence": "x", "count": "1"},
        {"as": "filled", "evidence": "x", "count": "1", "price": "1.01"},
        {"as": "filled", "evidence": "x", "count": "0.001", "price": "0.5"},
        {"as": "filled", "evidence": "x", "count": 1, "price": "0.5"},
        {"as": "filled", "evidence": "x", "count": "1", "price": None},
        {"as": "absent", "evidence": "x", "count": "1"},
        {"as": "gone", "evidence": "x"},
        {"as": "absent"},
        {"as": "absent", "evidence": "x", "more": "y"},
        {"as": "absent", "evidence": "x", "client_order_id": "another"},
    ],
)
async def test_a_word_that_makes_no_sense_ends_nothing(
    ops: OpsStage, database: Database, fields: dict[str, Any]
) -> None:
    attempt = await database.write(park)
    status, body = await ops.api("POST", f"/orders/{attempt.client_order_id}/resolve", fields)
    assert (status, set(body)) == (400, {"error", "details", "code", "docs"})
    assert (await database.read(lambda tx: journal.get(tx, attempt.client_order_id))).state is S.PARKED


async def test_an_exchanges_order_is_one_order(ops: OpsStage, database: Database) -> None:
    def two(tx: Connection) -> Attempt:
        other = put_sent(tx, put_attempt(tx, 2), epoch=1, at=NOW)
        journal.moved(tx, other, S.FILLED, at=NOW, event="order.filled", evidence={}, order_id="ex-1")
        return park(tx)

    attempt = await database.write(two)
    fields = {"as": "filled", "evidence": "x", "count": "1", "price": "0.6", "order_id": "ex-1"}
    status, body = await ops.api("POST", f"/orders/{attempt.client_order_id}/resolve", fields)
    assert (status, "ex-1 is known as" in body["error"]) == (409, True)


async def test_a_parked_payment_goes_back(ops: OpsStage, database: Database) -> None:
    paid = Payment(
        session_id="cs_test_9",
        quote_id=None,
        event_id="evt_9",
        payment_intent="pi_9",
        amount_cents=500,
        currency="usd",
        paid_at=NOW,
        state=PaymentState.PARKED,
        reason="unknown_session",
    )
    await database.write(lambda tx: payments.put(tx, paid, NOW))
    status, body = await ops.api("POST", "/payments/evt_9/resolve", {"as": "refund", "reason": "not ours"})
    assert (status, body["outcome"]) == (200, "refund_due")
    assert await database.read(lambda tx: refunds.get(tx, "cs_test_9")) is not None
    status, body = await ops.api("POST", "/payments/evt_0/resolve", {"as": "accept", "reason": "x"})
    assert (status, body["code"]) == (404, "not_found")
    status, listed = await ops.api("GET", "/payments")
    assert (status, listed["items"][0]["refund"]["state"]) == (200, "due")
    assert "cs_test_9" not in str(listed)


async def test_reconciling_needs_open_books_and_a_reachable_exchange(ops: OpsStage) -> None:
    status, body = await ops.api("POST", "/reconcile", {"reason": "x"})
    assert (status, body["code"]) == (409, "books_not_open")


async def test_a_reconciliation_is_made_now_and_audited(ops: OpsStage, database: Database) -> None:
    from hedge_service.store import books

    opening = books.Opening(NOW, Money.of(100), {})
    await database.write(lambda tx: books.begin(tx, opening, NOW))
    status, body = await ops.api("POST", "/reconcile", {"reason": "before lunch"})
    assert (status, body["result"], body["differences"]) == (200, "agrees", [])
    assert ("ann", "reconcile", "exchange", "before lunch") in await audited(database)
    ops.exchange.away = True
    status, body = await ops.api("POST", "/reconcile", {"reason": "again"})
    assert (status, body["code"]) == (502, "exchange_unavailable")
    _, listed = await ops.api("GET", "/reconciliations")
    assert [one["result"] for one in listed["items"]] == ["agrees"]


async def test_a_rehedge_says_which_legs_get_an_order_and_why_others_do_not(
    ops: OpsStage, database: Database
) -> None:
    parlay = await database.write(put_parlay)
    status, body = await ops.api("POST", f"/parlays/{parlay.id}/rehedge", {"reason": "thin book before"})
    assert status == 200
    assert len(body["intents"]) + len(body["skips"]) == 3
    assert ops.desk.nudges.planned._event.is_set()
    status, _ = await ops.api("POST", "/parlays/par_none/rehedge", {"reason": "x"})
    assert status == 409


async def test_a_payout_is_booked_once_and_never_more_than_the_wallet_holds(
    ops: OpsStage, database: Database
) -> None:
    def win(tx: Connection) -> None:
        parlay = put_parlay(tx)
        tx.execute(parlay_rows.update().values(state="won"))
        parlays.claim(tx, parlay.id, NOW)

    await database.write(win)
    asked = {"user": digest(USER), "amount": "20.00", "reference": "wire-1", "reason": "asked by mail"}
    assert await ops.api("POST", "/payouts", asked) == (
        200,
        {"reference": "wire-1", "amount": "20.00", "new": True, "wallet": "10.00"},
    )
    status, body = await ops.api("POST", "/payouts", asked)
    assert (status, body["new"]) == (200, False)
    status, body = await ops.api("POST", "/payouts", {**asked, "reference": "wire-2"})
    assert (status, body["code"]) == (409, "overdrawn")
    # What would be taken for booked, and is not: another transfer under a number that is used already.
    status, body = await ops.api("POST", "/payouts", {**asked, "amount": "5.00"})
    assert (status, body["code"]) == (409, "not_allowed")
    assert (await ops.api("POST", "/payouts", {**asked, "amount": "0"}))[0] == 400
    assert (await ops.api("POST", "/payouts", {**asked, "user": "nobody"}))[0] == 404
    assert ("ann", "payout", digest(USER), "asked by mail") in await audited(database)


def put_event(tx: Connection, name: str) -> int:
    event = NewEvent(source="stripe", external_id=name, type="x", created_at=NOW, payload=b"{}")
    inbox.put(tx, event, NOW)
    return int(tx.execute(inbox_rows.select().where(inbox_rows.c.external_id == name)).one().id)


async def test_failed_events_are_handled_anew(ops: OpsStage, database: Database, clock: StageClock) -> None:
    def fail(tx: Connection) -> None:
        inbox.handled(tx, put_event(tx, "evt_bad"), "unreadable", NOW)
        inbox.handled(tx, put_event(tx, "evt_good"), "accepted", NOW)
        inbox.postponed(tx, put_event(tx, "evt_late"), until=NOW.replace(year=2027), reason="stripe_away")
        put_event(tx, "evt_new")

    await database.write(fail)
    _, listed = await ops.api("GET", "/inbox?which=failed")
    assert {one["event"] for one in listed["items"]} == {"evt_bad", "evt_late"}
    status, body = await ops.api("POST", "/inbox/evt_bad/replay", {"reason": "reads now"})
    assert (status, body) == (200, {"events": ["evt_bad"], "more": False})
    status, body = await ops.api("POST", "/inbox/failed/replay", {"reason": "Stripe is back"})
    assert (status, body["events"]) == (200, ["evt_late"])
    due = await database.read(lambda tx: inbox.due(tx, clock.now(), 10))
    assert {event.external_id for event in due} == {"evt_bad", "evt_late", "evt_new"}
    assert ops.desk.nudges.arrived._event.is_set()
    status, body = await ops.api("POST", "/inbox/evt_good/replay", {"reason": "x"})
    assert (status, body["code"]) == (409, "not_allowed")
    assert [row[1:] for row in await audited(database)] == [
        ("replay", "evt_bad", "reads now"),
        ("replay", "evt_late", "Stripe is back"),
    ]


async def test_a_refused_act_is_told_on_the_page(ops: OpsStage) -> None:
    csrf = await ops.log_in()
    await ops.post("/ops/acts/rehedge", {"csrf": csrf, "parlay_id": "par_none", "reason": "x"})
    _, text, _ = await ops.page("/ops")
    assert "there is no parlay par_none" in text
    status, text, _ = await ops.post("/ops/acts/none", {"csrf": csrf})
    assert (status, "docs/errors.md#not_found" in text) == (404, True)


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (b"{", 400),
        (b"[]", 400),
        (b'{"reason":"\\ud800"}', 400),
        (b'{"reason":"' + b"x" * 20_000 + b'"}', 413),
    ],
)
async def test_a_body_that_is_no_json_object_is_refused(ops: OpsStage, sent: bytes, status: int) -> None:
    headers = {**ops.headers, "Content-Type": "application/json"}
    async with ops.http.post(f"{ops.base}/ops/api/halt", data=sent, headers=headers) as reply:
        assert reply.status == status
        assert set(await reply.json()) == {"error", "details", "code", "docs"}


def test_every_act_has_what_its_reason_is_kept_from() -> None:
    from hedge_service.web.ops.acts import ACTS

    assert all(act.why in {field.name for field in act.fields} for act in ACTS)
