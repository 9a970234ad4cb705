"""`migrate`: this version's schema, and the move to another database."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import click

from hedge_service.cli import move, ops
from hedge_service.cli.start import config_option, fail, load

if TYPE_CHECKING:
    from pathlib import Path

    from sqlalchemy.engine import Connection


@click.command()
@config_option
@click.option("--from", "source", metavar="URL", help="Move from this: sqlite+aiosqlite:///PATH.")
@click.option(
    "--to", "target", metavar="URL", help="Move into this: postgresql+asyncpg://USER@HOST/DATABASE."
)
@click.option("--back", is_flag=True, help="Undo that move, while nothing was written at --to since.")
@ops.json_option
def migrate(
    config_path: Path | None, source: str | None, target: str | None, *, back: bool, as_json: bool
) -> None:
    """Bring the database to this version's schema (serve does it, too), or move it to PostgreSQL.

    With --from and --to, which take the configuration's place, it copies a halted, stopped service's SQLite
    file into an empty PostgreSQL database, compares counts, sums, ledger and contents of both, retires the
    file and opens the database, which stays halted until `resume`. Cut off, it goes on when run again.

    A password on the command line is seen by others: leave it out and set PGPASSWORD or use ~/.pgpass.

    Ends with 0, or with 1 when nothing was moved or the two sides differ.

    \b
    Example: hedge-service migrate --config config.toml
    Example: hedge-service migrate --from sqlite+aiosqlite:///hedge.db --to postgresql+asyncpg://hedge@db1/hedge
    """  # noqa: D301 - click reads the control character
    if source is not None and target is not None:
        move.run(source, target, back=back, as_json=as_json)
    elif source is not None or target is not None or back:
        raise click.UsageError("Give --from and --to together: where the data is, and where it goes.")
    else:
        _upgrade(config_path, as_json=as_json)


def _upgrade(config_path: Path | None, *, as_json: bool) -> None:
    config = load(config_path, live=True)
    from hedge_service.store import migrate as migrations  # noqa: PLC0415 - heavy imports where they are used
    from hedge_service.store.db import Database, StoreUnavailable  # noqa: PLC0415
    from hedge_service.store.moves import Closed, refuse  # noqa: PLC0415

    def upgrade(tx: Connection) -> tuple[str | None, str]:
        refuse(tx)
        return migrations.upgrade(tx)

    async def run() -> tuple[str | None, str]:
        async with Database(config.database.url) as database:
            return await database.write(upgrade)

    try:
        before, after = asyncio.run(run())
    except migrations.NewerDatabase as error:
        fail(str(error), "database_newer")
    except Closed as error:
        fail(str(error), error.code)
    except StoreUnavailable as error:
        fail(str(error), "store_unavailable")
    if as_json:
        ops.print_json({"before": before, "after": after})
    else:
        click.echo(f"database: {before or 'empty'} -> {after}")
