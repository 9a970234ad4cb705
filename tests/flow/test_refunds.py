"""Paid but impossible to accept: the money goes back through Stripe, once, whatever is lost on the way."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from hedge_service.core.ledger import Account
from hedge_service.core.market import MarketStatus
from hedge_service.core.money import Money
from hedge_service.core.money_back import RefundState
from hedge_service.sandbox.stripe.faults import FaultKind
from hedge_service.store.payments import PaymentState
from tests.flow.back_stage import open_back_stage
from tests.flow.selling_stage import CLASSIC, NOW

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from hedge_service.core.parlay import Checkout
    from tests.flow.back_stage import BackStage

REFUNDS = "/v1/refunds"
FIRST, *_ = CLASSIC
# What Stripe keeps of a payment is booked elsewhere: here its balance is the payments alone.
NOTHING: dict[Account, Money] = {}


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[BackStage]:
    async with open_back_stage(tmp_path) as opened:
        yield opened


async def drifted(stage: BackStage) -> Checkout:
    """Have a payment come for a quote one of whose asks has risen by 11 cents."""
    _, checkout = await stage.checkout()
    event = stage.pay(checkout)
    stage.selling.exchange.holds(FIRST, "0.54")
    await stage.deliver(event)
    return checkout


async def test_a_price_that_ran_away_parks_the_payment_and_owes_it_back_at_once(stage: BackStage) -> None:
    checkout = await drifted(stage)
    payment, due = await stage.payment(checkout), await stage.due(checkout)
    assert (payment.state, payment.reason) == (PaymentState.PARKED, "price_drift")
    assert due is not None
    assert (due.state, due.amount_cents, due.reason) == (RefundState.DUE, 500, "price_drift")
    assert await stage.parlay(checkout) is None
    assert await stage.balances() == {Account.STRIPE: Money.of(5), Account.SUSPENSE: Money.of(-5)}
    assert not stage.asked(REFUNDS)


async def test_a_price_that_rose_by_the_allowed_drift_is_still_sold(stage: BackStage) -> None:
    _, checkout = await stage.checkout()
    event = stage.pay(checkout)
    stage.selling.exchange.holds(FIRST, "0.53")
    await stage.deliver(event)
    assert await stage.parlay(checkout) is not None
    assert await stage.due(checkout) is None


async def test_a_payment_after_the_window_goes_back(stage: BackStage) -> None:
    _, checkout = await stage.checkout()
    stage.clock.elapsed_s = 1_830
    await stage.deliver(stage.pay(checkout))
    assert (await stage.payment(checkout)).reason == "paid_too_late"
    await stage.loops.refunds.step()
    assert (await stage.payment(checkout)).state is PaymentState.REFUNDED


async def test_a_payment_for_a_market_that_is_over_goes_back(stage: BackStage) -> None:
    _, checkout = await stage.checkout()
    event = stage.pay(checkout)
    stage.selling.exchange.holds(FIRST, "0.43", status=MarketStatus.CLOSED)
    await stage.deliver(event)
    due = await stage.due(checkout)
    assert due is not None
    assert due.reason == "market_over"


async def test_a_payment_that_no_longer_fits_under_the_open_payout_cap_goes_back(tmp_path: Path) -> None:
    async with open_back_stage(tmp_path) as stage:
        _, checkout = await stage.checkout()
        event = stage.pay(checkout)
    lowered = {f"LIMITS__MAX_{name}_DOLLARS": "20" for name in ("OPEN_PAYOUT", "PAYOUT", "STAKE")}
    async with open_back_stage(tmp_path, **lowered) as stage:
        stage.selling.exchange.holds(FIRST, "0.43")
        await stage.deliver(event)
        due = await stage.due(checkout)
        assert due is not None
        assert due.reason == "open_payout_cap"


async def test_what_needs_a_person_is_never_refunded_by_itself(stage: BackStage) -> None:
    _, checkout = await stage.checkout()
    event = stage.pay(checkout)
    event["data"]["object"]["amount_total"] = 400
    stage.clock.elapsed_s = 4_000
    await stage.deliver(event)
    assert (await stage.payment(checkout)).reason == "amount_mismatch"
    assert await stage.due(checkout) is None


async def test_a_parked_payment_reserves_nothing_of_the_open_payout_cap(stage: BackStage) -> None:
    from hedge_service.store import parlays

    await drifted(stage)
    assert await stage.database.read(lambda tx: parlays.open_payout(tx, NOW)) == Money.ZERO


async def test_a_refund_is_asked_for_once_recorded_and_booked(stage: BackStage) -> None:
    checkout = await drifted(stage)
    for _ in range(3):
        await stage.loops.refunds.step()
    [refund] = stage.books.refunds.newest_first()
    due = await stage.due(checkout)
    assert due is not None
    assert (due.state, due.refund_id) == (RefundState.MADE, refund["id"])
    assert (await stage.payment(checkout)).state is PaymentState.REFUNDED
    assert await stage.balances() == NOTHING
    assert len(stage.asked(REFUNDS)) == 1
    assert stage.log.names("refund.") == ["refund.due", "refund.made"]


async def test_our_own_refunds_webhook_changes_nothing(stage: BackStage) -> None:
    checkout = await drifted(stage)
    await stage.loops.refunds.step()
    told = stage.newest("charge.refunded")
    before = await stage.balances(), await stage.due(checkout), await stage.payment(checkout)
    await stage.deliver(told, told)
    assert (await stage.balances(), await stage.due(checkout), await stage.payment(checkout)) == before


async def test_the_webhook_may_overtake_the_reply(stage: BackStage) -> None:
    checkout = await drifted(stage)
    stage.fault(FaultKind.RESET, REFUNDS, after=True, count=3)
    await stage.loops.refunds.step()
    assert (await stage.payment(checkout)).state is PaymentState.PARKED
    await stage.deliver(stage.newest("charge.refunded"))
    due = await stage.due(checkout)
    assert due is not None
    assert due.state is RefundState.MADE
    assert await stage.balances() == NOTHING


@pytest.mark.parametrize("kind", [FaultKind.RESET, FaultKind.ERROR])
@pytest.mark.parametrize("after", [False, True])
async def test_a_lost_reply_is_asked_for_again_with_the_same_key(
    stage: BackStage, kind: FaultKind, *, after: bool
) -> None:
    checkout = await drifted(stage)
    # Stripe's library itself tries three times.
    stage.fault(kind, REFUNDS, after=after, count=3)
    await stage.loops.refunds.step()
    assert (await stage.payment(checkout)).state is PaymentState.PARKED
    stage.clock.elapsed_s += 600
    await stage.loops.refunds.step()
    assert len(stage.books.refunds) == 1
    assert len({each["idempotency_key"] for each in stage.asked(REFUNDS)}) == 1
    assert (await stage.payment(checkout)).state is PaymentState.REFUNDED
    assert await stage.balances() == NOTHING


async def test_a_refused_refund_waits_longer_and_longer_with_its_reason(stage: BackStage) -> None:
    checkout = await drifted(stage)
    stage.dispute(checkout)
    waits = []
    for _ in range(3):
        before = len(stage.asked(REFUNDS))
        for _ in range(10_000):
            stage.clock.elapsed_s += 30
            await stage.loops.refunds.step()
            if len(stage.asked(REFUNDS)) > before:
                break
        waits.append(stage.clock.elapsed_s)
    due = await stage.due(checkout)
    assert due is not None
    assert (due.state, due.failure, due.tries) == (RefundState.REFUSED, "charge_disputed", 3)
    assert waits[2] - waits[1] > waits[1] - waits[0]
    assert [each["code"] for each in stage.log.named("refund.failed")] == ["charge_disputed"] * 3
    assert await stage.database.read(_unmade) == 1


def _unmade(tx: object) -> int:
    from hedge_service.store import refunds

    return len(refunds.unmade(tx))  # type: ignore[arg-type] # a connection, read here only


async def test_a_refund_that_a_person_made_at_stripe_before_is_ours(stage: BackStage) -> None:
    checkout = await drifted(stage)
    stage.give_back(checkout)
    await stage.loops.refunds.step()
    due = await stage.due(checkout)
    assert due is not None
    assert due.state is RefundState.MADE
    assert len(stage.books.refunds) == 1
    assert await stage.balances() == NOTHING


async def test_only_what_is_left_goes_back_after_a_part_did(stage: BackStage) -> None:
    checkout = await drifted(stage)
    await stage.deliver(stage.give_back(checkout, 200))
    await stage.loops.refunds.step()
    assert [refund["amount"] for refund in stage.books.refunds.newest_first()] == [300, 200]
    assert (await stage.payment(checkout)).state is PaymentState.REFUNDED
    assert await stage.balances() == NOTHING


async def test_a_refund_that_fails_at_the_bank_waits_for_a_person(stage: BackStage) -> None:
    checkout = await drifted(stage)
    await stage.loops.refunds.step()
    await stage.deliver(stage.fail_refund(checkout))
    payment, due = await stage.payment(checkout), await stage.due(checkout)
    assert (payment.state, payment.reason) == (PaymentState.PARKED, "refund_failed")
    assert due is not None
    assert (due.state, due.failure) == (RefundState.FAILED, "failed_at_the_bank")
    assert await stage.balances() == {Account.STRIPE: Money.of(5), Account.SUSPENSE: Money.of(-5)}
    stage.clock.elapsed_s += timedelta(days=1).total_seconds()
    await stage.loops.refunds.step()
    assert len(stage.books.refunds) == 1


async def test_without_the_lease_nothing_is_asked(stage: BackStage) -> None:
    await drifted(stage)
    await stage.sender.release()
    await stage.loops.refunds.step()
    assert not stage.asked(REFUNDS)


async def test_a_halt_does_not_keep_money_back(stage: BackStage) -> None:
    checkout = await drifted(stage)
    await stage.halt()
    await stage.loops.refunds.step()
    assert (await stage.payment(checkout)).state is PaymentState.REFUNDED
