"""PostgreSQL: any number of processes on one database, one of them in the serial lane at a time.

Readers see one snapshot (REPEATABLE READ, READ ONLY). A writer in the serial lane first takes an advisory
lock that its transaction holds to its end: what it then reads (READ COMMITTED) is all that was committed
before, as behind SQLite's BEGIN IMMEDIATE.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from sqlalchemy import BigInteger, bindparam, func, select, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import sum as sum_of

from hedge_service.store.notices import Notices
from hedge_service.store.units import Lane, RolledBack, StoreUnavailable, reason_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from sqlalchemy.engine import Connection
    from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine
    from sqlalchemy.sql.compiler import SQLCompiler

T = TypeVar("T")
SCHEME = "postgresql+asyncpg://"
READERS = 8
CONNECT_TIMEOUT_S = 5.0
COMMAND_TIMEOUT_S = 60.0
STATEMENTS_KEPT = 500
# "Hedge" in the key of the lock: locks of other programs on the same database have other numbers.
SERIAL_LOCK = 0x48_65_64_67_65
# Their transactions were rolled back because of others', and may be begun again.
VICTIMS = frozenset({"40001", "40P01"})
LOCK_TIMEOUT = "55P03"
# How long a process may keep the server waiting in a transaction before it counts as frozen.
FROZEN_S = 7.0
SETTINGS = {
    "application_name": "hedge-service",
    "timezone": "UTC",
    "synchronous_commit": "on",
    "statement_timeout": "30s",
    "lock_timeout": "5s",
    # A process that freezes in a transaction must let go of the serial lane soon enough for a successor, who
    # is due within ten seconds; one that is only slow must not be taken for frozen.
    "idle_in_transaction_session_timeout": "7s",
}


def is_postgres(url: str) -> bool:
    """Say whether a database's URL names PostgreSQL."""
    return url.startswith(SCHEME)


class Postgres:
    """A database on a server."""

    serial_only = False

    def __init__(self, url: str) -> None:
        self._writer = _engine(url, pool_size=len(Lane), isolation="READ COMMITTED", settings=SETTINGS)
        reading = SETTINGS | {"default_transaction_read_only": "on"}
        self._reader = _engine(url, pool_size=READERS, isolation="REPEATABLE READ", settings=reading)
        self._notices = Notices(_arguments(url) | {"server_settings": SETTINGS, "timeout": CONNECT_TIMEOUT_S})

    async def commit(self, lane: Lane, work: Callable[[Connection], None]) -> None:
        """Run `work` in one transaction and commit it. Raises RolledBack for a deadlock's victim."""
        try:
            connection = await self._begun(lane)
            try:
                await connection.run_sync(work)
                await connection.commit()
            finally:
                await connection.close()
        except DBAPIError as error:
            if getattr(error.orig, "sqlstate", None) in VICTIMS:
                raise RolledBack(reason_of(error)) from error
            raise

    async def read(self, work: Callable[[Connection], T]) -> T:
        """Run `work` on one snapshot; a connection that turns out dead is replaced once."""
        try:
            return await self._read(work)
        except DBAPIError as error:
            if not error.connection_invalidated:
                raise StoreUnavailable(reason_of(error)) from error
        except (OSError, PoolTimeout) as error:
            raise StoreUnavailable(reason_of(error)) from error
        try:
            return await self._read(work)
        except (DBAPIError, OSError, PoolTimeout) as error:
            raise StoreUnavailable(reason_of(error)) from error

    async def tell(self, names: Iterable[str]) -> None:
        """Tell other processes these names."""
        await self._notices.tell(names)

    async def hear(self, take: Callable[[str], None]) -> None:
        """See that `take` is given the names that other processes tell."""
        await self._notices.hear(take)

    async def close(self) -> None:
        """Close every connection."""
        await self._notices.close()
        await self._writer.dispose()
        await self._reader.dispose()

    async def _read(self, work: Callable[[Connection], T]) -> T:
        async with self._reader.connect() as connection:
            return await connection.run_sync(work)

    async def _begun(self, lane: Lane) -> AsyncConnection:
        """Give a connection in a transaction of the lane; one that turns out dead is replaced once.

        A lane that a frozen process holds is freed: its transaction is rolled back, as if it had died.
        """
        try:
            return await self._begin(lane)
        except DBAPIError as error:
            if getattr(error.orig, "sqlstate", None) == LOCK_TIMEOUT:
                await self._free_lane()
            elif not error.connection_invalidated:
                raise
        return await self._begin(lane)

    async def _free_lane(self) -> None:
        """End the connection that holds the serial lane, if its process has not moved for too long.

        The server's own limit on idle transactions does not count while it waits in the middle of a
        statement's messages, which is where a process may be stopped.
        """
        async with self._writer.begin() as connection:
            await connection.execute(_END_HOLDER, {"key": SERIAL_LOCK, "seconds": FROZEN_S})

    async def _begin(self, lane: Lane) -> AsyncConnection:
        connection = self._writer.connect()
        await connection.start()
        try:
            # The first statement of the open lane only shows that the connection lives: no unit has run yet.
            await connection.execute(_TAKE_LANE if lane is Lane.SERIAL else _ALIVE)
        except BaseException:
            await connection.close()
            raise
        return connection


_END_HOLDER = text(
    "SELECT pg_terminate_backend(held.pid) FROM pg_locks AS held JOIN pg_stat_activity AS busy USING (pid)"
    " WHERE held.locktype = 'advisory' AND held.granted AND busy.datname = current_database()"
    " AND ((held.classid::bigint << 32) | held.objid::bigint) = CAST(:key AS bigint)"
    " AND busy.wait_event = 'ClientRead'"
    " AND busy.state_change < clock_timestamp() - make_interval(secs => CAST(:seconds AS double precision))"
)
_TAKE_LANE = select(func.pg_advisory_xact_lock(bindparam("key", SERIAL_LOCK, BigInteger())))
_ALIVE = select(1)


@compiles(sum_of, "postgresql")
def _sum(element: sum_of[Any], compiler: SQLCompiler, **how: Any) -> str:
    # PostgreSQL sums bigint as numeric, which comes out as Decimal: all that is summed here is whole.
    return f"CAST(sum({compiler.process(element.clauses, **how)}) AS BIGINT)"


def _engine(url: str, *, pool_size: int, isolation: Any, settings: dict[str, str]) -> AsyncEngine:
    return create_async_engine(
        url,
        pool_size=pool_size,
        max_overflow=0,
        isolation_level=isolation,
        connect_args={
            "server_settings": settings,
            "timeout": CONNECT_TIMEOUT_S,
            "command_timeout": COMMAND_TIMEOUT_S,
            "prepared_statement_cache_size": STATEMENTS_KEPT,
        },
    )


def _arguments(url: str) -> dict[str, Any]:
    """Give what the driver itself takes of a URL."""
    made = create_async_engine(url)
    arguments = made.dialect.create_connect_args(make_url(url))[1]
    return {name: value for name, value in arguments.items() if name in _DRIVERS}


_DRIVERS = frozenset({"host", "port", "user", "password", "database", "ssl"})
