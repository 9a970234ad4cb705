"""Nothing is sent before the exchange has been read, completely, and holds no order we don't know."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from hedge_service.core.orders import AttemptState
from hedge_service.flow.start_up import FOREIGN
from tests.flow.order_stage import LONG_LEASE_S, Process, open_order_stage

if TYPE_CHECKING:
    from pathlib import Path

    from tests.flow.order_stage import OrderStage


async def fresh(stage: OrderStage, *, dry_run: bool = False, lease_s: float = LONG_LEASE_S) -> Process:
    """Give a process that holds the lease and has read nothing yet."""
    await stage.process.sender.release()
    process = stage.process_named("fresh", dry_run=dry_run, lease_s=lease_s)
    await process.sender.step()
    return process


async def test_an_exchange_that_was_read_lets_the_sender_send(stage: OrderStage) -> None:
    process = await fresh(stage)
    assert not process.sender.may_send()
    await process.start_up.step()
    assert process.sender.may_send()
    held = await process.sender.current()
    assert held is not None
    assert held.reconciled_at == stage.clock.now()
    assert await stage.halted() is None


async def test_an_exchange_that_cannot_be_read_keeps_the_sender_waiting(stage: OrderStage) -> None:
    process = await fresh(stage)
    stage.exchange.down = True
    await process.start_up.step()
    assert not process.sender.may_send()
    assert stage.log.named("exchange.unreadable")
    stage.exchange.down = False
    await process.start_up.step()
    assert process.sender.may_send()


async def test_orders_of_ours_that_the_database_lacks_halt_sending(stage: OrderStage) -> None:
    stage.exchange.holds("hs-from-another-life")
    process = await fresh(stage)
    await process.start_up.step()
    assert await stage.halted() == FOREIGN
    (told,) = stage.log.named("sending.halted")
    assert (told["orders"], told["count"]) == (["hs-from-another-life"], 1)
    intent = await stage.intent()
    await stage.drive(process)
    assert (await stage.only(intent)).state is AttemptState.NOT_SENT
    assert stage.exchange.written == []


async def test_a_halt_that_a_person_gave_keeps_its_reason(stage: OrderStage) -> None:
    await stage.halt("a person's reason")
    stage.exchange.holds("hs-from-another-life")
    process = await fresh(stage)
    await process.start_up.step()
    assert await stage.halted() == "a person's reason"


async def test_known_orders_and_orders_of_others_do_not_halt(stage: OrderStage) -> None:
    await stage.intent()
    await stage.drive()
    stage.exchange.holds("typed-by-hand")
    process = await fresh(stage)
    await process.start_up.step()
    assert await stage.halted() is None
    assert stage.log.named("exchange.read")[-1]["orders_of_others"] == 1


async def test_dry_run_reads_nothing(tmp_path: Path) -> None:
    async with open_order_stage(tmp_path) as stage:
        process = await fresh(stage, dry_run=True)
        stage.exchange.down = True
        await process.start_up.step()
        assert process.sender.may_send()


async def test_a_reading_that_outlives_its_epoch_does_not_count_for_the_next(stage: OrderStage) -> None:
    process = await fresh(stage, lease_s=5)
    read, go = asyncio.Event(), asyncio.Event()
    positions = stage.exchange.positions

    async def slow() -> object:
        read.set()
        await go.wait()
        return await positions()

    stage.exchange.positions = slow  # type: ignore[method-assign,assignment]
    reading = asyncio.create_task(process.start_up.step())
    await read.wait()
    stage.clock.advance(5)
    rival = stage.process_named("rival", lease_s=5)
    await rival.sender.step()
    await process.sender.step()
    await rival.sender.release()
    await process.sender.step()
    go.set()
    await reading
    assert process.sender.epoch is not None
    assert not process.sender.may_send()
    stage.exchange.positions = positions  # type: ignore[method-assign]
    await process.start_up.step()
    assert process.sender.may_send()


async def test_an_epoch_is_reconciled_once(stage: OrderStage) -> None:
    await stage.process.start_up.step()
    assert len(stage.log.named("exchange.read")) == 1


async def test_without_the_lease_nothing_is_read(stage: OrderStage) -> None:
    other = stage.process_named("other")
    await other.ready()
    assert len(stage.log.named("exchange.read")) == 1
