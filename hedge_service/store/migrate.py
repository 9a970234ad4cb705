"""Bring a database to this version's schema, in one transaction."""

from __future__ import annotations

from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import inspect, text

import hedge_service
from hedge_service.store.schema import metadata

if TYPE_CHECKING:
    from sqlalchemy.engine import Connection

# Alembic is loaded only where something is to be migrated: that takes longer than all that is asked here.
_CURRENT = text("SELECT version_num FROM alembic_version")


class NewerDatabase(Exception):  # noqa: N818 - says what was found
    """The database was migrated by a newer version of the service; this one must not touch it."""


def _folder() -> Path:
    package = Path(hedge_service.__file__).parent
    # An installed wheel carries the folder inside the package; a checkout has it beside.
    inside = package / "migrations"
    return inside if inside.is_dir() else package.parent / "migrations"


def revisions() -> tuple[str, ...]:
    """Give the revisions that this version knows, oldest first; each migration's file starts with its own."""
    files = (_folder() / "versions").glob("[0-9]*_*.py")
    return tuple(sorted(file.name.partition("_")[0] for file in files))


def upgrade(connection: Connection) -> tuple[str | None, str]:
    """Run the migrations that are missing; give the revision before and after.

    Raises NewerDatabase when the database holds a revision that this version does not know.
    """
    known, before = revisions(), _revision(connection)
    if before is not None and before not in known:
        raise NewerDatabase(f"the database is at revision {before}, which this version does not know")
    if before != known[-1]:
        _migrate(connection)
    return before, known[-1]


def _migrate(connection: Connection) -> None:
    from alembic import command  # noqa: PLC0415
    from alembic.config import Config  # noqa: PLC0415

    config = Config()
    config.set_main_option("script_location", str(_folder()))
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


def _revision(connection: Connection) -> str | None:
    if not inspect(connection).has_table("alembic_version"):
        return None
    found: str | None = connection.execute(_CURRENT).scalar_one_or_none()
    return found


class Standing(Enum):
    """How a database stands to this version's schema."""

    EMPTY = "empty"
    OLDER = "older"
    CURRENT = "current"
    NEWER = "newer"


def standing(connection: Connection) -> Standing:
    """Say how a database stands to this version; NEWER is a revision that this version does not know."""
    known, found = revisions(), _revision(connection)
    if found is None:
        return Standing.EMPTY
    if found == known[-1]:
        return Standing.CURRENT
    return Standing.OLDER if found in known else Standing.NEWER


def is_current(connection: Connection) -> bool:
    """Say whether the database is at this version's schema."""
    return standing(connection) is Standing.CURRENT


def differences(connection: Connection) -> list[object]:
    """List how a migrated database differs from the schema; empty when they agree."""
    from alembic.autogenerate import compare_metadata  # noqa: PLC0415
    from alembic.runtime.migration import MigrationContext  # noqa: PLC0415

    return list(compare_metadata(MigrationContext.configure(connection), metadata))
