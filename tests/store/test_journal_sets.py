"""Many orders in one unit of work: the same rows as one by one, nothing of what moved meanwhile."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

from sqlalchemy import select

from hedge_service.core.journal import moved, sent
from hedge_service.core.money import Count, Money
from hedge_service.core.orders import AttemptState
from hedge_service.core.parlay import Mode
from hedge_service.store import journal, journal_sets
from hedge_service.store.journal_sets import Record
from hedge_service.store.schema import attempts, order_events, parlays
from tests.store.parlay_samples import NOW, intent_of, planned, put_attempt, put_parlay

if TYPE_CHECKING:
    from sqlalchemy.engine import Connection

    from hedge_service.core.journal import Attempt
    from hedge_service.store.db import Database

S = AttemptState
LATER = NOW + timedelta(seconds=1)
BOUGHT = {"order_id": "ex-1", "filled": Count.of(4), "cost": Money.of("2.6"), "fees": Money.of("0.0637")}


def sending(attempt: Attempt) -> Record:
    return Record(before=attempt, after=sent(attempt, NOW), event="order.sending", evidence={"send": 1})


async def test_moves_are_stored_whole_and_told_in_their_order(database: Database) -> None:
    def work(tx: Connection) -> None:
        first, second = put_attempt(tx, 1), put_attempt(tx, 2)
        journal_sets.record(tx, [sending(first), sending(second)], at=NOW, epoch=7)
        after = moved(sent(first, NOW), S.CANCELLED, LATER, code="why", in_doubt=True, **BOUGHT)
        end = Record(before=sent(first, NOW), after=after, event="order.accepted", evidence={"a": 1})
        journal_sets.record(tx, [end], at=LATER)
        stored = journal_sets.attempts_by_id(tx, [first.client_order_id, second.client_order_id])
        assert stored == {first.client_order_id: after, second.client_order_id: sent(second, NOW)}
        epochs = tx.execute(select(attempts.c.epoch).order_by(attempts.c.client_order_id)).scalars()
        assert list(epochs) == [7, 7]
        told = tx.execute(select(order_events).order_by(order_events.c.id)).all()
        moves = [(row.client_order_id, row.event, row.old_state, row.new_state) for row in told]
        assert moves == [
            (first.client_order_id, "order.sending", "planned", "sending"),
            (second.client_order_id, "order.sending", "planned", "sending"),
            (first.client_order_id, "order.accepted", "sending", "cancelled"),
        ]
        assert told[-1].evidence == '{"a":1}'

    await database.write(work)


async def test_no_moves_write_nothing(database: Database) -> None:
    await database.write(lambda tx: journal_sets.record(tx, [], at=NOW))
    assert await database.read(lambda tx: journal_sets.load(tx, [])) == {}


async def test_work_names_the_parlay_s_session_and_mode(database: Database) -> None:
    def work(tx: Connection) -> None:
        live, dry = put_parlay(tx, 1), put_parlay(tx, 2, Mode.DRY_RUN)
        intents = [intent_of(live, leg=1), intent_of(live, leg=2), intent_of(dry)]
        for intent in intents:
            journal.put_intent(tx, intent)
        made = [planned(intents[1])]
        journal_sets.plan(tx, made)
        found = {one.intent.id: one for one in journal_sets.work(tx, [intent.id for intent in intents])}
        assert [found[intent.id].intent for intent in intents] == intents
        assert [found[intent.id].attempts for intent in intents] == [(), tuple(made), ()]
        assert [found[intent.id].session_id for intent in intents] == [
            *(live.session_id, live.session_id, dry.session_id)
        ]
        assert [found[intent.id].mode for intent in intents] == [Mode.LIVE, Mode.LIVE, Mode.DRY_RUN]

    await database.write(work)


async def test_attempts_planned_again_are_the_stored_ones_beside_new_ones(database: Database) -> None:
    def work(tx: Connection) -> None:
        known, new = put_attempt(tx, 1), intent_of(put_parlay(tx, 2))
        journal.put_intent(tx, new)
        journal_sets.plan(tx, [planned(new), replace(known, body=b"other")])
        stored = journal_sets.attempts_by_id(tx, [planned(new).client_order_id, known.client_order_id])
        assert list(stored.values()) == [known, planned(new)]

    await database.write(work)


async def test_each_intent_that_ends_keeps_what_it_cost_and_recalls_its_summary(database: Database) -> None:
    def work(tx: Connection) -> None:
        first, second = put_attempt(tx, 1), put_attempt(tx, 2)
        journal_sets.record(tx, [sending(first)], at=NOW, epoch=1)
        after = moved(sent(first, NOW), S.CANCELLED, NOW, **BOUGHT)
        bought = Record(before=sent(first, NOW), after=after, event="order.accepted", evidence={})
        journal_sets.record(tx, [bought], at=NOW)
        assert journal.reserved_since(tx, NOW) == Money.of(14)
        journal_sets.end(tx, [(first.intent_id, "attempts_used"), (second.intent_id, "not_sent")], LATER)
        # The second one's attempt is planned still: what it may cost stays counted.
        assert journal.reserved_since(tx, NOW) == Money.of("2.6637") + Money.of(7)
        ended = journal_sets.load(tx, [first.intent_id, second.intent_id])
        reasons = [(intent.ended_at, intent.end_reason) for intent, _ in ended.values()]
        assert sorted(reasons) == [(LATER, "attempts_used"), (LATER, "not_sent")]
        assert set(tx.execute(select(parlays.c.figures_changed)).scalars()) == {True}

    await database.write(work)
