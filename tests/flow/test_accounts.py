"""What users bought, won and hold."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import update

from hedge_service.core.history import LegMarketStatus, LegResult, ParlayStatus
from hedge_service.core.money import Money, Price
from hedge_service.errors import BadRequest, NotFound
from hedge_service.flow.accounts import Accounts
from hedge_service.store import parlays
from hedge_service.store.schema import parlay_legs
from hedge_service.store.schema import parlays as table
from tests.store.parlay_samples import NOW, USER, put_parlay

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy.engine import Connection

    from hedge_service.store.parlays import Parlay
    from tests.flow.order_stage import OrderStage


@pytest.fixture
def accounts(stage: OrderStage) -> Accounts:
    return Accounts(database=stage.database, clock=stage.clock, log=stage.log)


def become(state: str) -> Callable[[Connection], None]:
    def work(tx: Connection) -> None:
        tx.execute(update(table).values(state=state))

    return work


async def bought(stage: OrderStage, state: str = "open") -> Parlay:
    parlay = await stage.database.write(put_parlay)
    await stage.database.write(become(state))
    return parlay


def settle(leg: int, value: str) -> Callable[[Connection], None]:
    def work(tx: Connection) -> None:
        settled = {"value_micros": Price.of(value).micros, "settled_ms": 1, "checked_ms": 1}
        tx.execute(update(parlay_legs).where(parlay_legs.c.leg == leg).values(**settled))

    return work


async def test_an_open_parlay_is_pending_with_nothing_to_claim(stage: OrderStage, accounts: Accounts) -> None:
    parlay = await bought(stage)
    (view,) = await accounts.history(USER)
    assert (view.id, view.session_id) == (parlay.id, parlay.session_id)
    assert (view.stake, view.payout) == (Money.of(5), Money.of(30))
    assert (view.status, view.claimable, view.claimed_at) == (ParlayStatus.PENDING, Money.ZERO, None)
    assert not view.hedge_executed
    assert [leg.outcome for leg in view.legs] == [LegResult.PENDING] * 3
    assert [leg.market_status for leg in view.legs] == [LegMarketStatus.OPEN] * 3
    assert len(view.bets) == 3


async def test_nobody_else_sees_a_users_parlays(stage: OrderStage, accounts: Accounts) -> None:
    await bought(stage)
    assert await accounts.history("user_1_somebody") == ()
    assert await accounts.wallet("user_1_somebody") == Money.ZERO
    assert len(await accounts.purchases(USER)) == 1


async def test_settled_legs_tell_what_their_side_paid(stage: OrderStage, accounts: Accounts) -> None:
    await bought(stage)
    await stage.database.write(settle(1, "1"))
    await stage.database.write(settle(2, "0"))
    (view,) = await accounts.history(USER)
    assert [leg.outcome for leg in view.legs] == [LegResult.WIN, LegResult.LOSS, LegResult.PENDING]
    assert [leg.settlement_price for leg in view.legs] == [Price.of(1), Price.of(0), None]


async def test_an_executed_hedge_shows_as_such(stage: OrderStage, accounts: Accounts) -> None:
    parlay = await bought(stage)
    await stage.database.write(lambda tx: parlays.summarized(tx, parlay.id, {}, "executed", NOW))
    (view,) = await accounts.history(USER)
    assert view.hedge_executed


async def test_a_won_parlay_is_claimed_once_into_the_wallet(stage: OrderStage, accounts: Accounts) -> None:
    parlay = await bought(stage, "won")
    (before,) = await accounts.history(USER)
    assert (before.status, before.claimable) == (ParlayStatus.WON, Money.of(30))
    claims = await asyncio.gather(
        *(accounts.claim(parlay.session_id) for _ in range(8)), return_exceptions=True
    )
    assert [claim for claim in claims if not isinstance(claim, BadRequest)] == [Money.of(30)]
    assert {claim.error for claim in claims if isinstance(claim, BadRequest)} == {"Winnings already claimed"}
    assert await accounts.wallet(USER) == Money.of(30)
    (after,) = await accounts.history(USER)
    assert (after.claimable, after.claimed_at) == (Money.ZERO, stage.clock.now())
    (told,) = stage.log.named("winnings.claimed")
    assert (told["parlay_id"], told["amount_dollars"]) == (parlay.id, "30.00")
    assert parlay.session_id not in str(told)


@pytest.mark.parametrize("state", ["open", "lost"])
async def test_only_a_won_parlay_is_claimed(stage: OrderStage, accounts: Accounts, state: str) -> None:
    parlay = await bought(stage, state)
    with pytest.raises(BadRequest) as refused:
        await accounts.claim(parlay.session_id)
    assert refused.value.error == "Parlay has not won or is not yet settled"
    assert await accounts.wallet(USER) == Money.ZERO


async def test_a_session_without_a_parlay_claims_nothing(accounts: Accounts) -> None:
    with pytest.raises(NotFound) as refused:
        await accounts.claim("cs_test_none")
    assert refused.value.error == "Parlay not found"
