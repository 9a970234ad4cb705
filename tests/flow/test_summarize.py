"""The summary of a parlay's hedge: once per change, told again rather than never."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import update

from hedge_service.core.orders import AttemptState
from hedge_service.core.parlay import Mode
from hedge_service.flow import summarize
from hedge_service.logs import digest
from hedge_service.store import parlays
from hedge_service.store.schema import summaries
from tests.flow.order_fakes import Way
from tests.store.parlay_samples import put_attempt, put_parlay, put_state

if TYPE_CHECKING:
    import pytest
    from sqlalchemy.engine import Connection

    from tests.flow.order_stage import OrderStage

S = AttemptState
AT_ONCE = 40


def figures(told: list[dict[str, object]]) -> list[tuple[object, object, object]]:
    return [(each["revision"], each["outcome"], each["contracts_filled"]) for each in told]


async def test_an_executed_hedge_is_summarized_once_with_its_figures(stage: OrderStage) -> None:
    intent = await stage.intent(1, 2)
    assert await stage.summarize() == []
    await stage.drive()
    (told,) = await stage.summarize()
    assert told["parlay_id"] == intent.parlay_id
    assert told["session"] == digest("cs_test_1")
    assert (told["outcome"], told["mode"], told["revision"]) == ("executed", "live", 1)
    assert (told["orders_total"], told["orders_accepted"]) == (2, 2)
    assert (told["contracts_planned"], told["contracts_filled"]) == ("20.00", "20.00")
    assert (told["cost_dollars"], told["fees_dollars"], told["stake_dollars"]) == ("13.40", "0.32", "5.00")
    assert isinstance(told["duration_ms"], int)
    assert len(await stage.summarize()) == 1


async def test_nothing_is_said_while_a_leg_is_on_the_wire(stage: OrderStage) -> None:
    stage.exchange.ways.append(Way.HELD)
    await stage.intent(1, 2)
    await stage.process.dispatcher.step()

    async def one_done() -> bool:
        return len(stage.exchange.book) == 1

    await stage.clock.until(one_done)
    await stage.clock.quiet()
    assert await stage.summarize() == []
    stage.exchange.hold.set()
    await stage.drive()
    assert figures(await stage.summarize()) == [(1, "executed", "20.00")]


async def test_an_unknown_outcome_is_told_and_revised_when_it_is_known(stage: OrderStage) -> None:
    stage.exchange.ways.append(Way.REPLY_LOST)
    stage.exchange.late = True
    intent = await stage.intent()
    await stage.until(intent, S.UNKNOWN)
    assert figures(await stage.summarize()) == [(1, "unknown", "0.00")]
    assert len(await stage.summarize()) == 1
    stage.exchange.shows()
    await stage.drive()
    assert figures(await stage.summarize()) == [(1, "unknown", "0.00"), (2, "executed", "10.00")]
    parlay = await stage.database.read(lambda tx: parlays.get(tx, intent.parlay_id))
    assert parlay is not None
    assert (parlay.outcome, parlay.revision) == ("executed", 2)


async def test_a_parked_order_stays_unknown_in_the_summary(stage: OrderStage) -> None:
    stage.exchange.ways.extend([Way.NEVER_ARRIVED] * 100)
    intent = await stage.intent()
    await stage.until(intent, S.PARKED)
    (told,) = await stage.summarize()
    assert (told["outcome"], told["orders_unknown"]) == ("unknown", 1)


async def test_a_hedge_in_dry_run_is_never_called_executed(stage: OrderStage) -> None:
    await stage.intent(1, 2, mode=Mode.DRY_RUN)
    await stage.drive()
    (told,) = await stage.summarize()
    assert (told["outcome"], told["mode"], told["orders_dry_run"]) == ("dry_run", "dry_run", 2)


async def test_a_parlay_with_nothing_planned_is_skipped_at_once(stage: OrderStage) -> None:
    await stage.database.write(put_parlay)
    (told,) = await stage.summarize()
    assert (told["outcome"], told["orders_total"]) == ("skipped", 0)


async def test_a_refused_hedge_has_failed(stage: OrderStage) -> None:
    stage.exchange.ways.append(Way.REFUSED)
    await stage.intent()
    await stage.drive()
    assert figures(await stage.summarize()) == [(1, "failed", "0.00")]


async def test_a_line_whose_mark_was_lost_is_told_again(stage: OrderStage) -> None:
    await stage.database.write(put_parlay)
    await stage.summarize()

    def lose_the_mark(tx: Connection) -> None:
        tx.execute(update(summaries).values(emitted_ms=None))

    await stage.database.write(lose_the_mark)
    first, again = await stage.summarize()
    assert first == again
    assert len(await stage.summarize()) == 2


async def test_parlays_behind_many_parked_ones_are_summarized_too(
    stage: OrderStage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(summarize, "AT_ONCE", AT_ONCE)

    def put_many(tx: Connection) -> None:
        for number in range(AT_ONCE):
            put_state(tx, put_attempt(tx, number), S.SENDING, S.UNKNOWN, S.PARKED)
        for number in range(20):
            put_parlay(tx, AT_ONCE + number)

    await stage.database.write(put_many)
    await stage.summarize()
    told = await stage.summarize()
    assert len([each for each in told if each["outcome"] == "unknown"]) == AT_ONCE
    assert len([each for each in told if each["outcome"] == "skipped"]) == 20
