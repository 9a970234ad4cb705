"""From a verified event to a parlay: once, only as it was sold, and never lost while a peer is away."""

from __future__ import annotations

import asyncio
import random
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import orjson
import pytest
from sqlalchemy import func, select

from hedge_service.core import ids
from hedge_service.core.inbox import NewEvent
from hedge_service.core.money import Count, Money, Price
from hedge_service.core.orders import AttemptState
from hedge_service.core.parlay import CheckoutState, Mode
from hedge_service.store import bets, checkouts, journal, parlays
from hedge_service.store.db import StoreUnavailable
from hedge_service.store.schema import checkouts as checkout_rows
from hedge_service.store.schema import inbox, intents, payments
from hedge_service.store.schema import parlays as parlay_rows
from tests.flow.order_stage import open_order_stage
from tests.flow.stage_clock import START
from tests.store.parlay_samples import TICKERS, USER, new_bet, put_sold

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from contextlib import AbstractAsyncContextManager
    from pathlib import Path

    from sqlalchemy.engine import Connection

    from hedge_service.store.parlays import Parlay
    from tests.flow.order_stage import OrderStage

COMPLETED = "checkout.session.completed"
ASYNC_SUCCEEDED = "checkout.session.async_payment_succeeded"
PAID_AT = START + timedelta(seconds=60)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def event(
    number: int = 1,
    kind: str = COMPLETED,
    *,
    event_id: str | None = None,
    created: datetime = PAID_AT,
    **changes: Any,
) -> NewEvent:
    """Give the event of the session that sold quote `number`; `changes` are to the session object."""
    session = {
        "id": f"cs_test_{number}",
        "object": "checkout.session",
        "client_reference_id": ids.checkout_reference(f"quote-{number}"),
        "status": "complete",
        "payment_status": "paid",
        "amount_total": 500,
        "currency": "usd",
        "payment_intent": f"pi_{number}",
        "livemode": False,
    }
    name = f"evt_{number}_{kind}" if event_id is None else event_id
    body = {
        "id": name,
        "object": "event",
        "type": kind,
        "created": (created - EPOCH) // timedelta(seconds=1),
        "livemode": False,
        "data": {"object": session | changes},
    }
    return NewEvent(
        source="stripe", external_id=name, type=kind, created_at=created, payload=orjson.dumps(body)
    )


@pytest.fixture
async def sold(tmp_path: Path) -> AsyncIterator[OrderStage]:
    """Give a stage on which quote 1 on three markets has an open checkout, in dry run."""
    async with open_order_stage(tmp_path) as stage:
        for ticker in TICKERS:
            stage.exchange.lists(ticker)
        await stage.database.write(lambda tx: put_sold(tx, 1))
        yield stage


async def deliver(stage: OrderStage, *told: NewEvent) -> None:
    for each in told:
        await stage.intake.receive(each)
    await stage.intake.step()


async def bought(stage: OrderStage) -> list[Parlay]:
    return list(await stage.database.read(lambda tx: parlays.of_user(tx, USER)))


async def results(stage: OrderStage) -> list[str | None]:
    found = select(inbox.c.result).order_by(inbox.c.id)
    return list(await stage.database.read(lambda tx: list(tx.execute(found).scalars())))


async def payment(stage: OrderStage, number: int = 1) -> tuple[str, str | None]:
    found = select(payments.c.state, payments.c.reason).where(payments.c.session_id == f"cs_test_{number}")
    row = await stage.database.read(lambda tx: tx.execute(found).one())
    return row.state, row.reason


async def planned(stage: OrderStage) -> int:
    count = select(func.count()).select_from(intents)
    return int(await stage.database.read(lambda tx: tx.execute(count).scalar_one()))


