"""What PostgreSQL promises beyond a file: writers of several processes, lost connections, notices."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import text
from sqlalchemy.util import await_only

from hedge_service.core.inbox import NewEvent
from hedge_service.store import inbox, migrate, postgres
from hedge_service.store.db import Database, Lane, StoreUnavailable
from hedge_service.store.postgres import READERS
from tests.store.parlay_samples import NOW

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator

    from sqlalchemy.engine import Connection

    from tests.postgres_server import Server

WAITING = text("SELECT count(*) FROM pg_locks WHERE NOT granted")


@pytest.fixture
def url(server: Server) -> Iterator[str]:
    with server.lent() as lent:
        yield lent


@pytest.fixture
async def other(url: str) -> AsyncIterator[Database]:
    """Give the database of a second process."""
    async with Database(url) as opened:
        yield opened


@asynccontextmanager
async def held(database: Database, work: Callable[[Connection], None]) -> AsyncIterator[asyncio.Task[None]]:
    """Keep a unit of the serial lane in its transaction until the block ends."""
    began, over = asyncio.Event(), asyncio.Event()

    def unit(tx: Connection) -> None:
        work(tx)
        began.set()
        await_only(over.wait())

    writing = asyncio.create_task(database.write(unit))
    await began.wait()
    try:
        yield writing
    finally:
        over.set()
        await asyncio.wait({writing})


def put(name: str) -> Callable[[Connection], None]:
    insert = text("INSERT INTO identity (name, value) VALUES (:name, 'x')")
    return lambda tx: tx.execute(insert, {"name": name}).close()


def put_if_fewer_than(most: int, name: str) -> Callable[[Connection], bool]:
    def work(tx: Connection) -> bool:
        if tx.execute(text("SELECT count(*) FROM identity")).scalar_one() >= most:
            return False
        put(name)(tx)
        return True

    return work


def delivery(name: str) -> NewEvent:
    return NewEvent(source="stripe", external_id=name, type="test", created_at=NOW, payload=b"{}")


def names(tx: Connection) -> list[str]:
    return list(tx.execute(text("SELECT name FROM identity ORDER BY name")).scalars())


async def test_what_is_checked_stays_true_until_the_commit_whoever_else_writes(
    database: Database, other: Database
) -> None:
    both = [
        one.write(put_if_fewer_than(5, f"{who}{number}"))
        for number in range(20)
        for who, one in (("a", database), ("b", other))
    ]
    assert sum(await asyncio.gather(*both)) == 5
    assert len(await database.read(names)) == 5


async def test_the_open_lane_does_not_wait_for_the_serial_one(database: Database, other: Database) -> None:
    async with held(other, put("serial")):
        await database.write(put("open"), Lane.OPEN)
        assert await database.read(names) == ["open"]
    assert await database.read(names) == ["open", "serial"]


async def test_the_victim_of_a_deadlock_is_tried_again_by_itself(database: Database) -> None:
    tries: list[str] = []

    def victim(tx: Connection) -> None:
        tries.append("victim")
        put("victim")(tx)
        if len(tries) == 1:
            tx.execute(text("DO $$ BEGIN RAISE EXCEPTION 'chosen' USING ERRCODE = '40P01'; END $$"))

    await asyncio.gather(database.write(victim, Lane.OPEN), database.write(put("beside"), Lane.OPEN))
    assert await database.read(names) == ["beside", "victim"]
    assert tries == ["victim", "victim"]


async def test_deliveries_that_come_elsewhere_in_another_order_are_no_deadlock(
    database: Database, other: Database
) -> None:
    one, two = delivery("evt_1"), delivery("evt_2")
    began, waits = asyncio.Event(), asyncio.Event()

    def one_by_one(tx: Connection) -> bool:
        inbox.put(tx, one, NOW)
        began.set()
        await_only(waits.wait())
        return inbox.put(tx, two, NOW)

    first = asyncio.create_task(other.write(one_by_one, Lane.OPEN))
    await began.wait()
    together = database.write(lambda tx: inbox.put_each(tx, [two, one], NOW), Lane.OPEN)
    second = asyncio.create_task(together)
    while not await other.read(lambda tx: tx.execute(WAITING).scalar_one()):
        pass
    waits.set()
    assert await first
    assert await second == [False, False]


async def test_idle_connections_that_were_cut_are_replaced_unseen(database: Database, server: Server) -> None:
    await database.write(put("a"))
    await database.write(put("b"), Lane.OPEN)
    assert await database.read(names) == ["a", "b"]
    await asyncio.to_thread(server.cut)
    await database.write(put("c"))
    await asyncio.to_thread(server.cut)
    await database.write(put("d"), Lane.OPEN)
    assert await database.read(names) == ["a", "b", "c", "d"]


async def test_a_read_whose_caller_left_harms_no_other_read(database: Database) -> None:
    asked = text("SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'SELECT pg_sleep%'")

    def sleepers(tx: Connection) -> int:
        return int(tx.execute(asked).scalar_one())

    async def left() -> None:
        slow = asyncio.create_task(database.read(lambda tx: tx.execute(text("SELECT pg_sleep(600)")).close()))
        while not await database.read(sleepers):
            pass
        slow.cancel()
        await asyncio.wait({slow})

    for _ in range(READERS + 1):
        await left()
    # The server learns of a cancel by a message of its own, which may take a moment.
    while await database.read(sleepers):
        pass
    assert await database.read(names) == []


async def test_a_connection_cut_in_a_unit_says_so_and_keeps_nothing(
    database: Database, server: Server
) -> None:
    cut = text("SELECT pg_terminate_backend(pg_backend_pid())")
    results = await asyncio.gather(
        database.write(put("beside")),
        database.write(lambda tx: tx.execute(cut).close()),
        return_exceptions=True,
    )
    assert [type(result) for result in results] == [StoreUnavailable, StoreUnavailable]
    await database.write(put("after"))
    assert await database.read(names) == ["after"]


async def test_a_process_frozen_in_a_transaction_does_not_keep_the_serial_lane(
    database: Database, other: Database
) -> None:
    def soon(tx: Connection) -> None:
        limit = "idle_in_transaction_session_timeout"
        assert tx.execute(text(f"SHOW {limit}")).scalar_one() == "7s"
        tx.execute(text(f"SET LOCAL {limit} = '50ms'"))
        put("frozen")(tx)

    async with held(other, soon) as frozen:
        await database.write(put("went on"))
    assert isinstance(frozen.exception(), StoreUnavailable)
    assert await database.read(names) == ["went on"]


async def test_a_frozen_process_that_the_server_has_no_limit_for_is_put_out_of_the_serial_lane(
    url: str, other: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As one that is stopped between the messages of one statement: the server does not take it for idle."""
    monkeypatch.setitem(postgres.SETTINGS, "lock_timeout", "100ms")
    monkeypatch.setattr(postgres, "FROZEN_S", 0.0)

    def without_limit(tx: Connection) -> None:
        tx.execute(text("SET LOCAL idle_in_transaction_session_timeout = 0"))
        put("frozen")(tx)

    async with held(other, without_limit) as frozen, Database(url) as successor:
        await successor.write(put("went on"))
        assert await successor.read(names) == ["went on"]
    assert isinstance(frozen.exception(), StoreUnavailable)


