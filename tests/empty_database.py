"""A migrated database without rows; migrating takes a while, so it is done once a process.

With `pytest --database postgresql` it is one on a server, for every test that asks for it here.
"""

from __future__ import annotations

from contextlib import ExitStack
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from sqlalchemy import create_engine

from hedge_service.store import migrate

if TYPE_CHECKING:
    from tests.postgres_server import Server


class Lender:
    """Lends databases on a server in the place of files, until the test is over."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._stack = ExitStack()
        self._lent: dict[Path, str] = {}

    def url(self, file: Path) -> str:
        """Give the same database for the same file."""
        if file not in self._lent:
            self._lent[file] = self._stack.enter_context(self._server.lent())
        return self._lent[file]

    def close(self) -> None:
        """Take back what was lent."""
        self._stack.close()
        self._lent.clear()


lenders: list[Lender] = []


def put_empty_database(file: Path) -> str:
    """Write a migrated database to a file, unless it is there, and give its URL."""
    if lenders:
        return lenders[-1].url(file)
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
