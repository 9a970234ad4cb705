"""What one run leaves behind for the next one on the same database, or on another."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from hedge_service.errors import ConfigError
from tests.system.extension import BOS, HOT, SEA, WARM
from tests.system.sandbox_stage import open_sandbox
from tests.system.stage import serving

if TYPE_CHECKING:
    from pathlib import Path

PLAN = {BOS: 1, WARM: 3}


async def test_a_webhook_that_met_no_service_is_fulfilled_by_the_next_run(
    tmp_path: Path, credentials: dict[str, str]
) -> None:
    async with open_sandbox(credentials) as sandbox:
        async with serving(sandbox, tmp_path, {}) as first:
            session = await first.sold(SEA, BOS, WARM)
        await sandbox.control("stripe/settings", tries=1)
        event = await sandbox.pay(session)
        told = await sandbox.control("stripe/settle")
        assert [one["status"] for one in told["deliveries"]] == [None]
        async with serving(sandbox, tmp_path, {}) as second:
            await sandbox.control("stripe/deliver", event_id=event)
            await second.events.one("hedge.summarized", outcome="executed")
        assert sandbox.filled() == PLAN


async def test_a_parlay_taken_in_dry_run_is_never_sent_later(
    tmp_path: Path, credentials: dict[str, str]
) -> None:
    async with open_sandbox(credentials) as sandbox:
        async with serving(sandbox, tmp_path, {"KALSHI__DRY_RUN": "true"}) as first:
            await first.summary(await first.bought(SEA, BOS, WARM), outcome="dry_run")
        async with serving(sandbox, tmp_path, {}) as second:
            await second.summary(await second.bought(HOT, side="no"), outcome="executed")
        assert sandbox.filled() == {HOT: 2}


async def test_orders_of_ours_that_the_database_lacks_halt_the_sending(
    tmp_path: Path, credentials: dict[str, str]
) -> None:
    (restored := tmp_path / "restored").mkdir()
    async with open_sandbox(credentials) as sandbox:
        async with serving(sandbox, tmp_path, {}) as first:
            await first.bought(SEA, BOS, WARM)
            await first.events.one("hedge.summarized", outcome="executed")
        async with serving(sandbox, restored, {}) as second:
            halted = await second.events.one("sending.halted")
            assert halted["count"] == 2
            await second.extension.save(WARM)
            reply = await second.extension.ask(5)
            assert (reply.status, reply.code) == (503, "halted")


@pytest.mark.parametrize(("name", "value"), [("KALSHI__ACCOUNT", "second"), ("KALSHI__SUBACCOUNT", "1")])
async def test_a_database_of_another_account_stops_the_start(
    tmp_path: Path, credentials: dict[str, str], name: str, value: str
) -> None:
    async with open_sandbox(credentials) as sandbox:
        async with serving(sandbox, tmp_path, {}):
            pass
        with pytest.raises(ConfigError) as refusal:
            async with serving(sandbox, tmp_path, {name: value}):
                pass
        [problem] = refusal.value.problems
        assert "the database belongs to" in problem
