"""What a person may decide about a payment, what not, and what is written down about it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson
import pytest
from sqlalchemy import select

from hedge_service.core.ledger import Account
from hedge_service.core.market import MarketStatus
from hedge_service.core.money import Money
from hedge_service.core.settlement import ParlayState
from hedge_service.errors import Conflict, NotFound
from hedge_service.flow.operating import Operator
from hedge_service.flow.paying_out import pay_out
from hedge_service.flow.payment_resolving import Outcome
from hedge_service.logs import digest
from hedge_service.store import journal, payouts
from hedge_service.store.payments import PaymentState
from hedge_service.store.payouts import Overdrawn
from hedge_service.store.schema import audit
from tests.flow.back_stage import open_back_stage
from tests.flow.selling_stage import ANN, CLASSIC

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


def by(stage: BackStage) -> Operator:
    return Operator(name="ann", reason="asked by mail", at=stage.clock.now())


async def parked(stage: BackStage, **changes: Any) -> Checkout:
    """Have a payment parked that a person has to look at."""
    _, checkout = await stage.checkout()
    event = stage.pay(checkout)
    event["data"]["object"] |= changes
    await stage.deliver(event)
    assert (await stage.payment(checkout)).state is PaymentState.PARKED
    return checkout


async def disputed_away(stage: BackStage) -> Checkout:
    """Have a payment parked for a dispute that was known before it and is won by now."""
    _, checkout = await stage.checkout()
    paid = stage.pay(checkout)
    opened = stage.dispute(checkout)
    await stage.deliver(opened, paid)
    await stage.deliver(stage.close_dispute(opened, won=True))
    assert (await stage.payment(checkout)).reason == "disputed"
    return checkout


async def audited(stage: BackStage) -> list[dict[str, Any]]:
    rows = await stage.database.read(lambda tx: tx.execute(select(audit)).all())
    return [dict(row._mapping) | {"details": orjson.loads(row.details)} for row in rows]


async def test_a_parked_payment_is_refunded_at_a_persons_word(stage: BackStage) -> None:
    checkout = await parked(stage, amount_total=400)
    event_id = (await stage.payment(checkout)).event_id
    resolved = await stage.resolving.refund(event_id, by(stage))
    assert (resolved.outcome, resolved.session) == (Outcome.REFUND_DUE, digest(str(checkout.session_id)))
    await stage.loops.refunds.step()
    assert (await stage.payment(checkout)).state is PaymentState.REFUNDED
    [row] = await audited(stage)
    assert (row["actor"], row["action"], row["reason"]) == ("ann", "resolve-payment", "asked by mail")
    assert (row["details"]["outcome"], row["details"]["parked_for"]) == ("refund_due", "amount_mismatch")
    assert str(checkout.session_id) not in str(row)


async def test_a_parked_payment_is_sold_after_all_and_hedged(stage: BackStage) -> None:
    checkout = await disputed_away(stage)
    resolved = await stage.resolving.accept(str(checkout.session_id), by(stage))
    assert resolved.outcome is Outcome.SOLD
    parlay = await stage.parlay(checkout)
    assert parlay is not None
    assert resolved.parlay_id == parlay.id
    assert (await stage.payment(checkout)).state is PaymentState.ACCEPTED
    balances = await stage.balances()
    assert (balances[Account.OWED], Account.SUSPENSE in balances) == (Money.of(-5), False)
    assert len(await stage.database.read(lambda tx: journal.of_parlay(tx, parlay.id))) == 2


async def test_a_decision_is_made_once(stage: BackStage) -> None:
    checkout = await disputed_away(stage)
    await stage.resolving.accept(str(checkout.session_id), by(stage))
    for act in (stage.resolving.accept, stage.resolving.refund):
        with pytest.raises(Conflict):
            await act(str(checkout.session_id), by(stage))
    assert len(await audited(stage)) == 1


@pytest.mark.parametrize("changes", [{"amount_total": 400}, {"currency": "eur"}, {"livemode": True}])
async def test_money_that_is_not_the_price_sells_nothing(stage: BackStage, changes: dict[str, Any]) -> None:
    checkout = await parked(stage, **changes)
    with pytest.raises(Conflict):
        await stage.resolving.accept(str(checkout.session_id), by(stage))
    assert await stage.parlay(checkout) is None
    assert await audited(stage) == []


async def test_nothing_is_sold_on_a_market_that_is_not_open(stage: BackStage) -> None:
    checkout = await disputed_away(stage)
    stage.selling.exchange.holds(FIRST, "0.43", status=MarketStatus.INACTIVE)
    with pytest.raises(Conflict) as refused:
        await stage.resolving.accept(str(checkout.session_id), by(stage))
    assert FIRST in refused.value.details


async def test_nothing_is_sold_whose_refund_is_under_way(stage: BackStage) -> None:
    _, checkout = await stage.checkout()
    stage.clock.elapsed_s = 1_830
    await stage.deliver(stage.pay(checkout))
    with pytest.raises(Conflict):
        await stage.resolving.accept(str(checkout.session_id), by(stage))


async def test_nothing_is_sold_under_an_open_dispute(stage: BackStage) -> None:
    _, checkout = await stage.checkout()
    paid = stage.pay(checkout)
    await stage.deliver(stage.dispute(checkout), paid)
    with pytest.raises(Conflict):
        await stage.resolving.accept(str(checkout.session_id), by(stage))


async def test_a_parlay_refunded_in_part_may_be_ended_with_the_rest(stage: BackStage) -> None:
    checkout, _ = await stage.sold()
    await stage.deliver(stage.give_back(checkout, 200))
    resolved = await stage.resolving.refund(str(checkout.session_id), by(stage))
    assert resolved.outcome is Outcome.VOID_AND_REFUND_DUE
    await stage.loops.refunds.step()
    assert [refund["amount"] for refund in stage.books.refunds.newest_first()] == [300, 200]
    assert (await stage.payment(checkout)).state is PaymentState.REFUNDED
    assert await stage.balances() == {}


async def test_a_parlay_refunded_in_part_may_be_released(stage: BackStage) -> None:
    checkout, parlay = await stage.sold()
    await stage.deliver(stage.give_back(checkout, 200))
    assert (await stage.resolving.accept(str(checkout.session_id), by(stage))).outcome is Outcome.RELEASED
    await stage.end(parlay, ParlayState.WON)
    assert await stage.accounts.claim(parlay.session_id) == parlay.payout


async def test_the_payer_gets_nothing_of_a_decided_parlay_by_this_command(stage: BackStage) -> None:
    checkout, parlay = await stage.sold()
    await stage.end(parlay, ParlayState.LOST)
    await stage.deliver(stage.give_back(checkout, 200))
    with pytest.raises(Conflict):
        await stage.resolving.refund(str(checkout.session_id), by(stage))


async def test_a_refund_that_failed_at_the_bank_is_made_anew(stage: BackStage) -> None:
    _, checkout = await stage.checkout()
    stage.clock.elapsed_s = 1_830
    await stage.deliver(stage.pay(checkout))
    await stage.loops.refunds.step()
    await stage.deliver(stage.fail_refund(checkout))
    await stage.resolving.refund(str(checkout.session_id), by(stage))
    await stage.loops.refunds.step()
    assert [refund["status"] for refund in stage.books.refunds.newest_first()] == ["succeeded", "failed"]
    assert (await stage.payment(checkout)).state is PaymentState.REFUNDED
    assert await stage.balances() == {}


async def test_an_unknown_name_is_not_found(stage: BackStage) -> None:
    with pytest.raises(NotFound):
        await stage.resolving.refund("evt_nobody", by(stage))


async def claimed(stage: BackStage) -> Money:
    _, parlay = await stage.sold()
    await stage.end(parlay, ParlayState.WON)
    return await stage.accounts.claim(parlay.session_id)


async def paid(stage: BackStage, amount: Money, reference: str) -> tuple[bool, Money]:
    return await stage.database.write(
        lambda tx: pay_out(tx, user_id=ANN, amount=amount, reference=reference, by=by(stage))
    )


async def test_winnings_paid_outside_are_booked_once_by_their_reference(stage: BackStage) -> None:
    won = await claimed(stage)
    left = won - Money.of(3)
    assert await paid(stage, Money.of(3), "wire-1") == (True, left)
    assert await paid(stage, Money.of(3), "wire-1") == (False, left)
    assert (await stage.balances())[Account.WALLET] == -left
    assert await stage.accounts.wallet(ANN) == left
    [row] = await audited(stage)
    assert (row["action"], row["details"]["reference"], ANN in str(row)) == ("payout", "wire-1", False)


async def test_nobody_is_paid_more_than_the_wallet_holds(stage: BackStage) -> None:
    won = await claimed(stage)
    with pytest.raises(Overdrawn):
        await paid(stage, won + Money.cents(1), "wire-1")
    assert await stage.accounts.wallet(ANN) == won
    assert await audited(stage) == []
    assert await stage.database.read(lambda tx: payouts.wallet(tx, ANN)) == won
