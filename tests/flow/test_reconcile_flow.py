"""Our books against a real exchange's: what is found, what halts, and what a person's word is worth."""

from __future__ import annotations

import shutil
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from hedge_service.clock import SystemClock
from hedge_service.config import load_config
from hedge_service.core.orders import AttemptState
from hedge_service.core.reconcile_views import Kind, Result
from hedge_service.flow import operating
from hedge_service.flow.operating import Operator
from hedge_service.flow.reconcile import Reconciler
from hedge_service.flow.start_up import FOREIGN
from hedge_service.peers import open_exchange
from hedge_service.store import books, halts, reconciliations
from hedge_service.store.db import Database
from hedge_service.store.schema import fills, positions
from tests.flow.money_stage import CREDENTIALS, open_money
from tests.flow.order_fakes import Log, Way
from tests.system.extension import BOS, SEA, WARM
from tests.system.sandbox_stage import open_sandbox
from tests.system.stage import knobs_of, serving

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from hedge_service.flow.operating import Resumed
    from hedge_service.flow.reconcile import Report
    from tests.flow.money_stage import MoneyStage
    from tests.flow.order_stage import OrderStage
    from tests.system.sandbox_stage import SandboxStage

# Quiet for longer than a purchase takes to be booked.
QUICK = {"KALSHI__QUIET_S": "2", "KALSHI__RECONCILE_EVERY_S": "1"}


@pytest.fixture
async def money(tmp_path: Path) -> AsyncIterator[MoneyStage]:
    async with open_money(tmp_path, **QUICK) as opened:
        yield opened


def by_hand(name: str, *, price: str = "0.6900", count: str = "2.00") -> dict[str, Any]:
    """Give an order that a person types in."""
    return {
        "ticker": WARM,
        "client_order_id": name,
        "side": "bid",
        "count": count,
        "price": price,
        "time_in_force": "immediate_or_cancel",
        "self_trade_prevention_type": "taker_at_cross",
    }


async def resumed(database: Database) -> Resumed:
    by = Operator(name="ann", reason="seen, and all right", at=SystemClock().now())
    return await database.write(lambda tx: operating.resume(tx, by))


async def next_run(money: MoneyStage) -> dict[str, Any]:
    """Wait for a reconciliation that begins from now on."""
    events = money.service.events
    done = len(events.named("reconciliation.finished"))
    return (await events.wait("reconciliation.finished", count=done + 2))[-1]


async def test_after_a_purchase_the_books_agree(money: MoneyStage) -> None:
    parlay = await money.service.bought(SEA, BOS, WARM)
    await money.service.summary(parlay, outcome="executed")
    said = await next_run(money)
    assert (said["result"], said["orders"], said["fills"], said["positions"]) == ("agrees", 2, 2, 2)
    await money.service.events.wait("reconciliation.finished", count=6, result="agrees")
    assert await money.read(halts.reason) is None


async def test_the_first_run_of_an_epoch_reads_the_archives_and_later_ones_do_not(money: MoneyStage) -> None:
    first, second = await money.service.events.wait("reconciliation.finished", count=2)
    assert (first["complete"], second["complete"]) == (True, False)
    reads = [each.path for each in money.service.sandbox.wire]
    # Once by the start, once by the first reconciliation.
    assert sum(path.endswith("/historical/orders") for path in reads) == 2


async def test_someone_who_trades_by_hand_halts_sending_until_it_is_accepted(money: MoneyStage) -> None:
    stage = money.service
    stage.sandbox.place(by_hand("typed-in"))
    mismatched = await stage.events.one("reconciliation.mismatched")
    (one,) = mismatched["differences"]
    assert (one["kind"], one["ours"]) == ("trade_of_others", "not ours")
    assert one["theirs"] == f"bought 2.00 yes of {WARM}"
    reason = await money.read(halts.reason)
    assert reason is not None
    assert reason.startswith("reconciliation mismatch: trade_of_others")
    await stage.extension.save(WARM)
    refused = await stage.extension.ask(5)
    assert (refused.status, refused.code) == (503, "halted")

    accepted = await resumed(money.database)
    assert [each.kind for each in accepted.acknowledged] == [Kind.TRADE_OF_OTHERS]
    assert (await next_run(money))["result"] == "differs"
    assert await money.read(halts.reason) is None
    assert (await stage.extension.ask(5)).status == 200

    before = len(stage.events.named("reconciliation.mismatched"))
    stage.sandbox.place(by_hand("typed-in-again"))
    await stage.events.wait("reconciliation.mismatched", count=before + 1)
    assert await money.read(halts.reason) is not None


