"""A rolling hedge from payment to payout, through HTTP, with the sandbox's exchange settling leg by leg."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

from tests.system.extension import BOS, SEA, WARM

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractAsyncContextManager
    from pathlib import Path

    from tests.system.stage import Stage

    Opening = Callable[..., AbstractAsyncContextManager[Stage]]

OFTEN = {"KALSHI__SETTLE_EVERY_S": "0.1", "KALSHI__QUIET_S": "0"}
DAY_S = 86_400
# $30.96 * (0.54 + 0.0174 in fees) * (0.67 + 0.0155), in whole contracts
FIRST, SECOND, THIRD = 11, 21, 30


async def in_sequence(stage: Stage) -> None:
    """Let the markets end one after the other."""
    for days, ticker in enumerate((SEA, BOS, WARM), start=1):
        await stage.sandbox.control("exchange/market", ticker=ticker, close_in_s=days * DAY_S)


async def bought(stage: Stage, folder: Path) -> str:
    """Have a parlay sold whose quote says: roll, and begin with the first leg."""
    await in_sequence(stage)
    session = await stage.sold(SEA, BOS, WARM)
    with closing(sqlite3.connect(folder / "hedge.db", timeout=10)) as rows, rows:
        rows.execute("UPDATE quotes SET strategy = 'rolling'")
        rows.execute("UPDATE quote_legs SET contracts_centis = 0, skip = 'later_leg' WHERE leg > 1")
        rows.execute("UPDATE quote_legs SET contracts_centis = ?, skip = NULL WHERE leg = 1", (FIRST * 100,))
    await stage.sandbox.pay(session)
    parlay = str((await stage.events.one("payment.confirmed"))["parlay_id"])
    summary = await stage.summary(parlay)
    assert (summary["outcome"], summary["contracts_filled"]) == ("executed", f"{FIRST}.00")
    return parlay


async def settle(stage: Stage, ticker: str, result: str, status: str) -> None:
    await stage.sandbox.control("exchange/settle", ticker=ticker, status=status, result=result)


async def test_a_parlay_is_rolled_leg_by_leg_on_determined_results_and_won(
    stage_with: Opening, tmp_path: Path
) -> None:
    async with stage_with(OFTEN) as stage:
        parlay = await bought(stage, tmp_path)
        rolls = ((SEA, BOS, SECOND), (BOS, WARM, THIRD))
        for hits, (ended, following, contracts) in enumerate(rolls, start=1):
            await settle(stage, ended, "yes", "determined")
            planned = await stage.events.one("roll.planned", parlay_id=parlay, hits=hits)
            assert (planned["ticker"], planned["contracts"]) == (following, f"{contracts}.00")
            order = await stage.events.one("order.accepted", ticker=following)
            assert (order["purpose"], order["fill_count"]) == ("roll", f"{contracts}.00")
            await settle(stage, ended, "yes", "disputed")
            await settle(stage, ended, "yes", "finalized")
            await stage.events.one("market.settled", ticker=ended)
        await settle(stage, WARM, "yes", "finalized")
        await stage.events.one("parlay.won", parlay_id=parlay)
        assert stage.sandbox.filled() == {SEA: FIRST, BOS: SECOND, WARM: THIRD}
        stage.sandbox.check_nothing_doubled({SEA: FIRST, BOS: SECOND, WARM: THIRD})
        assert len(stage.events.named("roll.planned")) == 2
        *_, last = stage.events.named("hedge.summarized")
        assert (last["outcome"], last["contracts_filled"], last["orders_skipped"]) == ("executed", "62.00", 0)


async def test_a_leg_lost_out_of_turn_sells_what_is_held_as_soon_as_it_is_determined(
    stage_with: Opening, tmp_path: Path
) -> None:
    async with stage_with(OFTEN) as stage:
        parlay = await bought(stage, tmp_path)
        await settle(stage, WARM, "no", "determined")
        planned = await stage.events.one("roll.planned", parlay_id=parlay)
        assert (planned["direction"], planned["reason"], planned["ticker"]) == ("sell", "leg_missed", SEA)
        sold = await stage.events.one("order.accepted", purpose="unwind")
        assert (sold["ticker"], sold["side"], sold["fill_count"]) == (SEA, "ask", f"{FIRST}.00")
        await settle(stage, WARM, "no", "finalized")
        await stage.events.one("parlay.lost", parlay_id=parlay)
        assert len(stage.events.named("roll.planned")) == 1
        assert stage.sandbox.sandbox.exchange.account(0).positions[SEA].count == 0
