"""Attempts in doubt: found, resent with the same bytes, parked; never sent under a new id, never given up."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from hedge_service.core.journal import UnknownStep
from hedge_service.core.market import BookSide
from hedge_service.core.money import Count, Money, Price
from hedge_service.core.orders import AttemptState
from hedge_service.core.venue import VenueStatus
from hedge_service.flow import dispatch
from hedge_service.flow.dispatch import LONGEST_WAIT_S
from hedge_service.store import journal
from tests.flow.order_fakes import Way
from tests.flow.stage_clock import START

if TYPE_CHECKING:
    from sqlalchemy.engine import Connection

    from hedge_service.core.journal import Intent
    from tests.flow.order_stage import OrderStage

S = AttemptState
SEA = "KXA-1-SEA"


async def test_an_order_whose_reply_was_lost_is_found_by_its_exact_id(stage: OrderStage) -> None:
    stage.exchange.ways.append(Way.REPLY_LOST)
    other = stage.exchange.holds("hs-another")
    intent = await stage.intent()
    await stage.drive()
    attempt = await stage.only(intent)
    assert (attempt.state, attempt.sends, attempt.filled) == (S.FILLED, 1, Count.of(10))
    assert attempt.order_id != other.order_id
    assert (attempt.cost, attempt.fees) == (Money.of("6.7"), Money.of("0.16"))
    assert len(stage.exchange.written) == 1


async def test_what_no_cost_is_taken_from_the_executions(stage: OrderStage) -> None:
    stage.exchange.ways.append(Way.REPLY_LOST)
    intent = await stage.intent(side=BookSide.ASK)
    await stage.drive()
    assert (await stage.only(intent)).cost == Price.of("0.33").times(Count.of(10))


async def test_positive_evidence_counts_before_reads_have_passed_the_send(stage: OrderStage) -> None:
    stage.exchange.ways.append(Way.REPLY_LOST)
    stage.exchange.stale_s = 1000
    intent = await stage.intent()
    await stage.drive()
    assert (await stage.only(intent)).state is S.FILLED
    assert (stage.clock.now() - START).total_seconds() < 1


async def test_absence_proves_nothing_until_reads_have_passed_the_send(stage: OrderStage) -> None:
    """The order has landed but shows late: no second copy may go out meanwhile."""
    stage.exchange.ways.append(Way.REPLY_LOST)
    stage.exchange.stale_s = 20
    intent = await in_doubt(stage)

    async def later() -> bool:
        return stage.clock.now() >= START + timedelta(seconds=15)

    await stage.clock.until(later)
    assert len(stage.exchange.written) == 1
    stage.exchange.shows()
    await stage.drive()
    assert (await stage.only(intent)).sends == 1


async def test_absence_proves_nothing_until_reads_have_passed_the_end_of_a_long_request(
    stage: OrderStage,
) -> None:
    """It may have been accepted in the request's last moment, long after its send."""
    stage.exchange.ways.append(Way.NEVER_ARRIVED)
    stage.exchange.stale_s = 1
    stage.exchange.before_write = lambda: stage.clock.advance(3)
    intent = await stage.intent()
    await stage.until(intent, S.UNKNOWN)
    lookups, attempt = stage.process.lookups, await stage.only(intent)
    assert await lookups.resolve(intent, attempt) is UnknownStep.LOOK_AGAIN
    stage.clock.advance(1.5)
    assert await lookups.resolve(intent, attempt) is UnknownStep.LOOK_AGAIN
    stage.clock.advance(1)
    assert await lookups.resolve(intent, attempt) is UnknownStep.RESEND


async def test_an_absent_order_is_resent_with_the_same_bytes_inside_the_window(stage: OrderStage) -> None:
    stage.exchange.ways.append(Way.NEVER_ARRIVED)
    intent = await stage.intent()
    await stage.drive()
    attempt = await stage.only(intent)
    assert (attempt.state, attempt.sends, attempt.in_doubt) == (S.FILLED, 2, True)
    first, second = stage.exchange.written
    assert first.body == second.body == attempt.body
    # The first look finds reads that have not passed the send by the margin of a second.
    assert second.at - first.at >= timedelta(seconds=1)


async def test_a_late_copy_of_ours_makes_the_resend_a_duplicate_and_is_found(stage: OrderStage) -> None:
    stage.exchange.ways.append(Way.REPLY_LOST)
    intent = await in_doubt(stage)

    async def resent() -> bool:
        return len(stage.exchange.written) == 2

    await stage.clock.until(resent)
    stage.exchange.shows()
    await stage.drive()
    attempt = await stage.only(intent)
    assert (attempt.state, attempt.filled) == (S.FILLED, Count.of(10))
    assert len(stage.exchange.book) == 1


async def test_a_refusal_of_a_resend_says_nothing_about_the_first_copy(stage: OrderStage) -> None:
    """The refusal may be caused by the first copy: it landed, and shows only now."""
    stage.exchange.ways.extend([Way.REPLY_LOST, Way.REFUSED])
    intent = await in_doubt(stage)

    async def refused() -> bool:
        return (await stage.only(intent)).code == "insufficient_balance"

    await stage.clock.until(refused)
    assert (await stage.only(intent)).state is S.UNKNOWN
    stage.exchange.shows()
    await stage.drive()
    assert (await stage.only(intent)).state is S.FILLED
    assert len(stage.exchange.book) == 1