async def test_a_page_that_is_missing_once_halts_nothing(money: MoneyStage) -> None:
    parlay = await money.service.bought(SEA, BOS, WARM)
    await money.service.summary(parlay)
    await next_run(money)
    await money.service.sandbox.fault("page_truncated", route="GET /portfolio/(orders|fills)", times=2)
    await money.service.events.one("reconciliation.finished", result="differs")
    assert (await next_run(money))["result"] == "agrees"
    assert await money.read(halts.reason) is None


async def test_an_exchange_that_can_not_be_read_is_compared_later(money: MoneyStage) -> None:
    await money.service.sandbox.fault(
        "html_bad_gateway_before_accept", route="GET /portfolio/settlements", times=4
    )
    failed = await money.service.events.one("reconciliation.failed")
    assert failed["path"] == "/portfolio/settlements"
    assert await money.read(halts.reason) is None


@asynccontextmanager
async def bought(folder: Path) -> AsyncIterator[SandboxStage]:
    """Give a sandbox after one purchase, the service stopped."""
    async with open_sandbox(CREDENTIALS) as sandbox:
        async with serving(sandbox, folder, QUICK) as stage:
            await stage.events.one("exchange.reconciled")
            parlay = await stage.bought(SEA, BOS, WARM)
            await stage.summary(parlay, outcome="executed")
            await stage.events.wait("fill.booked", count=2)
        yield sandbox


@asynccontextmanager
async def reconciler(sandbox: SandboxStage, folder: Path) -> AsyncIterator[tuple[Reconciler, Database]]:
    """Give an operator's reconciler on the database in the folder."""
    environ = knobs_of(sandbox, {"DATABASE__URL": f"sqlite+aiosqlite:///{folder / 'hedge.db'}"})
    config = load_config(path=None, environ=environ, cwd=folder)
    async with AsyncExitStack() as stack:
        database = await stack.enter_async_context(Database(config.database.url))
        exchange = await open_exchange(stack, config, SystemClock())
        yield (
            Reconciler(database=database, reads=exchange, clock=SystemClock(), quiet_s=0, log=Log()),
            database,
        )


async def run(made: Reconciler) -> Report:
    report = await made.run()
    assert report is not None
    return report


async def test_a_fill_we_missed_is_a_mismatch_when_it_is_seen_twice(tmp_path: Path) -> None:
    async with bought(tmp_path) as sandbox, reconciler(sandbox, tmp_path) as (made, database):
        assert (await run(made)).outcome.result is Result.AGREES
        await database.write(lambda tx: tx.execute(fills.delete().where(fills.c.ticker == WARM)))
        await database.write(lambda tx: tx.execute(positions.delete().where(positions.c.ticker == WARM)))
        first = await run(made)
        assert first.outcome.result is Result.DIFFERS
        assert await database.read(halts.reason) is None
        second = await run(made)
        (one,) = second.outcome.mismatch
        assert (one.kind, one.ours) == (Kind.FILL_NOT_BOOKED, "not booked")
        assert f"yes 3.00 of {WARM} for 1.95" in one.theirs
        reason = await database.read(halts.reason)
        assert reason == f"reconciliation mismatch: {one.sentence()}"


