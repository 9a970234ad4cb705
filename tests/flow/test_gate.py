"""Whether new business may be taken, and whether the service is ready: from rows alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from hedge_service.errors import NotReady
from hedge_service.flow.gate import Gate
from hedge_service.store.db import StoreUnavailable
from tests.flow.order_stage import ACCOUNT

if TYPE_CHECKING:
    from tests.flow.order_stage import OrderStage


def gate(stage: OrderStage, *, dry_run: bool) -> Gate:
    return Gate(database=stage.database, clock=stage.clock, account=ACCOUNT, dry_run=dry_run)


async def test_a_live_reconciled_sender_makes_the_service_ready(stage: OrderStage) -> None:
    assert await stage.gate.problems() == ()
    await stage.gate.admit()


async def test_the_sender_may_live_in_another_process(stage: OrderStage) -> None:
    elsewhere = stage.process_named("elsewhere")
    await stage.process.sender.release()
    await elsewhere.ready()
    assert await stage.gate.problems() == ()


async def test_without_a_live_lease_the_service_is_not_ready(stage: OrderStage) -> None:
    await stage.process.sender.release()
    assert await stage.gate.problems() == ("no live sender holds the lease",)
    other = Gate(database=stage.database, clock=stage.clock, account="demo/other/0", dry_run=False)
    assert await other.problems() == ("no live sender holds the lease",)
    with pytest.raises(NotReady):
        await stage.gate.admit()


async def test_a_lease_that_ran_out_is_no_live_sender(stage: OrderStage) -> None:
    await stage.process.sender.release()
    short = stage.process_named("short", lease_s=5)
    await short.ready()
    stage.clock.advance(4.9)
    assert await stage.gate.problems() == ()
    stage.clock.advance(0.1)
    assert await stage.gate.problems() == ("no live sender holds the lease",)


async def test_before_the_exchange_was_read_the_service_is_not_ready(stage: OrderStage) -> None:
    await stage.process.sender.release()
    unread = stage.process_named("unread")
    await unread.sender.step()
    assert await stage.gate.problems() == ("the sender has not read the exchange yet",)


async def test_a_halted_service_is_ready_but_takes_nothing_new(stage: OrderStage) -> None:
    await stage.halt()
    assert await stage.gate.problems() == ()
    with pytest.raises(NotReady) as refused:
        await stage.gate.admit()
    assert refused.value.code == "halted"
    assert "look at this" not in refused.value.details
    await stage.halt(None)
    await stage.gate.admit()


async def test_dry_run_needs_no_sender_but_obeys_a_halt(stage: OrderStage) -> None:
    await stage.process.sender.release()
    dry = gate(stage, dry_run=True)
    assert await dry.problems() == ()
    await dry.admit()
    await stage.halt()
    with pytest.raises(NotReady):
        await dry.admit()


@pytest.mark.parametrize("dry_run", [True, False])
async def test_a_stopping_service_takes_nothing_new(stage: OrderStage, dry_run: bool) -> None:
    stopping = gate(stage, dry_run=dry_run)
    stopping.stopping = True
    assert await stopping.problems() == ("the service is stopping",)
    with pytest.raises(NotReady):
        await stopping.admit()


@pytest.mark.parametrize("dry_run", [True, False])
async def test_a_database_that_does_not_answer_is_told_as_such(stage: OrderStage, dry_run: bool) -> None:
    def broken(*_: object) -> None:
        raise StoreUnavailable("disk I/O error")

    stage.database.read = broken  # type: ignore[method-assign,assignment]
    with pytest.raises(StoreUnavailable):
        await gate(stage, dry_run=dry_run).problems()
    del stage.database.read
