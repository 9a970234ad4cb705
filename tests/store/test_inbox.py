"""The inbox: however often and in whatever order events come, each is kept and handled once."""

from __future__ import annotations

import asyncio
import tempfile
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from hedge_service.core.inbox import NewEvent
from hedge_service.store import inbox
from hedge_service.store.db import Database, Lane
from hedge_service.store.schema import inbox as table
from tests.empty_database import put_empty_database
from tests.store.parlay_samples import NOW

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from sqlalchemy.engine import Connection

LATER = NOW + timedelta(days=1)


def event(number: int, source: str = "stripe") -> NewEvent:
    return NewEvent(
        source=source,
        external_id=f"evt_{number}",
        type="checkout.session.completed",
        created_at=NOW,
        payload=b'{"n":%d}' % number,
    )


def delivered(number: int) -> Callable[[Connection], bool]:
    return lambda tx: inbox.put(tx, event(number), NOW)


def due(tx: Connection) -> list[str]:
    return [found.external_id for found in inbox.due(tx, NOW, 100)]


async def test_an_event_is_new_once_and_keeps_its_bytes(database: Database) -> None:
    assert await database.write(lambda tx: inbox.put(tx, event(1), NOW))
    assert not await database.write(lambda tx: inbox.put(tx, event(1), LATER))
    (kept,) = await database.read(lambda tx: inbox.due(tx, NOW, 10))
    assert (kept.payload, kept.created_at, kept.received_at, kept.tries) == (b'{"n":1}', NOW, NOW, 0)


async def test_the_same_id_from_another_source_is_another_event(database: Database) -> None:
    assert await database.write(lambda tx: inbox.put(tx, event(1), NOW))
    assert await database.write(lambda tx: inbox.put(tx, event(1, "other"), NOW))


async def test_of_deliveries_that_are_kept_together_each_says_whether_it_was_the_first(
    database: Database,
) -> None:
    await database.write(delivered(2))
    together = [event(1), event(2), event(1), event(1, "other"), event(3)]
    new = await database.write(lambda tx: inbox.put_each(tx, together, NOW))
    assert new == [True, False, False, True, True]
    assert await database.read(due) == ["evt_2", "evt_1", "evt_1", "evt_3"]


async def test_twenty_deliveries_at_once_are_one_event(database: Database) -> None:
    new = await asyncio.gather(*(database.write(lambda tx: inbox.put(tx, event(1), NOW)) for _ in range(20)))
    assert sum(new) == 1
    assert await database.read(due) == ["evt_1"]


async def test_events_are_due_oldest_first_up_to_a_limit(database: Database) -> None:
    for number in (3, 1, 2):
        await database.write(delivered(number))
    assert await database.read(due) == ["evt_3", "evt_1", "evt_2"]
    assert len(await database.read(lambda tx: inbox.due(tx, NOW, 2))) == 2


async def test_a_handled_event_is_never_due_again_and_keeps_its_result(database: Database) -> None:
    def work(tx: Connection) -> None:
        inbox.put(tx, event(1), NOW)
        (kept,) = inbox.due(tx, NOW, 1)
        assert inbox.is_open(tx, kept.id)
        inbox.handled(tx, kept.id, "accepted", NOW)
        inbox.woken(tx, "stripe", "evt_1")
        inbox.postponed(tx, kept.id, until=LATER, reason="too late for that")
        assert not inbox.is_open(tx, kept.id)

    await database.write(work)
    assert await database.read(lambda tx: inbox.due(tx, LATER, 10)) == ()
    row = await database.read(lambda tx: tx.execute(select(table.c.result, table.c.tries)).one())
    assert tuple(row) == ("accepted", 0)


async def test_a_postponed_event_waits_counts_its_tries_and_is_woken_by_a_duplicate(
    database: Database,
) -> None:
    def postpone(tx: Connection) -> None:
        inbox.put(tx, event(1), NOW)
        (kept,) = inbox.due(tx, NOW, 1)
        inbox.postponed(tx, kept.id, until=NOW + timedelta(seconds=1), reason="exchange_unavailable")

    await database.write(postpone)
    assert await database.read(due) == []
    (later,) = await database.read(lambda tx: inbox.due(tx, NOW + timedelta(seconds=1), 1))
    assert later.tries == 1
    await database.write(lambda tx: inbox.woken(tx, "stripe", "evt_1"))
    assert await database.read(due) == ["evt_1"]


