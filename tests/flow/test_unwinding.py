"""The hedge of a void parlay is sold down: its own unsold fills, never more, never opening anything new."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest

from hedge_service.core.market import BookSide, MarketStatus
from hedge_service.core.money import Count, Price
from hedge_service.core.orders import AttemptState, Purpose, TimeInForce
from hedge_service.core.parlay import Mode
from hedge_service.flow.runner import Nudge
from hedge_service.flow.unwinding import Unwinding, UnwindRules
from hedge_service.flow.voiding import void
from hedge_service.store import journal, parlays
from tests.flow.order_fakes import Way
from tests.store.parlay_samples import TICKERS

if TYPE_CHECKING:
    from hedge_service.core.journal import Intent
    from tests.flow.order_stage import OrderStage

RULES = UnwindRules(enabled=True, max_slippage=Decimal("0.02"), ttl=timedelta(seconds=120))


def loop(stage: OrderStage, rules: UnwindRules = RULES) -> Unwinding:
    return Unwinding(
        database=stage.database,
        reads=stage.exchange,
        sender=stage.process.sender,
        rules=rules,
        planned=Nudge(),
        clock=stage.clock,
        log=stage.log,
    )


async def make_void(stage: OrderStage, intent: Intent) -> None:
    parlay = await stage.database.read(lambda tx: parlays.get(tx, intent.parlay_id))
    assert parlay is not None
    assert await stage.database.write(lambda tx: void(tx, parlay, stage.clock.now()))


async def hedged(
    stage: OrderStage, contracts: str = "10", side: BookSide = BookSide.BID, *legs: int
) -> Intent:
    """Have a live parlay hedged, then voided."""
    for ticker in TICKERS:
        stage.exchange.lists(ticker)
    intent = await stage.intent(*legs, contracts=contracts, side=side)
    await stage.drive()
    await make_void(stage, intent)
    return intent


async def unwound(stage: OrderStage, intent: Intent) -> list[Intent]:
    every = await stage.database.read(lambda tx: journal.of_parlay(tx, intent.parlay_id))
    return [each for each, _ in every if each.purpose is Purpose.UNWIND]


async def test_what_was_bought_is_sold_at_no_less_than_the_bid_less_slippage(stage: OrderStage) -> None:
    intent = await hedged(stage)
    await loop(stage).step()
    [selling] = await unwound(stage, intent)
    # YES is asked at 0.65 and NO at 0.35, so that YES is bid at 0.65, too.
    assert (selling.side, selling.price, selling.count) == (BookSide.ASK, Price.of("0.63"), Count.of(10))
    assert (selling.reduce_only, selling.time_in_force) == (True, TimeInForce.IMMEDIATE_OR_CANCEL)
    await stage.drive()
    sent = stage.exchange.written[-1].order
    assert (sent.side, sent.count, sent.reduce_only) == (BookSide.ASK, Count.of(10), True)
    assert b'"reduce_only":true' in stage.exchange.written[-1].body


async def test_a_hedge_of_no_is_sold_by_buying_yes(stage: OrderStage) -> None:
    intent = await hedged(stage, "3", BookSide.ASK)
    await loop(stage).step()
    [selling] = await unwound(stage, intent)
    assert (selling.side, selling.price) == (BookSide.BID, Price.of("0.67"))


async def test_nothing_is_sold_twice_however_often_the_loop_runs(stage: OrderStage) -> None:
    intent = await hedged(stage)
    for _ in range(3):
        await loop(stage).step()
    await stage.drive()
    for _ in range(3):
        stage.clock.advance(3600)
        await loop(stage).step()
    assert len(await unwound(stage, intent)) == 1


async def test_the_rest_of_a_sale_is_tried_again_after_a_minute_and_a_few_times_only(
    stage: OrderStage,
) -> None:
    intent = await hedged(stage)
    stage.exchange.liquidity[TICKERS[0]] = "4"
    for _ in range(20):
        await loop(stage).step()
        await stage.drive()
        stage.clock.advance(60)
    tries = await unwound(stage, intent)
    assert [each.count for each in tries] == [Count.of(10)] + [Count.of(6)] * 4
    sold = [copy.order.count for copy in stage.exchange.written if copy.order.reduce_only]
    assert max(sold) == Count.of(10)


async def test_only_the_parlays_own_fills_are_sold(stage: OrderStage) -> None:
    other = await stage.intent(contracts="7")
    await stage.drive()
    intent = await hedged(stage, "2")
    await loop(stage).step()
    assert [each.count for each in await unwound(stage, intent)] == [Count.of(2)]
    assert await unwound(stage, other) == []


async def test_a_leg_waits_while_an_order_of_it_is_in_doubt(stage: OrderStage) -> None:
    for ticker in TICKERS:
        stage.exchange.lists(ticker)
    stage.exchange.ways.append(Way.REPLY_LOST)
    stage.exchange.late = True
    intent = await stage.intent()
    await stage.until(intent, AttemptState.UNKNOWN)
    await make_void(stage, intent)
    await loop(stage).step()
    assert await unwound(stage, intent) == []
    stage.exchange.shows()
    await stage.drive()
    await loop(stage).step()
    assert [each.count for each in await unwound(stage, intent)] == [Count.of(10)]


async def test_a_void_parlay_buys_nothing_more(stage: OrderStage) -> None:
    intent = await stage.intent()
    await make_void(stage, intent)
    await stage.drive()
    assert stage.exchange.written == []


@pytest.mark.parametrize("status", [MarketStatus.CLOSED, MarketStatus.INACTIVE])
async def test_a_market_that_is_not_open_is_left_alone(stage: OrderStage, status: MarketStatus) -> None:
    intent = await hedged(stage)
    stage.exchange.lists(TICKERS[0], status=status)
    await loop(stage).step()
    assert await unwound(stage, intent) == []


async def test_nobody_bids_so_nothing_is_planned_yet(stage: OrderStage) -> None:
    intent = await hedged(stage)
    stage.exchange.lists(TICKERS[0], no_ask=None)
    await loop(stage).step()
    assert await unwound(stage, intent) == []
    stage.exchange.lists(TICKERS[0])
    await loop(stage).step()
    assert len(await unwound(stage, intent)) == 1


async def test_nothing_is_sold_unless_the_operator_wants_it(stage: OrderStage) -> None:
    intent = await hedged(stage)
    await loop(stage, UnwindRules(enabled=False, max_slippage=Decimal(0), ttl=RULES.ttl)).step()
    assert await unwound(stage, intent) == []


async def test_nothing_is_planned_while_halted(stage: OrderStage) -> None:
    intent = await hedged(stage)
    await stage.halt()
    await loop(stage).step()
    assert await unwound(stage, intent) == []


async def test_a_parlay_that_stands_keeps_its_hedge(stage: OrderStage) -> None:
    stage.exchange.lists(TICKERS[0])
    intent = await stage.intent()
    await stage.drive()
    await loop(stage).step()
    assert await unwound(stage, intent) == []


async def test_an_exchange_that_is_down_is_asked_again_later(stage: OrderStage) -> None:
    intent = await hedged(stage)
    stage.exchange.down = True
    await loop(stage).step()
    assert len(stage.log.named("unwind.waiting")) == 1
    stage.exchange.down = False
    await loop(stage).step()
    assert len(await unwound(stage, intent)) == 1


async def test_the_summary_and_the_days_cap_know_nothing_of_a_sale(stage: OrderStage) -> None:
    intent = await hedged(stage)
    before = (await stage.summarize())[-1]
    spent = await stage.database.read(lambda tx: journal.reserved_since(tx, intent.created_at))
    await loop(stage).step()
    await stage.drive()
    assert await stage.database.read(lambda tx: journal.reserved_since(tx, intent.created_at)) == spent
    assert (await stage.summarize())[-1]["contracts_filled"] == before["contracts_filled"]


async def test_a_parlay_taken_in_dry_run_holds_nothing_to_sell(stage: OrderStage) -> None:
    stage.exchange.lists(TICKERS[0])
    intent = await stage.intent(mode=Mode.DRY_RUN)
    await stage.drive()
    await make_void(stage, intent)
    await loop(stage).step()
    assert await unwound(stage, intent) == []
