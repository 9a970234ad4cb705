"""A PostgreSQL database that another is moved into: claimed, filled, looked through, opened.

This knows PostgreSQL. Every step is one transaction.
"""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, Self

import asyncpg
from sqlalchemy import NullPool, inspect, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import create_async_engine

from hedge_service.config.databases import shown
from hedge_service.core.moving import Digest
from hedge_service.store import migrate, moves
from hedge_service.store.move_figures import TABLES, contents, counted, figures, id_column
from hedge_service.store.moves import ARRIVED, ARRIVING, MoveRefused
from hedge_service.store.postgres import SERIAL_LOCK

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping

    from sqlalchemy import Table
    from sqlalchemy.engine import Connection
    from sqlalchemy.ext.asyncio import AsyncConnection

    from hedge_service.core.moving import Figures

    Rows = Callable[[Table], Iterable[tuple[Any, ...]]]

PREFETCH = 200
NAMES = ", ".join(table.name for table in TABLES)
LOCK_OUT_WRITERS = "LOCK TABLE {} IN SHARE ROW EXCLUSIVE MODE"
REFUSE = "refuse_since_moved"
# Whatever the server's defaults: what is committed here is on its disk, a long copy is not cut off, and a
# database that is in use is told of soon.
SETTINGS = {
    "synchronous_commit": "on",
    "statement_timeout": "0",
    "idle_in_transaction_session_timeout": "0",
    "lock_timeout": "5s",
}


class Target:
    """The database at an address; opens with `async with`. Methods raise MoveRefused."""

    def __init__(self, url: str) -> None:
        self.address = shown(url)
        self._engine = create_async_engine(url, poolclass=NullPool)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._engine.dispose()

    async def claim(self, move: str) -> None:
        """Make the tables and mark them as arriving, if the database is empty or this move's already."""
        async with self._transaction() as connection:
            await connection.run_sync(_claim, move)

    async def fill(self, move: str, rows: Rows, last_ids: Mapping[str, int | None]) -> None:
        """Put all rows in, all or none; whatever an unfinished run of this move left there goes."""
        async with self._transaction() as connection:
            await connection.run_sync(_make_room, move)
            driver = await _driver(connection)
            for table in TABLES:
                names = [column.name for column in table.columns]
                await _copy(driver, table.name, names, rows(table))
            await connection.run_sync(_set_ids, last_ids)
            await connection.execute(text("ANALYZE"))

    async def figures(self) -> Figures:
        """Gather what is compared."""
        async with self._transaction() as connection:
            return await _figures(connection)

    async def marks(self) -> dict[str, str]:
        """Give the marks that the database carries."""
        async with self._transaction() as connection:
            return await connection.run_sync(moves.marks)

    async def open(self, move: str) -> None:
        """Let services write: the move is finished."""
        async with self._transaction() as connection:
            await connection.run_sync(_open, move)

    async def close(self, move: str, check: Callable[[Figures], None]) -> None:
        """Let nobody write any more, if `check` (which raises) finds it as the move has left it."""
        async with self._transaction() as connection:
            await connection.execute(text(LOCK_OUT_WRITERS.format(NAMES)))
            if (await connection.run_sync(moves.marks)).get(ARRIVING) == move:
                return
            await connection.run_sync(_expect, ARRIVED, move)
            check(await _figures(connection))
            await connection.run_sync(_close, move)

    @asynccontextmanager
    async def _transaction(self) -> AsyncIterator[AsyncConnection]:
        try:
            async with self._engine.begin() as connection:
                for name, value in SETTINGS.items():
                    await connection.execute(text(f"SET LOCAL {name} = '{value}'"))
                # No service is in the middle of its own start or of a unit that must be alone.
                await connection.execute(text(f"SELECT pg_advisory_xact_lock({SERIAL_LOCK})"))
                yield connection
        except DBAPIError as error:
            raise self._refused(error.orig) from error
        except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
            raise self._refused(error) from error

    def _refused(self, error: BaseException | None) -> MoveRefused:
        return MoveRefused(f"{self.address}: {error}", code="target_failed")


