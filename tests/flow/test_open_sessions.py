"""Open sessions: closed at Stripe when a payment could no longer be accepted, left alone when complete."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from hedge_service.core.market import MarketStatus
from hedge_service.core.money import Money
from hedge_service.core.parlay import CheckoutState
from hedge_service.errors import Conflict
from hedge_service.sandbox.stripe.faults import FaultKind
from hedge_service.store import checkouts, parlays
from tests.flow.back_stage import open_back_stage
from tests.flow.selling_stage import CLASSIC, NOW

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from hedge_service.core.parlay import Checkout
    from tests.flow.back_stage import BackStage

FIRST, *_ = CLASSIC


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[BackStage]:
    async with open_back_stage(tmp_path) as opened:
        yield opened


async def pending(stage: BackStage, checkout: Checkout) -> CheckoutState:
    found = await stage.database.read(lambda tx: checkouts.by_reference(tx, checkout.reference))
    assert found is not None
    return found.state


def at_stripe(stage: BackStage, checkout: Checkout) -> str:
    return str(stage.books.sessions.get(checkout.session_id)["status"])


async def reserved(stage: BackStage) -> Money:
    now = stage.clock.now()
    return await stage.database.read(lambda tx: parlays.open_payout(tx, now))


async def test_a_session_stays_open_while_it_may_be_paid_and_reserves_its_payout(stage: BackStage) -> None:
    quote, checkout = await stage.checkout()
    await stage.loops.sessions.step()
    assert at_stripe(stage, checkout) == "open"
    assert await reserved(stage) == quote.payout


async def test_a_session_is_closed_at_the_windows_end_and_reserves_nothing_then(stage: BackStage) -> None:
    _, checkout = await stage.checkout()
    stage.clock.elapsed_s = 1_801
    await stage.loops.sessions.step()
    assert at_stripe(stage, checkout) == "expired"
    assert await pending(stage, checkout) is CheckoutState.EXPIRED
    assert await reserved(stage) == Money.ZERO
    [told] = stage.log.named("session.expired")
    assert told["reason"] == "window_over"


async def test_a_halt_closes_every_open_session(stage: BackStage) -> None:
    _, checkout = await stage.checkout()
    await stage.halt()
    await stage.loops.sessions.step()
    assert at_stripe(stage, checkout) == "expired"
    assert stage.log.named("session.expired")[0]["reason"] == "halted"


@pytest.mark.parametrize(("status", "closes_in"), [(MarketStatus.CLOSED, 3_600), (MarketStatus.ACTIVE, -1)])
async def test_a_legs_market_that_closes_closes_the_session(
    stage: BackStage, status: MarketStatus, closes_in: int
) -> None:
    _, checkout = await stage.checkout()
    stage.selling.exchange.holds(FIRST, "0.43", status=status, close_time=NOW + timedelta(seconds=closes_in))
    await stage.loops.sessions.step()
    assert at_stripe(stage, checkout) == "expired"
    assert stage.log.named("session.expired")[0]["reason"] == "market_closed"


async def test_a_pause_of_a_market_is_no_close(stage: BackStage) -> None:
    _, checkout = await stage.checkout()
    stage.selling.exchange.holds(FIRST, "0.43", status=MarketStatus.INACTIVE)
    await stage.loops.sessions.step()
    assert at_stripe(stage, checkout) == "open"


async def test_markets_are_read_twice_a_minute_and_not_while_nothing_is_open(stage: BackStage) -> None:
    await stage.loops.sessions.step()
    _, checkout = await stage.checkout()
    stage.selling.exchange.reads.clear()
    for _ in range(12):
        await stage.loops.sessions.step()
        stage.clock.elapsed_s += 5
    assert len(stage.selling.exchange.reads) == 2
    assert at_stripe(stage, checkout) == "open"


async def test_a_session_that_turns_out_complete_is_left_to_its_event(stage: BackStage) -> None:
    _, checkout = await stage.checkout()
    event = stage.pay(checkout)
    await stage.halt()
    for _ in range(4):
        await stage.loops.sessions.step()
    assert await pending(stage, checkout) is CheckoutState.OPEN
    # Asked once, then waited: no storm of refusals.
    assert len(stage.asked(f"/v1/checkout/sessions/{checkout.session_id}/expire")) == 1
    await stage.halt(None)
    await stage.deliver(event)
    assert await stage.parlay(checkout) is not None


async def test_a_session_that_stripe_has_expired_itself_is_closed_here(stage: BackStage) -> None:
    _, checkout = await stage.checkout()
    stage.clock.elapsed_s = 2_000
    await stage.loops.sessions.step()
    assert await pending(stage, checkout) is CheckoutState.EXPIRED


async def test_an_expiry_whose_reply_is_lost_is_asked_for_again(stage: BackStage) -> None:
    _, checkout = await stage.checkout()
    await stage.halt()
    path = f"/v1/checkout/sessions/{checkout.session_id}/expire"
    stage.fault(FaultKind.RESET, path, after=True, count=1)
    stage.fault(FaultKind.RESET, path, count=2)
    await stage.loops.sessions.step()
    assert await pending(stage, checkout) is CheckoutState.OPEN
    stage.clock.elapsed_s += 10
    await stage.loops.sessions.step()
    assert await pending(stage, checkout) is CheckoutState.EXPIRED


async def test_a_session_whose_opening_was_lost_is_found_by_its_reference(stage: BackStage) -> None:
    _, checkout = await stage.checkout()
    lost = replace(checkout, state=CheckoutState.PENDING, session_id=None)
    await stage.database.write(lambda tx: _forget_session(tx, lost.reference))
    await stage.halt()
    await stage.loops.sessions.step()
    assert at_stripe(stage, checkout) == "expired"
    assert await pending(stage, checkout) is CheckoutState.EXPIRED


async def test_a_session_that_stripe_never_made_is_closed_at_the_windows_end(stage: BackStage) -> None:
    _, checkout = await stage.checkout()
    await stage.database.write(lambda tx: _forget_session(tx, checkout.reference))
    stage.books.sessions._items.clear()
    await stage.halt()
    await stage.loops.sessions.step()
    assert await pending(stage, checkout) is CheckoutState.PENDING
    stage.clock.elapsed_s = 1_801
    await stage.loops.sessions.step()
    assert await pending(stage, checkout) is CheckoutState.EXPIRED


async def test_a_closed_session_is_not_sold_again(stage: BackStage) -> None:
    quote, _ = await stage.checkout()
    await stage.halt()
    await stage.loops.sessions.step()
    with pytest.raises(Conflict):
        await stage.selling.open(quote)


def _forget_session(tx: object, reference: str) -> None:
    from sqlalchemy import update

    from hedge_service.store.schema import checkouts as rows

    gone = {"session_id": None, "url": None, "state": CheckoutState.PENDING.value}
    tx.execute(update(rows).where(rows.c.reference == reference).values(**gone))  # type: ignore[attr-defined]
