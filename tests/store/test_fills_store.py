"""Executions in rows: mark, ledger set, position and the attempt's figures in one commit."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import func, select, update

from hedge_service.core.ledger import Account, Position
from hedge_service.core.market import BookSide, Side
from hedge_service.core.money import Count, Money, Price
from hedge_service.core.orders import AttemptState
from hedge_service.core.venue import VenueFill
from hedge_service.store import books, fills, journal, journal_sets, ledger, positions
from hedge_service.store.schema import (
    attempts,
    intents,
    ledger_sets,
    market_results,
    order_events,
    parlays,
)
from tests.store.parlay_samples import TICKERS, put_attempt, put_state

if TYPE_CHECKING:
    from sqlalchemy.engine import Connection

    from hedge_service.core.journal import Attempt
    from hedge_service.store.db import Database

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)


def executed(
    trade: str,
    count: str = "4",
    *,
    side: BookSide = BookSide.BID,
    price: str = "0.65",
    order: str = "order-1",
) -> VenueFill:
    return VenueFill(
        trade_id=trade,
        order_id=order,
        ticker=TICKERS[0],
        side=side,
        count=Count.of(count),
        yes_price=Price.of(price),
        fee=Money.of("0.07"),
        is_taker=True,
        created_time=NOW,
        subaccount=0,
        exchange_index=0,
    )


def accepted(tx: Connection, state: AttemptState, filled: str) -> Attempt:
    """Store an attempt that the exchange took; its cost is what the reply's average came to."""
    sending = put_state(tx, put_attempt(tx), AttemptState.SENDING)
    columns = {
        "order_id": "order-1",
        "fill_centis": Count.of(filled).centis,
        "cost_micros": 1,
        "fees_micros": 1,
    }
    return journal.moved(tx, sending, state, at=NOW, event="order.accepted", evidence={}, **columns)


def take(tx: Connection, fill: VenueFill, attempt: Attempt | None) -> fills.Recount | None:
    owner = None if attempt is None else fills.owner_of_id(tx, attempt.client_order_id)
    assert fills.book(tx, fill, owner, NOW)
    return None if attempt is None else fills.recount(tx, attempt.client_order_id, NOW)


async def test_a_trade_is_booked_once(database: Database) -> None:
    def twice(tx: Connection) -> tuple[bool, bool, int]:
        first, second = (fills.book(tx, executed("t1"), None, NOW) for _ in range(2))
        return first, second, tx.execute(select(func.count()).select_from(ledger_sets)).scalar_one()

    assert await database.write(twice) == (True, False, 1)
    held = await database.read(lambda tx: positions.held(tx, TICKERS[0]))
    assert held == Position(side=Side.YES, count=Count.of(4), cost=Money.of("2.60"))


async def test_the_attempts_figures_become_those_of_its_executions(database: Database) -> None:
    def work(tx: Connection) -> tuple[Any, ...]:
        attempt = accepted(tx, AttemptState.FILLED, "10")
        half = take(tx, executed("t1"), attempt)
        waiting = fills.unbooked(tx, 10)
        whole = take(tx, executed("t2", "6", price="0.66"), attempt)
        return half, waiting, whole, fills.unbooked(tx, 10), journal.get(tx, attempt.client_order_id)

    half, waiting, whole, over, attempt = await database.write(work)
    assert (half.exact, whole.exact, whole.late) == (False, True, False)
    assert [one.order_id for one in waiting] == ["order-1"]
    assert over == ()
    assert (str(attempt.cost), str(attempt.fees)) == ("6.56", "0.14")


async def test_a_fill_of_an_order_at_its_end_is_booked_and_told_but_moves_no_state(
    database: Database,
) -> None:
    def work(tx: Connection) -> tuple[Any, ...]:
        attempt = accepted(tx, AttemptState.CANCELLED, "4")
        take(tx, executed("t1"), attempt)
        late = take(tx, executed("t2", "2"), attempt)
        event = tx.execute(select(order_events.c.event).order_by(order_events.c.id.desc()).limit(1)).scalar()
        return late, journal.get(tx, attempt.client_order_id), event, ledger.balances(tx)

    late, attempt, event, sums = await database.write(work)
    assert (late.late, str(late.before), str(late.after)) == (True, "4.00", "6.00")
    assert (attempt.state, str(attempt.filled)) == (AttemptState.CANCELLED, "6.00")
    assert event == "order.filled_late"
    assert str(sums[Account.POSITIONS]) == "3.90"


async def test_executions_of_all_that_was_ordered_end_an_order_that_rested(database: Database) -> None:
    def work(tx: Connection) -> tuple[Any, ...]:
        attempt = accepted(tx, AttemptState.RESTING, "0")
        first = take(tx, executed("t1"), attempt)
        between = journal.get(tx, attempt.client_order_id)
        last = take(tx, executed("t2", "6"), attempt)
        return first, between, last, journal.get(tx, attempt.client_order_id)

    first, between, last, attempt = await database.write(work)
    assert (first.filled, between.state, str(between.filled)) == (False, AttemptState.RESTING, "4.00")
    assert (last.filled, attempt.state) == (True, AttemptState.FILLED)


