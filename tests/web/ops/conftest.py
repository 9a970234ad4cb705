"""The operators' listener on a real database, over real loopback HTTP."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from hedge_service.store.db import Database
from hedge_service.store.schema import metadata
from tests.web.ops.ops_stage import ANN, OpsStage, StageClock, listening

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    async with Database(f"sqlite+aiosqlite:///{tmp_path}/ops.db") as opened:
        await opened.write(metadata.create_all)
        yield opened


@pytest.fixture
def clock() -> StageClock:
    return StageClock()


@pytest.fixture
async def ops(database: Database, clock: StageClock) -> AsyncIterator[OpsStage]:
    async with listening(database, clock, token=f"ann:{ANN},bob:bobs-own-secret-2026") as stage:
        yield stage
