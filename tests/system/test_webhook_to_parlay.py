"""What webhooks may and may not do: one parlay for one payment, whatever comes, however often."""

from __future__ import annotations

import asyncio
import json
import time
from typing import TYPE_CHECKING, Any

import pytest
import pytest_asyncio

from tests.system.extension import BOS, SEA, USER, WARM, Extension
from tests.system.stage import open_stage

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.system.stage import Stage

PLAN = {BOS: 1, WARM: 3}
EVENT = {"id": "evt_x", "object": "event", "type": "ping", "data": {"object": {}}}


async def test_the_same_webhook_twenty_times_at_once_makes_one_set_of_orders(stage: Stage) -> None:
    session = await stage.sold(SEA, BOS, WARM)
    await stage.sandbox.control("stripe/settings", auto=False)
    event = await stage.sandbox.pay(session)
    told = await stage.sandbox.control("stripe/deliver", event_id=event, times=20, concurrent=True)
    assert [one["status"] for one in told["deliveries"]] == [200] * 20
    await stage.events.one("hedge.summarized", outcome="executed")
    await stage.sandbox.control("stripe/deliver", event_id=event)
    assert len(stage.events.named("webhook.received", new=True)) == 1
    assert len(stage.events.named("payment.confirmed")) == 1
    assert stage.sandbox.filled() == PLAN
    assert [len(seen) for seen in stage.sandbox.creates().values()] == [1, 1]


async def test_two_events_of_one_payment_in_the_wrong_order_make_one_parlay(stage: Stage) -> None:
    session = await stage.sold(SEA, BOS, WARM)
    await stage.sandbox.control("stripe/settings", hold=2, duplicates=2)
    await stage.sandbox.pay(session, "async")
    await stage.sandbox.control(f"stripe/async/{session}", outcome="succeeded")
    await stage.sandbox.control("stripe/settle")
    await stage.events.one("hedge.summarized", outcome="executed")
    await stage.events.wait("webhook.received", count=2, new=True)
    assert stage.events.named("webhook.received")[0]["type"].endswith("async_payment_succeeded")
    assert len(stage.events.named("webhook.received", new=True)) == 2
    assert len(stage.events.named("payment.confirmed")) == 1
    assert stage.sandbox.filled() == PLAN


async def test_a_completed_but_unpaid_session_buys_nothing_until_its_payment_succeeds(stage: Stage) -> None:
    session = await stage.sold(SEA, BOS, WARM)
    await stage.sandbox.pay(session, "async")
    await stage.events.one("webhook.received", type="checkout.session.completed")
    await _all_handled(stage)
    assert stage.events.named("payment.confirmed") == []
    assert len(await stage.extension.bets()) == 3
    await stage.sandbox.control(f"stripe/async/{session}", outcome="succeeded")
    await stage.events.one("hedge.summarized", outcome="executed")
    assert stage.sandbox.filled() == PLAN


async def test_a_payment_that_failed_later_buys_nothing(stage: Stage) -> None:
    session = await stage.sold(WARM)
    await stage.sandbox.pay(session, "async")
    await stage.sandbox.control(f"stripe/async/{session}", outcome="failed")
    await stage.events.one("webhook.received", type="checkout.session.async_payment_failed")
    await _all_handled(stage)
    _nothing_bought(stage)


async def test_a_confirmed_payment_waits_for_an_exchange_that_is_away(stage: Stage) -> None:
    session = await stage.sold(SEA, BOS, WARM)
    await stage.sandbox.fault("service_unavailable_before_accept", route="GET /markets", times=None)
    await stage.sandbox.pay(session)
    await stage.events.one("webhook.postponed")
    _nothing_bought(stage)
    await stage.sandbox.control("exchange/faults", "DELETE")
    await stage.events.one("hedge.summarized", outcome="executed")
    assert stage.sandbox.filled() == PLAN


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def door(tmp_path_factory: pytest.TempPathFactory, credentials: dict[str, str]) -> AsyncIterator[Stage]:
    """Give one service for all the webhooks that come to nothing."""
    async with open_stage(tmp_path_factory.mktemp("door"), credentials, {}) as opened:
        yield opened


@pytest.mark.parametrize(
    ("payload", "how", "reason"),
    [
        pytest.param(EVENT, {"headers": {}}, "missing", id="unsigned"),
        pytest.param(EVENT, {"headers": {"Stripe-Signature": "t=1,v1=zz"}}, "malformed", id="malformed"),
        pytest.param(EVENT, {"secret": "whsec_somebodyelses"}, "mismatch", id="forged"),
        pytest.param(EVENT, {"offset_s": -400}, "stale", id="stale"),
        pytest.param(EVENT, {"offset_s": 400}, "future", id="from the future"),
        pytest.param(b"\xff\xfe\x80 not text", {}, "not_text", id="not UTF-8"),
        pytest.param(b"{nearly json", {}, "bad_stripe_object", id="not JSON"),
        pytest.param(b"[1, 2]", {}, "bad_stripe_object", id="not an event"),
    ],
)
@pytest.mark.asyncio(loop_scope="module")
async def test_a_webhook_that_is_not_stripes_is_refused_with_400(
    door: Stage, payload: Any, how: dict[str, Any], reason: str
) -> None:
    before = door.events.mark()
    made = {name: value for name, value in how.items() if name != "headers"}
    signed, headers = door.sandbox.signed(payload, **made)
    status, body = await door.post_webhook(signed, how.get("headers", headers))
    assert (status, body.keys() >= {"error", "details"}) == (400, True)
    await door.events.one("webhook.rejected", reason=reason)
    assert not [line for line in door.events.lines[before:] if line["event"] == "webhook.received"]


