"""A migrated database without rows; migrating takes a while, so it is done once a process."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

from sqlalchemy import create_engine

from hedge_service.store import migrate


def put_empty_database(file: Path) -> str:
    """Write a migrated database to a file, unless it is there, and give its URL."""
    if not file.exists():
        file.write_bytes(_migrated())
    return f"sqlite+aiosqlite:///{file}"


@cache
def _migrated() -> bytes:
    with TemporaryDirectory() as folder:
        file = Path(folder) / "empty.db"
        engine = create_engine(f"sqlite:///{file}")
        with engine.begin() as connection:
            migrate.upgrade(connection)
        engine.dispose()
        return file.read_bytes()
