"""A parlay that was sold, hedged and settled, explained from its database."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

from click.testing import CliRunner

from hedge_service.cli import main
from tests.system.extension import BOS, SEA, WARM
from tests.system.stage import knobs_of, open_stage

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from tests.system.stage import Stage


async def explained(stage: Stage, folder: Path, name: str) -> Any:
    """Run the command beside the service."""
    environ = knobs_of(stage.sandbox, {"DATABASE__URL": f"sqlite+aiosqlite:///{folder / 'hedge.db'}"})
    arguments = ["explain", name, "--json"]
    result = await asyncio.to_thread(CliRunner().invoke, main, arguments, env=environ)
    assert result.exit_code == 0, result.output
    return json.loads(result.output)


async def test_a_run_is_explained_beside_the_service_and_replays_to_the_same(
    tmp_path: Path, credentials: Mapping[str, str]
) -> None:
    async with open_stage(tmp_path, credentials, {}) as stage:
        parlay = await stage.bought(SEA, BOS, WARM)
        await stage.summary(parlay, outcome="executed")
        confirmed = await stage.events.one("payment.confirmed")
        for name in (parlay, confirmed["quote_id"], confirmed["session"]):
            told = await explained(stage, tmp_path, name)
            assert told["replayed"]["verdict"] == "same"
        plans = told["advice"]["decision"]["decided"]["plans"]
        assert [plan["id"] for plan in plans] == ["none", "bands", "delta", "min_variance", "cvar"]
        assert told["advice"]["decision"]["facts"]["books"][WARM][0] == ["0.6500", "150.00"]
        assert told["advice"]["answered"] is True
        filled = {each["ticker"]: each["count"] for each in told["happened"]["intents"]}
        assert filled == {BOS: "1.00", WARM: "3.00"}
