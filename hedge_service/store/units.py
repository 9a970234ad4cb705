"""Units of work, and what a database must do for them; `sqlite.py` and `postgres.py` do it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from hedge_service.store.prepared import say

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable, Iterable

    from sqlalchemy.engine import Connection

T = TypeVar("T")
_CALLERS = frozenset({"IntegrityError", "ProgrammingError", "DataError"})


class StoreUnavailable(Exception):  # noqa: N818 - says what the database is
    """The unit of work was not committed, or nobody knows: its effect may be there.

    Busy, full disk, closed, or a connection lost, on PostgreSQL perhaps in the very COMMIT. Ask the rows
    before anything is done that must not be done twice; the same unit may be handed in again, since every
    effect is idempotent on its key.
    """


class Lane(Enum):
    """How a unit of work is kept apart from others."""

    SERIAL = "serial"
    """One writer at a time over all processes: what is read in the unit stays true until its commit."""

    OPEN = "open"
    """Beside all others: only for units whose outcome a unique key or a row's own lock decides."""


@dataclass(slots=True)
class Unit:
    """A unit of work that somebody waits for."""

    work: Callable[[Connection], Any]
    done: asyncio.Future[Any]
    result: Any = None
    error: BaseException | None = None


class RolledBack(Exception):  # noqa: N818 - says what happened to a group
    """Nothing of the group was kept, and each of its units may be tried by itself (a deadlock's victim)."""


class Backend(Protocol):
    """One database. What its methods raise says that nothing is known to be kept, unless it is RolledBack."""

    serial_only: bool
    """Say whether the open lane is the serial one."""

    async def commit(self, lane: Lane, work: Callable[[Connection], None]) -> None:
        """Run `work` in one transaction and commit it, durably; what it raises rolls all of it back."""

    async def read(self, work: Callable[[Connection], T]) -> T:
        """Run `work` on one snapshot, unable to write. Raises StoreUnavailable."""

    async def tell(self, names: Iterable[str]) -> None:
        """Tell other processes these names. Raises StoreUnavailable; it may be lost without harm."""

    async def hear(self, take: Callable[[str], None]) -> None:
        """See that `take` is given the names other processes tell. Raises StoreUnavailable."""

    async def close(self) -> None:
        """Close every connection."""


def work_through(connection: Connection, group: list[Unit]) -> None:
    """Run each unit inside a savepoint of its own; a failure of the database itself is the whole group's.

    A unit that is alone needs no savepoint: its failure is raised, and takes the transaction with it.
    """
    if len(group) == 1:
        (unit,) = group
        unit.result = unit.work(connection)
        return
    for unit in group:
        say(connection, "SAVEPOINT unit")
        try:
            unit.result = unit.work(connection)
        except Exception as error:
            if not is_callers(error):
                raise
            say(connection, "ROLLBACK TO SAVEPOINT unit")
            unit.error = error
        say(connection, "RELEASE SAVEPOINT unit")


def is_callers(error: BaseException) -> bool:
    """Say whether a failure belongs to one unit: a constraint does, a full disk or a lost connection not."""
    if isinstance(error, DBAPIError):
        return not error.connection_invalidated and type(error).__name__ in _CALLERS
    # A driver that can't connect, or waited too long, raises the operating system's errors as they are.
    return not isinstance(error, (OSError, PoolTimeout, RolledBack, StoreUnavailable))


def reason_of(error: BaseException) -> str:
    """Say in a line what was wrong with the database."""
    if isinstance(error, DBAPIError):
        return str(error.orig)
    return str(error) if isinstance(error, StoreUnavailable) else f"{type(error).__name__}: {error}"
