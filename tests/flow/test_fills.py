"""Every execution is booked once, and the books' cash is the exchange's to the micro-dollar."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from hedge_service.core.ledger import Account
from hedge_service.core.money import Money
from tests.flow.money_stage import open_money
from tests.system.extension import BOS, BTC, SEA, WARM

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from tests.flow.money_stage import MoneyStage


@pytest.fixture
async def money(tmp_path: Path) -> AsyncIterator[MoneyStage]:
    async with open_money(tmp_path) as opened:
        yield opened


async def check_books(money: MoneyStage) -> None:
    """Fail unless cash, positions and every check come to agree with the exchange's own book."""

    async def booked() -> bool:
        return (await money.balances())[Account.EXCHANGE_CASH] == money.cash_change

    # An execution is booked a moment after its order's end.
    await money.until(booked)
    assert await money.ours() == money.theirs()
    made = await money.report()
    assert made.adds_up, [check for check in made.checks if check.difference]


def foreign(ticker: str, name: str, *, side: str = "bid", price: str = "0.6900", count: str = "2.00") -> Any:
    """Give an order that no request of the service made."""
    return {
        "ticker": ticker,
        "client_order_id": name,
        "side": side,
        "count": count,
        "price": price,
        "time_in_force": "immediate_or_cancel",
        "self_trade_prevention_type": "taker_at_cross",
    }


async def test_the_ledgers_cash_is_the_exchanges_cash_change(money: MoneyStage) -> None:
    parlay = await money.service.bought(SEA, BOS, WARM)
    await money.service.summary(parlay, outcome="executed")
    rows = await money.booked(2)
    assert {row["parlay_id"] for row in rows} == {parlay}
    assert money.cash_change < Money.ZERO
    await check_books(money)


async def test_the_first_summary_has_the_executions_own_figures(money: MoneyStage) -> None:
    parlay = await money.service.bought(SEA, BOS, WARM)
    summary = await money.service.summary(parlay)
    rows = await money.fills()
    assert summary["fees_dollars"] == str(Money(sum(row["fee_micros"] for row in rows)))
    assert summary["cost_dollars"] == str(Money(sum(row["cost_micros"] for row in rows)))


async def test_opposite_hedges_of_two_parlays_net_and_the_books_stay_equal(tmp_path: Path) -> None:
    async with open_money(tmp_path, HEDGING__STRATEGY="delta", HEDGING__CONTRACT_STEP="0.01") as money:
        first = await money.service.bought(WARM)
        await money.service.summary(first, outcome="executed")
        money.service.extension.saved.clear()
        session = await money.service.sold(WARM, side="no")
        await money.service.sandbox.pay(session)
        await money.service.events.wait("hedge.summarized", count=2, outcome="executed")
        rows = await money.booked(2)
        assert {row["side"] for row in rows} == {"yes", "no"}
        await check_books(money)
        # An outsider's order on our account turns what is left over.
        money.service.sandbox.place(foreign(WARM, "other-1", side="ask", price="0.0100", count="50.00"))
        await money.booked(3)
        await check_books(money)
        assert (await money.balances())[Account.TRADING] != Money.ZERO


@pytest.mark.parametrize("precision", [100, 10_000])
async def test_rounded_fees_of_fractions_on_fine_prices_are_booked_exactly(
    tmp_path: Path, precision: int
) -> None:
    async with open_money(
        tmp_path, HEDGING__STRATEGY="delta", HEDGING__CONTRACT_STEP="0.01", LIMITS__MAX_ORDER_DOLLARS="150"
    ) as money:
        await money.service.sandbox.control("exchange/settings", balance_precision_micros=precision)
        parlay = await money.service.bought(BTC, WARM, stake=7.31)
        await money.service.summary(parlay)
        await money.booked(2)
        await check_books(money)


async def test_an_execution_told_twice_is_booked_once(money: MoneyStage) -> None:
    await money.service.sandbox.fault("fills_twice", times=None)
    parlay = await money.service.bought(WARM)
    await money.service.summary(parlay)
    await money.service.events.one("fill.booked")
    assert len(await money.fills()) == 1
    await check_books(money)


async def test_executions_of_others_count_in_the_position_and_belong_to_no_parlay(money: MoneyStage) -> None:
    money.service.sandbox.place(foreign(WARM, "other-1"))
    [row] = await money.booked(1)
    assert (row["parlay_id"], row["client_order_id"]) == (None, None)
    await check_books(money)


async def test_many_small_pages_are_all_read(money: MoneyStage) -> None:
    await money.service.sandbox.control("exchange/settings", page_limit=1)
    for number in range(5):
        money.service.sandbox.place(foreign(WARM, f"other-{number}", count="1.00"))
    await money.booked(5)
    await check_books(money)


async def test_an_order_whose_reply_was_lost_is_booked_once_to_its_parlay(money: MoneyStage) -> None:
    await money.service.sandbox.fault("reply_lost_after_accept")
    parlay = await money.service.bought(WARM)
    await money.service.summary(parlay, outcome="executed")
    rows = await money.booked(1)
    assert [row["parlay_id"] for row in rows] == [parlay]
    await check_books(money)


async def test_executions_that_can_not_be_read_at_first_are_booked_later(money: MoneyStage) -> None:
    route = "GET /portfolio/fills"
    await money.service.sandbox.fault("server_error_before_accept", route=route, times=None)
    parlay = await money.service.bought(WARM)
    await money.service.events.one("fills.unreadable")
    await money.service.sandbox.control("exchange/faults", "DELETE")
    await money.booked(1)
    assert [row["parlay_id"] for row in await money.fills()] == [parlay]
    await check_books(money)


async def test_stripes_fee_is_booked_once_it_is_told(money: MoneyStage) -> None:
    await money.service.bought(WARM)
    told = await money.service.events.one("payment.fee_booked")
    assert told["fee_dollars"] == "0.45"
    assert str((await money.balances())[Account.STRIPE]) == "4.55"
    assert str((await money.balances())[Account.STRIPE_FEES]) == "0.45"
