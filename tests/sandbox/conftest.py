"""The exchange on a socket, and the published API description that its replies must fit."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.sandbox.exchange_stage import HOST, PREFIX, KalshiSpec, Stage, open_stage

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

SPEC = Path(__file__).parents[3] / "shared" / "kalshi" / "openapi.yaml"


@pytest.fixture
async def exchange_stage() -> AsyncIterator[Stage]:
    """Give an exchange with large buckets, a clock that stands still, and a signing client of it."""
    async with open_stage() as opened:
        yield opened


@pytest.fixture(scope="session")
def kalshi_spec() -> KalshiSpec:
    """Give the validator for requests and replies; skips by name where the file is absent."""
    if not SPEC.is_file():
        pytest.skip("../shared/kalshi/openapi.yaml is absent: replies are not checked against it")
    import yaml
    from openapi_core import OpenAPI

    described = yaml.load(SPEC.read_bytes(), Loader=yaml.CSafeLoader)
    described["servers"] = [{"url": HOST + PREFIX}]
    return KalshiSpec(OpenAPI.from_dict(described))
