"""From payment to the wallet, through HTTP, with the exchange settling the markets."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.system.extension import BOS, SEA, WARM

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractAsyncContextManager

    from tests.system.stage import Stage

    Opening = Callable[..., AbstractAsyncContextManager[Stage]]

OFTEN = {"KALSHI__SETTLE_EVERY_S": "0.1", "KALSHI__QUIET_S": "0"}


async def settle(stage: Stage, ticker: str, result: str, **terms: str) -> None:
    """Have the exchange give a market its result."""
    body = {"ticker": ticker, "status": "finalized", "result": result} | terms
    await stage.sandbox.control("exchange/settle", **body)


async def test_a_won_parlay_is_claimed_into_the_wallet_once(stage_with: Opening) -> None:
    async with stage_with(OFTEN) as stage:
        parlay = await stage.bought(SEA, BOS, WARM)
        await stage.summary(parlay)
        [pending] = await stage.extension.history()
        session = pending["session_id"]
        assert (pending["parlay_status"], pending["claimable_amount"]) == ("pending", 0)
        early = await stage.extension.call("POST", f"/api/claim-winnings/{session}")
        assert (early.status, early.body["error"]) == (400, "Parlay has not won or is not yet settled")

        for ticker in (SEA, BOS, WARM):
            await settle(stage, ticker, "yes", status="determined")
            await settle(stage, ticker, "yes")
        won = await stage.events.one("parlay.won", parlay_id=parlay)
        assert (won["stake_dollars"], won["payout_dollars"]) == ("5.00", "30.96")
        [shown] = await stage.extension.history()
        assert (shown["parlay_status"], shown["claimable_amount"]) == ("won", 30.96)
        assert [leg["settlement_price"] for leg in shown["legOutcomes"]] == ["100.00"] * 3

        claimed = await stage.extension.call("POST", f"/api/claim-winnings/{session}")
        assert (claimed.status, claimed.body["amount"]) == (200, 30.96)
        again = await stage.extension.call("POST", f"/api/claim-winnings/{session}")
        assert (again.status, again.body["error"]) == (400, "Winnings already claimed")
        wallet = await stage.extension.got(f"/api/wallet/{stage.extension.user}")
        assert wallet == {"success": True, "balance": 30.96}
        [done] = await stage.extension.history()
        assert done["claimable_amount"] == 0
        assert done["claimed_at"] is not None


async def test_a_lost_leg_ends_the_parlay_and_the_hedge_is_paid_out(stage_with: Opening) -> None:
    async with stage_with(OFTEN) as stage:
        parlay = await stage.bought(SEA, BOS, WARM)
        await stage.summary(parlay)
        await stage.events.wait("fill.booked", count=2)
        await settle(stage, SEA, "no")
        lost = await stage.events.one("parlay.lost", parlay_id=parlay)
        assert (lost["reason"], lost["leg"], lost["ticker"]) == ("leg_lost", 1, SEA)
        await settle(stage, WARM, "yes")
        paid = await stage.events.one("market.settled", ticker=WARM)
        assert (paid["contracts"], paid["revenue_dollars"]) == ("3.00", "3.00")
        [shown] = await stage.extension.history()
        assert (shown["parlay_status"], shown["claimable_amount"]) == ("lost", 0)
        outcomes = [leg["outcome"] for leg in shown["legOutcomes"]]
        assert outcomes == ["loss", "pending", "win"]
        assert stage.events.named("settlement.differed") == []


async def test_a_void_leg_voids_the_parlay_and_it_leaves_the_history(stage_with: Opening) -> None:
    async with stage_with(OFTEN) as stage:
        parlay = await stage.bought(SEA, WARM)
        await settle(stage, SEA, "scalar", settlement_value_dollars="0.5000")
        await settle(stage, WARM, "yes")
        voided = await stage.events.one("parlay.voided", parlay_id=parlay)
        assert (voided["reason"], voided["ticker"]) == ("leg_void", SEA)
        assert await stage.extension.history() == []
        purchases = (await stage.extension.got(f"/api/purchase-history/{stage.extension.user}"))["purchases"]
        assert [bought["parlay_status"] for bought in purchases] == ["void"]
