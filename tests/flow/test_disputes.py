"""Refunds from the dashboard and disputes: what they make of a parlay, in any order of their events."""

from __future__ import annotations

import asyncio
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hedge_service.core.ledger import Account
from hedge_service.core.money import Money
from hedge_service.core.parlay import CheckoutState
from hedge_service.core.settlement import ParlayState
from hedge_service.errors import Conflict
from hedge_service.flow.operating import Operator
from hedge_service.flow.payment_resolving import Outcome
from hedge_service.sandbox.stripe.payments import AsyncOutcome, PayMethod, end_async_payment, pay_session
from hedge_service.sandbox.stripe.sessions import expire_session
from hedge_service.store import checkouts
from hedge_service.store.payments import PaymentState
from tests.flow.back_stage import open_back_stage
from tests.flow.selling_stage import ANN

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from hedge_service.core.parlay import Checkout
    from tests.flow.back_stage import BackStage

STAKE, FEE = Money.of(5), Money.of(15)
A = Account


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[BackStage]:
    async with open_back_stage(tmp_path) as opened:
        yield opened


async def state_of(stage: BackStage, checkout: Checkout) -> str:
    parlay = await stage.parlay(checkout)
    assert parlay is not None
    return parlay.state


async def test_a_full_refund_before_the_result_voids_the_parlay(stage: BackStage) -> None:
    checkout, parlay = await stage.sold()
    await stage.deliver(stage.give_back(checkout))
    assert await state_of(stage, checkout) == "void"
    assert (await stage.payment(checkout)).state is PaymentState.REFUNDED
    assert await stage.balances() == {}
    [voided] = stage.log.named("parlay.voided")
    assert (voided["parlay_id"], voided["reason"]) == (parlay.id, "money_went_back")
    await stage.loops.refunds.step()
    assert len(stage.books.refunds) == 1


async def test_a_void_parlay_leaves_the_history_and_stays_among_the_purchases(stage: BackStage) -> None:
    checkout, parlay = await stage.sold()
    await stage.deliver(stage.give_back(checkout))
    assert await stage.accounts.history(ANN) == ()
    assert [view.id for view in await stage.accounts.purchases(ANN)] == [parlay.id]


async def test_two_parts_that_come_to_the_whole_void_the_parlay(stage: BackStage) -> None:
    checkout, _ = await stage.sold()
    await stage.deliver(stage.give_back(checkout, 200))
    assert await state_of(stage, checkout) == "open"
    payment = await stage.payment(checkout)
    assert (payment.state, payment.reason) == (PaymentState.PARKED, "refunded_in_part")
    assert await stage.balances() == {A.STRIPE: Money.of(3), A.OWED: -STAKE, A.GIVEN_BACK: Money.of(2)}
    await stage.deliver(stage.give_back(checkout, 300))
    assert await state_of(stage, checkout) == "void"
    assert await stage.balances() == {}


async def test_a_refund_after_the_result_parks_the_payment_and_books_a_loss(stage: BackStage) -> None:
    checkout, parlay = await stage.sold()
    await stage.end(parlay, ParlayState.LOST)
    await stage.deliver(stage.give_back(checkout))
    payment = await stage.payment(checkout)
    assert (payment.state, payment.reason) == (PaymentState.PARKED, "refunded_after_result")
    assert await state_of(stage, checkout) == "lost"
    assert await stage.balances() == {A.STAKES: -STAKE, A.GIVEN_BACK: STAKE}


async def test_a_won_parlay_that_was_refunded_is_not_paid_until_a_person_has_looked(stage: BackStage) -> None:
    checkout, parlay = await stage.sold()
    await stage.end(parlay, ParlayState.WON)
    told = stage.give_back(checkout)
    await stage.deliver(told)
    with pytest.raises(Conflict) as refused:
        await stage.accounts.claim(parlay.session_id)
    assert refused.value.error == "The payment of this parlay is being checked"
    by = Operator(name="ann", reason="a gift", at=stage.clock.now())
    assert (await stage.resolving.accept(parlay.session_id, by)).outcome is Outcome.RELEASED
    await stage.deliver(told, stage.books.record("charge.refunded", told["data"]["object"]))
    assert await stage.accounts.claim(parlay.session_id) == parlay.payout


