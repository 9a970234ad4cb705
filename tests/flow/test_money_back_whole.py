"""The whole service on a sandbox: money that goes back, its hedge sold, and books that still add up."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hedge_service.core.ledger import Account
from hedge_service.core.money import Money
from tests.flow.money_stage import open_money
from tests.flow.test_ledger_flow import ALL_LEGS, hedged, settle

if TYPE_CHECKING:
    from pathlib import Path

    from tests.flow.money_stage import MoneyStage


async def session_of(money: MoneyStage) -> str:
    sessions = await money.service.sandbox.control("stripe/state", "GET")
    return str(sessions["sessions"][0]["id"])


async def adds_up(money: MoneyStage) -> None:
    """Wait until the books, the exchange's cash and the positions agree."""

    async def so() -> bool:
        return (await money.report()).adds_up and await money.ours() == money.theirs()

    await money.until(so)


async def test_a_refund_voids_the_parlay_and_its_hedge_is_sold_to_the_last_contract(tmp_path: Path) -> None:
    async with open_money(tmp_path, HEDGING__UNWIND_ON_REFUND="true") as money:
        parlay = await hedged(money)
        held = money.theirs()
        assert held
        await money.service.sandbox.control("stripe/refund", session=await session_of(money))
        await money.service.events.one("parlay.voided", parlay_id=parlay)

        async def all_sold() -> bool:
            return await money.ours() == {} and money.theirs() == {}

        await money.until(all_sold)
        sales = [order for order in money.service.sandbox.orders() if order["ticker"] in held]
        assert len(sales) == 2 * len(held)
        await adds_up(money)
        balances = await money.balances()
        assert (balances[Account.OWED], balances[Account.POSITIONS]) == (Money.ZERO, Money.ZERO)
        assert await money.service.extension.history() == []


async def test_a_refund_leaves_the_hedge_where_the_operator_keeps_it(tmp_path: Path) -> None:
    async with open_money(tmp_path) as money:
        parlay = await hedged(money)
        held = money.theirs()
        await money.service.sandbox.control("stripe/refund", session=await session_of(money))
        await money.service.events.one("parlay.voided", parlay_id=parlay)
        await adds_up(money)
        assert money.theirs() == held


async def test_a_payment_for_a_market_that_is_over_is_back_with_the_payer(tmp_path: Path) -> None:
    async with open_money(tmp_path) as money:
        session = await money.service.sold(*ALL_LEGS)
        await settle(money, ALL_LEGS[0], "yes")
        await money.service.sandbox.pay(session)
        made = await money.service.events.one("refund.made")
        assert made["refunded_cents"] == 500
        state = await money.service.sandbox.control("stripe/state", "GET")
        assert [refund["amount"] for refund in state["refunds"]] == [500]
        await adds_up(money)


async def test_a_webhook_that_is_never_sent_is_made_up_for(tmp_path: Path) -> None:
    async with open_money(tmp_path, STRIPE__CATCH_UP_EVERY_S="1") as money:
        session = await money.service.sold(*ALL_LEGS)
        await money.service.sandbox.control("stripe/settings", auto=False)
        await money.service.sandbox.pay(session)
        await money.service.events.one("webhook.recovered")
        confirmed = await money.service.events.one("payment.confirmed")
        await money.service.summary(str(confirmed["parlay_id"]), outcome="executed")
