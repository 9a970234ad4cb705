"""Refunds that are due, and what Stripe tells of payments: once, and only forward."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from hedge_service.core.money_back import Dispute, DisputeFee, DisputeState, RefundState, StripeRefund
from hedge_service.store import charges, inbox, marks, payments, refunds
from hedge_service.store.charges import Hold
from hedge_service.store.payments import Payment, PaymentState
from tests.store.parlay_samples import NOW

if TYPE_CHECKING:
    from sqlalchemy.engine import Connection

    from hedge_service.store.db import Database

LATER = NOW + timedelta(hours=1)
SESSION, INTENT = "cs_test_1", "pi_1"


def put_payment(tx: Connection, state: PaymentState = PaymentState.PARKED) -> None:
    paid = Payment(
        session_id=SESSION,
        quote_id=None,
        event_id="evt_1",
        payment_intent=INTENT,
        amount_cents=500,
        currency="usd",
        paid_at=NOW,
        state=state,
    )
    payments.put(tx, paid, NOW)


def owe(tx: Connection) -> bool:
    return refunds.due(tx, SESSION, parlay_id=None, reason="price_drift", at=NOW)


async def test_a_session_is_owed_back_once(database: Database) -> None:
    await database.write(put_payment)
    assert await database.write(owe)
    assert not await database.write(owe)
    due = await database.read(lambda tx: refunds.get(tx, SESSION))
    assert due is not None
    assert (due.amount_cents, due.payment_intent, due.state) == (500, INTENT, RefundState.DUE)


async def test_what_was_never_paid_is_never_owed_back(database: Database) -> None:
    with pytest.raises(LookupError):
        await database.write(owe)


async def test_a_refund_waits_for_its_next_time(database: Database) -> None:
    def refuse(tx: Connection) -> None:
        put_payment(tx)
        owe(tx)
        refunds.postponed(tx, SESSION, state=RefundState.REFUSED, failure="charge_disputed", until=LATER)

    await database.write(refuse)
    assert await database.read(lambda tx: refunds.waiting(tx, NOW, 10)) == ()
    [waiting] = await database.read(lambda tx: refunds.waiting(tx, LATER, 10))
    assert (waiting.state, waiting.failure, waiting.tries) == (RefundState.REFUSED, "charge_disputed", 1)


async def test_a_refund_that_is_made_stays_made(database: Database) -> None:
    def make(tx: Connection) -> tuple[bool, bool, bool]:
        put_payment(tx)
        owe(tx)
        made = refunds.made(tx, SESSION, "re_1", NOW), refunds.made(tx, SESSION, "re_2", NOW)
        refunds.postponed(tx, SESSION, state=RefundState.DUE, failure="late", until=LATER)
        return *made, refunds.dropped(tx, SESSION, NOW)

    assert await database.write(make) == (True, False, False)
    due = await database.read(lambda tx: refunds.get(tx, SESSION))
    assert due is not None
    assert (due.state, due.refund_id, due.failure) == (RefundState.MADE, "re_1", None)


async def test_a_refund_that_failed_at_the_bank_is_asked_for_again_only_by_a_person(
    database: Database,
) -> None:
    def fail(tx: Connection) -> None:
        put_payment(tx)
        owe(tx)
        refunds.made(tx, SESSION, "re_1", NOW)
        refunds.failed(tx, SESSION, failure="failed_at_the_bank")

    await database.write(fail)
    assert await database.read(lambda tx: refunds.waiting(tx, LATER, 10)) == ()
    assert len(await database.read(refunds.unmade)) == 1
    await database.write(lambda tx: refunds.due_again(tx, SESSION, amount_cents=500, at=NOW))
    [again] = await database.read(lambda tx: refunds.waiting(tx, NOW, 10))
    assert (again.state, again.refund_id, again.tries) == (RefundState.DUE, None, 0)


async def test_a_refund_that_came_back_is_news_once_and_never_goes_again(database: Database) -> None:
    made, back = (
        StripeRefund(id="re_1", amount_cents=500, came_back=came_back) for came_back in (False, True)
    )
    news = [
        await database.write(lambda tx, told=told: charges.put_refund(tx, INTENT, told, NOW))  # type: ignore[misc]
        for told in (made, made, back, back, made)
    ]
    assert news == [True, False, True, False, False]
    assert await database.read(lambda tx: charges.refunds_of(tx, INTENT)) == (back,)


def dispute(state: DisputeState, *fees: DisputeFee) -> Dispute:
    return Dispute(id="dp_1", payment_intent=INTENT, amount_cents=500, state=state, fees=fees)


async def test_a_closed_dispute_never_opens_again_and_its_fees_add_up_once(database: Database) -> None:
    first, second = DisputeFee("txn_1", 1500), DisputeFee("txn_2", -1500)
    told = [
        dispute(DisputeState.WON, first, second),
        dispute(DisputeState.OPEN, first),
        dispute(DisputeState.LOST),
    ]
    news = [
        await database.write(lambda tx, one=one: charges.put_dispute(tx, one, NOW))  # type: ignore[misc]
        for one in told
    ]
    assert news == [True, False, False]
    assert await database.read(lambda tx: charges.disputes_of(tx, INTENT)) == (told[0],)


@pytest.mark.parametrize(
    ("state", "disputed", "hold"),
    [
        (PaymentState.ACCEPTED, None, None),
        (PaymentState.ACCEPTED, DisputeState.OPEN, Hold.DISPUTED),
        (PaymentState.ACCEPTED, DisputeState.WON, None),
        (PaymentState.PARKED, None, Hold.PARKED),
        (PaymentState.CHARGED_BACK, DisputeState.LOST, Hold.PARKED),
    ],
)
async def test_what_holds_a_claim(
    database: Database, state: PaymentState, disputed: DisputeState | None, hold: Hold | None
) -> None:
    def put(tx: Connection) -> None:
        put_payment(tx, state)
        if disputed is not None:
            charges.put_dispute(tx, dispute(disputed), NOW)

    await database.write(put)
    assert await database.read(lambda tx: charges.hold(tx, SESSION)) is hold
    assert await database.read(lambda tx: charges.hold(tx, "cs_test_none")) is None


@pytest.mark.parametrize("name", [SESSION, INTENT, "evt_1"])
async def test_an_operator_names_a_payment_as_it_is_known(database: Database, name: str) -> None:
    from hedge_service.logs import digest

    await database.write(put_payment)
    for each in (name, digest(SESSION)):
        found = await database.read(lambda tx, each=each: payments.named(tx, each))  # type: ignore[misc]
        assert found is not None
        assert found.session_id == SESSION
    assert await database.read(lambda tx: payments.named(tx, "evt_2")) is None


async def test_a_mark_moves(database: Database) -> None:
    assert await database.read(lambda tx: marks.read(tx, "stripe")) is None
    for at in (NOW, LATER):
        await database.write(lambda tx, at=at: marks.put(tx, "stripe", at))  # type: ignore[misc]
        assert await database.read(lambda tx: marks.read(tx, "stripe")) == at


async def test_the_inbox_knows_ids_by_the_thousand(database: Database) -> None:
    ids = [f"evt_{number}" for number in range(2_500)]
    assert await database.read(lambda tx: inbox.known(tx, "stripe", ids)) == set()