@pytest.mark.asyncio(loop_scope="module")
async def test_a_webhook_above_256_kib_is_refused_with_413_and_one_below_it_is_taken(door: Stage) -> None:
    payload, headers = door.sandbox.signed(json.dumps({"x": "y" * 256 * 1024}).encode())
    status, _ = await door.post_webhook(payload, headers)
    assert status == 413
    await door.events.one("webhook.rejected", reason="too_large")
    large = {**EVENT, "id": "evt_large", "created": int(time.time()), "livemode": False}
    payload, headers = door.sandbox.signed({**large, "data": {"object": {"x": "y" * 200_000}}})
    status, body = await door.post_webhook(payload, headers)
    assert (status, body) == (200, {"received": True})


@pytest.mark.asyncio(loop_scope="module")
async def test_an_event_of_an_unknown_type_is_stored_and_acknowledged(door: Stage) -> None:
    made = await door.sandbox.control("stripe/emit", type="new.thing", object={"id": "x"}, deliver=False)
    event = made["event"]
    assert await door.post_webhook(*door.sandbox.signed(event)) == (200, {"received": True})
    assert await door.post_webhook(*door.sandbox.signed(event)) == (200, {"received": True})
    told = await door.events.wait("webhook.received", event_id=event["id"], count=2)
    assert [line["new"] for line in told] == [True, False]


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"amount_total": 499}, "amount_mismatch"),
        ({"amount_total": 50_000}, "amount_mismatch"),
        ({"amount_total": None}, "amount_mismatch"),
        ({"currency": "eur"}, "currency_mismatch"),
        ({"id": "cs_test_unknown1", "client_reference_id": None}, "unknown_session"),
        ({"id": "cs_test_unknown2", "client_reference_id": "chk_of_somebody_else"}, "unknown_session"),
        ({"id": "cs_test_second"}, "quote_already_sold"),
        ({"livemode": True}, "wrong_stripe_mode"),
    ],
)
async def test_a_payment_that_does_not_fit_its_quote_is_parked_and_buys_nothing(
    stage: Stage, changes: dict[str, Any], reason: str
) -> None:
    session = await stage.sold(SEA, BOS, WARM)
    paid = {"payment_status": "paid", "status": "complete", **changes}
    await stage.sandbox.control(
        "stripe/emit", type="checkout.session.completed", session=session, changes=paid
    )
    parked = await stage.events.one("payment.parked")
    assert parked["reason"] == reason
    assert parked["level"] == "error"
    assert stage.events.named("payment.confirmed") == []
    _nothing_bought(stage)
    assert len(await stage.extension.bets()) == 3


async def test_a_payment_made_after_its_window_is_parked(stage: Stage) -> None:
    session = await stage.sold(WARM)
    await stage.sandbox.control(
        "stripe/emit",
        type="checkout.session.completed",
        session=session,
        changes={"payment_status": "paid", "status": "complete"},
        created=int(time.time()) + 1900,
    )
    assert (await stage.events.one("payment.parked"))["reason"] == "paid_too_late"
    _nothing_bought(stage)


async def test_a_payment_for_a_market_that_is_over_is_parked(stage: Stage) -> None:
    session = await stage.sold(SEA, WARM)
    await stage.sandbox.control("exchange/market", ticker=WARM, close_in_s=-1.0)
    await stage.sandbox.pay(session)
    assert (await stage.events.one("payment.parked"))["reason"] == "market_over"
    _nothing_bought(stage)


async def test_a_market_that_pauses_after_the_quote_is_skipped_and_the_others_are_hedged(
    stage: Stage,
) -> None:
    session = await stage.sold(SEA, BOS, WARM)
    await stage.sandbox.control("exchange/market", ticker=BOS, status="inactive")
    await stage.sandbox.pay(session)
    summary = await stage.events.one("hedge.summarized")
    chosen = await stage.events.one("strategy.chosen")
    assert {"leg": 2, "ticker": BOS, "reason": "market_not_open"} in chosen["skips"]
    assert (summary["outcome"], summary["orders_skipped"]) == ("executed", 2)
    assert stage.sandbox.filled() == {WARM: 3}


async def test_eight_payments_at_once_are_eight_parlays(stage: Stage) -> None:
    async def sold(number: int) -> str:
        user = Extension(stage.sandbox.http, stage.base, f"{USER[:-1]}{number}")
        await user.save(SEA, WARM)
        return await user.checked_out(await user.quote(5))

    sessions = await asyncio.gather(*map(sold, range(8)))
    await asyncio.gather(*map(stage.sandbox.pay, sessions))
    await stage.events.wait("hedge.summarized", count=8, outcome="executed")
    assert stage.sandbox.filled() == {WARM: 24}
    stage.sandbox.check_nothing_doubled({WARM: 24})


def _nothing_bought(stage: Stage) -> None:
    assert stage.sandbox.creates() == {}
    assert stage.events.named("order.sent") == []


async def _all_handled(stage: Stage) -> None:
    """Wait until the inbox has nothing left to do: a later event has been worked off as well."""
    made = await stage.sandbox.control(
        "stripe/emit",
        type="checkout.session.completed",
        object={
            "id": "cs_test_marker",
            "object": "checkout.session",
            "payment_status": "paid",
            "status": "complete",
            "client_reference_id": None,
            "amount_total": 1,
            "currency": "usd",
            "livemode": False,
        },
    )
    await stage.events.one("payment.parked", event_id=made["event"]["id"])
