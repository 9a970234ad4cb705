"""From intent to order: every way a send can end, and that none of them sends twice."""

from __future__ import annotations

import asyncio
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import orjson
import pytest

from hedge_service.core.journal import RETRY_WAIT, SIGNATURE_LIFE
from hedge_service.core.market import BookSide
from hedge_service.core.money import Count, Money, Price
from hedge_service.core.orders import AttemptState
from hedge_service.core.parlay import Mode
from hedge_service.store import journal_sets
from tests.flow.order_fakes import Way
from tests.flow.order_stage import open_order_stage
from tests.flow.stage_clock import START

if TYPE_CHECKING:
    from pathlib import Path

    from hedge_service.core.venue import VenueFill
    from tests.flow.order_stage import OrderStage

S = AttemptState
SEA = "KXA-1-SEA"


async def ended(stage: OrderStage, *ways: Way) -> tuple[str | None, list[AttemptState]]:
    """Drive one intent through these ways; give its end and its attempts' states."""
    stage.exchange.ways.extend(ways)
    intent = await stage.intent()
    await stage.drive()
    states = [attempt.state for attempt in await stage.attempts(intent)]
    return (await stage.load(intent)).end_reason, states


async def test_an_order_that_fills_whole_ends_its_intent(stage: OrderStage) -> None:
    intent = await stage.intent()
    await stage.drive()
    attempt = await stage.only(intent)
    assert (attempt.state, attempt.filled, attempt.sends) == (S.FILLED, Count.of(10), 1)
    assert (attempt.cost, attempt.fees) == (Money.of("6.7"), Money.of("0.16"))
    assert attempt.order_id == stage.exchange.book[attempt.client_order_id].order_id
    assert (await stage.load(intent)).end_reason == "filled"
    assert stage.log.names("order.") == ["order.sent", "order.accepted"]


async def test_an_order_for_no_costs_one_minus_the_yes_price(stage: OrderStage) -> None:
    intent = await stage.intent(side=BookSide.ASK)
    await stage.drive()
    attempt = await stage.only(intent)
    assert attempt.cost == Price.of("0.33").times(Count.of(10))


async def test_the_bytes_sent_are_the_bytes_journaled(stage: OrderStage) -> None:
    intent = await stage.intent()
    await stage.drive()
    attempt = await stage.only(intent)
    (copy,) = stage.exchange.written
    assert copy.body == attempt.body
    sent = orjson.loads(copy.body)
    assert (sent["client_order_id"], sent["count"], sent["price"]) == (
        attempt.client_order_id,
        "10.00",
        "0.6700",
    )


async def test_after_a_part_a_second_attempt_buys_the_remainder_under_a_new_id(stage: OrderStage) -> None:
    stage.exchange.liquidity[SEA] = "4"
    intent = await stage.intent()
    await stage.until(intent, S.CANCELLED)
    stage.exchange.liquidity[SEA] = "100"
    await stage.drive()
    first, second = await stage.attempts(intent)
    assert (first.state, first.filled, first.count) == (S.CANCELLED, Count.of(4), Count.of(10))
    assert (second.state, second.filled, second.count) == (S.FILLED, Count.of(6), Count.of(6))
    assert first.client_order_id != second.client_order_id
    assert stage.exchange.written[1].at - stage.exchange.written[0].at >= RETRY_WAIT
    assert {copy.order.price for copy in stage.exchange.written} == {Price.of("0.67")}
    assert (await stage.load(intent)).end_reason == "filled"


async def test_executions_that_are_slow_to_show_keep_no_other_intent_open(
    stage: OrderStage, monkeypatch: pytest.MonkeyPatch
) -> None:
    slow, quick = await stage.intent(), await stage.intent()
    listed, shows = stage.exchange.fills, asyncio.Event()

    async def lagging(*, order_id: str | None = None, **asked: Any) -> list[VenueFill]:
        late = (await stage.only(slow)).order_id
        if order_id == late:
            await shows.wait()
        return [one for one in await listed(order_id=order_id, **asked) if order_id or one.order_id != late]

    async def quick_ended() -> bool:
        return (await stage.load(quick)).ended_at is not None

    monkeypatch.setattr(stage.exchange, "fills", lagging)
    await stage.process.dispatcher.step()
    await stage.clock.until(quick_ended)
    assert (await stage.load(slow)).ended_at is None
    shows.set()
    await stage.drive()
    assert (await stage.load(slow)).end_reason == "filled"


