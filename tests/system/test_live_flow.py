"""The whole way of a payment, from the extension's first click to the exchange's own book."""

from __future__ import annotations

import json
import re
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from tests.system.extension import BOS, BTC, HOT, SEA, WARM

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractAsyncContextManager

    from tests.system.stage import Stage

    Opening = Callable[..., AbstractAsyncContextManager[Stage]]

ORDER_FIELDS = {"parlay_id", "client_order_id", "ticker", "side", "count", "price", "attempt"}
ACCEPTED_FIELDS = ORDER_FIELDS | {"order_id", "fill_count", "average_fill_price", "fees", "latency_ms"}
SUMMARY_FIELDS = {
    *("outcome", "mode", "session", "stake_dollars", "revision", "orders_dry_run", "orders_total"),
    *("orders_accepted", "orders_refused", "orders_unknown", "orders_skipped", "contracts_planned"),
    *("contracts_filled", "cost_dollars", "fees_dollars", "duration_ms"),
}
FIXED = re.compile(r"[0-9]+\.[0-9]{2,6}")


def body(ticker: str, client_order_id: str, **terms: str) -> dict[str, Any]:
    """Give the one create request that these terms make."""
    return {
        "ticker": ticker,
        "client_order_id": client_order_id,
        **terms,
        "time_in_force": "immediate_or_cancel",
        "self_trade_prevention_type": "taker_at_cross",
        "cancel_order_on_pause": True,
        "subaccount": 0,
    }


def sent(stage: Stage) -> dict[str, dict[str, Any]]:
    """Give what was sent to the exchange, by ticker: exactly one create each, and accepted."""
    creates = stage.sandbox.creates()
    assert all([one["status"] for one in seen] == [201] for seen in creates.values()), creates
    bodies = [json.loads(seen[0]["body"]) for seen in creates.values()]
    by_ticker = {body["ticker"]: body for body in bodies}
    assert len(by_ticker) == len(bodies)
    return by_ticker


async def test_three_legs_of_43_52_and_65_percent_become_one_and_three_contracts(stage: Stage) -> None:
    await stage.extension.save(SEA, BOS, WARM)
    quote = await stage.extension.quote(5)
    assert quote["payout"]["adjustedPayout"] == "30.96"
    session = await stage.extension.checked_out(quote)
    await stage.sandbox.pay(session)
    summary = await stage.events.one("hedge.summarized")

    made = sent(stage)
    assert made.keys() == {BOS, WARM}
    ids = {ticker: body["client_order_id"] for ticker, body in made.items()}
    assert made[BOS] == body(BOS, ids[BOS], side="bid", count="1.00", price="0.5400")
    assert made[WARM] == body(WARM, ids[WARM], side="bid", count="3.00", price="0.6700")
    assert stage.sandbox.filled() == {BOS: 1.0, WARM: 3.0}
    assert summary["outcome"] == "executed"
    assert summary["contracts_planned"] == summary["contracts_filled"] == "4.00"
    assert summary["cost_dollars"] == "2.47"  # 0.52 + 3 * 0.65


async def test_a_single_leg_at_65_percent_for_five_dollars_becomes_three_contracts(stage: Stage) -> None:
    parlay = await stage.bought(WARM)
    summary = await stage.summary(parlay)
    made = sent(stage)[WARM]
    assert (made["side"], made["count"], made["price"]) == ("bid", "3.00", "0.6700")
    assert summary["outcome"] == "executed"


async def test_a_no_leg_is_an_ask_at_one_minus_its_price_minus_the_slippage(stage: Stage) -> None:
    parlay = await stage.bought(HOT, side="no")  # NO costs 1 - 0.13
    await stage.summary(parlay, outcome="executed")
    made = sent(stage)[HOT]
    # 40 % of $5 at 87 cents; paying at most 0.87 + 0.02 for NO is selling YES at 0.11 or more.
    assert (made["side"], made["count"], made["price"]) == ("ask", "2.00", "0.1100")
    [order] = stage.sandbox.orders()
    assert order["no_price_dollars"] == "0.8900"
    accepted = await stage.events.one("order.accepted")
    assert (accepted["side"], accepted["average_fill_price"]) == ("ask", "0.1300")
    assert accepted["cost_dollars"] == "1.74"


async def test_a_limit_price_stays_on_a_finer_grid(stage_with: Opening) -> None:
    async with stage_with({"HEDGING__STRATEGY": "delta", "HEDGING__MAX_SLIPPAGE": "0.0205"}) as stage:
        await stage.bought(BTC, WARM)
        await stage.events.one("hedge.summarized")
        # 0.357 + 0.0205 on a grid of tenths of a cent; 0.65 + 0.0205 on one of cents.
        made = sent(stage)
        assert made[BTC]["price"] == "0.3770"
        assert made[WARM]["price"] == "0.6700"