async def test_a_process_that_still_works_is_left_in_the_serial_lane(
    url: str, other: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(postgres.SETTINGS, "lock_timeout", "100ms")
    async with held(other, put("slow")) as slow, Database(url) as successor:
        with pytest.raises(StoreUnavailable, match="lock timeout"):
            await successor.write(put("too early"))
    await slow
    assert await other.read(names) == ["slow"]


async def test_many_processes_that_start_at_once_migrate_an_empty_database_once(server: Server) -> None:
    empty = await asyncio.to_thread(server.empty)

    async def start() -> tuple[str | None, str]:
        async with Database(empty) as started:
            return await started.write(migrate.upgrade)

    found = await asyncio.gather(*(start() for _ in range(4)))
    assert sum(before is None for before, _ in found) == 1
    assert len({after for _, after in found}) == 1


async def test_names_are_told_to_other_processes_again_after_a_lost_connection(
    database: Database, other: Database, server: Server
) -> None:
    heard: asyncio.Queue[str] = asyncio.Queue()
    own: list[str] = []
    await other.hear(heard.put_nowait)
    await database.hear(own.append)
    await database.tell(["planned", "changed"])
    assert [await heard.get(), await heard.get()] == ["planned", "changed"]
    await asyncio.to_thread(server.cut)
    while heard.empty():
        # As the loops of both processes do at each poll; the first ones may find the connection dead.
        with suppress(StoreUnavailable):
            await other.hear(heard.put_nowait)
            await database.tell(["again"])
    assert await heard.get() == "again"
    assert own == []


async def test_a_server_that_is_not_there_is_told_in_a_line(server: Server) -> None:
    nowhere = server.url("nowhere")
    async with Database(nowhere) as database:
        with pytest.raises(StoreUnavailable, match='database "nowhere" does not exist'):
            await database.read(names)
        with pytest.raises(StoreUnavailable, match='database "nowhere" does not exist'):
            await database.write(put("a"))
    async with Database(nowhere.replace("host=/", "host=/missing/")) as database:
        with pytest.raises(StoreUnavailable):
            await database.read(names)
        with pytest.raises(StoreUnavailable):
            await database.write(put("a"))
