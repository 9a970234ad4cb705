from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from hedge_service.store.db import Database
from tests.empty_database import put_empty_database

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from pathlib import Path

    from tests.postgres_server import Server


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """Give the URL of a migrated database without rows, once of each kind."""
    if request.param == "sqlite":
        yield put_empty_database(tmp_path / "hedge.db")
        return
    server: Server = request.getfixturevalue("server")
    with server.lent() as lent:
        yield lent


@pytest.fixture
async def database(url: str) -> AsyncIterator[Database]:
    async with Database(url) as opened:
        yield opened