async def test_after_the_window_an_absent_order_is_parked_with_its_full_size_reserved(
    stage: OrderStage,
) -> None:
    stage.exchange.ways.extend([Way.NEVER_ARRIVED] * 100)
    intent = await stage.intent()
    await stage.until(intent, S.PARKED)
    after_s = (stage.clock.now() - START).total_seconds()
    # A copy is looked for until reads have passed the end of its request: two waits past the window at most.
    assert 60 <= after_s < 60 + 2 * LONGEST_WAIT_S
    assert len({copy.body for copy in stage.exchange.written}) == 1
    assert max(copy.at for copy in stage.exchange.written) < START + timedelta(seconds=60)
    assert await reserved(stage) == intent.max_cost
    (told,) = stage.log.named("order.parked")
    assert told["client_order_id"] == (await stage.only(intent)).client_order_id


async def test_a_parked_order_ends_by_itself_when_it_is_found(stage: OrderStage) -> None:
    stage.exchange.ways.append(Way.REPLY_LOST)
    stage.exchange.ways.extend([Way.NEVER_ARRIVED] * 100)
    intent = await in_doubt(stage)
    await stage.until(intent, S.PARKED)
    sent = len(stage.exchange.written)
    stage.exchange.shows()
    await stage.drive()
    assert (await stage.only(intent)).state is S.FILLED
    assert (await stage.load(intent)).end_reason == "filled"
    assert len(stage.exchange.written) == sent


async def test_a_parked_order_is_only_looked_at_however_long_it_stays(stage: OrderStage) -> None:
    stage.exchange.ways.extend([Way.NEVER_ARRIVED] * 100)
    intent = await stage.intent()
    await stage.until(intent, S.PARKED)
    sent = len(stage.exchange.written)

    async def a_day_later() -> bool:
        return stage.clock.now() > START + timedelta(days=1)

    await stage.clock.until(a_day_later)
    assert (await stage.only(intent)).state is S.PARKED
    assert len(stage.exchange.written) == sent


async def test_parked_orders_take_no_place_from_new_ones(
    stage: OrderStage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dispatch, "MOST_DRIVERS", 1)
    stage.exchange.ways.extend([Way.NEVER_ARRIVED] * 100)
    await stage.until(await stage.intent(), S.PARKED)
    stage.exchange.ways.clear()
    await stage.until(await stage.intent(), S.FILLED)


async def test_look_ups_that_fail_park_after_twice_the_window(stage: OrderStage) -> None:
    stage.exchange.ways.append(Way.REPLY_LOST)
    intent = await in_doubt(stage)
    stage.exchange.shows()
    stage.exchange.down = True
    await stage.until(intent, S.PARKED)
    assert 120 <= (stage.clock.now() - START).total_seconds() < 126
    assert len(stage.exchange.written) == 1
    assert stage.log.named("lookup.failed")
    stage.exchange.down = False
    await stage.drive()
    assert (await stage.only(intent)).state is S.FILLED


async def test_reads_that_stand_still_park_after_twice_the_window(stage: OrderStage) -> None:
    stage.exchange.ways.append(Way.NEVER_ARRIVED)
    stage.exchange.stale_s = 100_000
    intent = await stage.intent()
    await stage.until(intent, S.PARKED)
    assert 120 <= (stage.clock.now() - START).total_seconds() < 126
    assert len(stage.exchange.written) == 1


async def test_nothing_is_resent_past_the_intents_own_time(stage: OrderStage) -> None:
    stage.exchange.ways.extend([Way.NEVER_ARRIVED] * 100)
    intent = await stage.intent(ttl_s=10)
    await stage.until(intent, S.PARKED)
    assert max(copy.at for copy in stage.exchange.written) < START + timedelta(seconds=10)


async def test_a_halt_stops_resends_but_not_look_ups(stage: OrderStage) -> None:
    stage.exchange.ways.append(Way.NEVER_ARRIVED)
    intent = await stage.intent()
    await stage.until(intent, S.UNKNOWN)
    await stage.halt()
    await stage.until(intent, S.PARKED)
    assert len(stage.exchange.written) == 1


async def test_the_window_opens_with_the_first_copy_that_may_exist(stage: OrderStage) -> None:
    """Copies that were surely not processed do not use it up."""
    stage.exchange.ways.extend([Way.NOT_WRITTEN] * 20 + [Way.NEVER_ARRIVED])
    intent = await stage.intent()
    await stage.drive()
    attempt = await stage.only(intent)
    assert (attempt.state, attempt.sends) == (S.FILLED, 22)
    assert len(stage.exchange.written) == 2
    assert (stage.exchange.written[0].at - START).total_seconds() > 60


