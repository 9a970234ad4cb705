"""A service sells on SQLite, is halted and moved, and settles on PostgreSQL what it sold."""

from __future__ import annotations

import asyncio
import os
import sys
from asyncio.subprocess import PIPE
from typing import TYPE_CHECKING

from hedge_service.core.ledger import Account
from hedge_service.core.money import Money
from hedge_service.store import ledger
from hedge_service.store.db import Database
from tests.flow.money_stage import MoneyStage
from tests.system.extension import BOS, HOT, SEA, WARM
from tests.system.sandbox_stage import open_sandbox
from tests.system.service_process import PROJECT
from tests.system.stage import knobs_of, serving
from tests.system.test_settled_flow import OFTEN, settle

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from tests.postgres_server import Server
    from tests.system.sandbox_stage import SandboxStage


async def command(environment: Mapping[str, str], *arguments: str) -> str:
    """Run one of the service's commands, which has to succeed; give what it says."""
    plain = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "hedge_service", *arguments),
        env={**plain, "PYTHONPATH": str(PROJECT), **environment},
        stdout=PIPE,
        stderr=PIPE,
    )
    out, errors = await process.communicate()
    assert process.returncode == 0, errors.decode()
    return out.decode()


async def balances_in(url: str) -> dict[Account, Money]:
    async with Database(url) as database:
        return await database.read(ledger.balances)


def cash_of(sandbox: SandboxStage) -> int:
    return sum(sandbox.sandbox.exchange.account(0).cash.values())


async def test_what_was_sold_on_sqlite_is_settled_on_postgresql_to_the_cent(
    tmp_path: Path, credentials: dict[str, str], server: Server
) -> None:
    old, new = f"sqlite+aiosqlite:///{tmp_path / 'hedge.db'}", server.empty()
    async with open_sandbox(credentials) as sandbox:
        opening = cash_of(sandbox)
        on_old = knobs_of(sandbox, {**OFTEN, "DATABASE__URL": old})
        on_new = knobs_of(sandbox, {**OFTEN, "DATABASE__URL": new})
        async with serving(sandbox, tmp_path, OFTEN) as stage:
            parlay = await stage.bought(SEA, BOS, WARM)
            await stage.summary(parlay)
            await stage.events.wait("fill.booked", count=2)
            await command(on_old, "halt", "--reason", "moving house")
        sold = await balances_in(old)
        sent = dict(sandbox.sandbox.exchange.book()["accepted"])
        assert "is retired" in await command({}, "migrate", "--from", old, "--to", new)
        assert await balances_in(new) == sold
        assert sold[Account.POSITIONS] > Money.ZERO

        async with serving(sandbox, tmp_path, {**OFTEN, "DATABASE__URL": new}) as stage:
            refused = await stage.extension.ask(5, [await stage.extension.found(HOT)])
            assert (refused.status, refused.code) == (503, "halted")
            resumed = await command(on_new, "resume", "--reason", "here")
            assert "is resumed; it was halted: moved to" in resumed
            another = await stage.bought(SEA, BOS, WARM)
            await stage.summary(another)
            await stage.events.wait("fill.booked", count=2)
            for ticker in (SEA, BOS, WARM):
                await settle(stage, ticker, "yes")
            won = await stage.events.one("parlay.won", parlay_id=parlay)
            assert won["payout_dollars"] == "30.96"
            await stage.events.one("parlay.won", parlay_id=another)
            for shown in await stage.extension.history():
                claimed = await stage.extension.call("POST", f"/api/claim-winnings/{shown['session_id']}")
                assert (claimed.status, claimed.body["amount"]) == (200, 30.96)

            async with Database(new) as database:
                money = MoneyStage(stage, database, opening)

                async def settled() -> bool:
                    return (await money.report()).adds_up and await money.ours() == money.theirs() == {}

                await money.until(settled)
                after = await money.balances()
            assert after[Account.EXCHANGE_CASH] == money.cash_change
            assert after[Account.POSITIONS] == Money.ZERO
            assert sum((one.micros for one in after.values()), 0) == 0
            # Nothing that the old one had sent was sent again.
            accepted = sandbox.sandbox.exchange.book()["accepted"]
            assert accepted.keys() > sent.keys()
            assert set(accepted.values()) == {1}
