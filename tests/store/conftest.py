from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from hedge_service.store.db import Database
from tests.empty_database import put_empty_database

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite+aiosqlite:///{tmp_path / 'hedge.db'}"


@pytest.fixture
async def database(url: str, tmp_path: Path) -> AsyncIterator[Database]:
    put_empty_database(tmp_path / "hedge.db")
    async with Database(url) as opened:
        yield opened