async def test_a_paid_session_becomes_a_parlay_with_an_intent_for_each_leg(sold: OrderStage) -> None:
    await deliver(sold, event())
    (parlay,) = await bought(sold)
    assert parlay.id == ids.parlay_id("cs_test_1")
    assert (parlay.stake, parlay.payout, parlay.mode) == (Money.of(5), Money.of(30), Mode.DRY_RUN)
    assert parlay.accepted_at == sold.clock.now()
    made = await sold.database.read(lambda tx: journal.of_parlay(tx, parlay.id))
    assert [(intent.leg, intent.ticker, intent.count, intent.price) for intent, _ in made] == [
        (leg, ticker, Count.of(3), Price.of("0.67")) for leg, ticker in enumerate(TICKERS, start=1)
    ]
    assert all(intent.expires_at - intent.created_at == timedelta(seconds=120) for intent, _ in made)
    assert await payment(sold) == ("accepted", None)
    assert await results(sold) == ["accepted"]
    assert sold.log.names("payment.") == ["payment.confirmed"]
    (chosen,) = sold.log.named("strategy.chosen")
    assert (chosen["parlay_id"], chosen["orders"], chosen["contracts"]) == (parlay.id, 3, "9.00")


async def test_no_log_line_holds_the_session_id(sold: OrderStage) -> None:
    await deliver(sold, event())
    assert "cs_test_1" not in str(sold.log.events)


async def test_just_the_parlays_bets_are_cleared(sold: OrderStage) -> None:
    later = await sold.database.write(lambda tx: bets.add(tx, new_bet("KXD-1-LAL"), START))
    await deliver(sold, event())
    assert await sold.database.read(lambda tx: bets.of_user(tx, USER)) == (later,)


async def test_the_checkout_is_paid_and_stays_so(sold: OrderStage) -> None:
    await deliver(sold, event(), event(kind="checkout.session.expired"))
    checkout = await sold.database.read(lambda tx: checkouts.by_session(tx, "cs_test_1"))
    assert checkout is not None
    assert checkout.state is CheckoutState.PAID
    assert await results(sold) == ["accepted", "noted"]


@pytest.mark.parametrize("seed", range(4))
async def test_duplicated_and_reordered_events_make_one_parlay(sold: OrderStage, seed: int) -> None:
    told = [event(), event(kind=ASYNC_SUCCEEDED), event(event_id="evt_again")] * 7
    random.Random(seed).shuffle(told)
    new = await asyncio.gather(*(sold.intake.receive(each) for each in told))
    await asyncio.gather(sold.intake.step(), sold.intake.step())
    assert sum(new) == 3
    assert len(await bought(sold)) == 1
    assert await planned(sold) == 3
    assert sorted(map(str, await results(sold))) == ["accepted", "duplicate", "duplicate"]
    assert len(sold.log.named("payment.confirmed")) == 1


async def test_a_parlay_whose_opening_answer_was_lost_is_found_by_its_reference(sold: OrderStage) -> None:
    def forget(tx: Connection) -> None:
        tx.execute(checkout_rows.update().values(session_id=None, state="pending"))

    await sold.database.write(forget)
    await deliver(sold, event())
    assert len(await bought(sold)) == 1


async def test_a_session_is_found_by_its_id_when_it_names_no_reference(sold: OrderStage) -> None:
    await deliver(sold, event(client_reference_id=None))
    assert len(await bought(sold)) == 1


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"amount_total": 499}, "amount_mismatch"),
        ({"amount_total": None}, "amount_mismatch"),
        ({"currency": "eur"}, "currency_mismatch"),
        ({"livemode": True}, "wrong_stripe_mode"),
        ({"id": "cs_test_9"}, "quote_already_sold"),
        ({"id": "cs_test_9", "client_reference_id": "chk_none"}, "unknown_session"),
    ],
)
async def test_a_payment_that_is_not_as_sold_is_parked_and_buys_nothing(
    sold: OrderStage, changes: dict[str, Any], reason: str
) -> None:
    await deliver(sold, event(**changes))
    assert await bought(sold) == []
    assert await planned(sold) == 0
    assert await results(sold) == [f"parked:{reason}"]
    (told,) = sold.log.named("payment.parked")
    assert told["reason"] == reason
    assert len(await sold.database.read(lambda tx: bets.of_user(tx, USER))) == 3


