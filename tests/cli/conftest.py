from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from tests.cli.ops_desk import Desk

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Desk:
    # Neither this project's config.toml nor anybody's .env belongs to the test.
    monkeypatch.chdir(tmp_path)
    for name in [name for name in os.environ if name.startswith(("HEDGE_", "KALSHI_", "STRIPE_"))]:
        monkeypatch.delenv(name)
    return Desk(tmp_path)