async def test_nothing_filled_uses_the_attempts_up(stage: OrderStage) -> None:
    stage.exchange.liquidity[SEA] = "0"
    assert await ended(stage) == ("attempts_used", [S.CANCELLED, S.CANCELLED])
    assert len(stage.exchange.written) == 2


@pytest.mark.parametrize("most", [1, 3])
async def test_attempts_are_as_many_as_configured(tmp_path: Path, most: int) -> None:
    async with open_order_stage(tmp_path, HEDGING__MAX_ATTEMPTS=str(most)) as stage:
        stage.exchange.liquidity[SEA] = "0"
        assert await ended(stage) == ("attempts_used", [S.CANCELLED] * most)


async def test_a_definite_refusal_ends_the_intent(stage: OrderStage) -> None:
    assert await ended(stage, Way.REFUSED) == ("refused", [S.REFUSED])
    (told,) = stage.log.named("order.refused")
    assert (told["code"], told["status"]) == ("insufficient_balance", 400)


async def test_a_throttled_order_is_sent_again_with_the_same_id_and_the_same_bytes(
    stage: OrderStage,
) -> None:
    assert await ended(stage, Way.THROTTLED, Way.THROTTLED) == ("filled", [S.FILLED])
    copies = stage.exchange.written
    assert len(copies) == 3
    assert len({copy.body for copy in copies}) == 1
    waits = [(later.at - sooner.at).total_seconds() for sooner, later in pairwise(copies)]
    assert 0 < waits[0] < waits[1]


async def test_waits_grow_while_the_exchange_cannot_be_reached(stage: OrderStage) -> None:
    assert await ended(stage, *[Way.NOT_WRITTEN] * 8) == ("filled", [S.FILLED])
    assert len(stage.exchange.written) == 1
    assert (stage.exchange.written[0].at - START).total_seconds() > 15


async def test_a_clock_refused_once_is_tried_again_at_once(stage: OrderStage) -> None:
    assert await ended(stage, Way.CLOCK_EXPIRED) == ("filled", [S.FILLED])
    first, second = stage.exchange.written
    assert first.body == second.body
    assert first.at == second.at


async def test_a_clock_refused_twice_is_a_refusal(stage: OrderStage) -> None:
    assert await ended(stage, Way.CLOCK_EXPIRED, Way.CLOCK_EXPIRED) == ("refused", [S.REFUSED])
    (told,) = stage.log.named("order.refused")
    assert told["code"] == "header_timestamp_expired"


async def test_the_legs_of_a_parlay_do_not_wait_for_each_other(stage: OrderStage) -> None:
    stage.exchange.ways.extend([Way.HELD])
    await stage.intent(1, 2, 3)
    await stage.process.dispatcher.step()

    async def two_done() -> bool:
        return len(stage.exchange.book) == 2

    await stage.clock.until(two_done)
    assert len(stage.exchange.written) == 3
    stage.exchange.hold.set()
    await stage.drive()
    assert len(stage.exchange.book) == 3


async def test_a_refused_leg_fails_no_other(stage: OrderStage) -> None:
    stage.exchange.ways.extend([Way.REFUSED])
    await stage.intent(1, 2, 3)
    await stage.drive()
    assert len(stage.exchange.book) == 2


async def test_a_halt_keeps_everything_from_being_journaled_as_sending(stage: OrderStage) -> None:
    await stage.halt()
    intent = await stage.intent()
    await stage.drive()
    attempt = await stage.only(intent)
    assert (attempt.state, attempt.code, attempt.sends) == (S.NOT_SENT, "ttl_over", 0)
    assert (await stage.load(intent)).end_reason == "not_sent"
    assert stage.exchange.written == []
    assert (stage.clock.now() - START).total_seconds() >= 120
    (told,) = stage.log.named("order.not_sent")
    assert told["reason"] == "ttl_over"


async def test_a_resume_lets_waiting_orders_go(stage: OrderStage) -> None:
    await stage.halt()
    intent = await stage.intent()
    await stage.until(intent, S.PLANNED)
    await stage.halt(None)
    await stage.drive()
    assert (await stage.only(intent)).state is S.FILLED