def _claim(tx: Connection, move: str) -> None:
    strange = set(inspect(tx).get_table_names()) - {table.name for table in TABLES} - {"alembic_version"}
    if strange:
        raise _not_empty(f"tables that are not the service's ({', '.join(sorted(strange))})")
    try:
        migrate.upgrade(tx)
    except migrate.NewerDatabase as error:
        raise MoveRefused(f"the target: {error}", code="database_newer") from error
    # A service that starts meanwhile waits here with its claim, and then sees the mark.
    tx.execute(text(LOCK_OUT_WRITERS.format("identity")))
    marks = moves.marks(tx)
    if marks == {ARRIVING: move}:
        return
    if ARRIVING in marks:
        raise _not_empty("an unfinished move of another database")
    held = {name: rows for name, rows in counted(tx).items() if rows}
    if marks or held:
        raise _not_empty(", ".join(f"{name} {rows}" for name, rows in held.items()) or "an earlier move")
    moves.put(tx, ARRIVING, move)


def _not_empty(holds: str) -> MoveRefused:
    return MoveRefused(f"the target is not empty; it holds: {holds}", code="target_not_empty")


def _make_room(tx: Connection, move: str) -> None:
    _expect(tx, ARRIVING, move)
    _unlock(tx)
    tx.execute(text(f"TRUNCATE {NAMES} RESTART IDENTITY"))
    moves.put(tx, ARRIVING, move)


def _open(tx: Connection, move: str) -> None:
    _expect(tx, ARRIVING, move)
    _unlock(tx)
    moves.clear(tx, ARRIVING)
    moves.put(tx, ARRIVED, move)


def _close(tx: Connection, move: str) -> None:
    moves.clear(tx, ARRIVED)
    moves.put(tx, ARRIVING, move)
    # For services that run already and ask for no mark.
    tx.execute(
        text(
            f"CREATE OR REPLACE FUNCTION {REFUSE}() RETURNS trigger LANGUAGE plpgsql AS "
            "$$ BEGIN RAISE EXCEPTION 'the database was moved back to where it came from'; END $$"
        )
    )
    for table in TABLES:
        tx.execute(
            text(
                f"CREATE TRIGGER {REFUSE} BEFORE INSERT OR UPDATE OR DELETE OR TRUNCATE ON {table.name} "
                f"FOR EACH STATEMENT EXECUTE FUNCTION {REFUSE}()"
            )
        )


def _unlock(tx: Connection) -> None:
    for table in TABLES:
        tx.execute(text(f"DROP TRIGGER IF EXISTS {REFUSE} ON {table.name}"))


def _expect(tx: Connection, mark: str, move: str) -> None:
    if moves.marks(tx).get(mark) != move:
        raise MoveRefused("the target does not hold this move", code="target_not_empty")


async def _copy(driver: Any, table: str, names: list[str], rows: Iterable[tuple[Any, ...]]) -> None:
    try:
        await driver.copy_records_to_table(table, records=rows, columns=names)
    except (asyncpg.DataError, asyncpg.PostgresError, TypeError, ValueError, OverflowError) as error:
        raise MoveRefused(
            f"a row of {table} does not fit the target: {error}", code="target_failed"
        ) from error


async def _driver(connection: AsyncConnection) -> Any:
    return (await connection.get_raw_connection()).driver_connection


async def _figures(connection: AsyncConnection) -> Figures:
    driver = await _driver(connection)
    digests: dict[str, str] = {}
    for table in TABLES:
        digest = Digest()
        async for row in driver.cursor(contents(table, connection.dialect), prefetch=PREFETCH):
            digest.add(tuple(row))
        digests[table.name] = digest.value()
    return await connection.run_sync(lambda tx: figures(tx, digests, _last_ids(tx)))


def _set_ids(tx: Connection, last_ids: Mapping[str, int | None]) -> None:
    for table, column in _numbered():
        last = last_ids[table.name]
        if last is not None:
            names = {"table": table.name, "column": column, "last": last}
            tx.execute(text("SELECT setval(pg_get_serial_sequence(:table, :column), :last)"), names)


def _last_ids(tx: Connection) -> dict[str, int | None]:
    found: dict[str, int | None] = {table.name: None for table in TABLES}
    for table, column in _numbered():
        names = {"table": table.name, "column": column}
        sequence = tx.execute(text("SELECT pg_get_serial_sequence(:table, :column)"), names).scalar_one()
        row = tx.execute(text(f"SELECT last_value, is_called FROM {sequence}")).one()  # noqa: S608 - our own
        found[table.name] = row.last_value if row.is_called else None
    return found


def _numbered() -> Iterator[tuple[Table, str]]:
    for table in TABLES:
        column = id_column(table)
        if column is not None:
            yield table, column
