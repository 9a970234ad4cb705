"""Rolling on a real database: each result is traded on once, and only while it may be."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from hedge_service.core import ids
from hedge_service.core.market import BookSide, MarketStatus
from hedge_service.core.money import Count, Money, Price
from hedge_service.core.orders import Purpose
from hedge_service.core.parlay import Mode
from hedge_service.flow.accepting import Accepting, Result, Sale
from hedge_service.flow.voiding import void
from hedge_service.store import parlays
from tests.flow.order_fakes import Way
from tests.flow.order_stage import open_order_stage
from tests.flow.rolling_stage import ASKS, FIRST, SECOND, THIRD, RollingStage, open_rolling, put_paid
from tests.flow.stage_clock import START

if TYPE_CHECKING:
    from pathlib import Path

    from sqlalchemy.engine import Connection

    from hedge_service.flow.rolling import Rolling
    from tests.flow.order_stage import OrderStage

S = MarketStatus


@pytest.fixture
async def rolling(stage: OrderStage) -> RollingStage:
    return await open_rolling(stage)


async def test_each_hit_is_rolled_into_the_next_leg_until_the_payout_is_held(rolling: RollingStage) -> None:
    await rolling.says(FIRST, S.DETERMINED, "yes")
    await rolling.step()
    await rolling.ends(FIRST, "yes")
    await rolling.says(SECOND, S.DETERMINED, "yes")
    await rolling.step()
    made = await rolling.intents()
    assert [(one.leg, one.sequence, one.count) for one in made] == [
        (2, 1, Count.of(250)),
        (3, 2, Count.of(500)),
    ]
    assert made[0].id == ids.intent_id(parlay=rolling.parlay.id, leg=2, purpose="roll", sequence=1)
    assert [rolling.bought(each) for each in (FIRST, SECOND, THIRD)] == [
        Count.of(137),
        Count.of(250),
        Count.of(500),
    ]
    assert await rolling.rolled() == [1, 2]
    await rolling.ends(SECOND, "yes")
    await rolling.ends(THIRD, "yes")
    assert await rolling.state() == "won"


async def test_a_roll_is_told_with_its_figures(rolling: RollingStage) -> None:
    await rolling.says(FIRST, S.DETERMINED, "yes")
    await rolling.loop.step()
    [told] = rolling.orders.log.named("roll.planned")
    assert (told["parlay_id"], told["hits"], told["leg"], told["ticker"]) == (rolling.parlay.id, 1, 2, SECOND)
    assert (told["direction"], told["contracts"], told["price"]) == ("buy", "250.00", "0.5500")
    assert (told["target"], told["held"], told["ask"]) == ("250.00", "0.00", "0.5500")


async def test_the_markets_are_read_only_when_there_is_news_and_then_once(rolling: RollingStage) -> None:
    await rolling.step(3)
    assert rolling.orders.exchange.market_reads == 0
    await rolling.says(FIRST, S.DETERMINED, "yes")
    await rolling.loop.step()
    assert rolling.orders.exchange.market_reads == 1
    await rolling.step(3)
    await rolling.ends(FIRST, "yes")
    await rolling.step(3)
    assert rolling.orders.exchange.market_reads == 1


async def test_the_same_result_told_again_trades_nothing(rolling: RollingStage) -> None:
    for status in (S.DETERMINED, S.DETERMINED, S.FINALIZED):
        await rolling.says(FIRST, status, "yes")
        await rolling.step(2)
    assert len(await rolling.intents()) == 1


async def test_two_loops_at_once_roll_once(rolling: RollingStage) -> None:
    await rolling.says(FIRST, S.DETERMINED, "yes")
    loops: list[Rolling] = [rolling.process() for _ in range(4)]
    await asyncio.gather(*(loop.step() for loop in loops))
    assert len(await rolling.intents()) == 1
    assert len(rolling.orders.log.named("roll.planned")) == 1


async def test_a_disputed_result_waits_and_a_confirmed_one_trades_no_second_time(
    rolling: RollingStage,
) -> None:
    await rolling.says(FIRST, S.DETERMINED, "yes")
    await rolling.step()
    for status in (S.DISPUTED, S.AMENDED):
        await rolling.says(FIRST, status, "yes")
        await rolling.step(2)
    await rolling.says(FIRST, S.DETERMINED, "yes")
    await rolling.step(2)
    await rolling.ends(FIRST, "yes")
    await rolling.step(2)
    assert [one.leg for one in await rolling.intents()] == [2]
    assert await rolling.intents(Purpose.UNWIND) == []


async def test_a_result_disputed_before_anything_was_traded_waits_for_its_end(rolling: RollingStage) -> None:
    await rolling.says(FIRST, S.DETERMINED, "yes")
    # Settlement has seen the first word, the exchange says another by now.
    rolling.lists(FIRST, status=S.DISPUTED, result="yes", yes_ask=None, no_ask=None)
    await rolling.step(3)
    assert await rolling.intents() == []
    assert rolling.skipped == ["result_disputed"]
    await rolling.ends(FIRST, "yes")
    await rolling.step()
    assert [one.leg for one in await rolling.intents()] == [2]


async def test_a_hit_that_is_amended_to_a_miss_sells_once_what_was_rolled(rolling: RollingStage) -> None:
    await rolling.says(FIRST, S.DETERMINED, "yes")
    await rolling.step()
    await rolling.says(FIRST, S.DISPUTED, "yes")
    await rolling.ends(FIRST, "no")
    assert await rolling.state() == "lost"
    for _ in range(3):
        await rolling.step()
        rolling.orders.clock.advance(3600)
    [sale] = await rolling.intents(Purpose.UNWIND)
    assert (sale.leg, sale.count, sale.side, sale.reduce_only) == (2, Count.of(250), BookSide.ASK, True)
    assert rolling.bought(SECOND) == Count.ZERO
    assert len(await rolling.intents()) == 1


async def test_a_lost_leg_leaves_nothing_to_trade_when_only_it_was_held(rolling: RollingStage) -> None:
    await rolling.says(FIRST, S.DETERMINED, "no")
    await rolling.step(3)
    assert await rolling.intents() == await rolling.intents(Purpose.UNWIND) == []
    assert rolling.skipped == ["leg_missed"]


async def test_a_leg_lost_out_of_turn_sells_the_leg_that_is_held(rolling: RollingStage) -> None:
    await rolling.says(THIRD, S.DETERMINED, "no")
    await rolling.step(3)
    [sale] = await rolling.intents(Purpose.UNWIND)
    assert (sale.leg, sale.count) == (1, Count.of(137))
    assert rolling.bought(FIRST) == Count.ZERO
    [told] = rolling.orders.log.named("roll.planned")
    assert (told["direction"], told["reason"]) == ("sell", "leg_missed")


async def test_what_could_not_be_sold_of_a_lost_parlay_is_tried_again_after_a_minute(
    rolling: RollingStage,
) -> None:
    rolling.orders.exchange.liquidity[FIRST] = "100"
    await rolling.says(THIRD, S.DETERMINED, "no")
    await rolling.step()
    await rolling.ends(THIRD, "no")
    await rolling.step()
    rolling.orders.clock.advance(61)
    await rolling.step()
    assert [one.count for one in await rolling.intents(Purpose.UNWIND)] == [Count.of(137), Count.of(37)]


async def test_a_leg_lost_while_a_roll_is_being_bought_ends_the_buying(rolling: RollingStage) -> None:
    await rolling.says(FIRST, S.DETERMINED, "yes")
    await rolling.loop.step()
    await rolling.says(THIRD, S.DETERMINED, "no")
    await rolling.loop.step()
    await rolling.orders.drive()
    assert rolling.bought(SECOND) == Count.ZERO


@pytest.mark.parametrize("order", [(THIRD, SECOND), (SECOND, THIRD)])
async def test_legs_that_settle_out_of_turn_raise_the_leg_that_is_held(
    rolling: RollingStage, order: tuple[str, str]
) -> None:
    for ticker in order:
        await rolling.says(ticker, S.DETERMINED, "yes")
        await rolling.step(2)
    assert rolling.bought(FIRST) == Count.of(500)
    assert [one.leg for one in await rolling.intents()] == [1, 1]
    await rolling.says(FIRST, S.DETERMINED, "yes")
    await rolling.step()
    assert len(await rolling.intents()) == 2


async def test_two_results_at_once_make_one_roll(rolling: RollingStage) -> None:
    await rolling.says(FIRST, S.DETERMINED, "yes")
    await rolling.says(SECOND, S.DETERMINED, "yes")
    await rolling.step(2)
    assert [(one.leg, one.sequence) for one in await rolling.intents()] == [(3, 2)]


async def test_a_roll_waits_for_an_offer_and_says_so_once(rolling: RollingStage) -> None:
    rolling.lists(SECOND, yes_ask=None)
    await rolling.says(FIRST, S.DETERMINED, "yes")
    await rolling.step(3)
    assert rolling.skipped == ["no_ask"]
    rolling.lists(SECOND)
    await rolling.step()
    assert [one.leg for one in await rolling.intents()] == [2]


async def test_a_price_above_the_drift_guard_is_not_paid(rolling: RollingStage) -> None:
    rolling.lists(SECOND, "0.60")
    await rolling.says(FIRST, S.DETERMINED, "yes")
    await rolling.step(2)
    assert (rolling.skipped, await rolling.intents()) == (["drift_guard"], [])
    rolling.lists(SECOND, "0.59")
    await rolling.step()
    [made] = await rolling.intents()
    assert made.price == Price.of("0.59")


@pytest.mark.parametrize("cap", ["order_cap", "parlay_cap", "day_cap"])
async def test_a_roll_that_passes_a_cap_is_told_and_not_made(rolling: RollingStage, cap: str) -> None:
    lowered = {cap: Money.of(50)}
    rolling.loop = rolling.process(changes=lowered)
    await rolling.says(FIRST, S.DETERMINED, "yes")
    await rolling.step(2)
    assert (rolling.skipped, await rolling.intents()) == ([cap], [])


async def test_a_roll_is_sized_and_counted_with_the_fees_of_the_quotes_record(stage: OrderStage) -> None:
    rolling = await open_rolling(stage, multiplier="3")
    await rolling.says(FIRST, S.DETERMINED, "yes")
    await rolling.step()
    [made] = await rolling.intents()
    # 500 * (0.50 + 3 * 0.07 * 0.25); then 0.55 each, three fees of 0.07 * 0.25, a cent for its roundings
    assert (made.count, made.max_cost) == (Count.of(276), Money.of("169.0500"))


async def test_nothing_is_rolled_while_halted(rolling: RollingStage) -> None:
    await rolling.says(FIRST, S.DETERMINED, "yes")
    await rolling.orders.halt()
    await rolling.loop.step()
    assert await rolling.intents() == []
    await rolling.orders.halt(None)
    await rolling.loop.step()
    assert len(await rolling.intents()) == 1


async def test_only_the_holder_of_the_lease_rolls(rolling: RollingStage) -> None:
    await rolling.says(FIRST, S.DETERMINED, "yes")
    second = rolling.orders.process_named("second")
    await second.sender.step()
    await rolling.process(second).step()
    assert await rolling.intents() == []


async def test_a_deposed_sender_writes_no_roll(rolling: RollingStage) -> None:
    await rolling.says(FIRST, S.DETERMINED, "yes")
    sender = rolling.orders.process.sender
    assert sender.epoch is not None
    sender.epoch += 1
    await rolling.loop.step()
    assert await rolling.intents() == []
    assert len(rolling.orders.log.named("roll.left")) == 1


async def test_an_exchange_that_is_down_is_asked_again_later(rolling: RollingStage) -> None:
    await rolling.says(FIRST, S.DETERMINED, "yes")
    rolling.orders.exchange.down = True
    await rolling.loop.step()
    assert len(rolling.orders.log.named("roll.waiting")) == 1
    rolling.orders.exchange.down = False
    await rolling.loop.step()
    assert len(await rolling.intents()) == 1


async def test_a_void_parlay_is_not_rolled(rolling: RollingStage) -> None:
    now = rolling.orders.clock.now()
    assert await rolling.orders.database.write(lambda tx: void(tx, rolling.parlay, now))
    await rolling.says(FIRST, S.DETERMINED, "yes")
    await rolling.step()
    assert await rolling.intents() == []


async def test_a_parlay_of_another_strategy_is_left_alone(stage: OrderStage) -> None:
    other = await open_rolling(stage, strategy="delta")
    await other.says(FIRST, S.DETERMINED, "yes")
    await other.step()
    assert (await other.intents(), stage.exchange.market_reads) == ([], 0)


async def test_a_parlay_taken_in_dry_run_is_rolled_in_dry_run_only(stage: OrderStage) -> None:
    dry = await open_rolling(stage, mode=Mode.DRY_RUN)
    await dry.says(FIRST, S.DETERMINED, "yes")
    await dry.step()
    assert await dry.intents() == []
    dry.loop = dry.process(changes={"mode": Mode.DRY_RUN})
    await dry.step()
    assert [one.count for one in await dry.intents()] == [Count.of(250)]
    assert stage.exchange.written == []
    assert len(stage.log.named("order.dry_run")) == 2


async def test_a_live_parlay_loses_no_roll_to_a_service_in_dry_run(rolling: RollingStage) -> None:
    await rolling.says(FIRST, S.DETERMINED, "yes")
    await rolling.process(changes={"mode": Mode.DRY_RUN}).step()
    assert (await rolling.intents(), await rolling.rolled()) == ([], [])


async def test_a_roll_waits_while_an_order_of_the_leg_is_in_doubt(stage: OrderStage) -> None:
    stage.exchange.ways.append(Way.REPLY_LOST)
    stage.exchange.late = True
    rolling = await open_rolling(stage, buy=False)
    [first] = await rolling.intents(Purpose.HEDGE)
    await stage.process.dispatcher.step()

    async def sent() -> bool:
        return bool(stage.exchange.written)

    await stage.clock.until(sent)
    await rolling.says(THIRD, S.DETERMINED, "yes")
    await rolling.loop.step()
    assert (await rolling.intents(), rolling.skipped) == ([], [])
    stage.exchange.shows()
    await stage.drive()
    await rolling.step()
    assert (await stage.load(first)).ended_at is not None
    assert [one.count for one in await rolling.intents()] == [Count.of(138)]


async def test_a_leg_that_moved_behind_another_is_sold_for_the_one_before_it(rolling: RollingStage) -> None:
    late = START + timedelta(days=9)
    rolling.lists(FIRST, expected_expiration_time=late, close_time=late)
    await rolling.says(SECOND, S.DETERMINED, "yes")
    await rolling.step(2)
    assert [(one.leg, one.count) for one in await rolling.intents()] == [(3, Count.of(300))]
    [sale] = await rolling.intents(Purpose.UNWIND)
    assert (sale.leg, sale.count) == (1, Count.of(137))
    assert rolling.bought(FIRST) == Count.ZERO


async def test_the_summary_counts_a_later_leg_as_skipped_until_its_turn(rolling: RollingStage) -> None:
    [before] = await rolling.orders.summarize()
    assert (before["outcome"], before["orders_skipped"], before["contracts_planned"]) == (
        "executed",
        2,
        "137.00",
    )
    await rolling.says(FIRST, S.DETERMINED, "yes")
    rolling.orders.exchange.liquidity[SECOND] = "200"
    await rolling.step()
    *_, after = await rolling.orders.summarize()
    assert (after["outcome"], after["orders_skipped"]) == ("partial", 1)
    assert (after["contracts_planned"], after["contracts_filled"]) == ("387.00", "337.00")
    assert after["contracts_unhedged"] == "50.00"


@pytest.mark.parametrize(
    ("strategy", "multiplier", "cap", "first"),
    [
        # The first leg costs $88.71 at most, and 2 % of the payout are $10.
        ("rolling", None, "95", "parlay_cap"),
        ("delta", None, "95", None),
        # Twice the fees are $2.40 more.
        ("delta", "2", "91", "order_cap"),
        ("delta", "2", "92", None),
    ],
)
async def test_the_first_leg_leaves_drift_and_the_fees_of_its_series_free_under_the_caps(
    tmp_path: Path, strategy: str, multiplier: str | None, cap: str, first: str | None
) -> None:
    async with open_order_stage(
        tmp_path, LIMITS__MAX_PARLAY_HEDGE_DOLLARS=cap, LIMITS__MAX_ORDER_DOLLARS=cap
    ) as stage:
        for ticker, ask in ASKS.items():
            stage.exchange.lists(ticker, ask)
        accepting = Accepting(
            database=stage.database,
            exchange=stage.exchange,
            config=stage.config,
            stripe_live=False,
            clock=stage.clock,
        )

        def sell(tx: Connection) -> Result:
            quote, checkout = put_paid(tx, strategy, multiplier)
            sale = Sale(
                session_id="cs_test_1", checkout=checkout, quote=quote, markets=dict(stage.exchange.found)
            )
            return accepting.sell(tx, sale, stage.clock.now())

        sold = (await stage.database.write(sell)).parlay
        assert sold is not None
        legs = await stage.database.read(lambda tx: parlays.legs(tx, sold.id))
        assert [leg.skip for leg in legs] == [first, "later_leg", "later_leg"]
