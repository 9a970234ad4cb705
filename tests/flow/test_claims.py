"""Claims under concurrency, and what the histories show of settled and void parlays."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from hedge_service.core.history import LegMarketStatus, LegResult, ParlayStatus
from hedge_service.core.ledger import Account
from hedge_service.core.money import Money, Price
from hedge_service.errors import BadRequest
from hedge_service.flow.accounts import Accounts
from hedge_service.store import payouts
from hedge_service.store.db import Database
from hedge_service.store.payouts import Payout
from hedge_service.wire.extension.history import history_body, purchases_body
from tests.flow.settle_stage import open_settle_stage
from tests.store.parlay_samples import USER

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from tests.flow.settle_stage import SettleStage

SEA = "KXNFLGAME-26NOV29SEALA-SEA"
WARM = "KXHIGHNY-26NOV29-T60"
SHARE = "KXTURNOUT-26NOV29-SHARE"


@pytest.fixture
async def settling(tmp_path: Path) -> AsyncIterator[SettleStage]:
    async with open_settle_stage(tmp_path) as opened:
        yield opened


async def test_fifty_claims_at_once_on_two_databases_pay_once(settling: SettleStage, tmp_path: Path) -> None:
    parlay = await settling.parlay(SEA)
    await settling.settle(SEA, "yes")
    await settling.settler.step()
    async with Database(f"sqlite+aiosqlite:///{tmp_path / 'hedge.db'}") as second:
        doors = [settling.accounts, Accounts(database=second, clock=settling.clock, log=settling.log)]
        claims = await asyncio.gather(
            *(doors[number % 2].claim(parlay.session_id) for number in range(50)), return_exceptions=True
        )
        assert [claim for claim in claims if isinstance(claim, Money)] == [Money.of(30)]
        refused = [claim.error for claim in claims if isinstance(claim, BadRequest)]
        assert refused == ["Winnings already claimed"] * 49
        assert [await door.wallet(USER) for door in doors] == [Money.of(30)] * 2
    balances = await settling.balances()
    assert balances[Account.WALLET] == Money.of(-30)
    # The stake was never booked as received here: what is left of `owed` is just that.
    assert balances[Account.OWED] == Money.of(5)
    assert len(settling.log.named("winnings.claimed")) == 1


async def test_a_won_parlay_shows_its_words_and_figures(settling: SettleStage) -> None:
    await settling.parlay(SEA, no=(WARM,))
    await settling.settle(SEA, "yes")
    await settling.settle(WARM, "no")
    await settling.settler.step()
    [shown] = history_body(await settling.accounts.history(USER))["parlays"]
    assert (shown["parlay_status"], shown["claimable_amount"], shown["claimed_at"]) == ("won", 30, None)
    for leg in shown["legOutcomes"]:
        assert (leg["market_status"], leg["outcome"], leg["settlement_price"]) == ("settled", "win", "100.00")
        assert leg["settled_at"] is not None


async def test_a_market_that_is_only_determined_shows_as_open(settling: SettleStage) -> None:
    await settling.parlay(SEA)
    await settling.settle(SEA, "no", status="determined")
    await settling.settler.step()
    [view] = await settling.accounts.history(USER)
    [leg] = view.legs
    assert (leg.market_status, leg.outcome) == (LegMarketStatus.OPEN, LegResult.PENDING)
    assert leg.settlement_price is None
    assert leg.checked_at is not None


async def test_a_void_parlay_leaves_the_history_and_stays_among_the_purchases(
    settling: SettleStage,
) -> None:
    parlay = await settling.parlay(SEA, SHARE)
    await settling.settle(SEA, "yes")
    await settling.settle(SHARE, "scalar", "0.2500")
    await settling.settler.step()
    assert await settling.accounts.history(USER) == ()
    [view] = await settling.accounts.purchases(USER)
    assert (view.id, view.status, view.claimable) == (parlay.id, ParlayStatus.VOID, Money.ZERO)
    assert [leg.outcome for leg in view.legs] == [LegResult.WIN, LegResult.VOID]
    [_, share] = purchases_body([view])["purchases"][0]["legOutcomes"]
    assert share["settlement_price"] == "25.00"
    with pytest.raises(BadRequest, match="not won"):
        await settling.accounts.claim(parlay.session_id)


async def test_a_void_leg_of_a_lost_parlay_is_a_loss_in_the_extensions_words(settling: SettleStage) -> None:
    await settling.parlay(SEA, SHARE)
    await settling.settle(SEA, "no")
    await settling.settle(SHARE, "scalar", "0.2500")
    await settling.settler.step()
    [view] = await settling.accounts.history(USER)
    assert view.status is ParlayStatus.LOST
    assert [leg.outcome for leg in view.legs] == [LegResult.LOSS, LegResult.LOSS]
    assert [leg.settlement_price for leg in view.legs] == [Price.of(0), Price.of("0.25")]


async def test_the_wallet_is_claims_less_payouts(settling: SettleStage) -> None:
    parlay = await settling.parlay(SEA)
    await settling.settle(SEA, "yes")
    await settling.settler.step()
    await settling.accounts.claim(parlay.session_id)
    payout = Payout(reference="wire-1", user_id=USER, amount=Money.of("12.50"), actor="ann")
    await settling.database.write(lambda tx: payouts.record(tx, payout, settling.clock.now()))
    assert await settling.accounts.wallet(USER) == Money.of("17.50")
    assert (await settling.balances())[Account.WALLET] == Money.of("-17.50")