async def test_a_dispute_freezes_the_claim_and_winning_it_frees_it(stage: BackStage) -> None:
    checkout, parlay = await stage.sold()
    await stage.end(parlay, ParlayState.WON)
    opened = stage.dispute(checkout)
    await stage.deliver(opened)
    with pytest.raises(Conflict) as refused:
        await stage.accounts.claim(parlay.session_id)
    assert (refused.value.error, refused.value.code) == (
        "The payment of this parlay is under dispute",
        "claim_disputed",
    )
    await stage.deliver(stage.close_dispute(opened, won=True))
    assert await stage.accounts.claim(parlay.session_id) == parlay.payout
    assert (await stage.balances())[A.STRIPE_FEES] == FEE


@pytest.mark.parametrize("end", [None, ParlayState.WON])
async def test_a_lost_dispute_voids_what_is_not_claimed(stage: BackStage, end: ParlayState | None) -> None:
    checkout, parlay = await stage.sold()
    if end is not None:
        await stage.end(parlay, end)
    opened = stage.dispute(checkout)
    await stage.deliver(opened, stage.close_dispute(opened, won=False))
    assert await state_of(stage, checkout) == "void"
    assert (await stage.payment(checkout)).state is PaymentState.CHARGED_BACK
    assert await stage.balances() == {A.STRIPE: -FEE, A.STRIPE_FEES: FEE}
    assert await stage.due(checkout) is None


async def test_a_lost_dispute_over_a_lost_parlay_is_a_loss(stage: BackStage) -> None:
    checkout, parlay = await stage.sold()
    await stage.end(parlay, ParlayState.LOST)
    opened = stage.dispute(checkout)
    await stage.deliver(opened, stage.close_dispute(opened, won=False))
    assert await state_of(stage, checkout) == "lost"
    assert (await stage.payment(checkout)).state is PaymentState.CHARGED_BACK
    assert await stage.balances() == {
        A.STRIPE: -FEE,
        A.STRIPE_FEES: FEE,
        A.STAKES: -STAKE,
        A.GIVEN_BACK: STAKE,
    }


async def test_a_lost_dispute_over_a_claimed_parlay_is_a_loss(stage: BackStage) -> None:
    checkout, parlay = await stage.sold()
    await stage.end(parlay, ParlayState.WON)
    await stage.accounts.claim(parlay.session_id)
    opened = stage.dispute(checkout)
    await stage.deliver(opened, stage.close_dispute(opened, won=False))
    assert await state_of(stage, checkout) == "won"
    balances = await stage.balances()
    assert (balances[A.WALLET], balances[A.GIVEN_BACK]) == (-parlay.payout, STAKE)


async def test_a_lost_dispute_ends_a_refund_that_was_due(stage: BackStage) -> None:
    _, checkout = await stage.checkout()
    stage.clock.elapsed_s = 1_830
    await stage.deliver(stage.pay(checkout))
    opened = stage.dispute(checkout)
    await stage.loops.refunds.step()
    await stage.deliver(opened, stage.close_dispute(opened, won=False))
    due = await stage.due(checkout)
    assert due is not None
    assert due.state == "dropped"
    stage.clock.elapsed_s += 100_000
    await stage.loops.refunds.step()
    assert len(stage.books.refunds) == 0
    assert await stage.balances() == {A.STRIPE: -FEE, A.STRIPE_FEES: FEE}


async def test_events_about_payments_of_others_are_noted_and_harm_nobody(stage: BackStage) -> None:
    foreign = {"id": "dp_1", "object": "dispute", "amount": 100, "status": "lost", "payment_intent": "pi_x"}
    charge = {"id": "ch_1", "object": "charge", "amount": 100, "refunded": True, "payment_intent": None}
    await stage.deliver(
        stage.books.record("charge.dispute.closed", foreign),
        stage.books.record("charge.dispute.created", foreign | {"payment_intent": None}),
        stage.books.record("charge.refunded", charge),
    )
    assert await stage.balances() == {}


async def test_a_refund_event_waits_while_stripe_cannot_be_asked(stage: BackStage) -> None:
    from hedge_service.sandbox.stripe.faults import Fault, FaultKind

    checkout, _ = await stage.sold()
    told = stage.give_back(checkout)
    stage.standin.faults.add(
        Fault(kind=FaultKind.ERROR, count=3, after=False, method="GET", path="/v1/refunds")
    )
    await stage.deliver(told)
    assert await state_of(stage, checkout) == "open"
    assert len(stage.log.named("webhook.postponed")) == 1
    stage.clock.elapsed_s += 60
    await stage.intake.step()
    assert await state_of(stage, checkout) == "void"


