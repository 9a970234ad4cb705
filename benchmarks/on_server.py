"""What the server itself sets as a bound: durable commits a second, and what an order leaves behind."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import asyncpg

from benchmarks.processor import spent_s
from benchmarks.stage import product
from tests.postgres_server import OWNER, in_a_loop

if TYPE_CHECKING:
    from benchmarks.stage import Stage
    from tests.postgres_server import Server

COMMITS_AT_ONCE = 16
ORDERS_AT_ONCE = 100
ROW = "INSERT INTO commits (note) VALUES ($1)"
NOTE = "x" * 1_000
SIZES = "SELECT relname, pg_total_relation_size(oid) AS bytes FROM pg_class WHERE relkind = 'r'"
# The service's own tables, without the server's catalogue.
OURS = f"{SIZES} AND relnamespace = 'public'::regnamespace"


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What one order costs: processor milliseconds until it has ended, and bytes with indexes."""

    service_ms: float
    server_ms: float
    bytes: float
    wal_bytes: float


def commits_per_s(server: Server, at_once: int, count: int) -> float:
    """Commit rows of 1 kB, each durably, on so many connections."""
    server.ask("postgres", "CREATE TABLE IF NOT EXISTS commits (note text)")

    async def together() -> float:
        connections = [
            await asyncpg.connect(host=str(server.folder), user=OWNER, database="postgres")
            for _ in range(at_once)
        ]
        start = time.perf_counter()
        await asyncio.gather(*(_commit(connection, count // at_once) for connection in connections))
        seconds = time.perf_counter() - start
        await asyncio.gather(*(connection.close() for connection in connections))
        return count / seconds

    return in_a_loop(together)


def order(stage: Stage, server: Server, batches: int) -> Order:
    """Send orders through the composed service until they are booked and ended."""
    server.ask("postgres", "CREATE DATABASE orders TEMPLATE migrated")
    assert server.process is not None
    with product(stage, "orders", url=server.url("orders")) as ours:
        # Empty pages and a first market read are no order's.
        ours.ask("orders", at_once=ORDERS_AT_ONCE, batches=1)
        before = (spent_s(ours.popen.pid), spent_s(server.process.pid), _bytes(server), _wal(server))
        ours.ask("orders", at_once=ORDERS_AT_ONCE, batches=batches)
        after = (spent_s(ours.popen.pid), spent_s(server.process.pid), _bytes(server), _wal(server))
    each = [(end - start) / (ORDERS_AT_ONCE * batches) for start, end in zip(before, after, strict=True)]
    return Order(service_ms=each[0] * 1_000, server_ms=each[1] * 1_000, bytes=each[2], wal_bytes=each[3])


def _bytes(server: Server) -> int:
    return sum(row["bytes"] for row in server.ask("orders", OURS))


def _wal(server: Server) -> int:
    return int(server.ask("orders", "SELECT pg_current_wal_insert_lsn() - '0/0'::pg_lsn AS at")[0]["at"])


async def _commit(connection: asyncpg.Connection, count: int) -> None:
    for _ in range(count):
        await connection.execute(ROW, NOTE)
