"""A person's word on a parked order gives way once the exchange shows the order after all."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hedge_service.core.ledger import Account
from hedge_service.core.market import Side
from hedge_service.core.money import Count, Money, Price
from hedge_service.core.orders import AttemptState
from hedge_service.core.venue import VenuePosition
from hedge_service.flow import parked_orders
from hedge_service.flow.operating import Operator
from hedge_service.flow.parked_orders import SaidFilled
from hedge_service.store import ledger, positions
from tests.flow.order_fakes import Way
from tests.flow.stage_clock import START

if TYPE_CHECKING:
    from hedge_service.core.journal import Attempt
    from tests.flow.order_stage import OrderStage

SEA = "KXA-1-SEA"


async def test_a_word_gives_way_to_the_executions_that_a_sweep_finds(stage: OrderStage) -> None:
    attempt = await parked(stage)
    await resolve(stage, attempt)
    fills = stage.process.fills
    assert await fills.sweep() == 0
    assert await held(stage) == (Count.of(10), Money.of("6.6"))

    stage.exchange.shows()
    assert await fills.sweep() == 1
    assert await fills.sweep() == 0
    (told,) = stage.log.named("fill.reversed")
    assert told["client_order_id"] == attempt.client_order_id
    assert told["trade_id"] == f"resolved:{attempt.client_order_id}"
    assert (told["before"], told["after"]) == ("10.00", "10.00")
    await check_counted_once(stage)


async def parked(stage: OrderStage) -> Attempt:
    """Send an order that is filled, unseen, and look for it until it is parked."""
    stage.exchange.ways.append(Way.REPLY_LOST)
    stage.exchange.late = stage.exchange.late_fills = True
    intent = await stage.intent()
    await stage.until(intent, AttemptState.PARKED)
    return await stage.only(intent)


async def resolve(stage: OrderStage, attempt: Attempt) -> None:
    """Say that it was filled, a little cheaper than it was, and under no id of the exchange's."""
    said = SaidFilled(count=Count.of(10), price=Price.of("0.66"), fees=Money.of("0.15"), order_id=None)
    by = Operator(name="ann", reason="seen on the page", at=stage.clock.now())
    await stage.database.write(
        lambda tx: parked_orders.resolve(tx, attempt.client_order_id, said, by, max_attempts=2)
    )


async def held(stage: OrderStage) -> tuple[Count, Money] | None:
    found = await stage.database.read(lambda tx: positions.held(tx, SEA))
    return None if found is None else (found.count, found.cost)


async def check_counted_once(stage: OrderStage) -> None:
    """Fail unless position, ledger and a reconciliation have the exchange's executions, and these alone."""
    assert await held(stage) == (Count.of(10), Money.of("6.7"))
    sums = await stage.database.read(ledger.balances)
    assert sums[Account.POSITIONS] == Money.of("6.7")
    assert sums[Account.EXCHANGE_FEES] == Money.of("0.16")
    assert sums[Account.EXCHANGE_CASH] == Money.of("-6.86")
    stage.exchange.places = [position("10")]
    # What has just moved is not compared yet.
    stage.clock.advance(stage.config.kalshi.quiet_s + 1)
    report = await stage.process.reconciler.run()
    assert report is not None
    assert report.comparison.differences == ()


def position(count: str) -> VenuePosition:
    return VenuePosition(
        ticker=SEA,
        side=Side.YES,
        count=Count.of(count),
        exposure=Money.ZERO,
        realized_pnl=Money.ZERO,
        fees_paid=Money.ZERO,
        last_updated=START,
        exchange_index=0,
    )