async def test_every_event_of_a_run_carries_the_fields_it_promises(stage: Stage) -> None:
    parlay = await stage.bought(SEA, BOS, WARM)
    summary = await stage.summary(parlay)
    events = stage.events
    for name in ("quote.created", "checkout.created", "webhook.received", "strategy.chosen"):
        assert events.named(name), name
    started = await events.one("service.started")
    assert {"host", "port", "mode", "environment"} <= started.keys()
    assert (started["mode"], started["environment"]) == ("live", "sandbox")
    orders = [line for line in events.lines if line["event"].startswith("order.")]
    assert len(orders) == 4
    for line in orders:
        assert line.keys() >= ORDER_FIELDS, line
        assert line["parlay_id"] == parlay
        assert FIXED.fullmatch(line["count"])
        assert FIXED.fullmatch(line["price"])
    for line in events.named("order.accepted"):
        assert line.keys() >= ACCEPTED_FIELDS, line
        assert all(FIXED.fullmatch(line[name]) for name in ("fill_count", "average_fill_price", "fees"))
    assert summary.keys() >= SUMMARY_FIELDS, SUMMARY_FIELDS - summary.keys()
    assert all(FIXED.fullmatch(summary[name]) for name in ("stake_dollars", "cost_dollars", "fees_dollars"))
    assert (summary["mode"], summary["revision"], summary["orders_total"]) == ("live", 1, 2)
    assert (summary["orders_accepted"], summary["orders_skipped"]) == (2, 1)
    for line in events.lines:
        assert line["timestamp"].endswith(("Z", "+00:00"))
        assert {"level", "event"} <= line.keys()


async def test_the_summary_agrees_with_the_exchange_to_the_rounding_of_its_average_fee(stage: Stage) -> None:
    parlay = await stage.bought(SEA, BOS, WARM)
    summary = await stage.summary(parlay)
    fills = stage.sandbox.sandbox.exchange.book()["fills"]
    assert {fill["yes_price_dollars"] for fill in fills} == {"0.5200", "0.6500"}
    fees = sum(Decimal(fill["fee_cost"]) for fill in fills)
    # A reply tells the fee per contract to four decimals; four contracts were bought.
    assert abs(Decimal(summary["fees_dollars"]) - fees) <= 4 * Decimal("0.00005")


async def test_just_the_bets_sold_are_cleared_and_the_parlay_stands_in_the_history(stage: Stage) -> None:
    session = await stage.sold(SEA, BOS, WARM)
    later = await stage.extension.add(HOT)
    await stage.sandbox.pay(session)
    await stage.events.one("hedge.summarized", outcome="executed")
    assert await stage.extension.bets() == [later.body["bet"]]
    [parlay] = await stage.extension.history()
    assert (parlay["session_id"], parlay["stake"], parlay["payout"]) == (session, "5.00", "30.96")
    assert parlay["hedge_executed"] is True
    assert [bet["ticker"] for bet in parlay["parlay_data"]] == [SEA, BOS, WARM]
    assert parlay["parlay_status"] == "pending"


async def test_a_dry_run_does_everything_but_the_send(stage_with: Opening) -> None:
    async with stage_with({"KALSHI__DRY_RUN": "true"}) as stage:
        parlay = await stage.bought(SEA, BOS, WARM)
        summary = await stage.summary(parlay)
        told = {line["ticker"]: line for line in await stage.events.wait("order.dry_run", count=2)}
        assert stage.sandbox.creates() == {}
        url = stage.sandbox.environment["HEDGE_KALSHI__BASE_URL"] + "/portfolio/events/orders"
        for line in told.values():
            assert line.keys() >= ORDER_FIELDS
            assert (line["method"], line["url"]) == ("POST", url)
        expected = body(WARM, told[WARM]["client_order_id"], side="bid", count="3.00", price="0.6700")
        assert json.loads(told[WARM]["body"]) == expected
        assert (summary["outcome"], summary["mode"], summary["orders_dry_run"]) == ("dry_run", "dry_run", 2)
        assert summary["contracts_filled"] == "0.00"
        [listed] = await stage.extension.history()
        assert listed["hedge_executed"] is False


@pytest.mark.parametrize("legs", [(SEA, HOT), (SEA,)])
async def test_legs_below_every_band_are_skipped_and_not_failed(stage: Stage, legs: tuple[str, ...]) -> None:
    parlay = await stage.bought(*legs)
    summary = await stage.summary(parlay)
    assert (summary["outcome"], summary["orders_skipped"]) == ("skipped", len(legs))
    chosen = await stage.events.one("strategy.chosen")
    assert {skip["reason"] for skip in chosen["skips"]} == {"below_band"}
    assert stage.sandbox.creates() == {}


async def test_the_pages_after_payment_close_themselves_and_promise_nothing(stage: Stage) -> None:
    session = await stage.sold(WARM)
    for path in (f"/payment-success?session_id={session}", "/payment-cancel"):
        async with stage.sandbox.http.get(stage.base + path) as reply:
            assert reply.status == 200
            assert "window.close()" in await reply.text()
    assert stage.events.named("payment.confirmed") == []
