"""Bring a database to this version's schema, in one transaction."""

from __future__ import annotations

from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING

from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory

import hedge_service
from hedge_service.store.schema import metadata

if TYPE_CHECKING:
    from sqlalchemy.engine import Connection


class NewerDatabase(Exception):  # noqa: N818 - says what was found
    """The database was migrated by a newer version of the service; this one must not touch it."""


def _folder() -> Path:
    package = Path(hedge_service.__file__).parent
    # An installed wheel carries the folder inside the package; a checkout has it beside.
    inside = package / "migrations"
    return inside if inside.is_dir() else package.parent / "migrations"


def upgrade(connection: Connection) -> tuple[str | None, str]:
    """Run the migrations that are missing; give the revision before and after.

    Raises NewerDatabase when the database holds a revision that this version does not know.
    """
    config = Config()
    config.set_main_option("script_location", str(_folder()))
    script = ScriptDirectory.from_config(config)
    head = script.get_current_head()
    before = MigrationContext.configure(connection).get_current_revision()
    known = {revision.revision for revision in script.walk_revisions()}
    if before is not None and before not in known:
        raise NewerDatabase(f"the database is at revision {before}, which this version does not know")
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
    return before, str(head)


class Standing(Enum):
    """How a database stands to this version's schema."""

    EMPTY = "empty"
    OLDER = "older"
    CURRENT = "current"
    NEWER = "newer"


def standing(connection: Connection) -> Standing:
    """Say how a database stands to this version; NEWER is a revision that this version does not know."""
    config = Config()
    config.set_main_option("script_location", str(_folder()))
    script = ScriptDirectory.from_config(config)
    found = MigrationContext.configure(connection).get_current_revision()
    if found is None:
        return Standing.EMPTY
    if found == script.get_current_head():
        return Standing.CURRENT
    known = {revision.revision for revision in script.walk_revisions()}
    return Standing.OLDER if found in known else Standing.NEWER


def is_current(connection: Connection) -> bool:
    """Say whether the database is at this version's schema."""
    config = Config()
    config.set_main_option("script_location", str(_folder()))
    head = ScriptDirectory.from_config(config).get_current_head()
    return MigrationContext.configure(connection).get_current_revision() == head


def differences(connection: Connection) -> list[object]:
    """List how a migrated database differs from the schema; empty when they agree."""
    return list(compare_metadata(MigrationContext.configure(connection), metadata))