@pytest.mark.parametrize("state", [AttemptState.SENDING, AttemptState.UNKNOWN])
async def test_a_doubt_is_not_ended_by_executions_but_they_are_booked(
    database: Database, state: AttemptState
) -> None:
    def work(tx: Connection) -> tuple[Any, ...]:
        attempt = put_state(tx, put_attempt(tx), AttemptState.SENDING)
        if state is AttemptState.UNKNOWN:
            attempt = put_state(tx, attempt, state)
        recount = take(tx, executed("t1"), attempt)
        return recount, journal.get(tx, attempt.client_order_id), positions.held(tx, TICKERS[0])

    recount, attempt, held = await database.write(work)
    assert not recount.exact
    assert (attempt.state, attempt.filled) == (state, Count.ZERO)
    assert held.count == Count.of(4)


async def test_an_ended_intent_counts_what_its_executions_cost(database: Database) -> None:
    def work(tx: Connection) -> int:
        attempt = accepted(tx, AttemptState.FILLED, "10")
        journal_sets.end(tx, [(attempt.intent_id, "filled")], NOW)
        take(tx, executed("t1", "10"), attempt)
        kept = select(intents.c.reserved_micros).where(intents.c.id == attempt.intent_id)
        return int(tx.execute(kept).scalar_one())

    assert Money(await database.write(work)) == Money.of("6.57")


async def test_a_told_summary_is_made_again_when_figures_change(database: Database) -> None:
    def work(tx: Connection) -> tuple[bool, bool]:
        attempt = accepted(tx, AttemptState.FILLED, "10")
        flag = select(parlays.c.figures_changed)
        take(tx, executed("t1"), attempt)
        before = tx.execute(flag).scalar_one()
        tx.execute(update(parlays).values(revision=1))
        take(tx, executed("t2", "6"), attempt)
        return before, tx.execute(flag).scalar_one()

    assert await database.write(work) == (False, True)


async def test_more_executions_than_were_ordered_are_all_in_the_position(database: Database) -> None:
    def work(tx: Connection) -> tuple[Any, ...]:
        attempt = accepted(tx, AttemptState.FILLED, "10")
        recount = take(tx, executed("t1", "12"), attempt)
        return recount, journal.get(tx, attempt.client_order_id), positions.held(tx, TICKERS[0])

    recount, attempt, held = await database.write(work)
    assert (recount.late, str(attempt.filled), str(held.count)) == (True, "10.00", "12.00")


async def test_an_execution_told_after_its_markets_settlement_is_paid_out_at_once(database: Database) -> None:
    def work(tx: Connection) -> tuple[Any, ...]:
        tx.execute(
            market_results.insert().values(
                ticker=TICKERS[0], result="yes", value_micros=1_000_000, settled_ms=1, compared_ms=2
            )
        )
        fills.book(tx, executed("t1"), None, NOW)
        compared = tx.execute(select(market_results.c.compared_ms)).scalar()
        return positions.held(tx, TICKERS[0]), ledger.balances(tx), compared

    held, sums, compared = await database.write(work)
    assert (held, compared) == (None, None)
    assert str(sums[Account.EXCHANGE_CASH]) == "1.33"  # 4.00 - 2.60 - 0.07
    assert sums[Account.POSITIONS] == Money.ZERO


async def test_the_books_begin_once_with_what_was_there(database: Database) -> None:
    held = {TICKERS[0]: Position(side=Side.NO, count=Count.of("2.5"), cost=Money.of("0.9"))}
    start = books.Opening(NOW, Money.of(100), held)

    def work(tx: Connection) -> tuple[Any, ...]:
        begun = books.begin(tx, start, NOW)
        again = books.begin(tx, books.Opening(NOW, Money.of(5), {}), NOW)
        return begun, again, books.opening(tx), positions.everything(tx), ledger.balances(tx)

    begun, again, opening, now_held, sums = await database.write(work)
    assert (begun, again, opening, now_held) == (True, False, start, held)
    assert (str(sums[Account.POSITIONS]), str(sums[Account.BANK])) == ("0.90", "-0.90")


async def test_an_attempt_without_executions_has_nothing_to_book(database: Database) -> None:
    def work(tx: Connection) -> tuple[Any, ...]:
        attempt = accepted(tx, AttemptState.CANCELLED, "0")
        rows = tx.execute(select(attempts.c.booked_centis)).scalar_one()
        return fills.unbooked(tx, 10), rows, fills.owner_of_order(tx, "order-1"), attempt

    waiting, booked, owner, attempt = await database.write(work)
    assert (waiting, booked) == ((), 0)
    assert owner is not None
    assert owner.client_order_id == attempt.client_order_id
