"""Webhooks of the Stripe stand-in: signed, repeated, reordered, late, lost; and its API's faults."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any

import pytest
import stripe

from hedge_service.sandbox.stripe.control import check_webhook_url
from hedge_service.sandbox.stripe.delivery import payload_of, signature_header
from tests.sandbox.stripe_stage import KEY, SECRET, Clock, Stage, open_stage

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

COMPLETED = "checkout.session.completed"


@pytest.fixture
def clock() -> Clock:
    """Signatures are judged by the real time of stripe-python."""
    return Clock(time.time())


@pytest.fixture
async def stage(clock: Clock) -> AsyncIterator[Stage]:
    async with open_stage(clock) as opened:
        yield opened


async def paid(stage: Stage) -> str:
    session = await stage.create()
    return str((await stage.pay(session.id))["event"])


async def settle(stage: Stage) -> list[Any]:
    return list((await stage.post("stripe/settle"))["deliveries"])


async def test_an_event_delivered_by_command_verifies(stage: Stage) -> None:
    event_id = await paid(stage)
    assert stage.door.received == []
    sent = (await stage.post("stripe/deliver", event_id=event_id))["deliveries"]
    assert [entry["status"] for entry in sent] == [200]
    assert [event["id"] for event in stage.door.received] == [event_id]
    assert stage.door.received[0]["data"]["object"]["payment_status"] == "paid"
    log = (await stage.get("stripe/deliveries"))["deliveries"]
    assert [(entry["event"], entry["type"], entry["status"]) for entry in log] == [(event_id, COMPLETED, 200)]


async def test_the_signed_bytes_construct_an_event_in_the_library(stage: Stage, clock: Clock) -> None:
    await paid(stage)
    event = stage.standin.books.events.newest_first()[0]
    payload = payload_of(event)
    header = signature_header(payload, secret=SECRET, timestamp=int(clock()))
    built = stripe.Webhook.construct_event(payload, header, SECRET)
    assert built.id == event["id"]


@pytest.mark.parametrize("concurrent", [True, False])
async def test_one_event_twenty_times(stage: Stage, concurrent: bool) -> None:
    event_id = await paid(stage)
    await stage.post("stripe/deliver", event_id=event_id, times=20, concurrent=concurrent)
    assert [event["id"] for event in stage.door.received] == [event_id] * 20


@pytest.mark.parametrize("wrong", [{"secret": "whsec_other"}, {"timestamp_offset_s": -400}])
async def test_forged_and_stale_deliveries_are_refused_by_the_door(
    stage: Stage, wrong: dict[str, Any]
) -> None:
    event_id = await paid(stage)
    sent = (await stage.post("stripe/deliver", event_id=event_id, **wrong))["deliveries"]
    assert (sent[0]["status"], stage.door.received, stage.door.refused) == (400, [], 1)


async def test_automatic_delivery_sends_subscribed_types_only_with_duplicates(stage: Stage) -> None:
    await stage.post("stripe/settings", auto=True, duplicates=1)
    await paid(stage)
    await settle(stage)
    assert stage.door.types == [COMPLETED, COMPLETED]
    await stage.post("stripe/settings", enabled_events=["*"], duplicates=0)
    await paid(stage)
    await settle(stage)
    assert sorted(stage.door.types[2:]) == ["charge.succeeded", COMPLETED, "payment_intent.succeeded"]


async def test_held_events_leave_in_reverse_order(stage: Stage) -> None:
    await stage.post("stripe/settings", auto=True, hold=3)
    first, second = await paid(stage), await paid(stage)
    assert await settle(stage) == []
    third = await paid(stage)
    await settle(stage)
    assert [event["id"] for event in stage.door.received] == [third, second, first]


async def test_held_events_can_be_flushed(stage: Stage) -> None:
    await stage.post("stripe/settings", auto=True, hold=5)
    event_id = await paid(stage)
    assert (await stage.post("stripe/flush"))["flushed"] == 1
    await settle(stage)
    assert [event["id"] for event in stage.door.received] == [event_id]


async def test_a_dropped_event_is_only_in_the_list(stage: Stage) -> None:
    await stage.post("stripe/settings", auto=True, drop=1)
    lost, sent = await paid(stage), await paid(stage)
    await settle(stage)
    assert [event["id"] for event in stage.door.received] == [sent]
    listed = await stage.v1.events.list_async({"type": COMPLETED})
    assert [event.id for event in listed.data] == [sent, lost]


async def test_refused_deliveries_are_tried_again_a_bounded_number_of_times(stage: Stage) -> None:
    await stage.post("stripe/settings", auto=True, tries=3)
    stage.door.statuses = [500, 503, 200]
    await paid(stage)
    log = await settle(stage)
    assert [(entry["attempt"], entry["status"]) for entry in log] == [(1, 500), (2, 503), (3, 200)]
    stage.door.statuses = [500] * 9
    await paid(stage)
    assert [entry["status"] for entry in (await settle(stage))[3:]] == [500] * 3


async def test_an_endpoint_that_is_not_there_is_logged(stage: Stage, unused_tcp_port: int) -> None:
    await stage.post("stripe/settings", url=f"http://127.0.0.1:{unused_tcp_port}/api/webhook")
    event_id = await paid(stage)
    sent = (await stage.post("stripe/deliver", event_id=event_id))["deliveries"]
    assert (sent[0]["status"], sent[0]["error"]) == (None, "ClientConnectorError")


async def test_delays_and_waits_are_those_asked_for(clock: Clock) -> None:
    async with open_stage(clock, auto=True, delay_s=30.0, retry_wait_s=2.0, tries=3) as stage:
        slept: list[float] = []

        async def sleep(seconds: float) -> None:
            slept.append(seconds)

        stage.standin.courier._sleep = sleep
        stage.door.statuses = [500, 500]
        await paid(stage)
        await settle(stage)
        assert slept == [30.0, 2.0, 4.0]


async def test_any_event_can_be_emitted(stage: Stage) -> None:
    await stage.post("stripe/settings", auto=True, enabled_events=["*"])
    session = await stage.create()
    changes = {"amount_total": 1, "payment_status": "paid"}
    made = await stage.post("stripe/emit", type=COMPLETED, session=session.id, changes=changes, created=5)
    assert made["event"]["data"]["object"]["amount_total"] == 1
    assert made["event"]["created"] == 5
    await stage.post("stripe/emit", type="radar.warning", object={"id": "x"}, deliver=False)
    await settle(stage)
    assert stage.door.types == [COMPLETED]
    assert (await stage.v1.checkout.sessions.retrieve_async(session.id)).amount_total == 500
    await stage.post("stripe/emit", status=404, type=COMPLETED, session="cs_none")
    await stage.post("stripe/emit", status=400, type=COMPLETED)


async def test_an_event_keeps_the_object_as_it_was(stage: Stage) -> None:
    event_id = await paid(stage)
    await stage.post("stripe/refund", session=stage.standin.books.sessions.newest_first()[0]["id"])
    event = await stage.v1.events.retrieve_async(event_id)
    charged = (await stage.v1.events.list_async({"type": "charge.succeeded"})).data[0]
    assert event.data.object.payment_status == "paid"
    assert charged.data.object.amount_refunded == 0


@pytest.mark.parametrize(
    ("path", "body", "field"),
    [
        ("deliver", {}, "event_id"),
        ("deliver", {"event_id": "evt_1", "times": 0}, "times"),
        ("settings", {"colour": "red"}, "colour"),
        ("settings", {"url": "http://example.com/hook"}, "url"),
        ("settings", {"auto": "yes"}, "auto"),
        ("faults", {"kind": "flood"}, "kind"),
        ("refund", {}, "name one"),
        ("dispute", {"close": "won"}, "dispute"),
    ],
)
async def test_wrong_control_requests_are_named(
    stage: Stage, path: str, body: dict[str, Any], field: str
) -> None:
    refused = await stage.post(f"stripe/{path}", status=400, **body)
    assert refused["details"][0].startswith(field)


async def test_control_bodies_that_are_not_json_are_refused(stage: Stage) -> None:
    async with stage.http.post(f"{stage.base}/sandbox/stripe/deliver", data=b"{") as reply:
        assert reply.status == 400
        assert reply.content_type == "application/json"


async def test_unknown_events_and_unpaid_sessions_are_named(stage: Stage) -> None:
    session = await stage.create()
    await stage.post("stripe/deliver", status=404, event_id="evt_none")
    await stage.post("stripe/refund", status=400, session=session.id)
    await stage.post("stripe/dispute", status=404, session="cs_none")


@pytest.mark.parametrize(
    "url", ["https://127.0.0.1/x", "http://10.0.0.1/x", "ftp://localhost", "http://[", ""]
)
def test_only_loopback_endpoints_are_delivered_to(url: str) -> None:
    with pytest.raises(ValueError, match="webhook endpoint"):
        check_webhook_url(url)


async def test_the_state_shows_all_objects_and_no_key(stage: Stage) -> None:
    await paid(stage)
    state = await stage.get("stripe/state")
    sizes = {
        name: len(state[name]) for name in ("sessions", "payment_intents", "charges", "refunds", "events")
    }
    assert sizes == {"sessions": 1, "payment_intents": 1, "charges": 1, "refunds": 0, "events": 3}
    assert state["requests"][0]["path"] == "/v1/checkout/sessions"
    everything = str(state) + str(await stage.get("stripe/settings"))
    assert KEY not in everything
    assert SECRET not in everything


@pytest.mark.parametrize(
    ("kind", "error"),
    [
        ("error", stripe.APIError),
        ("rate_limit", stripe.RateLimitError),
        ("reset", stripe.APIConnectionError),
    ],
)
@pytest.mark.parametrize("after", [True, False])
async def test_a_fault_fails_the_call_before_or_after_its_effect(
    stage: Stage, kind: str, error: type[stripe.StripeError], after: bool
) -> None:
    await stage.post("stripe/faults", kind=kind, after=after, method="POST", path="/v1/checkout")
    await stage.v1.events.list_async()
    with pytest.raises(error):
        await stage.create(key="k1")
    assert len(stage.standin.books.sessions) == (1 if after else 0)
    session = await stage.create(key="k1")
    assert [session.id] == [item["id"] for item in stage.standin.books.sessions.newest_first()]
    assert (await stage.get("stripe/faults"))["faults"] == []


async def test_a_hanging_call_meets_the_callers_timeout(stage: Stage) -> None:
    await stage.post("stripe/faults", kind="hang")
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(stage.create(), 0.1)
    assert len(stage.standin.books.sessions) == 0


async def test_the_library_retries_through_faults_with_one_key(stage: Stage) -> None:
    await stage.post("stripe/faults", kind="reset", after=True)
    client = stage.client_for(KEY, retries=2)
    session = await client.v1.checkout.sessions.create_async(stage.params())  # type: ignore[arg-type] # plain dict
    assert [session.id] == [item["id"] for item in stage.standin.books.sessions.newest_first()]


async def test_faults_can_be_cleared(stage: Stage) -> None:
    await stage.post("stripe/faults", kind="error", count=100)
    async with stage.http.delete(f"{stage.base}/sandbox/stripe/faults") as reply:
        assert (await reply.json())["faults"] == []
    await stage.v1.events.list_async()
