"""`backup`: a copy of the database, while the service runs."""

from __future__ import annotations

from pathlib import Path

import click

from hedge_service.cli import ops
from hedge_service.cli.start import config_option, fail, refuse
from hedge_service.errors import ConfigError

OWNER = frozenset({"environment", "account", "subaccount", "stripe_mode"})


@click.command()
@config_option
@click.argument("target", type=click.Path(path_type=Path))
@ops.json_option
def backup(config_path: Path | None, target: Path, *, as_json: bool) -> None:
    """Copy the database to TARGET, a file that must not exist yet, and check the copy.

    Safe while the service runs: the copy is one snapshot. It holds what the books need and no card data;
    keep it as you keep the database. To restore, see docs/going-live.md.

    Ends with 0, with 1 when no good copy was made, or with 2 on PostgreSQL, which has pg_dump for it.

    \b
    Example: hedge-service backup /var/backups/hedge-2026-11-22.db
    """  # noqa: D301 - click reads the control character
    from hedge_service.store.backup import BackupFailed, copy  # noqa: PLC0415 - heavy imports where they are used

    config = ops.configured(config_path)
    path = config.database.path
    if path is None:
        refuse(ConfigError(("the database is on a PostgreSQL server: back it up with pg_dump",)))
    try:
        made = copy(path, target)
    except BackupFailed as error:
        fail(str(error), "backup_failed")
    owner = {name: value for name, value in sorted(made.identity.items()) if name in OWNER}
    if as_json:
        ops.print_json({"target": str(target), "size_bytes": made.size_bytes, "identity": owner})
    else:
        whose = ", ".join(f"{name} {value}" for name, value in owner.items())
        click.echo(f"{target}: {made.size_bytes} bytes, checked; {whose}")
