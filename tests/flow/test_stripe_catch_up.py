"""Missed webhooks: what Stripe knows and the inbox lacks is fetched, and judged by when it happened."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from hedge_service.core.market import MarketStatus
from hedge_service.sandbox.stripe.faults import Fault, FaultKind
from hedge_service.store.payments import PaymentState
from tests.flow.back_stage import open_back_stage

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from tests.flow.back_stage import BackStage

DAY = 86_400


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[BackStage]:
    async with open_back_stage(tmp_path) as opened:
        yield opened


async def caught_up(stage: BackStage) -> list[dict[str, Any]]:
    """Search now, handle what was found, and give what was told of it."""
    before = len(stage.log.named("webhook.recovered"))
    await stage.loops.catch_up.search()
    await stage.intake.step()
    return stage.log.named("webhook.recovered")[before:]


async def test_a_webhook_that_never_came_is_fetched_and_fulfilled(stage: BackStage) -> None:
    _, checkout = await stage.checkout()
    event = stage.pay(checkout)
    stage.clock.elapsed_s = 600
    [told] = await caught_up(stage)
    assert (told["event_id"], told["type"], told["age_ms"]) == (event["id"], event["type"], 600_000)
    assert await stage.parlay(checkout) is not None
    assert (await stage.payment(checkout)).event_id == event["id"]


async def test_a_payment_is_judged_at_the_time_of_its_event_not_of_its_recovery(stage: BackStage) -> None:
    _, checkout = await stage.checkout()
    stage.clock.elapsed_s = 1_700
    stage.pay(checkout)
    stage.clock.elapsed_s = 3_600
    await caught_up(stage)
    assert (await stage.payment(checkout)).state is PaymentState.ACCEPTED


async def test_what_came_is_not_fetched_again_and_a_second_search_changes_nothing(stage: BackStage) -> None:
    _, checkout = await stage.checkout()
    await stage.deliver(stage.pay(checkout))
    assert await caught_up(stage) == []
    assert await caught_up(stage) == []


async def test_a_webhook_that_comes_after_its_recovery_is_a_duplicate(stage: BackStage) -> None:
    _, checkout = await stage.checkout()
    event = stage.pay(checkout)
    await caught_up(stage)
    parlay = await stage.parlay(checkout)
    await stage.deliver(event)
    assert await stage.parlay(checkout) == parlay


async def test_events_of_weeks_ago_are_found_at_the_first_search(stage: BackStage) -> None:
    _, checkout = await stage.checkout()
    stage.pay(checkout)
    stage.clock.elapsed_s = 29 * DAY
    stage.selling.exchange.holds("KXA-1-SEA", "0.43", status=MarketStatus.FINALIZED)
    assert len(await caught_up(stage)) == 1
    assert (await stage.payment(checkout)).reason == "market_over"


async def test_a_paid_session_without_any_event_is_found_and_judged_at_its_charge(stage: BackStage) -> None:
    _, checkout = await stage.checkout()
    stage.clock.elapsed_s = 900
    stage.pay(checkout)
    stage.books.events._items.clear()
    stage.clock.elapsed_s = 2_400
    [told] = await caught_up(stage)
    assert told["age_ms"] == 1_500_000
    assert str(checkout.session_id) not in told["event_id"]
    payment = await stage.payment(checkout)
    assert payment.state is PaymentState.ACCEPTED
    assert payment.paid_at == stage.clock.now().replace(hour=12, minute=15, second=0)


async def test_missed_refunds_and_disputes_are_found_too(stage: BackStage) -> None:
    checkout, _ = await stage.sold()
    stage.give_back(checkout)
    [told] = await caught_up(stage)
    assert told["type"] == "charge.refunded"
    parlay = await stage.parlay(checkout)
    assert parlay is not None
    assert parlay.state == "void"


async def test_sessions_that_others_sold_with_the_same_account_are_left_alone(stage: BackStage) -> None:
    _, checkout = await stage.checkout()
    stage.pay(checkout)
    session = stage.books.sessions.get(checkout.session_id)
    foreign = {**session, "id": "cs_test_foreign", "client_reference_id": "shop-7"}
    stage.books.sessions.add(foreign)
    stage.books.record("checkout.session.completed", foreign)
    assert len(await caught_up(stage)) == 1


async def test_a_search_that_fails_is_made_again_from_where_it_began(stage: BackStage) -> None:
    _, checkout = await stage.checkout()
    await caught_up(stage)
    stage.pay(checkout)
    stage.standin.faults.add(
        Fault(kind=FaultKind.ERROR, count=3, after=False, method="GET", path="/v1/events")
    )
    stage.clock.elapsed_s = 7_200
    await stage.loops.catch_up.search()
    assert len(stage.log.named("stripe.not_caught_up")) == 1
    stage.clock.elapsed_s = 14_400
    assert len(await caught_up(stage)) == 1


async def test_a_later_search_reads_from_the_last_one_less_an_hour(stage: BackStage) -> None:
    stage.clock.elapsed_s = 40 * DAY
    await caught_up(stage)
    stage.clock.elapsed_s += 300
    await caught_up(stage)
    since = [each["since"] for each in stage.log.named("stripe.caught_up")]
    assert since == ["2026-12-02T12:00:00+00:00", "2027-01-01T11:00:00+00:00"]


async def test_the_loop_searches_at_the_start_and_then_every_so_often(stage: BackStage) -> None:
    for _ in range(3):
        await stage.loops.catch_up.step()
    assert len(stage.log.named("stripe.caught_up")) == 1
    stage.clock.elapsed_s = stage.selling.config.stripe.catch_up_every_s
    await stage.loops.catch_up.step()
    assert len(stage.log.named("stripe.caught_up")) == 2


async def test_more_than_a_page_of_missed_payments_is_fetched_whole(stage: BackStage) -> None:
    for number in range(120):
        stage.books.record("checkout.session.expired", _expired(number))
    assert len(await caught_up(stage)) == 120


def _expired(number: int) -> dict[str, Any]:
    return {
        "id": f"cs_test_{number}",
        "object": "checkout.session",
        "client_reference_id": f"chk_{number:032x}",
        "status": "expired",
        "payment_status": "unpaid",
        "livemode": False,
    }
