"""Final results, what waits for them, and what they do to legs and parlays."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import select

from hedge_service.core.ledger import Position, market_settled
from hedge_service.core.market import BookSide, MarketStatus, Side
from hedge_service.core.money import Count, Money, Price
from hedge_service.core.settlement import Ending, ParlayState
from hedge_service.core.venue import VenueFill
from hedge_service.store import books, fills, ledger, parlays, positions, results
from hedge_service.store.results import MarketResult
from hedge_service.store.schema import market_results
from tests.store.parlay_samples import NOW, TICKERS, put_parlay

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from sqlalchemy.engine import Connection

    from hedge_service.store.db import Database

SEA, BOS, NYY = TICKERS
LATER = NOW + timedelta(hours=1)
HELD = Position(side=Side.YES, count=Count.of(3), cost=Money.of("1.95"))


def result(ticker: str = SEA, value: str = "1", word: str = "yes") -> MarketResult:
    return MarketResult(ticker=ticker, ending=Ending(word, Price.of(value)), settled_at=NOW)


def fill(number: int, count: str, side: BookSide = BookSide.BID) -> VenueFill:
    return VenueFill(
        trade_id=f"trade-{number}",
        order_id="order-1",
        ticker=SEA,
        side=side,
        count=Count.of(count),
        yes_price=Price.of("0.65"),
        fee=Money.of("0.016"),
        is_taker=True,
        created_time=NOW,
        subaccount=0,
        exchange_index=0,
    )


def settled(ticker: str = SEA, at: datetime = NOW) -> Callable[[Connection], None]:
    def work(tx: Connection) -> None:
        results.put(tx, result(ticker))
        ledger.post(tx, market_settled(ticker=ticker, held=HELD, value=Price.of(1)), at)

    return work


async def test_the_first_result_of_a_market_stands(database: Database) -> None:
    assert await database.write(lambda tx: results.put(tx, result()))
    assert not await database.write(lambda tx: results.put(tx, result(value="0", word="no")))
    assert await database.read(lambda tx: results.get(tx, SEA)) == result()
    assert await database.read(lambda tx: results.get(tx, BOS)) is None


async def test_markets_of_unsettled_legs_and_of_positions_are_asked_about_once_each(
    database: Database,
) -> None:
    await database.write(put_parlay)
    await database.write(lambda tx: positions.put(tx, SEA, HELD))
    await database.write(lambda tx: positions.put(tx, "KXZ-1-OLD", HELD))
    assert await database.read(results.unresolved) == tuple(sorted((*TICKERS, "KXZ-1-OLD")))
    assert await database.read(results.resolvable) == ()


async def test_a_market_with_a_result_is_not_asked_about_but_settled_from_it(database: Database) -> None:
    await database.write(put_parlay)
    await database.write(lambda tx: results.put(tx, result()))
    assert await database.read(results.unresolved) == (BOS, NYY)
    assert await database.read(results.resolvable) == (SEA,)
    assert await database.write(lambda tx: results.settle_legs(tx, result(), LATER)) == 1
    assert await database.read(results.resolvable) == ()


async def test_a_check_shows_on_legs_that_wait_and_on_no_settled_one(database: Database) -> None:
    parlay = await database.write(put_parlay)
    await database.write(lambda tx: results.settle_legs(tx, result(), NOW))
    asked = [(SEA, MarketStatus.DISPUTED), (BOS, MarketStatus.DETERMINED)]
    await database.write(lambda tx: results.checked(tx, asked, LATER))
    first, second, third = await database.read(lambda tx: parlays.legs(tx, parlay.id))
    assert (first.market_status, first.checked_at, first.paid) == ("finalized", NOW, Price.of(1))
    assert (second.market_status, second.checked_at, second.paid) == ("determined", LATER, None)
    assert (third.market_status, third.checked_at) == (None, None)


async def test_legs_are_settled_once(database: Database) -> None:
    await database.write(put_parlay)
    assert await database.write(lambda tx: results.settle_legs(tx, result(), NOW)) == 1
    assert await database.write(lambda tx: results.settle_legs(tx, result(value="0"), NOW)) == 0


async def test_parlays_with_a_settled_leg_wait_for_a_verdict_until_they_have_one(database: Database) -> None:
    parlay = await database.write(put_parlay)
    assert await database.read(results.undecided) == ()
    await database.write(lambda tx: results.settle_legs(tx, result(), NOW))
    assert await database.read(results.undecided) == (parlay.id,)
    assert await database.read(lambda tx: results.undecided(tx, SEA)) == (parlay.id,)
    assert await database.read(lambda tx: results.undecided(tx, BOS)) == ()
    assert await database.write(lambda tx: results.decide(tx, parlay.id, ParlayState.LOST))
    assert await database.read(results.undecided) == ()


@pytest.mark.parametrize("first", [ParlayState.WON, ParlayState.LOST, ParlayState.VOID])
async def test_an_ended_parlay_never_moves(database: Database, first: ParlayState) -> None:
    parlay = await database.write(put_parlay)
    assert await database.write(lambda tx: results.decide(tx, parlay.id, first))
    ends = (ParlayState.WON, ParlayState.LOST, ParlayState.VOID)
    moved = await database.write(lambda tx: [results.decide(tx, parlay.id, state) for state in ends])
    assert moved == [False, False, False]
    found = await database.read(lambda tx: parlays.get(tx, parlay.id))
    assert found is not None
    assert found.state == first


async def test_a_settlement_is_compared_once_it_is_quiet_and_booked(database: Database) -> None:
    await database.write(lambda tx: results.put(tx, result(BOS)))
    await database.write(settled())
    early = NOW - timedelta(seconds=1)
    assert await database.read(lambda tx: results.uncompared(tx, early)) == ()
    assert await database.read(lambda tx: results.uncompared(tx, NOW)) == (result(),)
    paid = {"paid": Money.of(3), "fees": Money.of("0.05")}
    await database.write(lambda tx: results.compared(tx, SEA, LATER, **paid))
    assert await database.read(lambda tx: results.uncompared(tx, LATER)) == ()
    kept = select(market_results.c.paid_micros, market_results.c.paid_fees_micros)
    row = await database.read(lambda tx: tx.execute(kept.where(market_results.c.ticker == SEA)).one())
    assert tuple(row) == (3_000_000, 50_000)


async def test_a_late_fill_makes_a_settlement_worth_comparing_again(database: Database) -> None:
    await database.write(settled())
    await database.write(lambda tx: results.compared(tx, SEA, LATER))
    await database.write(lambda tx: fills.book(tx, fill(1, "2"), None, LATER))
    assert await database.read(lambda tx: results.uncompared(tx, LATER)) == (result(),)


async def test_what_was_held_is_the_net_of_all_fills_however_late(database: Database) -> None:
    await database.write(lambda tx: fills.book(tx, fill(1, "5"), None, NOW))
    await database.write(lambda tx: fills.book(tx, fill(2, "7.5", BookSide.ASK), None, NOW))
    booked = await database.read(lambda tx: results.booked(tx, SEA))
    assert (booked.yes, booked.no) == (Count.ZERO, Count.of("2.5"))
    assert (booked.fees, booked.revenue, booked.opened) == (Money.of("0.032"), Money.ZERO, False)


async def test_contracts_from_before_the_books_are_known_as_such(database: Database) -> None:
    start = books.Opening(NOW, Money.of(100), {SEA: HELD})
    await database.write(lambda tx: books.begin(tx, start, NOW))
    await database.write(settled())
    booked = await database.read(lambda tx: results.booked(tx, SEA))
    assert (booked.opened, booked.held, booked.revenue) == (True, True, Money.of(3))
