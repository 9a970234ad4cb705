"""One sender at a time: the lease, its epoch, and what a deposed or frozen process can still do."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from hedge_service.core.orders import AttemptState
from hedge_service.store import leases
from hedge_service.store.leases import Deposed
from tests.flow.order_fakes import Way
from tests.flow.order_stage import ACCOUNT, Process

if TYPE_CHECKING:
    from tests.flow.order_stage import OrderStage

S = AttemptState
LEASE_S = 5.0


async def a_and_b(stage: OrderStage) -> tuple[Process, Process]:
    """Give a sender with a short lease and one that would like it."""
    await stage.process.sender.release()
    first = stage.process_named("a", lease_s=LEASE_S)
    await first.ready()
    return first, stage.process_named("b", lease_s=LEASE_S)


async def test_of_two_processes_one_is_the_sender(stage: OrderStage) -> None:
    first, second = await a_and_b(stage)
    await second.ready()
    assert (first.sender.may_send(), second.sender.may_send()) == (True, False)
    assert second.sender.epoch is None
    held = await second.sender.current()
    assert held is not None
    assert (held.holder, held.epoch) == ("a", first.sender.epoch)


async def test_two_processes_on_one_database_never_double_an_order(stage: OrderStage) -> None:
    first, second = await a_and_b(stage)
    await second.ready()
    await stage.intent(1, 2, 3)
    await second.dispatcher.step()
    await stage.drive(first)
    assert second.drivers == ()
    assert len(stage.exchange.written) == len(stage.exchange.book) == 3


async def test_a_lease_is_renewed_and_taken_over_only_after_it_ran_out(stage: OrderStage) -> None:
    first, second = await a_and_b(stage)
    epoch = first.sender.epoch
    assert epoch is not None
    for _ in range(6):
        stage.clock.advance(first.sender.renew_every_s)
        await first.sender.step()
        await second.sender.step()
    assert first.sender.may_send()
    assert (first.sender.epoch, second.sender.epoch) == (epoch, None)
    stage.clock.advance(LEASE_S)
    assert not first.sender.alive()
    await second.sender.step()
    assert second.sender.epoch == epoch + 1
    assert not second.sender.may_send()
    await second.start_up.step()
    assert second.sender.may_send()


async def test_a_deposed_sender_writes_nothing_and_learns_of_it(stage: OrderStage) -> None:
    first, second = await a_and_b(stage)
    intent = await stage.intent()
    stage.clock.advance(LEASE_S)
    await second.ready()
    with pytest.raises(Deposed):
        await stage.database.write(first.sender.guard)
    await first.sender.step()
    assert first.sender.epoch is None
    assert stage.log.named("lease.lost")
    with pytest.raises(Deposed):
        await stage.database.write(first.sender.guard)
    await stage.drive(second)
    assert (await stage.only(intent)).state is S.FILLED


async def test_a_clean_stop_lets_the_next_in_at_once(stage: OrderStage) -> None:
    first, second = await a_and_b(stage)
    await first.sender.release()
    await second.ready()
    assert second.sender.may_send()
    assert not first.sender.may_send()
    await first.sender.release()
    assert (await stage.database.read(lambda tx: leases.read(tx, ACCOUNT))) is not None


async def test_a_renewal_that_cannot_be_stored_lets_the_lease_run_out(stage: OrderStage) -> None:
    first, _ = await a_and_b(stage)
    stage.database.fails["Sender._renew"] = 1
    stage.clock.advance(LEASE_S - 1)
    await first.sender.step()
    assert first.sender.alive()
    stage.clock.advance(1)
    assert not first.sender.alive()
    await first.sender.step()
    assert first.sender.alive()


async def test_a_lease_that_runs_out_before_the_first_byte_sends_nothing(stage: OrderStage) -> None:
    first, _ = await a_and_b(stage)
    stage.exchange.before_write = lambda: stage.clock.advance(LEASE_S)
    intent = await stage.intent()
    await stage.until(intent, S.PLANNED, first)
    attempt = await stage.only(intent)
    assert (attempt.code, attempt.first_sent_at, attempt.in_doubt) == ("lease_over", None, False)
    assert stage.exchange.written == []
    assert first.limiter.write.state.held == 0
    stage.exchange.before_write = None
    await first.sender.step()
    await stage.drive(first)
    assert len(stage.exchange.written) == 1


async def test_a_successor_inherits_what_was_on_the_wire_and_never_orders_it_twice(
    stage: OrderStage,
) -> None:
    """The first process is frozen with a copy on the wire; its copy lands after the successor's."""
    first, second = await a_and_b(stage)
    stage.exchange.ways.append(Way.HELD)
    intent = await stage.intent()
    await stage.until(intent, S.SENDING, first)
    await stage.clock.quiet()
    stage.clock.advance(LEASE_S)
    await second.ready()
    inherited = await stage.only(intent)
    assert (inherited.state, inherited.code, inherited.in_doubt) == (S.UNKNOWN, "inherited", True)
    await stage.until(intent, S.FILLED, second)
    stage.exchange.hold.set()
    await stage.drive(second)
    attempt = await stage.only(intent)
    assert (attempt.state, attempt.sends) == (S.FILLED, 2)
    assert len(stage.exchange.book) == 1
    assert len({copy.body for copy in stage.exchange.written}) == 1
    await first.sender.step()
    await first.dispatcher.stop(1)


async def test_a_deposed_senders_reply_is_not_booked_but_found(stage: OrderStage) -> None:
    first, second = await a_and_b(stage)
    stage.exchange.ways.append(Way.HELD)
    intent = await stage.intent()
    await stage.until(intent, S.SENDING, first)
    await stage.clock.quiet()
    stage.clock.advance(LEASE_S)
    await second.ready()
    stage.exchange.hold.set()
    await stage.drive(second)
    attempt = await stage.only(intent)
    assert (attempt.state, attempt.sends) == (S.FILLED, 1)
    assert stage.log.named("intent.moved_meanwhile")
    await first.sender.step()
    await first.dispatcher.stop(1)


async def test_ending_an_intent_with_a_lost_lease_does_not_end_the_process(stage: OrderStage) -> None:
    first, second = await a_and_b(stage)
    stage.exchange.ways.append(Way.REFUSED)
    intent = await stage.intent()
    stage.database.fails["Dispatcher._ending"] = 1
    await stage.until(intent, S.REFUSED, first)
    await stage.clock.quiet()
    stage.clock.advance(LEASE_S)
    await second.ready()
    await stage.drive(second)
    await first.sender.step()

    async def gone() -> bool:
        return all(driver.done() for driver in first.drivers)

    await stage.clock.until(gone)
    await first.dispatcher.step()
    assert first.drivers == ()
    assert (await stage.load(intent)).end_reason == "refused"


async def test_a_lease_that_cannot_be_written_is_not_held(stage: OrderStage) -> None:
    await stage.process.sender.release()
    first, second = stage.process_named("a"), stage.process_named("b")
    await asyncio.gather(first.sender.step(), second.sender.step())
    assert sorted([first.sender.epoch is None, second.sender.epoch is None]) == [False, True]
