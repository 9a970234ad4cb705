from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.flow.order_stage import open_order_stage

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from tests.flow.order_stage import OrderStage


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[OrderStage]:
    async with open_order_stage(tmp_path) as opened:
        yield opened