async def test_a_position_that_nothing_explains_is_accepted_with_its_figure_only(tmp_path: Path) -> None:
    async with bought(tmp_path) as sandbox, reconciler(sandbox, tmp_path) as (made, database):
        raised = positions.update().where(positions.c.ticker == WARM).values(count_centis=400)
        await database.write(lambda tx: tx.execute(raised))
        await run(made)
        (one,) = (await run(made)).outcome.mismatch
        assert (one.kind, one.ours, one.theirs, one.figure) == (
            Kind.POSITION_DIFFERS,
            "4.00",
            "3.00",
            "-1.00",
        )
        assert (await resumed(database)).acknowledged == (one,)
        assert (await run(made)).outcome.result is Result.DIFFERS
        assert await database.read(halts.reason) is None
        await database.write(lambda tx: tx.execute(raised.values(count_centis=500)))
        assert (await run(made)).outcome.result is Result.MISMATCH


async def test_a_second_run_of_the_same_finds_the_same(tmp_path: Path) -> None:
    async with bought(tmp_path) as sandbox, reconciler(sandbox, tmp_path) as (made, database):
        runs = [await run(made) for _ in range(3)]
        assert {each.outcome.result for each in runs} == {Result.AGREES}
        assert await database.read(reconciliations.open_mismatches) == ()


async def test_before_the_books_are_open_there_is_nothing_to_compare(tmp_path: Path) -> None:
    async with open_sandbox(CREDENTIALS) as sandbox:
        async with serving(sandbox, tmp_path, {"KALSHI__DRY_RUN": "true"}):
            pass
        async with reconciler(sandbox, tmp_path) as (made, database):
            assert await database.read(books.opening) is None
            assert await made.run() is None


async def test_a_restored_older_database_halts_until_its_orders_are_accepted_by_id(tmp_path: Path) -> None:
    copy = tmp_path / "older.db"
    async with open_sandbox(CREDENTIALS) as sandbox:
        async with serving(sandbox, tmp_path, QUICK) as stage:
            await stage.events.one("exchange.reconciled")
        shutil.copy(tmp_path / "hedge.db", copy)
        async with serving(sandbox, tmp_path, QUICK) as stage:
            await stage.events.one("exchange.reconciled")
            await stage.summary(await stage.bought(SEA, BOS, WARM))
        restore(copy, tmp_path)

        async with serving(sandbox, tmp_path, QUICK) as stage:
            halted = await stage.events.one("sending.halted")
            assert (halted["reason"], halted["count"]) == (FOREIGN, 2)
            assert set(halted["orders"]) == set(sandbox.creates())
            await stage.extension.save(WARM)
            assert (await stage.extension.ask(5)).code == "halted"
            async with Database(f"sqlite+aiosqlite:///{tmp_path / 'hedge.db'}") as database:
                accepted = await resumed(database)
            assert {one.subject for one in accepted.acknowledged} >= set(sandbox.creates())

        async with serving(sandbox, tmp_path, QUICK) as stage:
            await stage.events.one("exchange.reconciled")
            assert not stage.events.named("sending.halted")
            await stage.extension.save(WARM)
            assert (await stage.extension.ask(5)).status == 200


def restore(copy: Path, folder: Path) -> None:
    for left in folder.glob("hedge.db*"):
        left.unlink()
    shutil.copy(copy, folder / "hedge.db")


async def test_a_parked_order_that_the_exchange_shows_ends_by_itself(stage: OrderStage) -> None:
    stage.exchange.ways.append(Way.REPLY_LOST)
    stage.exchange.late = True
    intent = await stage.intent(contracts="3")
    await stage.until(intent, AttemptState.PARKED)
    parked = await stage.only(intent)
    stage.exchange.hidden.clear()
    await stage.process.reconciler.step()
    ended = await stage.only(intent)
    assert ended.client_order_id == parked.client_order_id
    assert (ended.state, str(ended.filled)) == (AttemptState.FILLED, "3.00")
    # A second run, later, finds nothing left to do.
    stage.clock.advance(timedelta(minutes=2).total_seconds())
    await stage.process.reconciler.step()
    assert await stage.only(intent) == ended
