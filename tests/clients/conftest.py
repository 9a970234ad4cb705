from __future__ import annotations

from typing import TYPE_CHECKING

import pytest_asyncio

from tests.clients.exchange_stub import open_stage

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.clients.exchange_stub import Stage


@pytest_asyncio.fixture
async def stage() -> AsyncIterator[Stage]:
    async with open_stage() as opened:
        yield opened
