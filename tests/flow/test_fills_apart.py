"""Executions that can't be booked: their own order's failure, told as it is, and nobody else's."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import select

from hedge_service.core.ledger import PostingSet
from hedge_service.flow.fills import LONGEST_PAUSE_S
from hedge_service.store import ledger
from hedge_service.store.db import StoreUnavailable
from hedge_service.store.leases import Deposed
from hedge_service.store.schema import fills

if TYPE_CHECKING:
    from sqlalchemy.engine import Connection

    from hedge_service.core.venue import VenueFill
    from tests.flow.order_stage import OrderStage

UNIT = "Fills._storing"
FIRST, SECOND, THIRD = "trade-1", "trade-2", "trade-3"


async def test_an_order_that_can_not_be_booked_fails_no_other(stage: OrderStage) -> None:
    await three_unbooked(stage)
    await spoil(stage, SECOND)
    with pytest.raises(RuntimeError, match="the ledger holds fill:trade-2"):
        await stage.process.fills.step()
    assert await booked(stage) == {FIRST, THIRD}
    assert {each["trade_id"] for each in stage.log.named("fill.booked")} == {FIRST, THIRD}


async def test_each_of_several_that_can_not_be_booked_is_raised(stage: OrderStage) -> None:
    await three_unbooked(stage)
    await spoil(stage, FIRST, THIRD)
    with pytest.raises(ExceptionGroup) as raised:
        await stage.process.fills.step()
    assert [str(error) for error in raised.value.exceptions] == [
        f"the ledger holds fill:{trade_id} without its fill" for trade_id in (FIRST, THIRD)
    ]
    assert await booked(stage) == {SECOND}


async def test_what_is_said_of_the_others_is_not_lost_with_it(stage: OrderStage) -> None:
    """An order of which something is missing pauses, and is told, beside one that fails."""
    trades = await three_unbooked(stage)
    stage.exchange.trades = trades[:2]
    await spoil(stage, FIRST)
    before = len(stage.log.named("fills.incomplete"))
    with pytest.raises(RuntimeError):
        await stage.process.fills.step()
    (told,) = stage.log.named("fills.incomplete")[before:]
    assert told["order_id"] == trades[2].order_id
    assert await booked(stage) == {SECOND}


async def test_what_only_a_sweep_finds_is_booked_beside_it(stage: OrderStage) -> None:
    trades = await three_unbooked(stage)
    stage.exchange.trades = [*trades, replace(trades[2], trade_id="other-1", order_id="ord-other")]
    await spoil(stage, FIRST)
    stage.clock.advance(stage.config.kalshi.reconcile_every_s)
    with pytest.raises(RuntimeError, match="the ledger holds fill:trade-1"):
        await stage.process.fills.step()
    assert await booked(stage) == {SECOND, THIRD, "other-1"}


async def test_a_store_that_is_away_is_not_asked_again_for_each_order(stage: OrderStage) -> None:
    await three_unbooked(stage)
    stage.database.fails[UNIT] = 1
    with pytest.raises(StoreUnavailable):
        await stage.process.fills.step()
    assert await booked(stage) == set()
    await stage.process.fills.step()
    assert await booked(stage) == {FIRST, SECOND, THIRD}


async def test_a_lost_lease_is_not_asked_again_for_each_order(
    stage: OrderStage, monkeypatch: pytest.MonkeyPatch
) -> None:
    await three_unbooked(stage)
    asked: list[Connection] = []

    def guard(tx: Connection) -> int:
        asked.append(tx)
        raise Deposed("not ours")

    monkeypatch.setattr(stage.process.sender, "guard", guard)
    await stage.process.fills.step()
    assert len(asked) == 1
    assert stage.log.named("fills.left")


async def three_unbooked(stage: OrderStage) -> list[VenueFill]:
    """Fill three orders whose executions show only now, just after a sweep; give the executions."""
    stage.exchange.late_fills = True
    await stage.intent(1, 2, 3)
    await stage.drive()
    await stage.process.fills.step()
    stage.exchange.shows()
    stage.clock.advance(LONGEST_PAUSE_S)
    return list(stage.exchange.trades)


async def spoil(stage: OrderStage, *trade_ids: str) -> None:
    """Post what the ledger can't hold before the executions themselves are booked."""

    def post(tx: Connection) -> None:
        for trade_id in trade_ids:
            odd = PostingSet(cause=f"fill:{trade_id}", kind="fill", postings=())
            assert ledger.post(tx, odd, stage.clock.now())

    await stage.database.write(post)


async def booked(stage: OrderStage) -> set[str]:
    return await stage.database.read(lambda tx: set(tx.execute(select(fills.c.trade_id)).scalars()))
