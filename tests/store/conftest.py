from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from hedge_service.store import migrate
from hedge_service.store.db import Database

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite+aiosqlite:///{tmp_path / 'hedge.db'}"


@pytest.fixture
async def database(url: str) -> AsyncIterator[Database]:
    async with Database(url) as opened:
        await opened.write(migrate.upgrade)
        yield opened
