"""What a start loads: operators wait for it, and it stays in memory."""

from __future__ import annotations

import subprocess
import sys

import pytest

from hedge_service.imports import leaving_out

UNUSED = ("alembic", "httpx", "matplotlib", "openai", "pygal", "requests", "rich", "scipy")
PROGRAM = f"import sys, hedge_service.app; print(*(one for one in {UNUSED!r} if one in sys.modules))"


def test_the_service_starts_without_what_few_runs_use() -> None:
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, encoding="utf-8", check=True)
    assert done.stdout.split() == []


def test_a_package_left_out_is_not_found_inside_and_found_again_afterwards() -> None:
    sys.modules.pop("this", None)
    with leaving_out("this", "json"):
        assert __import__("json").loads("1") == 1
        with pytest.raises(ModuleNotFoundError):
            __import__("this")
    assert "this" not in sys.modules