async def test_a_second_session_for_a_sold_quote_is_parked(sold: OrderStage) -> None:
    await deliver(sold, event())
    await deliver(sold, event(event_id="evt_second", id="cs_test_2", payment_intent="pi_2"))
    assert len(await bought(sold)) == 1
    assert await payment(sold, 2) == ("parked", "quote_already_sold")


async def test_a_payment_is_judged_by_the_events_own_time(sold: OrderStage) -> None:
    window_ends = START + timedelta(minutes=30)
    sold.clock.advance(3 * 3600)
    await deliver(sold, event(created=window_ends))
    assert len(await bought(sold)) == 1


async def test_a_late_payment_is_parked(sold: OrderStage) -> None:
    await deliver(sold, event(created=START + timedelta(minutes=30, seconds=1)))
    assert await bought(sold) == []
    assert await payment(sold) == ("parked", "paid_too_late")


async def test_a_parlay_on_a_market_that_is_over_is_not_sold(sold: OrderStage) -> None:
    sold.exchange.lists(TICKERS[1], close_time=PAID_AT)
    await deliver(sold, event())
    assert await bought(sold) == []
    assert await payment(sold) == ("parked", "market_over")


async def test_the_first_decision_about_a_payment_stands(sold: OrderStage) -> None:
    await deliver(sold, event(amount_total=499))
    await deliver(sold, event(kind=ASYNC_SUCCEEDED))
    assert await bought(sold) == []
    assert await results(sold) == ["parked:amount_mismatch", "duplicate"]


async def test_unpaid_and_other_events_are_noted_and_buy_nothing(sold: OrderStage) -> None:
    await deliver(
        sold,
        event(payment_status="unpaid"),
        event(kind="customer.created", object="customer"),
        event(kind="checkout.session.async_payment_failed"),
    )
    assert await bought(sold) == []
    assert await results(sold) == ["noted"] * 3
    checkout = await sold.database.read(lambda tx: checkouts.by_session(tx, "cs_test_1"))
    assert checkout is not None
    assert checkout.state is CheckoutState.FAILED


async def test_a_delayed_payment_fulfils_when_it_comes(sold: OrderStage) -> None:
    await deliver(sold, event(payment_status="unpaid"))
    await deliver(sold, event(kind=ASYNC_SUCCEEDED))
    assert len(await bought(sold)) == 1


async def test_an_event_that_cannot_be_read_is_closed_visibly(sold: OrderStage) -> None:
    await deliver(
        sold,
        NewEvent(
            source="stripe", external_id="evt_odd", type=COMPLETED, created_at=PAID_AT, payload=b"not JSON"
        ),
    )
    assert await results(sold) == ["unreadable"]
    assert sold.log.named("webhook.unreadable")


async def test_while_the_exchange_is_away_a_payment_waits_longer_and_longer_and_is_then_handled(
    sold: OrderStage,
) -> None:
    sold.exchange.down = True
    await deliver(sold, event())
    waits = []
    for _ in range(9):
        waits.append(float(sold.log.named("webhook.postponed")[-1]["wait_s"]))
        await sold.intake.step()
        assert len(sold.log.named("webhook.postponed")) == len(waits)
        sold.clock.advance(waits[-1])
        await sold.intake.step()
    assert waits == [0.25, 0.5, 1, 2, 4, 8, 16, 30, 30]
    assert await bought(sold) == []
    sold.exchange.down = False
    sold.clock.advance(30)
    await sold.intake.step()
    assert len(await bought(sold)) == 1


async def test_a_duplicate_wakes_a_payment_that_waits(sold: OrderStage) -> None:
    sold.exchange.down = True
    await deliver(sold, event())
    sold.exchange.down = False
    await deliver(sold, event())
    assert len(await bought(sold)) == 1


async def test_a_payment_that_waits_holds_up_no_other(sold: OrderStage) -> None:
    await sold.database.write(lambda tx: put_sold(tx, 2))
    sold.exchange.down = True
    await deliver(sold, event(2))
    sold.exchange.down = False
    await deliver(sold, event(1))
    assert [parlay.session_id for parlay in await bought(sold)] == ["cs_test_1"]


