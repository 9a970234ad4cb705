"""Operators' commands as processes beside a running service."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from pathlib import Path

from hedge_service.sandbox.credentials import generate_credentials
from tests.system.extension import SEA, WARM
from tests.system.sandbox_stage import open_sandbox
from tests.system.stage import knobs_of, serving

PROJECT = Path(__file__).parents[2]


async def hedge_service(folder: Path, environ: dict[str, str], *arguments: str) -> tuple[int, str, str]:
    """Run a command as a process of its own."""
    plain = {name: os.environ[name] for name in ("PATH", "HOME", "TMPDIR") if name in os.environ}
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "hedge_service", *arguments),
        cwd=folder,
        env={**plain, "PYTHONPATH": str(PROJECT), **environ},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await process.communicate()
    assert process.returncode is not None
    return process.returncode, out.decode(), err.decode()


async def test_commands_beside_a_running_service(tmp_path: Path) -> None:
    url = f"sqlite+aiosqlite:///{tmp_path / 'hedge.db'}"
    knobs = {"KALSHI__QUIET_S": "0", "KALSHI__RECONCILE_EVERY_S": "3600"}
    async with (
        open_sandbox(generate_credentials()) as sandbox,
        serving(sandbox, tmp_path, knobs) as stage,
    ):
        environ = knobs_of(sandbox, {**knobs, "DATABASE__URL": url})
        await stage.events.one("reconciliation.finished")
        await stage.summary(await stage.bought(SEA, WARM), outcome="executed")
        await stage.events.one("fill.booked")

        status, out, err = await hedge_service(tmp_path, environ, "reconcile", "--json")
        assert (status, json.loads(out)["result"]) == (0, "agrees"), err
        assert "reconciliation.finished" in err

        # The mode is the running service's own, whatever is configured where the command runs.
        dry = {**environ, "HEDGE_KALSHI__DRY_RUN": "true"}
        status, out, err = await hedge_service(tmp_path, dry, "status", "--json")
        assert (status, json.loads(out)["mode"]) == (0, "live"), err
        status, out, err = await hedge_service(tmp_path, dry, "check", "--json")
        assert "is in mode live" in out, err

        assert (await hedge_service(tmp_path, environ, "halt", "--reason", "look"))[0] == 0
        refused = await stage.extension.ask(5, [(await stage.extension.save(WARM))[-1]])
        assert (refused.status, refused.code) == (503, "halted")
        assert (await hedge_service(tmp_path, environ, "resume", "--reason", "seen"))[0] == 0

        sandbox.place(
            {
                "ticker": WARM,
                "client_order_id": "typed-in",
                "side": "bid",
                "count": "2.00",
                "price": "0.6900",
                "time_in_force": "immediate_or_cancel",
                "self_trade_prevention_type": "taker_at_cross",
            }
        )
        status, out, _ = await hedge_service(tmp_path, environ, "reconcile", "--json")
        (one,) = json.loads(out)["differences"]
        assert (status, one["kind"], one["mismatch"]) == (1, "trade_of_others", True)
        status, out, _ = await hedge_service(tmp_path, environ, "status", "--json")
        assert json.loads(out)["halt"]["reason"].startswith("reconciliation mismatch: trade_of_others")
        status, out, _ = await hedge_service(tmp_path, environ, "resume", "--reason", "mine")
        assert (status, "accepted: trade_of_others" in out) == (0, True)
