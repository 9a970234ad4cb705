"""Contracts that could not be bought: carried and told, or the parlay is void and its stake goes back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from hedge_service.core.market import MarketStatus
from hedge_service.core.orders import AttemptState
from hedge_service.core.parlay import Mode
from hedge_service.flow.unhedged import UnhedgedParlays
from hedge_service.store import parlays, payments, refunds
from hedge_service.store.payments import Payment, PaymentState
from tests.flow.order_fakes import Way
from tests.store.parlay_samples import TICKERS

if TYPE_CHECKING:
    from sqlalchemy.engine import Connection

    from hedge_service.core.journal import Intent
    from hedge_service.store.parlays import Parlay
    from tests.flow.order_stage import OrderStage


def loop(stage: OrderStage, *, refund: bool) -> UnhedgedParlays:
    return UnhedgedParlays(
        database=stage.database,
        reads=stage.exchange,
        sender=stage.process.sender,
        refund=refund,
        clock=stage.clock,
        log=stage.log,
    )


async def tried(stage: OrderStage, offered: str, *legs: int, mode: Mode = Mode.LIVE) -> Intent:
    """Have a paid parlay's hedge tried at an exchange with so many contracts on offer."""
    for ticker in TICKERS:
        stage.exchange.lists(ticker)
        stage.exchange.liquidity[ticker] = offered
    intent = await stage.intent(*legs, mode=mode)
    await stage.database.write(lambda tx: put_payment(tx, intent))
    await stage.drive()
    await stage.summarize()
    return intent


def put_payment(tx: Connection, intent: Intent) -> None:
    parlay = parlays.get(tx, intent.parlay_id)
    assert parlay is not None
    paid = Payment(
        session_id=parlay.session_id,
        quote_id=parlay.quote_id,
        event_id="evt_1",
        payment_intent="pi_1",
        amount_cents=500,
        currency="usd",
        paid_at=parlay.accepted_at,
        state=PaymentState.ACCEPTED,
    )
    payments.put(tx, paid, parlay.accepted_at)


async def parlay_of(stage: OrderStage, intent: Intent) -> Parlay:
    found = await stage.database.read(lambda tx: parlays.get(tx, intent.parlay_id))
    assert found is not None
    return found


async def owed(stage: OrderStage, intent: Intent) -> str | None:
    parlay = await parlay_of(stage, intent)
    due = await stage.database.read(lambda tx: refunds.get(tx, parlay.session_id))
    return None if due is None else due.reason


def told(stage: OrderStage) -> list[dict[str, Any]]:
    return stage.log.named("hedge.unhedged")


async def test_nothing_bought_is_refunded_where_the_operator_wants_it(stage: OrderStage) -> None:
    intent = await tried(stage, "0")
    await loop(stage, refund=True).step()
    assert (await parlay_of(stage, intent)).state == "void"
    assert await owed(stage, intent) == "unhedged"
    [event] = told(stage)
    assert (event["contracts"], event["dollars"], event["decision"]) == ("10.00", "6.70", "refunded")


async def test_nothing_bought_is_carried_by_default_and_told_once(stage: OrderStage) -> None:
    intent = await tried(stage, "0")
    for _ in range(3):
        await loop(stage, refund=False).step()
    assert (await parlay_of(stage, intent)).state == "open"
    assert await owed(stage, intent) is None
    assert [event["decision"] for event in told(stage)] == ["carried"]


async def test_what_was_carried_once_is_never_refunded_later(stage: OrderStage) -> None:
    intent = await tried(stage, "0")
    await loop(stage, refund=False).step()
    await loop(stage, refund=True).step()
    assert (await parlay_of(stage, intent)).state == "open"


async def test_a_hedge_in_part_is_carried_with_its_rest(stage: OrderStage) -> None:
    intent = await tried(stage, "4")
    await loop(stage, refund=True).step()
    assert (await parlay_of(stage, intent)).state == "open"
    [event] = told(stage)
    assert (event["contracts"], event["dollars"], event["decision"]) == ("6.00", "4.02", "carried")
    figures = stage.log.named("hedge.summarized")[-1]
    assert (figures["contracts_unhedged"], figures["unhedged_dollars"]) == ("6.00", "4.02")


async def test_one_leg_hedged_of_two_is_a_hedge_in_part(stage: OrderStage) -> None:
    stage.exchange.ways.append(Way.REFUSED)
    intent = await tried(stage, "10", 1, 2)
    await loop(stage, refund=True).step()
    assert (await parlay_of(stage, intent)).state == "open"
    assert [event["contracts"] for event in told(stage)] == ["10.00"]


async def test_a_whole_hedge_is_not_spoken_of(stage: OrderStage) -> None:
    await tried(stage, "10")
    await loop(stage, refund=True).step()
    assert told(stage) == []


@pytest.mark.parametrize("status", [MarketStatus.CLOSED, MarketStatus.DETERMINED, MarketStatus.FINALIZED])
async def test_who_may_know_the_result_does_not_choose(stage: OrderStage, status: MarketStatus) -> None:
    intent = await tried(stage, "0")
    stage.exchange.lists(TICKERS[2], status=status)
    await loop(stage, refund=True).step()
    assert (await parlay_of(stage, intent)).state == "open"
    assert [event["decision"] for event in told(stage)] == ["carried"]


async def test_nothing_is_decided_while_an_order_is_in_doubt(stage: OrderStage) -> None:
    for ticker in TICKERS:
        stage.exchange.lists(ticker)
    stage.exchange.ways.append(Way.REPLY_LOST)
    stage.exchange.late = True
    intent = await stage.intent()
    await stage.database.write(lambda tx: put_payment(tx, intent))
    await stage.until(intent, AttemptState.UNKNOWN)
    await stage.summarize()
    await loop(stage, refund=True).step()
    assert told(stage) == []
    assert (await parlay_of(stage, intent)).state == "open"


async def test_nothing_is_decided_while_the_exchange_cannot_be_asked(stage: OrderStage) -> None:
    intent = await tried(stage, "0")
    stage.exchange.down = True
    await loop(stage, refund=True).step()
    assert told(stage) == []
    stage.exchange.down = False
    await loop(stage, refund=True).step()
    assert (await parlay_of(stage, intent)).state == "void"


async def test_a_parlay_of_a_dry_run_is_left_alone(stage: OrderStage) -> None:
    await tried(stage, "0", mode=Mode.DRY_RUN)
    await loop(stage, refund=True).step()
    assert told(stage) == []
