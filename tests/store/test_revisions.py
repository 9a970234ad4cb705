"""The migrations as they are counted without loading Alembic, and as Alembic counts them."""

from __future__ import annotations

from pathlib import Path

from alembic.config import Config
from alembic.script import ScriptDirectory

from hedge_service.store import migrate


def test_the_revisions_known_are_alembics_own() -> None:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parents[2] / "migrations"))
    script = ScriptDirectory.from_config(config)
    assert [one.revision for one in script.walk_revisions()] == [*reversed(migrate.revisions())]
    assert script.get_heads() == [migrate.revisions()[-1]]