async def test_an_order_whose_turn_comes_after_its_time_is_not_sent(stage: OrderStage) -> None:
    bucket = stage.process.limiter.write
    bucket.throttled()
    bucket._paused_until = bucket._bucket.at + 30
    intent = await stage.intent(ttl_s=10)
    await stage.drive()
    assert (await stage.only(intent)).state is S.NOT_SENT
    assert stage.exchange.written == []


async def test_an_intent_that_was_ended_while_its_order_stood_in_line_is_not_sent(stage: OrderStage) -> None:
    """Another epoch may have ended it and given its cash to others, without a row of the order to be seen."""
    bucket = stage.process.limiter.write
    bucket.throttled()
    bucket._paused_until = bucket._bucket.at + 30
    intent = await stage.intent()
    await stage.process.dispatcher.step()
    await stage.clock.quiet()
    now = stage.clock.now()
    await stage.database.write(lambda tx: journal_sets.end(tx, [(intent.id, "attempts_used")], now))
    await stage.drive()
    assert stage.exchange.written == []
    assert await stage.attempts(intent) == ()
    assert (await stage.load(intent)).end_reason == "attempts_used"


async def test_dry_run_does_everything_but_the_send(tmp_path: Path) -> None:
    async with open_order_stage(tmp_path) as stage:
        intent = await stage.intent(mode=Mode.DRY_RUN)
        process = stage.process_named("dry", dry_run=True)
        await stage.process.sender.release()
        await process.ready()
        await stage.drive(process)
        attempt = await stage.only(intent)
        assert (attempt.state, attempt.sends) == (S.DRY_RUN, 0)
        (told,) = stage.log.named("order.dry_run")
        assert told["method"] == "POST"
        assert told["url"].endswith("/trade-api/v2/portfolio/events/orders")
        assert told["body"].encode() == attempt.body
        assert stage.exchange.written == []


async def test_a_parlay_taken_live_is_not_sent_by_a_service_in_dry_run(stage: OrderStage) -> None:
    intent = await stage.intent(mode=Mode.LIVE)
    process = stage.process_named("dry", dry_run=True)
    await stage.process.sender.release()
    await process.ready()
    await stage.drive(process)
    attempt = await stage.only(intent)
    assert (attempt.state, attempt.code) == (S.NOT_SENT, "service_in_dry_run")
    assert stage.exchange.written == []


async def test_a_parlay_taken_in_dry_run_is_never_sent_live(stage: OrderStage) -> None:
    intent = await stage.intent(mode=Mode.DRY_RUN)
    await stage.drive()
    assert (await stage.only(intent)).state is S.DRY_RUN
    assert stage.exchange.written == []


async def test_nothing_is_sent_before_the_exchange_was_read(stage: OrderStage) -> None:
    await stage.process.sender.release()
    unread = stage.process_named("unread")
    await unread.sender.step()
    await stage.intent()
    await unread.dispatcher.step()
    assert unread.drivers == ()


async def test_a_settle_that_cannot_be_stored_leads_to_a_look_up_and_no_second_send(
    stage: OrderStage,
) -> None:
    stage.database.fails["Wire._settle"] = 1
    intent = await stage.intent()
    await stage.drive()
    attempt = await stage.only(intent)
    assert (attempt.state, attempt.sends, attempt.filled) == (S.FILLED, 1, Count.of(10))
    assert len(stage.exchange.written) == 1
    assert stage.log.names("order.") == ["order.sent", "order.unknown", "order.accepted"]


async def test_a_refusal_that_cannot_be_stored_is_a_doubt_and_ends_by_evidence_alone(
    stage: OrderStage,
) -> None:
    stage.database.fails["Wire._settle"] = 1
    assert await ended(stage, Way.REFUSED, Way.PLACED) == ("filled", [S.FILLED])
    first, second = stage.exchange.written
    assert first.body == second.body


async def test_a_journal_that_cannot_be_written_sends_nothing(stage: OrderStage) -> None:
    stage.database.fails["Wire._begin"] = 3
    intent = await stage.intent()
    await stage.drive()
    assert len(stage.log.named("intent.waiting")) == 3
    assert stage.log.names("order.") == ["order.sent", "order.accepted"]
    assert len(stage.exchange.written) == 1
    assert (await stage.only(intent)).sends == 1


