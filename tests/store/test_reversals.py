"""An execution booked on a person's word gives way to the exchange's own, as if these had been alone."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from sqlalchemy import create_engine, event, func, select, update

from hedge_service.core.ledger import Account, Position, stake_received
from hedge_service.core.market import BookSide, Side
from hedge_service.core.money import Count, Money, Price
from hedge_service.core.orders import AttemptState
from hedge_service.core.reconcile_views import BY_HAND
from hedge_service.core.report import report
from hedge_service.core.settlement import Ending, VoidRule
from hedge_service.flow import settling
from hedge_service.store import books, exposure_sums, fills, journal, ledger, ops_drill, positions, results
from hedge_service.store import report as report_rows
from hedge_service.store.results import MarketResult
from hedge_service.store.schema import fills as fill_rows
from hedge_service.store.schema import ledger_postings, metadata, order_events, parlays
from tests.store.parlay_samples import NOW, TICKERS, put_attempt, put_state
from tests.store.test_fills_store import executed

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from sqlalchemy.engine import Connection

    from hedge_service.core.venue import VenueFill
    from hedge_service.store.db import Database

MARKET = TICKERS[0]
HELD = Position(side=Side.NO, count=Count.of(2), cost=Money.of("0.61"))
WORD = executed(BY_HAND, "3", price="0.6501", order=BY_HAND)
REAL = (executed("real-1", "2", order="ord-9"), executed("real-2", "1", price="0.64", order="ord-9"))


def resolved(tx: Connection, said: VenueFill | None) -> str:
    """Store an attempt that ended on a person's word, with what was said booked; None: with nothing."""
    attempt = put_state(tx, put_attempt(tx), AttemptState.SENDING)
    key = attempt.client_order_id
    told = {} if said is None else {"fill_centis": said.count.centis, "cost_micros": 1, "fees_micros": 1}
    state = AttemptState.CANCELLED
    journal.moved(tx, attempt, state, at=NOW, event="order.resolved", evidence={}, **told)
    if said is not None:
        take(tx, replace(said, trade_id=f"{BY_HAND}{key}"), key)
    return key


def take(tx: Connection, fill: VenueFill, key: str | None) -> fills.Recount | None:
    owner = None if key is None else fills.owner_of_id(tx, key)
    assert fills.book(tx, fill, owner, NOW)
    return None if key is None else fills.recount(tx, key, NOW)


@contextmanager
def empty_books() -> Iterator[Connection]:
    engine = create_engine("sqlite://", isolation_level=None)
    event.listen(engine, "begin", lambda connection: connection.exec_driver_sql("BEGIN"))
    metadata.create_all(engine)
    with engine.connect() as tx:
        yield tx
    engine.dispose()


@dataclass(frozen=True)
class Story:
    """Other executions before and after the word and after the real ones; None: the market is settled."""

    opened: bool
    before: Sequence[VenueFill]
    between: Sequence[VenueFill | None]
    after: Sequence[VenueFill | None]
    value: str

    def told(self, tx: Connection, said: VenueFill | None) -> dict[str, Any]:
        """Live through it and give what the books come to."""
        books.begin(tx, books.Opening(NOW, Money.ZERO, {MARKET: HELD} if self.opened else {}), NOW)
        self._go_on(tx, "before", self.before)
        key = resolved(tx, said)
        parlay = tx.execute(select(parlays)).one()
        stake = Money(parlay.stake_micros)
        ledger.post(tx, stake_received(session_id=parlay.session_id, parlay_id=parlay.id, stake=stake), NOW)
        self._go_on(tx, "between", self.between)
        for real in REAL:
            take(tx, real, key)
        self._go_on(tx, "after", self.after)
        attempt, settled = journal.get(tx, key), results.booked(tx, MARKET)
        made = report(report_rows.gather(tx, fee_share=Decimal(0), fee_fixed=Money.ZERO))
        assert made.adds_up, [check for check in made.checks if check.difference]
        return {
            "ledger": ledger.balances(tx),
            "held": positions.held(tx, MARKET),
            "attempt": (attempt.filled, attempt.cost, attempt.fees),
            "parlays": [row.figures for row in made.rows],
            "total": made.total,
            # Not its revenue: netted before the settlement or paid by it, a pair comes to the same dollar.
            "settled": (settled.yes, settled.no, settled.fees),
        }

    def _go_on(self, tx: Connection, when: str, happened: Sequence[VenueFill | None]) -> None:
        for number, fill in enumerate(happened):
            if fill is not None:
                take(tx, replace(fill, trade_id=f"{when}-{number}"), None)
                continue
            result = MarketResult(ticker=MARKET, ending=Ending("x", Price.of(self.value)), settled_at=NOW)
            settling.settle(tx, result, VoidRule.REFUND, NOW)


def others() -> st.SearchStrategy[VenueFill]:
    """Give whole contracts at whole cents, so that no settlement is rounded."""
    return st.builds(
        lambda contracts, cents, side: executed("other", str(contracts), price=str(cents / 100), side=side),
        st.integers(1, 6),
        st.integers(1, 99),
        st.sampled_from(BookSide),
    )


