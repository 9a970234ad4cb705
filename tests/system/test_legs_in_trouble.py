"""Legs whose order goes astray: none is doubled, none is given up too early, none hinders another."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.system.extension import BOS, LA, WARM

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractAsyncContextManager

    from tests.system.stage import Stage

    Opening = Callable[..., AbstractAsyncContextManager[Stage]]

# $20 on 59, 52 and 65 percent: 25 %, 15 % and 40 % of the stake.
LEGS = (LA, BOS, WARM)
PLAN = {LA: 8, BOS: 5, WARM: 12}


async def hedged(stage: Stage, kind: str, **details: Any) -> None:
    """Buy the three legs while the orders of WARM meet a fault."""
    await stage.sandbox.fault(kind, **{"ticker": WARM, **details})
    await stage.bought(*LEGS, stake=20)


@pytest.mark.parametrize(
    ("kind", "sends"),
    [
        ("reset_before_accept", 2),
        ("reply_lost_after_accept", 1),
        ("server_error_before_accept", 2),
        ("server_error_after_accept", 1),
        ("html_bad_gateway_before_accept", 2),
        ("html_bad_gateway_after_accept", 1),
        ("service_unavailable_before_accept", 2),
        ("service_unavailable_after_accept", 1),
        ("garbage_body", 1),
        ("truncated_body", 1),
        ("no_order_id", 1),
    ],
)
async def test_an_order_of_unknown_outcome_is_looked_up_and_never_doubled(
    stage: Stage, kind: str, sends: int
) -> None:
    await hedged(stage, kind)
    await stage.events.one("hedge.summarized", outcome="executed")
    unknown = stage.events.named("order.unknown")
    assert [line["ticker"] for line in unknown] == [WARM]
    creates = stage.sandbox.creates()[unknown[0]["client_order_id"]]
    assert len(creates) == sends
    assert len({one["body"] for one in creates}) == 1, "the same id carries the same bytes"
    found = stage.events.named("order.accepted", ticker=WARM)
    assert [line.get("found_by") for line in found] == (["lookup"] if sends == 1 else [None])
    assert stage.sandbox.filled() == PLAN
    stage.sandbox.check_nothing_doubled(PLAN)


async def test_a_leg_that_hangs_delays_no_other(stage: Stage) -> None:
    await hedged(stage, "hang_before_accept")
    for ticker in (LA, BOS):
        await stage.events.one("order.accepted", ticker=ticker, state="filled")
    assert stage.events.named("order.sent", ticker=WARM)
    assert stage.events.named("order.unknown") == []
    assert stage.events.named("hedge.summarized") == [], "something is still on the wire"
    await stage.sandbox.control("exchange/release")
    await stage.events.one("hedge.summarized", outcome="executed")
    assert stage.sandbox.filled() == PLAN
    stage.sandbox.check_nothing_doubled(PLAN)


async def test_a_reply_that_never_comes_is_waited_for_no_longer_than_configured(stage_with: Opening) -> None:
    async with stage_with({"KALSHI__ORDER_TIMEOUT_S": "0.3"}) as stage:
        await hedged(stage, "hang_after_accept")
        await stage.events.one("order.unknown", ticker=WARM, code="timeout")
        await stage.events.one("hedge.summarized", outcome="executed")
        assert stage.sandbox.filled() == PLAN
        stage.sandbox.check_nothing_doubled(PLAN)


async def test_an_order_accepted_long_after_its_sender_hung_up_is_not_bought_twice(
    stage_with: Opening,
) -> None:
    async with stage_with({"KALSHI__ORDER_TIMEOUT_S": "0.2"}) as stage:
        await hedged(stage, "accept_late")
        summary = await stage.events.one("hedge.summarized", outcome="executed")
        await stage.sandbox.control("exchange/release")  # the first copy arrives now, at last
        creates = next(seen for seen in stage.sandbox.creates().values() if len(seen) == 2)
        async with asyncio.timeout(60):
            while creates[0]["code"] != "order_already_exists":
                await stage.extension.bets()  # any round trip: the exchange gets its turn
                creates = next(seen for seen in stage.sandbox.creates().values() if len(seen) == 2)
        assert summary["contracts_filled"] == "25.00"
        assert stage.sandbox.filled() == PLAN
        stage.sandbox.check_nothing_doubled(PLAN)


async def test_an_id_that_the_exchange_already_knows_is_ours_from_before(stage: Stage) -> None:
    await stage.sandbox.fault("reset_before_accept", ticker=WARM)
    session = await stage.sold(*LEGS, stake=20)
    # The copy that seemed lost arrives before the second one.
    await stage.sandbox.fault("late_reads", ticker=WARM, seconds=0.5)
    await stage.sandbox.pay(session)
    unknown = await stage.events.one("order.unknown", ticker=WARM)
    [first] = stage.sandbox.creates()[unknown["client_order_id"]]
    stage.sandbox.place(json.loads(first["body"]))
    await stage.events.one("hedge.summarized", outcome="executed")
    assert stage.sandbox.filled() == PLAN
    stage.sandbox.check_nothing_doubled(PLAN)


async def test_a_clock_ten_seconds_fast_loses_and_doubles_nothing(stage: Stage) -> None:
    session = await stage.sold(*LEGS, stake=20)
    await stage.sandbox.fault("clock_offset", seconds=-10)
    await stage.sandbox.fault("reply_lost_after_accept", ticker=WARM)
    await stage.sandbox.pay(session)
    await stage.events.one("hedge.summarized", outcome="executed")
    assert stage.sandbox.filled() == PLAN
    stage.sandbox.check_nothing_doubled(PLAN)


async def test_a_clock_ten_seconds_slow_is_refused_visibly(stage: Stage) -> None:
    session = await stage.sold(*LEGS, stake=20)
    await stage.sandbox.fault("clock_offset", seconds=10)
    await stage.sandbox.pay(session)
    await stage.events.one("hedge.summarized", outcome="failed")
    refused = stage.events.named("order.refused")
    assert {line["code"] for line in refused} == {"header_timestamp_expired"}
    assert len(refused) == len(PLAN)
    assert stage.sandbox.filled() == {}


@pytest.mark.parametrize("kind", ["page_dropped", "page_truncated", "paging_ends_early"])
async def test_a_page_missing_from_a_look_up_doubles_nothing(stage: Stage, kind: str) -> None:
    session = await stage.sold(*LEGS, stake=20)
    await stage.sandbox.fault("reply_lost_after_accept", ticker=WARM)
    await stage.sandbox.fault(kind, route="GET /portfolio/orders", times=1)
    await stage.sandbox.pay(session)
    await stage.events.one("hedge.summarized", outcome="executed")
    assert stage.sandbox.filled() == PLAN
    stage.sandbox.check_nothing_doubled(PLAN)


async def test_409_order_already_exists_is_looked_up(stage: Stage) -> None:
    # 429 says nothing was done, so that the next send is a plain one; by then the id is taken.
    await stage.sandbox.fault("too_many_requests", ticker=WARM)
    await stage.bought(*LEGS, stake=20)
    deferred = await stage.events.one("order.deferred", ticker=WARM)
    [first] = stage.sandbox.creates()[deferred["client_order_id"]]
    stage.sandbox.place(json.loads(first["body"]))
    unknown = await stage.events.one("order.unknown", ticker=WARM)
    assert (unknown["code"], unknown["status"]) == ("order_already_exists", 409)
    await stage.events.one("order.accepted", ticker=WARM, found_by="lookup")
    await stage.events.one("hedge.summarized", outcome="executed")
    assert stage.sandbox.filled() == PLAN
    stage.sandbox.check_nothing_doubled(PLAN)


async def test_a_storm_of_429_ends_with_the_same_ids_sent_again(stage: Stage) -> None:
    await stage.sandbox.fault("too_many_requests", times=5)
    await stage.bought(*LEGS, stake=20)
    await stage.events.one("hedge.summarized", outcome="executed")
    creates = stage.sandbox.creates()
    assert len(creates) == 3
    assert sum(one["status"] == 429 for seen in creates.values() for one in seen) == 5
    assert stage.events.named("order.unknown") == []
    assert stage.sandbox.filled() == PLAN
    stage.sandbox.check_nothing_doubled(PLAN)


@pytest.mark.parametrize(
    ("kind", "details", "code"),
    [
        ("gone", {}, "deprecated_v1_order_endpoint"),
        ("pause", {"exchange_index": 0}, "trading_is_paused"),
    ],
)
async def test_a_definite_refusal_ends_the_leg_and_no_other(
    stage: Stage, kind: str, details: dict[str, Any], code: str
) -> None:
    await hedged(stage, kind, **details)
    summary = await stage.events.one("hedge.summarized")
    refused = await stage.events.one("order.refused", ticker=WARM)
    assert refused["code"] == code
    assert summary["outcome"] == "partial"
    assert stage.sandbox.filled()[BOS] == PLAN[BOS]
    assert WARM not in stage.sandbox.filled()
    stage.sandbox.check_nothing_doubled(PLAN)


async def test_a_shard_without_cash_refuses_its_legs_alone(stage: Stage) -> None:
    await stage.sandbox.control("exchange/balances", balances={"0": "0.10"})
    await stage.bought(*LEGS, stake=20)
    summary = await stage.events.one("hedge.summarized")
    # By the exchange, or before the send once the balance has been read again.
    refused = [
        line
        for event in ("order.refused", "order.not_sent")
        for line in stage.events.named(event, code="insufficient_balance")
    ]
    assert {line["ticker"] for line in refused} == {LA, WARM}
    assert summary["outcome"] == "partial"
    assert stage.sandbox.filled() == {BOS: 5}


async def test_a_partial_fill_is_followed_by_an_attempt_of_its_own_for_the_rest(stage: Stage) -> None:
    await hedged(stage, "partial_fill", count="5")
    await stage.events.one("hedge.summarized", outcome="executed")
    first, second = stage.events.named("order.sent", ticker=WARM)
    assert (first["attempt"], first["count"], second["attempt"], second["count"]) == (1, "12.00", 2, "7.00")
    assert first["client_order_id"] != second["client_order_id"]
    assert first["price"] == second["price"]
    assert stage.sandbox.filled() == PLAN
    stage.sandbox.check_nothing_doubled(PLAN)


async def test_what_is_left_after_the_last_attempt_is_partial(stage: Stage) -> None:
    await hedged(stage, "partial_fill", count="5", times=None)
    summary = await stage.events.one("hedge.summarized")
    assert (summary["outcome"], summary["contracts_filled"]) == ("partial", "23.00")
    assert stage.sandbox.filled() == {**PLAN, WARM: 10}


async def test_a_market_that_ran_away_is_not_chased(stage: Stage) -> None:
    session = await stage.sold(WARM)
    await stage.sandbox.control("exchange/market", ticker=WARM, yes_ask="0.68", yes_bid="0.66")
    await stage.sandbox.pay(session)
    summary = await stage.events.one("hedge.summarized")
    assert (summary["outcome"], summary["contracts_filled"]) == ("failed", "0.00")
    bodies = [json.loads(one["body"]) for seen in stage.sandbox.creates().values() for one in seen]
    assert [body["price"] for body in bodies] == ["0.6700", "0.6700"]
    [parlay] = await stage.extension.history()
    assert parlay["hedge_executed"] is False


async def test_reads_that_lag_do_not_make_an_accepted_order_absent(stage_with: Opening) -> None:
    async with stage_with({"KALSHI__LOOKUP_MARGIN_S": "1"}) as stage:
        await stage.sandbox.fault("late_reads", ticker=WARM, seconds=0.6)
        await hedged(stage, "reply_lost_after_accept")
        await stage.events.one("order.accepted", ticker=WARM, found_by="lookup")
        await stage.events.one("hedge.summarized", outcome="executed")
        assert all(len(seen) == 1 for seen in stage.sandbox.creates().values())
        assert stage.sandbox.filled() == PLAN


async def test_an_exchange_that_forgets_an_id_is_given_no_second_copy_while_reads_lag(
    stage_with: Opening,
) -> None:
    async with stage_with({"KALSHI__LOOKUP_MARGIN_S": "1"}) as stage:
        # A second copy of this order would be accepted.
        await stage.sandbox.fault("id_forgotten", ticker=WARM, after=1)
        await stage.sandbox.fault("late_reads", ticker=WARM, seconds=0.6)
        await hedged(stage, "reply_lost_after_accept")
        await stage.events.one("order.accepted", ticker=WARM, found_by="lookup")
        await stage.events.one("hedge.summarized", outcome="executed")
        stage.sandbox.check_nothing_doubled(PLAN)
        assert stage.sandbox.filled() == PLAN


async def test_an_order_that_reads_never_show_is_unknown_then_parked_and_never_bought_again(
    stage_with: Opening,
) -> None:
    async with stage_with({"KALSHI__RESEND_WINDOW_S": "0.5"}) as stage:
        await stage.sandbox.fault("invisible_order", ticker=WARM)
        await hedged(stage, "reply_lost_after_accept")
        parked = await stage.events.one("order.parked")
        assert parked["ticker"] == WARM
        summary = await stage.events.one("hedge.summarized", outcome="unknown")
        assert summary["orders_unknown"] == 1
        stage.sandbox.check_nothing_doubled(PLAN)
        [parlay] = await stage.extension.history()
        assert parlay["hedge_executed"] is False
