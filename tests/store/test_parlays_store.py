"""Parlays, what is owed on them, and their summaries."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

from sqlalchemy import update

from hedge_service.core.money import Money
from hedge_service.core.parlay import CheckoutState
from hedge_service.store import checkouts, journal, journal_sets, parlays, payments
from hedge_service.store.payments import Payment, PaymentState
from hedge_service.store.schema import parlays as table
from tests.store.parlay_samples import NOW, USER, intent_of, parlay_of, put_parlay, put_sold

if TYPE_CHECKING:
    from sqlalchemy.engine import Connection

    from hedge_service.store.db import Database

LATER = NOW + timedelta(seconds=1)


def won(tx: Connection, parlay_id: str) -> None:
    tx.execute(update(table).where(table.c.id == parlay_id).values(state="won"))


async def test_a_parlay_and_its_legs_come_back_as_they_were_sold(database: Database) -> None:
    def work(tx: Connection) -> None:
        parlay = put_parlay(tx)
        assert parlays.get(tx, parlay.id) == parlay
        assert parlays.by_session(tx, parlay.session_id) == parlay
        assert parlays.get(tx, "par_none") is None
        legs = parlays.legs(tx, parlay.id)
        assert [leg.leg for leg in legs] == [1, 2, 3]
        assert all(leg.bet.user_id == USER and leg.skip is None and leg.settled_at is None for leg in legs)

    await database.write(work)


async def test_a_session_and_a_quote_make_one_parlay_each(database: Database) -> None:
    def work(tx: Connection) -> None:
        first = put_parlay(tx, 1)
        quote, _ = put_sold(tx, 2)
        same_quote = replace(first, id="par_2", session_id="cs_other")
        same_session = replace(parlay_of(quote, 2), session_id=first.session_id)
        assert [parlays.put(tx, each) for each in (first, same_quote, same_session)] == [False] * 3
        assert parlays.put(tx, parlay_of(quote, 2))

    await database.write(work)


async def test_a_users_parlays_come_newest_first(database: Database) -> None:
    def work(tx: Connection) -> None:
        made = [put_parlay(tx, number).id for number in (1, 2, 3)]
        assert [parlay.id for parlay in parlays.of_user(tx, USER)] == made[::-1]
        assert parlays.of_user(tx, "somebody") == ()

    await database.write(work)


async def test_a_claim_pays_once_under_any_concurrency(database: Database) -> None:
    parlay = await database.write(put_parlay)
    assert not await database.write(lambda tx: parlays.claim(tx, parlay.id, NOW))
    await database.write(lambda tx: won(tx, parlay.id))
    paid = await asyncio.gather(
        *(database.write(lambda tx: parlays.claim(tx, parlay.id, NOW)) for _ in range(10))
    )
    assert sum(paid) == 1
    assert await database.read(lambda tx: parlays.claimed(tx, USER)) == parlay.payout
    assert await database.read(lambda tx: parlays.claimed(tx, "somebody")) == Money.ZERO


async def test_what_may_be_owed_counts_open_parlays_and_checkouts_that_may_still_be_paid(
    database: Database,
) -> None:
    def work(tx: Connection) -> None:
        assert parlays.open_payout(tx, NOW) == Money.ZERO
        _, checkout = put_sold(tx, 1)
        assert parlays.open_payout(tx, NOW) == Money.of(30)
        assert parlays.open_payout(tx, checkout.session_expires_at) == Money.ZERO
        quote, paid = put_sold(tx, 2)
        parlays.put(tx, parlay_of(quote, 2))
        checkouts.moved(tx, paid.reference, CheckoutState.PAID, session_id="cs_test_2")
        assert parlays.open_payout(tx, NOW) == Money.of(60)
        tx.execute(update(table).values(state="lost"))
        assert parlays.open_payout(tx, NOW) == Money.of(30)

    await database.write(work)


async def test_a_summary_is_a_revision_only_when_it_says_something_new(database: Database) -> None:
    def work(tx: Connection) -> None:
        parlay = put_parlay(tx)
        said = [
            parlays.summarized(tx, parlay.id, {"orders_total": total}, outcome, NOW)
            for total, outcome in ((1, "unknown"), (1, "unknown"), (2, "executed"), (2, "executed"))
        ]
        assert said == [1, None, 2, None]
        after = parlays.get(tx, parlay.id)
        assert after is not None
        assert (after.outcome, after.revision) == ("executed", 2)

    await database.write(work)


async def test_a_summary_is_waiting_to_be_told_until_it_is_marked(database: Database) -> None:
    def work(tx: Connection) -> None:
        parlay = put_parlay(tx)
        parlays.summarized(tx, parlay.id, {"orders_total": 1}, "unknown", NOW)
        parlays.summarized(tx, parlay.id, {"orders_total": 2}, "executed", LATER)
        waiting = parlays.unemitted(tx, 10)
        assert [(of.id, revision, figures, at) for of, revision, figures, at in waiting] == [
            (parlay.id, 1, {"orders_total": 1}, NOW),
            (parlay.id, 2, {"orders_total": 2}, LATER),
        ]
        parlays.emitted(tx, parlay.id, 1, LATER)
        assert [revision for _, revision, _, _ in parlays.unemitted(tx, 10)] == [2]

    await database.write(work)


async def test_a_summary_may_change_while_an_intent_is_open_or_anything_is_unknown(
    database: Database,
) -> None:
    def work(tx: Connection) -> None:
        parlay = put_parlay(tx)
        assert parlays.unsettled(tx, 10) == (parlay.id,)
        parlays.summarized(tx, parlay.id, {"n": 1}, "executed", NOW)
        assert parlays.unsettled(tx, 10) == ()
        intent = intent_of(parlay)
        journal.put_intent(tx, intent)
        assert parlays.unsettled(tx, 10) == (parlay.id,)
        journal_sets.end(tx, [(intent.id, "filled")], NOW)
        # What was told before this end may be out of date: it is made once more, then it stands.
        assert parlays.unsettled(tx, 10) == (parlay.id,)
        parlays.summarized(tx, parlay.id, {"n": 1}, "executed", NOW)
        assert parlays.unsettled(tx, 10) == ()
        parlays.summarized(tx, parlay.id, {"n": 2}, "unknown", NOW)
        assert parlays.unsettled(tx, 10) == (parlay.id,)

    await database.write(work)


async def test_unsettled_parlays_are_all_seen_page_by_page(database: Database) -> None:
    def work(tx: Connection) -> None:
        made = {put_parlay(tx, number).id for number in range(1, 6)}
        seen: list[str] = []
        while page := parlays.unsettled(tx, 2, seen[-1] if seen else ""):
            seen += page
        assert len(seen) == 5
        assert set(seen) == made

    await database.write(work)


async def test_the_first_decision_about_a_payment_stands(database: Database) -> None:
    accepted = Payment(
        session_id="cs_1",
        quote_id=None,
        event_id="evt_1",
        payment_intent=None,
        amount_cents=500,
        currency="usd",
        paid_at=NOW,
        state=PaymentState.ACCEPTED,
    )
    parked = replace(accepted, state=PaymentState.PARKED, reason="amount_mismatch")

    def work(tx: Connection) -> None:
        assert payments.state_of(tx, "cs_1") is None
        assert payments.put(tx, accepted, NOW)
        assert not payments.put(tx, parked, LATER)
        assert payments.state_of(tx, "cs_1") is PaymentState.ACCEPTED

    await database.write(work)
