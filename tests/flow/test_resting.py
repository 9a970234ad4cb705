"""Orders that rest: followed all together, cancelled in time, never doubled."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hedge_service.core.orders import AttemptState
from hedge_service.sandbox.exchange.faults import FaultKind
from hedge_service.store import journal
from tests.flow.money_stage import open_money
from tests.flow.test_fills import check_books
from tests.system.extension import BOS, WARM

if TYPE_CHECKING:
    from pathlib import Path

    from tests.flow.money_stage import MoneyStage

GTC = {"HEDGING__TIME_IN_FORCE": "good_till_canceled", "HEDGING__REST_S": "1", "HEDGING__MAX_ATTEMPTS": "1"}
PATIENT = {**GTC, "HEDGING__REST_S": "60"}


async def rests(money: MoneyStage, *tickers: str) -> str:
    """Buy a parlay whose orders find one contract offered each, and so rest with the others."""
    for ticker, no_bid in zip(tickers, ("0.3500", "0.4800"), strict=False):
        await money.service.sandbox.control("exchange/market", ticker=ticker, no_bids=[(no_bid, "1.00")])
    parlay = await money.service.bought(*tickers)
    await money.service.events.wait("order.accepted", count=1, state="resting")
    return parlay


async def trade(money: MoneyStage, count: str) -> None:
    [order] = money.service.sandbox.orders()
    await money.service.sandbox.control("exchange/trade", order_id=order["order_id"], count=count)


async def states(money: MoneyStage, parlay: str) -> list[AttemptState]:
    found = await money.read(lambda tx: journal.of_parlay(tx, parlay))
    return [attempt.state for _, attempts in found for attempt in attempts]


async def test_an_order_that_rests_is_cancelled_when_its_time_is_over(tmp_path: Path) -> None:
    async with open_money(tmp_path, **GTC) as money:
        parlay = await rests(money, WARM)
        summary = await money.service.summary(parlay, outcome="partial", orders_accepted=1)
        await money.service.events.one("order.cancel_sent", reduced_by="2.00")
        await money.until(lambda: _is(money, parlay, AttemptState.CANCELLED))
        assert summary["contracts_filled"] == "1.00"
        [order] = money.service.sandbox.orders()
        assert (order["status"], order["time_in_force"]) == ("canceled", "good_till_canceled")
        await money.booked(1)
        await check_books(money)


async def test_what_fills_while_it_rests_is_booked_as_it_comes(tmp_path: Path) -> None:
    async with open_money(tmp_path, **PATIENT) as money:
        parlay = await rests(money, WARM)
        await trade(money, "1.00")
        await money.booked(2)
        assert await states(money, parlay) == [AttemptState.RESTING]
        await check_books(money)
        await trade(money, "1.00")
        await money.until(lambda: _is(money, parlay, AttemptState.FILLED))
        await money.service.summary(parlay, outcome="executed", contracts_filled="3.00")
        await check_books(money)


async def test_one_list_read_tells_of_all_resting_orders(tmp_path: Path) -> None:
    async with open_money(tmp_path, **PATIENT) as money:
        await rests(money, WARM, BOS)
        await money.service.events.wait("order.accepted", count=2)
        mark = len(money.service.sandbox.wire)

        async def twice() -> bool:
            return len(_reads(money, mark, "/portfolio/orders", status="resting")) >= 2

        await money.until(twice)
        singles = [one for one in money.service.sandbox.wire[mark:] if "/portfolio/orders/" in one.path]
        assert singles == []


async def test_a_cancel_that_finds_the_order_filled_books_the_fills(tmp_path: Path) -> None:
    async with open_money(tmp_path, **GTC) as money:
        # Reads go on showing it as resting and without fills: the cancel is sent, and answered with 404. None
        # comes through before the trade, however long that takes.
        faults = money.service.sandbox.sandbox.exchange.faults.faults
        route = "DELETE /portfolio/events/orders/.*"
        await money.service.sandbox.fault("reset_before_accept", route=route, times=None)
        parlay = await rests(money, WARM)
        await money.booked(1)
        await money.service.sandbox.fault("stale_status", times=None)
        await money.service.sandbox.fault("server_error_before_accept", route="GET .*/fills", times=None)
        await trade(money, "2.00")
        await money.service.sandbox.until(lambda: faults[0].taken > 0)
        faults[:] = [fault for fault in faults if fault.kind is not FaultKind.RESET_BEFORE_ACCEPT]
        await money.service.events.one("order.cancel_sent", reduced_by=None)
        assert await states(money, parlay) == [AttemptState.RESTING]
        await money.service.sandbox.control("exchange/faults", "DELETE")
        await money.until(lambda: _is(money, parlay, AttemptState.FILLED))
        await check_books(money)


async def test_a_cancel_without_an_answer_ends_nothing_until_the_order_is_read(tmp_path: Path) -> None:
    async with open_money(tmp_path, **GTC) as money:
        parlay = await rests(money, WARM)
        route = "DELETE /portfolio/events/orders/.*"
        await money.service.sandbox.fault("reply_lost_after_accept", route=route, times=None)
        await money.until(lambda: _is(money, parlay, AttemptState.CANCELLED))
        assert money.service.sandbox.met_faults() >= 1
        assert [one["contracts"] for one in money.service.sandbox.orders()] == ["1.00"]
        await check_books(money)


async def test_an_unknown_resting_order_is_found_and_not_sent_twice(tmp_path: Path) -> None:
    async with open_money(tmp_path, **PATIENT) as money:
        await money.service.sandbox.fault("reply_lost_after_accept")
        parlay = await rests(money, WARM)
        assert len(money.service.sandbox.orders()) == 1
        assert await states(money, parlay) == [AttemptState.RESTING]
        await money.booked(1)
        await check_books(money)


async def test_a_new_attempt_takes_only_what_the_cancelled_one_left(tmp_path: Path) -> None:
    async with open_money(tmp_path, **{**GTC, "HEDGING__MAX_ATTEMPTS": "2"}) as money:
        parlay = await rests(money, WARM)

        async def both_over() -> bool:
            return await states(money, parlay) == [AttemptState.CANCELLED] * 2

        await money.until(both_over)
        counts = [order["initial_count_fp"] for order in money.service.sandbox.orders()]
        assert sorted(counts) == ["2.00", "3.00"]
        await check_books(money)


async def _is(money: MoneyStage, parlay: str, state: AttemptState) -> bool:
    return await states(money, parlay) == [state]


def _reads(money: MoneyStage, mark: int, path: str, **query: str) -> list[Any]:
    return [
        one
        for one in money.service.sandbox.wire[mark:]
        if one.method == "GET" and one.path.endswith(path) and query.items() <= one.query.items()
    ]
