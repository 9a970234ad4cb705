"""A SQLite database that is moved elsewhere: locked, looked through, read row by row, retired.

Like `db.py` and `backup.py` this knows SQLite.
"""

from __future__ import annotations

from contextlib import closing, contextmanager
from typing import TYPE_CHECKING, Any

from sqlalchemy import NullPool, create_engine, event, func, select, text
from sqlalchemy.exc import DBAPIError

from hedge_service.clock import instant
from hedge_service.store import halts, migrate, moves
from hedge_service.store.move_figures import TABLES, booleans, contents, id_column, orphans, unbalanced
from hedge_service.store.moves import MoveRefused
from hedge_service.store.schema import identity, leases
from hedge_service.store.sqlite import BUSY_TIMEOUT_MS

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime
    from pathlib import Path

    from sqlalchemy import Table
    from sqlalchemy.engine import Connection

VERBS = ("INSERT", "UPDATE", "DELETE")


@contextmanager
def locked(path: Path) -> Iterator[Connection]:
    """Open a database in one transaction that no other process can write beside, committed at the end.

    Raises MoveRefused when it is not there, not a database, or busy.
    """
    # Opening it would make an empty one.
    if not path.is_file():
        raise MoveRefused(f"there is no database at {path}", code="database_missing")
    engine = create_engine(f"sqlite:///{path}", poolclass=NullPool)
    event.listen(engine, "connect", _prepare)
    event.listen(engine, "begin", lambda connection: connection.exec_driver_sql("BEGIN IMMEDIATE"))
    try:
        with engine.begin() as connection:
            yield connection
    except DBAPIError as error:
        raise MoveRefused(f"{path}: {error.orig}", code="store_unavailable") from error


def _prepare(dbapi_connection: Any, _record: Any) -> None:
    # As the service's own connections: BEGIN is ours, and a commit is on the disk.
    dbapi_connection.isolation_level = None
    with closing(dbapi_connection.cursor()) as cursor:
        cursor.execute(f"PRAGMA busy_timeout = {BUSY_TIMEOUT_MS}")
        cursor.execute("PRAGMA synchronous = FULL")
        cursor.execute("PRAGMA foreign_keys = ON")


def environment_of(path: Path) -> str | None:
    """Give the environment that a database belongs to; None when it can't be told."""
    if not path.is_file():
        return None
    engine = create_engine(f"sqlite:///{path}", poolclass=NullPool)
    try:
        with engine.connect() as connection:
            return connection.execute(
                select(identity.c.value).where(identity.c.name == "environment")
            ).scalar()
    except DBAPIError:
        return None


def check_version(tx: Connection) -> None:
    """Let a database of this version's schema pass. Raises MoveRefused."""
    standing = migrate.standing(tx)
    if standing is migrate.Standing.NEWER:
        raise MoveRefused("the source is of a newer version of the service", code="database_newer")
    if standing is not migrate.Standing.CURRENT:
        raise MoveRefused(
            f"the source's schema is {standing.value}; back it up and run `hedge-service migrate` first",
            code="database_older",
        )


def check_quiet(tx: Connection, now: datetime) -> None:
    """Let a halted database pass on which nobody runs. Raises MoveRefused."""
    if halts.reason(tx) is None:
        raise MoveRefused(
            "the source is not halted; run `hedge-service halt --reason ...` and stop the service",
            code="source_not_halted",
        )
    for row in tx.execute(select(leases)):
        until = instant(row.expires_ms)
        if until > now:
            raise MoveRefused(
                f"a service runs on the source ({row.holder}, lease until {until:%H:%M:%S} UTC); stop it",
                code="source_in_use",
            )


def check_sound(tx: Connection) -> None:
    """Let a database pass whose file is whole and whose books balance. Raises MoveRefused."""
    found = tx.execute(text("PRAGMA integrity_check(1)")).scalar_one()
    told = [] if found == "ok" else [str(found)]
    told += [f"{key} points to rows that are not there" for key in orphans(tx)]
    told += [f"the ledger set of {cause} does not sum to zero" for cause in unbalanced(tx)]
    if told:
        raise MoveRefused(f"the source is damaged: {'; '.join(told)}", code="source_damaged")


def rows(tx: Connection, table: Table) -> Iterator[tuple[Any, ...]]:
    """Read a table in the order of its key, one row at a time, booleans as such."""
    cursor = tx.connection.cursor()
    flags = booleans(table)
    try:
        cursor.execute(contents(table, tx.dialect))
        while row := cursor.fetchone():
            yield _with_booleans(row, flags) if flags else tuple(row)
    finally:
        cursor.close()


def _with_booleans(row: Any, flags: tuple[int, ...]) -> tuple[Any, ...]:
    values = list(row)
    for place in flags:
        # Anything but 0 and 1 is left as it is, for the target to refuse.
        if values[place] in (0, 1):
            values[place] = bool(values[place])
    return tuple(values)


def last_ids(tx: Connection) -> dict[str, int | None]:
    """Give the highest id that each table has given, that of deleted rows too where none is given twice."""
    given: dict[str, int] = {}
    if tx.execute(text("SELECT 1 FROM sqlite_master WHERE name = 'sqlite_sequence'")).first():
        given = {row.name: int(row.seq) for row in tx.execute(text("SELECT name, seq FROM sqlite_sequence"))}
    return {table.name: _last_id(tx, table, given.get(table.name)) for table in TABLES}


def _last_id(tx: Connection, table: Table, given: int | None) -> int | None:
    name = id_column(table)
    if name is None:
        return None
    largest = tx.execute(select(func.max(table.c[name]))).scalar()
    known = [one for one in (largest, given) if one is not None]
    return max(known) if known else None


def retire(tx: Connection, address: str) -> None:
    """Close a database for good: a mark for those who ask, a lock of its own for those who don't.

    The lock is in the database itself, so that it holds for processes that run already, and for versions
    of the service that know no marks.
    """
    moves.put(tx, moves.MOVED_TO, address)
    words = f"the database was moved to {address}".replace("'", "''")
    for table in _tables(tx):
        for verb in VERBS:
            tx.exec_driver_sql(
                f'CREATE TRIGGER "{_trigger(table, verb)}" BEFORE {verb} ON "{table}" '
                f"BEGIN SELECT RAISE(ABORT, '{words}'); END"
            )


def reopen(tx: Connection) -> None:
    """Undo `retire`."""
    for table in _tables(tx):
        for verb in VERBS:
            tx.exec_driver_sql(f'DROP TRIGGER IF EXISTS "{_trigger(table, verb)}"')
    moves.clear(tx, moves.MOVED_TO)


def _trigger(table: str, verb: str) -> str:
    return f"retired_{table}_{verb.lower()}"


def _tables(tx: Connection) -> list[str]:
    found = text(
        "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite!_%' ESCAPE '!'"
    )
    return sorted(tx.execute(found).scalars())
