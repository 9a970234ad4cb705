"""The exchange on a socket."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.sandbox.exchange_stage import Stage, open_stage

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


@pytest.fixture
async def exchange_stage() -> AsyncIterator[Stage]:
    """Give an exchange with large buckets, a clock that stands still, and a signing client of it."""
    async with open_stage() as opened:
        yield opened