def settled_or(fill: st.SearchStrategy[VenueFill]) -> st.SearchStrategy[list[VenueFill | None]]:
    return st.lists(st.one_of(fill, st.none()), max_size=4)


STORIES = st.builds(
    Story,
    opened=st.booleans(),
    before=st.lists(others(), max_size=3),
    between=settled_or(others()),
    after=settled_or(others()),
    value=st.sampled_from(["1", "0", "0.5"]),
)


# Shrinking takes minutes, and the drawn stories are short.
@settings(max_examples=60, deadline=None, phases=(Phase.explicit, Phase.reuse, Phase.generate))
@given(story=STORIES, side=st.sampled_from(BookSide), contracts=st.sampled_from(["0.5", "3", "7"]))
def test_by_hand_reversed_and_real_come_to_the_same_as_real_alone(
    story: Story, side: BookSide, contracts: str
) -> None:
    """Of every account, position, parlay and settlement, wherever sales and results came between."""
    said = replace(WORD, side=side, count=Count.of(contracts))
    with empty_books() as tx:
        reversed_books = story.told(tx, said)
        sums = tx.execute(select(func.sum(ledger_postings.c.micros)).group_by(ledger_postings.c.set_id))
        assert not any(sums.scalars())
    with empty_books() as tx:
        assert reversed_books == story.told(tx, None)


@pytest.mark.parametrize("between", [(), (None,), (executed("o", "3", side=BookSide.ASK), None)])
def test_what_was_sold_or_paid_out_in_between_is_taken_back(between: tuple[VenueFill | None, ...]) -> None:
    """The property reaches these by chance; here they are for certain."""
    story = Story(opened=False, before=(), between=between, after=(), value="1")
    with empty_books() as tx:
        made = story.told(tx, WORD)
    with empty_books() as tx:
        assert made == story.told(tx, None)


async def test_the_first_real_execution_reverses_the_word_and_the_next_is_late(database: Database) -> None:
    def work(tx: Connection) -> tuple[Any, ...]:
        key = resolved(tx, WORD)
        tx.execute(update(parlays).values(revision=1))
        first = take(tx, REAL[0], key)
        between, recalled = journal.get(tx, key), tx.execute(select(parlays.c.figures_changed)).scalar_one()
        second = take(tx, REAL[1], key)
        return key, first, between, recalled, second, journal.get(tx, key)

    key, first, between, recalled, second, last = await database.write(work)
    assert (first.exact, first.late, first.reversed_id) == (True, False, f"{BY_HAND}{key}")
    assert (str(first.before), str(first.after), recalled) == ("3.00", "2.00", True)
    assert (str(between.filled), str(between.cost), str(between.fees)) == ("2.00", "1.30", "0.07")
    assert (second.late, second.reversed_id) == (True, None)
    assert (str(last.filled), str(last.cost), str(last.fees)) == ("3.00", "1.94", "0.14")
    events = await database.read(lambda tx: list(tx.execute(select(order_events.c.event)).scalars()))
    assert events[-2:] == ["order.word_reversed", "order.filled_late"]


async def test_a_word_gives_way_at_once_to_executions_that_are_booked_already(database: Database) -> None:
    def work(tx: Connection) -> tuple[Any, ...]:
        attempt = put_state(tx, put_attempt(tx), AttemptState.SENDING)
        key = attempt.client_order_id
        for real in REAL:
            take(tx, real, key)
        told = {"fill_centis": 300, "cost_micros": 1, "fees_micros": 1}
        state = AttemptState.CANCELLED
        journal.moved(tx, attempt, state, at=NOW, event="order.resolved", evidence={}, **told)
        take(tx, replace(WORD, trade_id=f"{BY_HAND}{key}"), key)
        return journal.get(tx, key), ledger.balances(tx)

    attempt, sums = await database.write(work)
    assert (str(attempt.filled), str(attempt.cost)) == ("3.00", "1.94")
    assert str(sums[Account.EXCHANGE_CASH]) == "-2.08"


async def test_the_row_stays_as_history_and_counts_nowhere(database: Database) -> None:
    def work(tx: Connection) -> tuple[Any, ...]:
        key = resolved(tx, WORD)
        for real in REAL:
            take(tx, real, key)
        marks = select(fill_rows.c.trade_id).where(fill_rows.c.reversed_ms.is_not(None))
        parlay = fills.owner_of_id(tx, key)
        assert parlay is not None
        covered = tx.execute(select(exposure_sums._covered(()).c.micros)).scalar_one()
        shown = ops_drill._fills(tx, parlay.parlay_id)
        return key, list(tx.execute(marks).scalars()), covered, shown, ledger.of_parlay(tx, parlay.parlay_id)

    key, marked, covered, shown, own = await database.write(work)
    assert marked == [f"{BY_HAND}{key}"]
    assert Money(covered) == Money.of(3)
    assert {one.trade_id: one.reversed_at for one in shown} == {
        f"{BY_HAND}{key}": NOW,
        "real-1": None,
        "real-2": None,
    }
    assert (str(own[Account.POSITIONS]), str(own[Account.EXCHANGE_FEES])) == ("1.94", "0.14")