async def test_a_journal_that_can_not_be_written_for_long_is_tried_more_and_more_seldom(
    stage: OrderStage,
) -> None:
    stage.database.fails["Wire._begin"] = 1_000
    intent = await stage.intent(ttl_s=30)
    await stage.drive()
    assert 5 <= len(stage.log.named("intent.waiting")) <= 12
    assert stage.log.names("order.") == ["order.not_sent"]
    assert (await stage.only(intent)).state is S.NOT_SENT


async def test_a_driver_cancelled_while_on_the_wire_leaves_the_send_to_its_end(stage: OrderStage) -> None:
    stage.exchange.ways.append(Way.HELD)
    intent = await stage.intent()
    await stage.until(intent, S.SENDING)
    await stage.clock.quiet()
    stopping = asyncio.create_task(stage.process.dispatcher.stop(10))
    await stage.clock.quiet()
    assert not stopping.done()
    stage.exchange.hold.set()
    await stopping
    attempt = await stage.only(intent)
    assert (attempt.state, attempt.filled) == (S.FILLED, Count.of(10))
    assert stage.process.drivers == ()


async def test_a_send_that_hangs_does_not_hold_the_stop_for_ever(stage: OrderStage) -> None:
    stage.exchange.ways.append(Way.HELD)
    intent = await stage.intent()
    await stage.until(intent, S.SENDING)
    await stage.clock.quiet()
    await stage.process.dispatcher.stop(0.01)
    assert (await stage.only(intent)).state is S.SENDING


async def test_a_cancelled_driver_keeps_its_grant_until_the_bytes_are_out(stage: OrderStage) -> None:
    """Tokens given back while the bytes are still to come would let a second order through unpaid."""
    entered, go = asyncio.Event(), asyncio.Event()
    place = stage.exchange.create_order

    async def slow(order: object, body: bytes, *, on_written: object) -> object:
        entered.set()
        await go.wait()
        return await place(order, body, on_written=on_written)  # type: ignore[arg-type]

    stage.exchange.create_order = slow  # type: ignore[method-assign,assignment]
    full = stage.process.limiter.write.state.level
    await stage.intent()
    await stage.process.dispatcher.step()
    await entered.wait()
    stopping = asyncio.create_task(stage.process.dispatcher.stop(10))
    await stage.clock.quiet()
    assert stage.process.limiter.write.state.held == 10
    go.set()
    await stopping
    state = stage.process.limiter.write.state
    assert (state.held, state.level) == (0, full - 10)


async def test_a_stopped_dispatcher_starts_nothing_more(stage: OrderStage) -> None:
    await stage.process.dispatcher.stop(1)
    await stage.intent()
    await stage.process.dispatcher.step()
    assert stage.process.drivers == ()


async def test_a_new_id_waits_for_an_old_signature_to_die_when_a_copy_was_in_doubt(
    stage: OrderStage,
) -> None:
    stage.exchange.liquidity[SEA] = "4"
    stage.exchange.ways.append(Way.REPLY_LOST)
    intent = await stage.intent()
    await stage.drive()
    first, second = stage.exchange.written
    assert first.order.client_order_id != second.order.client_order_id
    assert second.at - first.at >= SIGNATURE_LIFE
    assert [attempt.filled for attempt in await stage.attempts(intent)] == [Count.of(4), Count.ZERO]


async def test_every_order_event_carries_the_fields_that_people_search_by(stage: OrderStage) -> None:
    stage.exchange.ways.extend([Way.THROTTLED, Way.REPLY_LOST])
    await stage.intent()
    await stage.drive()
    needed = {"parlay_id", "client_order_id", "ticker", "side", "count", "price", "attempt"}
    told = [event for event in stage.log.events if event["event"].startswith("order.")]
    assert len(told) == 5
    for event in told:
        assert needed <= set(event)
    accepted = told[-1]
    assert (accepted["fill_count"], accepted["fees"], accepted["count"]) == ("10.00", "0.16", "10.00")


async def test_a_driver_that_fails_is_told_and_ends_the_loop(stage: OrderStage) -> None:
    async def broken(*_: object, **__: object) -> object:
        raise KeyError("a bug")

    stage.exchange.create_order = broken  # type: ignore[method-assign,assignment]
    await stage.intent()
    await stage.process.dispatcher.step()
    await stage.clock.until(lambda: _done(stage))
    with pytest.raises(KeyError, match="a bug"):
        await stage.process.dispatcher.step()


async def _done(stage: OrderStage) -> bool:
    return all(driver.done() for driver in stage.process.drivers)