def capped(folder: Path, day: str) -> AbstractAsyncContextManager[OrderStage]:
    return open_order_stage(
        folder,
        LIMITS__MAX_ORDER_DOLLARS="3",
        LIMITS__MAX_PARLAY_HEDGE_DOLLARS="7",
        LIMITS__MAX_DAY_HEDGE_DOLLARS=day,
    )


async def test_the_days_cap_counts_what_is_reserved_and_skips_what_does_not_fit(tmp_path: Path) -> None:
    async with capped(tmp_path, day="10") as stage:
        for ticker in TICKERS:
            stage.exchange.lists(ticker)
        for number in (1, 2):
            await stage.database.write(lambda tx, n=number: put_sold(tx, n))  # type: ignore[misc]
            await deliver(stage, event(number))
        second, first = await bought(stage)
        by_parlay = {
            each.session_id: await stage.database.read(lambda tx, p=each.id: parlays.legs(tx, p))  # type: ignore[misc]
            for each in (first, second)
        }
        assert [leg.skip for leg in by_parlay["cs_test_1"]] == [None, None, None]
        assert [leg.skip for leg in by_parlay["cs_test_2"]] == [None, "day_cap", "day_cap"]
        day = START.replace(hour=0)
        reserved = await stage.database.read(lambda tx: journal.reserved_since(tx, day))
        assert reserved <= Money.of(10)


async def test_yesterdays_reservations_are_not_todays(tmp_path: Path) -> None:
    async with capped(tmp_path, day="7") as stage:
        for ticker in TICKERS:
            stage.exchange.lists(ticker, close_time=START + timedelta(days=9))
        await stage.database.write(lambda tx: put_sold(tx, 1))
        await deliver(stage, event(1))
        await stage.database.write(lambda tx: put_sold(tx, 2))
        stage.clock.advance(12 * 3600)
        await deliver(stage, event(2))
        assert len(await bought(stage)) == 2
        assert await planned(stage) == 6


async def test_a_leg_whose_market_is_paused_is_a_recorded_skip(sold: OrderStage) -> None:
    sold.exchange.found.pop(TICKERS[0])
    await deliver(sold, event())
    (parlay,) = await bought(sold)
    legs = await sold.database.read(lambda tx: parlays.legs(tx, parlay.id))
    assert [leg.skip for leg in legs] == ["market_not_open", None, None]


async def test_an_accepting_that_cannot_be_stored_leaves_everything_as_it_was(sold: OrderStage) -> None:
    await sold.intake.receive(event())
    sold.database.fails["Intake._fulfil"] = 1
    with pytest.raises(StoreUnavailable):
        await sold.intake.step()
    assert await bought(sold) == []
    assert len(await sold.database.read(lambda tx: bets.of_user(tx, USER))) == 3
    await sold.intake.step()
    assert len(await bought(sold)) == 1


async def test_a_new_event_and_a_new_parlay_give_their_nudges(sold: OrderStage) -> None:
    await sold.intake.receive(event())
    await sold.arrived.wait(0)
    await sold.intake.step()
    assert sold.planned._event.is_set()


async def test_fifty_payments_at_once_are_fifty_parlays(sold: OrderStage) -> None:
    numbers = range(2, 52)
    for number in numbers:
        await sold.database.write(lambda tx, n=number: put_sold(tx, n, TICKERS[0]))  # type: ignore[misc]
    await asyncio.gather(*(sold.intake.receive(event(number)) for number in numbers))
    await sold.intake.step()
    count = select(func.count()).select_from(parlay_rows)
    assert await sold.database.read(lambda tx: tx.execute(count).scalar_one()) == 50


async def test_a_payment_taken_in_dry_run_goes_all_the_way_to_a_dry_run_order(sold: OrderStage) -> None:
    await deliver(sold, event())
    await sold.drive()
    (parlay,) = await bought(sold)
    made = await sold.database.read(lambda tx: journal.of_parlay(tx, parlay.id))
    assert {attempt.state for _, attempts in made for attempt in attempts} == {AttemptState.DRY_RUN}
    assert (await sold.summarize())[0]["outcome"] == "dry_run"
    assert len(sold.log.named("order.dry_run")) == 3
    assert sold.exchange.written == []