def claim(holder: str, until: datetime = LATER) -> inbox.Claim:
    return inbox.Claim(holder=holder, until=until)


def names_of(holder: str, at: datetime = NOW) -> Callable[[Connection], list[str]]:
    return lambda tx: [found.external_id for found in inbox.due(tx, at, 100, holder)]


async def test_an_event_is_first_for_the_process_that_took_it_in(database: Database) -> None:
    await database.write(lambda tx: inbox.put(tx, event(1), NOW, claim("a")))
    await database.write(lambda tx: inbox.claim_free(tx, claim("b"), NOW, 10))
    assert not await database.read(lambda tx: inbox.any_free(tx, NOW))
    assert await database.read(names_of("a")) == ["evt_1"]
    assert await database.read(names_of("b")) == []


async def test_the_events_of_a_dead_process_come_free_after_its_claim(database: Database) -> None:
    await database.write(lambda tx: inbox.put(tx, event(1), NOW, claim("dead")))
    assert await database.read(lambda tx: inbox.any_free(tx, LATER))
    assert await database.read(names_of("dead", LATER)) == []
    after = LATER + timedelta(seconds=5)
    await database.write(lambda tx: inbox.claim_free(tx, claim("b", after), LATER, 10))
    assert await database.read(names_of("b", LATER)) == ["evt_1"]


async def test_what_is_postponed_or_left_on_a_clean_stop_is_free(database: Database) -> None:
    def leave(tx: Connection) -> None:
        for number in (1, 2):
            inbox.put(tx, event(number), NOW, claim("a"))
        inbox.postponed(tx, inbox.due(tx, NOW, 1)[0].id, until=NOW, reason="exchange_unavailable")

    await database.write(leave)
    await database.write(lambda tx: inbox.claim_free(tx, claim("b"), NOW, 10))
    assert await database.read(names_of("b")) == ["evt_1"]
    await database.write(lambda tx: inbox.unclaim(tx, "a"))
    await database.write(lambda tx: inbox.claim_free(tx, claim("b"), NOW, 10))
    assert await database.read(names_of("b")) == ["evt_1", "evt_2"]


async def test_processes_that_claim_at_once_share_the_events(database: Database, url: str) -> None:
    def claim_ten(holder: str) -> Callable[[Connection], None]:
        return lambda tx: inbox.claim_free(tx, claim(holder), NOW, 10)

    async with Database(url) as other:
        await asyncio.gather(*(database.write(delivered(number)) for number in range(40)))
        both = (("a", database), ("b", other))
        await asyncio.gather(*(one.write(claim_ten(who), Lane.OPEN) for who, one in both * 2))
        found = [await database.read(names_of(who)) for who, _ in both]
    assert not set(found[0]) & set(found[1])
    assert len(found[0]) == len(found[1]) == 20


@given(st.lists(st.tuples(st.integers(0, 6), st.booleans()), max_size=25))
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_duplicated_and_reordered_events_equal_the_set(deliveries: list[tuple[int, bool]]) -> None:
    """Each delivery puts the event; half of them also handle whatever is due, as a loop in between would."""

    async def run(folder: str) -> None:
        handled: list[str] = []

        def handle(tx: Connection) -> None:
            for found in inbox.due(tx, NOW, 100):
                handled.append(found.external_id)
                inbox.handled(tx, found.id, "done", NOW)

        async with Database(put_empty_database(Path(folder) / "hedge.db")) as database:
            for number, then_handle in deliveries:
                await database.write(delivered(number))
                if then_handle:
                    await database.write(handle)
            await database.write(handle)
        assert len(handled) == len(set(handled))
        assert set(handled) == {f"evt_{number}" for number, _ in deliveries}

    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(run(folder))
