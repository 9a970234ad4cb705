"""What a trip to SQLite's thread costs: one for each statement against one for each group of units.

Both use the same file, the same settings, SQLAlchemy Core and aiosqlite's thread; only who crosses to it when
differs. Run: `python -m benchmarks.hops`. Figures are medians of the runs: microseconds of processor time a
unit (which a busy machine changes least), and units a second.
"""

from __future__ import annotations

import asyncio
import statistics
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import event, text
from sqlalchemy.ext.asyncio import create_async_engine

from hedge_service.store.db import Database
from tests.empty_database import put_empty_database

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from sqlalchemy.engine import Connection

RUNS = 5
UNITS = 300
STATEMENTS = 5
NAME = "benchmark"


def read(tx: Connection) -> None:
    """Ask for a few rows, as most units do before they write."""
    for _ in range(STATEMENTS):
        tx.execute(text("SELECT value FROM identity WHERE name = :name"), {"name": NAME}).scalar()


def write(tx: Connection) -> None:
    """Write a row, after a look at others."""
    read(tx)
    tx.execute(text("UPDATE marks SET at_ms = at_ms + 1 WHERE name = :name"), {"name": NAME})


async def _figures(do: Callable[[], Awaitable[None]]) -> tuple[float, float]:
    """Give processor time a unit and units a second, one after the other."""
    await do()
    began, used = time.perf_counter(), time.process_time()
    for _ in range(UNITS):
        await do()
    return (time.process_time() - used) / UNITS * 1e6, UNITS / (time.perf_counter() - began)


async def _a_trip_each(url: str) -> tuple[float, ...]:
    engine = create_async_engine(url, pool_size=1, max_overflow=0)

    @event.listens_for(engine.sync_engine, "connect")
    def prepare(raw: object, _record: object) -> None:
        raw.isolation_level = None  # type: ignore[attr-defined]
        for pragma in ("journal_mode = WAL", "synchronous = FULL"):
            raw.cursor().execute(f"PRAGMA {pragma}")  # type: ignore[attr-defined]

    event.listen(engine.sync_engine, "begin", lambda tx: tx.exec_driver_sql("BEGIN IMMEDIATE"))

    async def reading() -> None:
        async with engine.connect() as connection:
            await connection.run_sync(read)

    async def writing() -> None:
        async with engine.begin() as connection:
            await connection.run_sync(write)

    found = await _figures(reading) + await _figures(writing)
    await engine.dispose()
    return found


async def _one_trip(url: str) -> tuple[float, ...]:
    async with Database(url) as database:
        reads = await _figures(lambda: database.read(read))
        return reads + await _figures(lambda: database.write(write))


async def main() -> None:
    """Run both in turn and print the medians."""
    found: dict[str, list[tuple[float, ...]]] = {"a trip for each statement": [], "one trip": []}
    with tempfile.TemporaryDirectory() as folder:
        url = put_empty_database(Path(folder) / "hedge.db")
        for _ in range(RUNS):
            found["a trip for each statement"].append(await _a_trip_each(url))
            found["one trip"].append(await _one_trip(url))
    print(f"A unit reads {STATEMENTS} times; one that writes also writes a row.")
    for name, runs in found.items():
        used, reads, written, writes = (
            round(statistics.median(column)) for column in zip(*runs, strict=True)
        )
        print(f"{name:26} read {used:5} us {reads:5}/s   write {written:5} us {writes:5}/s")


if __name__ == "__main__":
    asyncio.run(main())
