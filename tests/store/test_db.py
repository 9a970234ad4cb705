"""The database's promises: all or nothing, durable before seen, cancel-safe."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError, OperationalError

from hedge_service.store import migrate
from hedge_service.store.db import Database, StoreUnavailable
from hedge_service.store.postgres import is_postgres
from hedge_service.store.sqlite import pragma

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy.engine import Connection


def put(name: str, value: str = "x") -> Callable[[Connection], None]:
    def work(tx: Connection) -> None:
        tx.execute(text("INSERT INTO identity (name, value) VALUES (:n, :v)"), {"n": name, "v": value})

    return work


def names(tx: Connection) -> list[str]:
    return list(tx.execute(text("SELECT name FROM identity ORDER BY name")).scalars())


async def test_the_writer_syncs_every_commit_to_disk_and_enforces_foreign_keys(
    database: Database, url: str
) -> None:
    if is_postgres(url):
        setting = text("SELECT current_setting('synchronous_commit')")
        assert await database.write(lambda tx: tx.execute(setting).scalar_one()) == "on"
        return
    assert await pragma(database, "synchronous") == 2
    assert await pragma(database, "journal_mode") == "wal"
    assert await pragma(database, "foreign_keys") == 1


async def test_migrations_add_up_to_the_schema(database: Database) -> None:
    assert await database.read(migrate.differences) == []


async def test_a_second_migration_changes_nothing(database: Database) -> None:
    before, after = await database.write(migrate.upgrade)
    assert before == after


async def test_a_database_of_a_newer_version_is_refused(database: Database) -> None:
    def a_newer_one(tx: Connection) -> None:
        tx.execute(text("UPDATE alembic_version SET version_num = '9999'"))
        migrate.upgrade(tx)

    with pytest.raises(migrate.NewerDatabase, match="9999"):
        await database.write(a_newer_one)


async def test_a_unit_that_fails_keeps_nothing_and_harms_no_other_unit(database: Database) -> None:
    def half(tx: Connection) -> None:
        put("half")(tx)
        raise KeyError("half way")

    results = await asyncio.gather(
        database.write(put("a")),
        database.write(half),
        database.write(put("b")),
        database.write(put("a")),
        return_exceptions=True,
    )
    assert [type(result) for result in results] == [type(None), KeyError, type(None), IntegrityError]
    assert await database.read(names) == ["a", "b"]


async def test_readers_cannot_write(database: Database) -> None:
    with pytest.raises(StoreUnavailable, match=r"read-?only"):
        await database.read(put("a"))
    assert await database.read(names) == []


async def test_cancelled_callers_leave_whole_units_and_no_open_transaction(database: Database) -> None:
    tasks = [asyncio.create_task(database.write(put(f"n{i:03}"))) for i in range(200)]
    await database.read(names)
    for task in tasks[::2]:
        task.cancel()
    done = await asyncio.gather(*tasks, return_exceptions=True)
    assert sum(isinstance(result, asyncio.CancelledError) for result in done) == 100
    await database.write(put("last"))
    kept = await database.read(names)
    # What was handed in runs to its end, cancelled or not, and the writer still works.
    assert {f"n{i:03}" for i in range(1, 200, 2)} | {"last"} <= set(kept)


async def test_a_second_process_waits_for_the_lock_and_then_commits(database: Database, url: str) -> None:
    async with Database(url) as other:
        await asyncio.gather(
            *(database.write(put(f"a{i}")) for i in range(20)),
            *(other.write(put(f"b{i}")) for i in range(20)),
        )
    assert len(await database.read(names)) == 40


async def test_a_commit_that_fails_tells_every_caller_and_keeps_nothing(database: Database) -> None:
    def full_disk(_: Connection) -> None:
        raise OperationalError("COMMIT", None, Exception("database or disk is full"))

    results = await asyncio.gather(
        database.write(put("a")),
        database.write(full_disk),
        return_exceptions=True,
    )
    assert all(isinstance(result, StoreUnavailable) for result in results)
    assert await database.read(names) == []
    await database.write(put("after"))


async def test_a_closed_database_says_so(url: str) -> None:
    async with Database(url) as opened:
        await opened.write(migrate.upgrade)
    with pytest.raises(StoreUnavailable, match="closed"):
        await opened.write(names)
    with pytest.raises(StoreUnavailable):
        await opened.read(names)
