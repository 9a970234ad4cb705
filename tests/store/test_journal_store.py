"""The journal: moves only by the table, from the state that was seen, each with its event."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from itertools import product
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from hedge_service.clock import millis
from hedge_service.core.money import Count, Money
from hedge_service.core.orders import TRANSITIONS, AttemptState, IllegalMove
from hedge_service.store import journal, journal_sets, parlays
from hedge_service.store.schema import attempts, intents, order_events
from tests.store.parlay_samples import (
    NOW,
    intent_of,
    planned,
    put_attempt,
    put_parlay,
    put_sent,
    put_state,
    retimed,
)

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy.engine import Connection

    from hedge_service.core.journal import Attempt
    from hedge_service.store.db import Database

S = AttemptState
LATER = NOW + timedelta(seconds=1)


def told(tx: Connection) -> list[tuple[str, str, str]]:
    rows = tx.execute(
        select(order_events.c.event, order_events.c.old_state, order_events.c.new_state).order_by(
            order_events.c.id
        )
    )
    return [(row.event, row.old_state, row.new_state) for row in rows]


def force(tx: Connection, attempt: Attempt, state: AttemptState) -> Attempt:
    only = attempts.c.client_order_id == attempt.client_order_id
    tx.execute(attempts.update().where(only).values(state=state.value))
    return replace(attempt, state=state)


async def test_an_intent_and_its_attempt_come_back_as_they_were_stored(database: Database) -> None:
    def work(tx: Connection) -> None:
        intent = intent_of(put_parlay(tx))
        journal.put_intent(tx, intent)
        assert journal.load(tx, intent.id) == (intent, ())
        stored = planned(intent)
        journal_sets.plan(tx, [stored])
        assert journal.load(tx, intent.id) == (intent, (stored,))
        assert journal.of_parlay(tx, intent.parlay_id) == ((intent, (stored,)),)
        assert journal.open_intents(tx, 10) == (intent.id,)

    await database.write(work)


async def test_an_attempt_planned_twice_is_one_attempt_with_its_first_bytes(database: Database) -> None:
    def work(tx: Connection) -> None:
        first = put_attempt(tx)
        journal_sets.plan(tx, [replace(first, body=b"other", count=Count.of(1))])
        assert journal.get(tx, first.client_order_id) == first

    await database.write(work)


async def test_only_what_was_sent_since_and_ended_is_added_up_as_taken(database: Database) -> None:
    before, since = NOW, NOW + timedelta(milliseconds=500)
    took = {"cost_micros": 700, "fees_micros": 30}

    def put(tx: Connection, number: int, state: AttemptState, at: datetime, ticker: str = "A") -> str:
        attempt = put_attempt(tx, number)
        mine = attempts.c.client_order_id == attempt.client_order_id
        tx.execute(attempts.update().where(mine).values(state=state.value, last_sent_ms=millis(at), **took))
        tx.execute(intents.update().where(intents.c.id == attempt.intent_id).values(ticker=ticker))
        return attempt.intent_id

    def work(tx: Connection) -> None:
        put(tx, 1, S.FILLED, since)
        put(tx, 2, S.CANCELLED, LATER)
        put(tx, 3, S.FILLED, LATER, "B")
        put(tx, 4, S.FILLED, before)
        put(tx, 5, S.UNKNOWN, LATER)
        put(tx, 6, S.REFUSED, LATER)
        sold = put(tx, 7, S.FILLED, LATER)
        tx.execute(intents.update().where(intents.c.id == sold).values(reduce_only=True))
        assert journal.taken_since(tx, since) == {"A": Money(1_460), "B": Money(730)}
        assert [attempt.state for _, attempt in journal.under_way(tx)] == [S.UNKNOWN]

    await database.write(work)


async def test_nothing_is_planned_for_an_intent_that_has_ended(database: Database) -> None:
    def work(tx: Connection) -> None:
        ended, still_open = intent_of(put_parlay(tx, 1)), intent_of(put_parlay(tx, 2))
        for intent in (ended, still_open):
            journal.put_intent(tx, intent)
        journal_sets.end(tx, [(ended.id, "ttl_over")], NOW)
        journal_sets.plan(tx, [planned(ended), planned(still_open)])
        assert journal.load(tx, ended.id)[1] == ()
        assert journal.load(tx, still_open.id)[1] == (planned(still_open),)

    await database.write(work)


async def test_the_table_decides_every_move_and_an_illegal_one_changes_nothing(database: Database) -> None:
    def work(tx: Connection) -> None:
        for number, (old, new) in enumerate(product(S, S), start=1):
            attempt = force(tx, put_attempt(tx, number), old)
            if new in TRANSITIONS[old]:
                moved_as_told(tx, attempt, new)
            else:
                with pytest.raises(IllegalMove):
                    journal.moved(tx, attempt, new, at=LATER, event="order.moved", evidence={})
                assert journal.get(tx, attempt.client_order_id) == attempt
        assert len(told(tx)) == sum(len(targets) for targets in TRANSITIONS.values())

    await database.write(work)


def moved_as_told(tx: Connection, attempt: Attempt, new: AttemptState) -> None:
    after = journal.moved(tx, attempt, new, at=LATER, event="order.moved", evidence={"why": "test"})
    assert after.state is new
    assert (after.ended_at == LATER) == new.ended
    assert told(tx)[-1] == ("order.moved", attempt.state.value, new.value)


async def test_a_move_from_a_state_that_is_no_longer_true_changes_nothing(database: Database) -> None:
    def work(tx: Connection) -> None:
        seen = put_attempt(tx)
        now = put_state(tx, seen, S.SENDING, S.UNKNOWN)
        with pytest.raises(IllegalMove, match="from unknown to sending"):
            journal.moved(tx, seen, S.SENDING, at=NOW, event="order.sending", evidence={})
        assert journal.get(tx, seen.client_order_id) == now

    await database.write(work)


async def test_the_outcome_of_an_earlier_send_cannot_settle_a_later_one(database: Database) -> None:
    def work(tx: Connection) -> None:
        first = put_sent(tx, put_attempt(tx), epoch=1, at=NOW)
        journal.inherit(tx, NOW)
        second = put_sent(tx, journal.get(tx, first.client_order_id), epoch=2, at=LATER)
        with pytest.raises(IllegalMove):
            journal.moved(tx, first, S.REFUSED, at=LATER, event="order.refused", evidence={})
        assert journal.get(tx, first.client_order_id) == second

    await database.write(work)


async def test_each_send_is_journaled_with_its_number_and_the_first_and_last_time(database: Database) -> None:
    def work(tx: Connection) -> None:
        once = put_sent(tx, put_attempt(tx), epoch=3, at=NOW)
        assert (once.sends, once.first_sent_at, once.last_sent_at) == (1, NOW, NOW)
        unknown = put_state(tx, once, S.UNKNOWN)
        twice = put_sent(tx, unknown, epoch=3, at=LATER)
        assert (twice.sends, twice.first_sent_at, twice.last_sent_at) == (2, NOW, LATER)
        assert twice.body == once.body

    await database.write(work)


async def test_a_successor_inherits_what_was_sending_as_unknown_and_in_doubt(database: Database) -> None:
    def work(tx: Connection) -> None:
        sent = put_sent(tx, put_attempt(tx, 1), epoch=1, at=NOW)
        waiting = put_attempt(tx, 2)
        assert journal.inherit(tx, LATER) == 1
        found = journal.get(tx, sent.client_order_id)
        assert (found.state, found.in_doubt, found.code) == (S.UNKNOWN, True, "inherited")
        assert journal.get(tx, waiting.client_order_id) == waiting
        assert journal.inherit(tx, LATER) == 0
        assert told(tx)[-1] == ("order.unknown", "sending", "unknown")

    await database.write(work)


async def test_a_fill_larger_than_the_order_is_refused_by_the_table_itself(database: Database) -> None:
    def work(tx: Connection) -> None:
        sent = put_sent(tx, put_attempt(tx), epoch=1, at=NOW)
        journal.moved(
            tx, sent, S.FILLED, at=NOW, event="order.accepted", evidence={}, fill_centis=sent.count.centis + 1
        )

    with pytest.raises(IntegrityError, match="fill"):
        await database.write(work)
    assert await database.read(told) == []


async def test_an_open_intent_counts_its_most_against_the_day_and_an_ended_one_its_cost(
    database: Database,
) -> None:
    def work(tx: Connection) -> None:
        attempt = put_attempt(tx)
        assert journal.reserved_since(tx, NOW) == Money.of(7)
        assert journal.reserved_since(tx, LATER) == Money.ZERO
        bought = {"fill_centis": 400, "cost_micros": 2_600_000, "fees_micros": 63_700}
        sent = put_sent(tx, attempt, epoch=1, at=NOW)
        journal.moved(tx, sent, S.CANCELLED, at=NOW, event="order.accepted", evidence={}, **bought)
        assert journal.reserved_since(tx, NOW) == Money.of(7)
        journal_sets.end(tx, [(attempt.intent_id, "attempts_used")], LATER)
        assert journal.reserved_since(tx, NOW) == Money.of("2.6637")
        intent, _ = journal.load(tx, attempt.intent_id)
        assert (intent.ended_at, intent.end_reason) == (LATER, "attempts_used")
        assert journal.open_intents(tx, 10) == ()

    await database.write(work)


async def test_open_intents_come_oldest_first(database: Database) -> None:
    def work(tx: Connection) -> None:
        parlay = put_parlay(tx)
        old, new = retimed(intent_of(parlay, leg=2), -5), intent_of(parlay, leg=1)
        journal.put_intent(tx, new)
        journal.put_intent(tx, old)
        assert journal.open_intents(tx, 10) == (old.id, new.id)
        assert journal.open_intents(tx, 1) == (old.id,)
        assert [intent.leg for intent, _ in journal.of_parlay(tx, parlay.id)] == [1, 2]

    await database.write(work)


async def test_a_leg_has_one_intent_of_a_purpose_and_sequence(database: Database) -> None:
    def work(tx: Connection) -> None:
        intent = intent_of(put_parlay(tx))
        journal.put_intent(tx, intent)
        journal.put_intent(tx, replace(intent, id="int_other"))

    with pytest.raises(IntegrityError):
        await database.write(work)
    assert await database.read(lambda tx: parlays.of_user(tx, "anybody")) == ()


async def test_known_orders_are_told_from_foreign_ones_however_many_are_asked(database: Database) -> None:
    attempt = await database.write(put_attempt)
    many = [f"hs-{number}" for number in range(40_000)]
    known = await database.read(lambda tx: journal.known_orders(tx, [*many, attempt.client_order_id]))
    assert known == {attempt.client_order_id}
