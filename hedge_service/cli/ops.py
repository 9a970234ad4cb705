"""How operators' commands reach the database, whether the service runs or not, and what they print."""

from __future__ import annotations

import asyncio
import getpass
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, TypeVar

import click

from hedge_service.cli.start import fail, load
from hedge_service.clock import SystemClock

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Coroutine
    from datetime import datetime, timedelta
    from pathlib import Path

    from sqlalchemy.engine import Connection

    from hedge_service.config import Config
    from hedge_service.flow.operating import Operator
    from hedge_service.store.db import Database

T = TypeVar("T")
_MINUTE, _HOUR, _DAY = 60, 3_600, 86_400

json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON for programs.")


class Unusable(Exception):  # noqa: N818 - says what the database is
    """The configured database can't be worked on; the message says why and what to do, `code` names it."""

    def __init__(self, message: str, *, code: str) -> None:
        super().__init__(message)
        self.code = code


def said(_context: click.Context, option: click.Parameter, value: str | None) -> str | None:
    """Refuse a text option that is given without a text: it is kept as the reason of an act.

    Control characters are dropped, as on the page: the next one to read it has a terminal, too.
    """
    if value is None:
        return None
    from hedge_service.wire.extension.text import clean  # noqa: PLC0415 - only where something is said

    told = clean(value, len(value))
    if not told:
        raise click.BadParameter("say something: it is kept with the act", param=option)
    return told


def configured(path: Path | None) -> Config:
    """Load the configuration for an act on the database; consent to live orders is `serve`'s to ask for."""
    return load(path, live=True)


def operator(reason: str) -> Operator:
    """Name the person at the keyboard."""
    from hedge_service.flow.operating import Operator as Named  # noqa: PLC0415

    return Named(name=getpass.getuser(), reason=reason.strip(), at=SystemClock().now())


def read(config: Config, work: Callable[[Connection], T]) -> T:
    """Run a read of the database, or end with 1 and a line that says why not."""

    async def run() -> T:
        async with opened(config, to_write=False) as database:
            return await database.read(work)

    return attempted(run)


def write(config: Config, work: Callable[[Connection], T]) -> T:
    """Run an act on the database, or end with 1 and a line that says why not."""

    async def run() -> T:
        async with opened(config) as database:
            return await database.write(work)

    return attempted(run)


def attempted(run: Callable[[], Coroutine[Any, Any, T]]) -> T:
    """Run to the end; what is not allowed or not possible is told on standard error and ends with 1."""
    from hedge_service.errors import PeerError  # noqa: PLC0415 - heavy imports only where they are used
    from hedge_service.flow.operating import NotAllowed  # noqa: PLC0415
    from hedge_service.store.db import StoreUnavailable  # noqa: PLC0415

    try:
        return asyncio.run(run())
    except NotAllowed as error:
        fail(str(error), "not_allowed")
    except Unusable as error:
        fail(str(error), error.code)
    except StoreUnavailable as error:
        fail(str(error), "store_unavailable")
    except PeerError as error:
        fail(f"{error.error} ({error.code})", error.code)


@asynccontextmanager
async def opened(config: Config, *, to_write: bool = True) -> AsyncIterator[Database]:
    """Open the configured database if it exists, is of this version and belongs to this account.

    One that was moved elsewhere can still be read; standard error says so. Raises Unusable.
    """
    from hedge_service.store import identity, migrate, moves  # noqa: PLC0415
    from hedge_service.store.db import Database as Store  # noqa: PLC0415

    _check_there(config.database.path)
    async with Store(config.database.url) as database:
        if not await database.read(migrate.is_current):
            raise Unusable(
                "the database is of another version; run `hedge-service migrate` first", code="database_older"
            )
        closed = await database.read(moves.closed)
        if closed is not None and to_write:
            raise Unusable(str(closed), code=closed.code)
        if closed is not None:
            click.echo(f"hedge-service: {closed}", err=True)
        wrong = await database.read(lambda tx: identity.mismatches(tx, identity.facts_of(config)))
        if wrong:
            names = ", ".join(f"{name} {stored!r}" for name, (stored, _) in wrong.items())
            raise Unusable(
                f"the database belongs to {names}, which is not what is configured", code="database_foreign"
            )
        yield database


def _check_there(path: Path | None) -> None:
    # Opening a file would make an empty one; what is on a server says so itself when it is missing.
    if path is not None and not path.is_file():
        raise Unusable(
            f"there is no database at {path}; `hedge-service serve` makes it", code="database_missing"
        )


def print_json(value: Any) -> None:
    """Print one JSON object, indented."""
    import orjson  # noqa: PLC0415

    click.echo(orjson.dumps(value, option=orjson.OPT_INDENT_2).decode())


def moment(at: datetime | None) -> str | None:
    """Give a time as programs read it."""
    return None if at is None else at.isoformat()


def age(duration: timedelta) -> str:
    """Give a duration as people read it."""
    seconds = max(int(duration.total_seconds()), 0)
    if seconds < _MINUTE:
        return f"{seconds} s"
    if seconds < _HOUR:
        return f"{seconds // _MINUTE} min"
    return f"{seconds // _HOUR} h" if seconds < _DAY else f"{seconds // _DAY} d"