async def test_an_expired_session_closes_its_pending_payment(stage: BackStage) -> None:
    _, checkout = await stage.checkout()
    expire_session(stage.books, str(checkout.session_id))
    await stage.deliver(stage.newest("checkout.session.expired"))
    assert await pending(stage, checkout) is CheckoutState.EXPIRED


async def test_a_bank_debit_that_failed_closes_its_pending_payment(stage: BackStage) -> None:
    _, checkout = await stage.checkout()
    completed = pay_session(stage.books, str(checkout.session_id), PayMethod.ASYNC)
    failed = end_async_payment(stage.books, str(checkout.session_id), AsyncOutcome.FAILED)
    await stage.deliver(failed, completed)
    assert await pending(stage, checkout) is CheckoutState.FAILED
    assert await stage.parlay(checkout) is None


async def pending(stage: BackStage, checkout: Checkout) -> CheckoutState:
    found = await stage.database.read(lambda tx: checkouts.by_reference(tx, checkout.reference))
    assert found is not None
    return found.state


# Each story makes its events in the only order in which Stripe can; they then arrive in any.
def refunded(stage: BackStage, checkout: Checkout) -> list[dict[str, Any]]:
    return [stage.give_back(checkout, 200), stage.give_back(checkout, 300)]


def lost(stage: BackStage, checkout: Checkout) -> list[dict[str, Any]]:
    opened = stage.dispute(checkout)
    return [opened, stage.close_dispute(opened, won=False)]


def won_then_refunded(stage: BackStage, checkout: Checkout) -> list[dict[str, Any]]:
    opened = stage.dispute(checkout)
    closed = stage.close_dispute(opened, won=True)
    stage.books.charges.get(stage.charge(checkout)["id"])["disputed"] = False
    return [opened, closed, stage.give_back(checkout)]


def failed_then_refunded(stage: BackStage, checkout: Checkout) -> list[dict[str, Any]]:
    first = stage.give_back(checkout)
    return [first, stage.fail_refund(checkout), stage.give_back(checkout)]


FEES = {A.STRIPE: -FEE, A.STRIPE_FEES: FEE}
STORIES: dict[Callable[[BackStage, Checkout], list[dict[str, Any]]], dict[Account, Money]] = {
    refunded: {},
    lost: FEES,
    won_then_refunded: FEES,
    failed_then_refunded: {},
}
numbers = count()


@settings(max_examples=8, deadline=None)
@given(
    story=st.sampled_from(sorted(STORIES, key=lambda story: story.__name__)),
    order=st.randoms(use_true_random=False),
    copies=st.integers(1, 2),
    before=st.booleans(),
)
def test_the_end_is_the_same_in_any_order_of_any_number_of_copies(
    story: Callable[[BackStage, Checkout], list[dict[str, Any]]], order: Any, copies: int, *, before: bool
) -> None:
    """The payment itself is one of the events: it may come last, or after the facts are known."""

    async def run() -> None:
        with TemporaryDirectory() as folder:
            async with open_back_stage(Path(folder)) as stage:
                await play(stage, story, order, copies, before=before)

    asyncio.run(run())


async def play(stage: BackStage, story: Any, order: Any, copies: int, *, before: bool) -> None:
    _, checkout = await stage.checkout()
    paid = stage.pay(checkout)
    if before:
        await stage.deliver(paid)
    events = [paid, *story(stage, checkout)] * copies
    order.shuffle(events)
    for event in events:
        await stage.deliver(event)
    assert await stage.balances() == STORIES[story]
    parlay = await stage.parlay(checkout)
    assert parlay is None or parlay.state == "void"
    wanted = PaymentState.CHARGED_BACK if story is lost else PaymentState.REFUNDED
    assert (await stage.payment(checkout)).state is wanted
    await stage.loops.refunds.step()
    assert await stage.balances() == STORIES[story]
    assert_known_to_the_cent(stage, await stage.balances())


def assert_known_to_the_cent(stage: BackStage, balances: dict[Account, Money]) -> None:
    """Check the books against Stripe's own balance, without its fee on the payment (booked elsewhere)."""
    moves = stage.books.balance_transactions.newest_first()
    failed = sum(each["amount"] for each in stage.books.refunds.newest_first() if each["status"] == "failed")
    kept = sum(each["fee"] for each in moves if each["type"] == "charge")
    held = sum(each["net"] for each in moves) + kept + failed
    assert balances.get(A.STRIPE, Money.ZERO) == Money.cents(held)