async def test_executions_that_do_not_add_up_yet_are_looked_at_again(stage: OrderStage) -> None:
    stage.exchange.ways.append(Way.REPLY_LOST)
    intent = await in_doubt(stage)
    stage.exchange.shows()
    trades, stage.exchange.trades = stage.exchange.trades, []

    async def later() -> bool:
        return stage.clock.now() > START + timedelta(seconds=10)

    await stage.clock.until(later)
    assert (await stage.only(intent)).state is S.UNKNOWN
    assert len(stage.exchange.written) == 1
    stage.exchange.trades = trades
    await stage.drive()
    assert (await stage.only(intent)).cost == Money.of("6.7")


async def test_an_execution_that_is_listed_twice_counts_once(stage: OrderStage) -> None:
    stage.exchange.ways.append(Way.REPLY_LOST)
    stage.exchange.twice = True
    intent = await stage.intent()
    await stage.drive()
    attempt = await stage.only(intent)
    assert (attempt.filled, attempt.fees) == (Count.of(10), Money.of("0.16"))


async def test_an_archived_order_is_found_with_its_archived_executions(stage: OrderStage) -> None:
    stage.exchange.ways.append(Way.REPLY_LOST)
    intent = await in_doubt(stage)
    stage.exchange.shows()
    stage.exchange.archived = set(stage.exchange.book)
    stage.exchange.archived_fills = True
    await stage.drive()
    assert (await stage.only(intent)).cost == Money.of("6.7")


async def test_a_part_found_by_look_up_is_a_part(stage: OrderStage) -> None:
    """Measured by what this attempt asked for, whatever size the exchange gives the order."""
    stage.exchange.liquidity[SEA] = "4"
    stage.exchange.ways.append(Way.REPLY_LOST)
    intent = await in_doubt(stage)
    stage.exchange.shows()
    (placed,) = stage.exchange.book.values()
    stage.exchange.book[placed.client_order_id] = replace(
        placed, initial_count=Count.of(4), status=VenueStatus.EXECUTED
    )
    await stage.until(intent, S.CANCELLED)
    assert (await stage.attempts(intent))[0].filled == Count.of(4)


async def test_an_order_larger_than_ours_is_never_booked_as_ours(stage: OrderStage) -> None:
    stage.exchange.ways.append(Way.REPLY_LOST)
    intent = await in_doubt(stage)
    stage.exchange.shows()
    (placed,) = stage.exchange.book.values()
    (trade,) = stage.exchange.trades
    stage.exchange.trades = [replace(trade, count=Count.of(11))]
    stage.exchange.book[placed.client_order_id] = replace(placed, fill_count=Count.of(11))
    await stage.until(intent, S.PARKED)
    assert len(stage.exchange.written) == 1


async def test_an_order_that_rests_is_followed_to_its_end(stage: OrderStage) -> None:
    stage.exchange.liquidity[SEA] = "4"
    stage.exchange.ways.append(Way.REPLY_LOST)
    intent = await in_doubt(stage)
    stage.exchange.shows()
    (placed,) = stage.exchange.book.values()
    stage.exchange.book[placed.client_order_id] = replace(placed, status=VenueStatus.RESTING)
    await stage.until(intent, S.RESTING)
    stage.exchange.archived = {placed.client_order_id}
    stage.exchange.archived_fills = True
    stage.exchange.book[placed.client_order_id] = placed
    await stage.process.resting.step()
    await stage.until(intent, S.CANCELLED)
    assert (await stage.attempts(intent))[0].filled == Count.of(4)


async def test_one_look_says_what_comes_next(stage: OrderStage) -> None:
    stage.exchange.ways.append(Way.NEVER_ARRIVED)
    intent = await stage.intent()
    await stage.until(intent, S.UNKNOWN)
    lookups, attempt = stage.process.lookups, await stage.only(intent)
    assert await lookups.resolve(intent, attempt) is UnknownStep.LOOK_AGAIN
    stage.clock.advance(1)
    assert await lookups.resolve(intent, attempt) is UnknownStep.RESEND
    stage.clock.advance(60)
    assert await lookups.resolve(intent, attempt) is UnknownStep.PARK


@pytest.mark.parametrize("way", [Way.REPLY_LOST, Way.NEVER_ARRIVED])
async def test_many_in_doubt_at_once_are_each_bought_exactly_once(stage: OrderStage, way: Way) -> None:
    stage.exchange.ways.extend([way, Way.PLACED] * 6)
    intents: list[Intent] = [await stage.intent(1, 2, 3) for _ in range(4)]
    await stage.drive()
    assert len(stage.exchange.book) == 12
    assert sum(trade.count.centis for trade in stage.exchange.trades) == 12 * 1000
    states = await asyncio.gather(*(stage.only(intent) for intent in intents))
    assert {attempt.state for attempt in states} == {S.FILLED}


async def in_doubt(stage: OrderStage) -> Intent:
    """Send an order that the exchange does not show; give its intent once it is unknown."""
    stage.exchange.late = True
    intent = await stage.intent()
    await stage.until(intent, S.UNKNOWN)
    return intent


async def reserved(stage: OrderStage) -> Money:
    def work(tx: Connection) -> Money:
        return journal.reserved_since(tx, START)

    return await stage.database.read(work)
