"""The Stripe client, with Stripe's own library, against a stand-in on loopback."""

from __future__ import annotations

import asyncio
import traceback
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl

import pytest
import stripe
from aiohttp import web
from aiohttp.test_utils import TestServer

from hedge_service.clients.payments import Payments
from hedge_service.clients.payments_errors import PaymentsRefused, PaymentsUnavailable, PaymentsUnknown
from hedge_service.errors import status_of
from hedge_service.wire.stripe.keys import StripeMode
from hedge_service.wire.stripe.refunds import RefundStatus
from hedge_service.wire.stripe.sessions import NewSession, SessionStatus

KEY = "sk_test_inventedsecret"
NEW = NewSession(
    quote_id="q_1",
    reference="chk_1",
    environment="sandbox",
    legs=2,
    amount_cents=500,
    currency="usd",
    expires_at=datetime.fromtimestamp(1_790_001_860, UTC),
    public_url="http://localhost:4000",
)
SINCE = datetime.fromtimestamp(1_790_000_000, UTC)

Reply = Callable[[web.Request], Awaitable[web.StreamResponse]]


def session(number: int = 1, **changes: Any) -> dict[str, Any]:
    return {
        "id": f"cs_test_{number}",
        "object": "checkout.session",
        "client_reference_id": f"chk_{number}",
        "status": "open",
        "payment_status": "unpaid",
        "created": 1_790_000_000,
        "expires_at": 1_790_001_860,
        "livemode": False,
        "url": "http://127.0.0.1/pay#fragment",
        **changes,
    }


@dataclass(slots=True)
class Asked:
    """One request as it came."""

    method: str
    path: str
    key: str | None
    authorization: str
    telemetry: str | None
    form: dict[str, str]


@dataclass(slots=True)
class StandIn:
    """Answers from a list, the last one again and again; remembers what it was asked."""

    replies: list[Reply] = field(default_factory=list)
    asked: list[Asked] = field(default_factory=list)
    reached: asyncio.Event = field(default_factory=asyncio.Event)

    async def handle(self, request: web.Request) -> web.StreamResponse:
        raw = request.query_string if request.method == "GET" else await request.text()
        self.asked.append(
            Asked(
                method=request.method,
                path=request.path,
                key=request.headers.get("Idempotency-Key"),
                authorization=request.headers["Authorization"],
                telemetry=request.headers.get("X-Stripe-Client-Telemetry"),
                form=dict(parse_qsl(raw)),
            )
        )
        self.reached.set()
        reply = self.replies.pop(0) if len(self.replies) > 1 else self.replies[0]
        return await reply(request)


def answer(body: Any, status: int = 200, headers: dict[str, str] | None = None) -> Reply:
    async def reply(_: web.Request) -> web.StreamResponse:
        return web.json_response(body, status=status, headers=headers)

    return reply


def raw(body: bytes, status: int = 200) -> Reply:
    async def reply(_: web.Request) -> web.StreamResponse:
        return web.Response(body=body, status=status, content_type="text/html")

    return reply


async def reset(request: web.Request) -> web.StreamResponse:
    assert request.transport is not None
    request.transport.abort()
    return web.Response()


async def hang(_: web.Request) -> web.StreamResponse:
    await asyncio.Event().wait()
    return web.Response()


async def cut_short(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse(headers={"Content-Length": "1000"})
    await response.prepare(request)
    await response.write(b'{"id": "cs_')
    assert request.transport is not None
    request.transport.abort()
    return response


def error(code: str | None, message: str = "No.", kind: str = "invalid_request_error") -> dict[str, Any]:
    return {"error": {"type": kind, "code": code, "message": message}}


@pytest.fixture(autouse=True)
def _no_waiting_between_tries(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stripe.HTTPClient, "INITIAL_DELAY", 0.0)
    monkeypatch.setattr(stripe.HTTPClient, "MAX_DELAY", 0.0)


@pytest.fixture
def stand_in() -> StandIn:
    return StandIn()


@pytest.fixture
async def base(stand_in: StandIn) -> AsyncIterator[str]:
    app = web.Application()
    app.router.add_route("*", "/{tail:.*}", stand_in.handle)
    async with TestServer(app) as server:
        yield str(server.make_url("")).rstrip("/")


@pytest.fixture
async def payments(base: str) -> AsyncIterator[Payments]:
    client = Payments(KEY, api_base=base, timeout_s=5)
    yield client
    await client.close()


@pytest.fixture
async def hasty(base: str) -> AsyncIterator[Payments]:
    client = Payments(KEY, api_base=base, timeout_s=0.2)
    yield client
    await client.close()


async def test_a_session_is_opened_with_its_reference_as_idempotency_key(
    payments: Payments, stand_in: StandIn
) -> None:
    stand_in.replies = [answer(session())]
    opened = await payments.create_session(NEW)
    assert (opened.id, opened.url) == ("cs_test_1", "http://127.0.0.1/pay#fragment")
    assert (opened.status, opened.paid, opened.livemode) == (SessionStatus.OPEN, False, False)
    asked = stand_in.asked[0]
    assert (asked.method, asked.path, asked.key) == ("POST", "/v1/checkout/sessions", "chk_1")
    assert asked.authorization == f"Bearer {KEY}"
    assert asked.form["line_items[0][price_data][unit_amount]"] == "500"
    assert asked.form["allowed_payment_method_types[0]"] == "card"
    assert asked.form["success_url"].endswith("?session_id={CHECKOUT_SESSION_ID}")
    assert asked.form["expires_at"] == "1790001860"


@pytest.mark.parametrize("trouble", [answer(error(None), 500), raw(b"<html>", 502), reset])
async def test_trouble_is_tried_again_with_the_same_key_and_body(
    payments: Payments, stand_in: StandIn, trouble: Reply
) -> None:
    stand_in.replies = [trouble, trouble, answer(session())]
    assert (await payments.create_session(NEW)).id == "cs_test_1"
    assert [asked.key for asked in stand_in.asked] == ["chk_1"] * 3
    assert stand_in.asked[0].form == stand_in.asked[2].form


@pytest.mark.parametrize(
    "trouble",
    [
        answer(error(None), 500),
        raw(b"<html>proxy</html>", 502),
        raw(b"<html>proxy</html>", 403),
        raw(b"not json"),
        raw(b"\xff\xfe"),
        raw(b"[]"),
        raw(b"null"),
        raw(b"{}"),
        answer({"error": "text"}, 400),
        answer(session(id=None)),
        answer(error("idempotency_key_in_use", kind="idempotency_error"), 409),
        answer(error("rate_limit"), 429),
        reset,
        cut_short,
    ],
)
async def test_a_write_without_a_proved_outcome_is_unknown_and_a_read_unavailable(
    payments: Payments, stand_in: StandIn, trouble: Reply
) -> None:
    stand_in.replies = [trouble]
    with pytest.raises(PaymentsUnknown) as unknown:
        await payments.create_session(NEW)
    with pytest.raises(PaymentsUnavailable) as unavailable:
        await payments.retrieve_session("cs_test_1")
    assert (status_of(unknown.value), status_of(unavailable.value)) == (502, 502)


async def test_a_silent_stripe_is_given_up_within_the_bound(hasty: Payments, stand_in: StandIn) -> None:
    stand_in.replies = [hang]
    async with asyncio.timeout(25):
        with pytest.raises(PaymentsUnknown):
            await hasty.create_session(NEW)
        with pytest.raises(PaymentsUnavailable):
            await hasty.retrieve_session("cs_test_1")


async def test_no_stripe_at_all_is_named(unused_tcp_port: int) -> None:
    client = Payments(KEY, api_base=f"http://127.0.0.1:{unused_tcp_port}")
    with pytest.raises(PaymentsUnavailable) as caught:
        await client.retrieve_session("cs_test_1")
    assert caught.value.code == "payments_unavailable"
    await client.close()


@pytest.mark.parametrize(
    ("status", "body", "code"),
    [
        (400, error("amount_too_small"), "amount_too_small"),
        (400, error(None, kind="idempotency_error"), "IdempotencyError"),
        (401, error(None), "AuthenticationError"),
        (402, error("card_declined", kind="card_error"), "card_declined"),
        (403, error(None), "PermissionError"),
        (404, error("resource_missing"), "resource_missing"),
        (400, error("odd code\n"), "InvalidRequestError"),
    ],
)
async def test_a_refusal_carries_stripes_code_and_is_not_tried_again(
    payments: Payments, stand_in: StandIn, status: int, body: dict[str, Any], code: str
) -> None:
    stand_in.replies = [answer(body, status)]
    with pytest.raises(PaymentsRefused) as caught:
        await payments.create_session(NEW)
    assert (caught.value.stripe_code, caught.value.message) == (code, "No.")
    assert (caught.value.code, status_of(caught.value)) == ("payments_refused", 502)
    assert len(stand_in.asked) == 1


async def test_no_failure_shows_the_key_or_stripes_words(payments: Payments, stand_in: StandIn) -> None:
    session_id = "cs_test_1"
    stand_in.replies = [answer(error(None, f"Invalid API Key {KEY} for {session_id}"), 401)]
    with pytest.raises(PaymentsRefused) as caught:
        await payments.retrieve_session(session_id)
    assert caught.value.__context__ is None
    shown = "".join(traceback.format_exception(caught.value)) + str(caught.value.log_context())
    assert "secret" not in shown.replace('cs_test_secret")', "")
    assert KEY not in repr(payments)


@pytest.mark.parametrize("key", [None, ""])
async def test_without_a_key_every_call_says_so(key: str | None) -> None:
    client = Payments(key)
    assert (client.configured, client.mode) == (False, StripeMode.UNKNOWN)
    with pytest.raises(PaymentsUnavailable, match="not configured"):
        await client.create_session(NEW)
    await client.close()


async def test_a_session_is_found_by_reference_on_the_last_page(
    payments: Payments, stand_in: StandIn
) -> None:
    first = {"object": "list", "data": [session(5), session(4)], "has_more": True}
    last = {"object": "list", "data": [session(3), session(1)], "has_more": False}
    stand_in.replies = [answer(first), answer(last)]
    found = await payments.find_session("chk_1", created_since=SINCE)
    assert found is not None
    assert found.id == "cs_test_1"
    assert [asked.form.get("starting_after") for asked in stand_in.asked] == [None, "cs_test_4"]
    assert stand_in.asked[1].form["created[gte]"] == "1790000000"


async def test_a_paid_session_is_preferred_and_an_unknown_reference_finds_none(
    payments: Payments, stand_in: StandIn
) -> None:
    paid = session(7, client_reference_id="chk_1", payment_status="paid")
    stand_in.replies = [answer({"data": [session(1), paid], "has_more": False})]
    found = await payments.find_session("chk_1", created_since=SINCE)
    assert found is not None
    assert found.id == "cs_test_7"
    assert await payments.find_session("chk_9", created_since=SINCE) is None


async def test_a_page_that_is_missing_is_an_error_not_an_end(payments: Payments, stand_in: StandIn) -> None:
    first = {"data": [session(2)], "has_more": True}
    for second in (answer({"data": [], "has_more": True}), answer(error(None), 500)):
        stand_in.replies = [answer(first), second]
        with pytest.raises(PaymentsUnavailable):
            await payments.find_session("chk_2", created_since=SINCE)


async def test_events_come_oldest_first_from_all_pages_without_personal_data(
    payments: Payments, stand_in: StandIn
) -> None:
    def event(number: int) -> dict[str, Any]:
        paid = session(number, customer_details={"email": "ann@example.com"})
        kind = "checkout.session.completed"
        stamp = {"created": number, "livemode": False}
        return {"id": f"evt_{number}", "object": "event", "type": kind, "data": {"object": paid}, **stamp}

    stand_in.replies = [
        answer({"data": [event(3), event(2)], "has_more": True}),
        answer({"data": [event(1)], "has_more": False}),
    ]
    events = await payments.list_events(["checkout.session.completed"], created_gte=SINCE)
    assert [event.id for event in events] == ["evt_1", "evt_2", "evt_3"]
    assert b"example.com" not in events[0].storable()
    assert stand_in.asked[0].form["types[0]"] == "checkout.session.completed"
    assert stand_in.asked[1].form["starting_after"] == "evt_2"


async def test_a_session_is_expired_once(payments: Payments, stand_in: StandIn) -> None:
    stand_in.replies = [answer(session(status="expired", url=None)), answer(error(None), 400)]
    assert (await payments.expire_session("cs_test_1")).status is SessionStatus.EXPIRED
    assert stand_in.asked[0].path == "/v1/checkout/sessions/cs_test_1/expire"
    with pytest.raises(PaymentsRefused):
        await payments.expire_session("cs_test_1")


async def test_hostile_ids_stay_one_path_segment(payments: Payments, stand_in: StandIn) -> None:
    stand_in.replies = [answer(error("resource_missing"), 404)]
    with pytest.raises(PaymentsRefused):
        await payments.retrieve_session("../../refunds?x=1")
    assert stand_in.asked[0].path == "/v1/checkout/sessions/../../refunds?x=1"


async def test_the_time_of_a_payment_is_its_charges(payments: Payments, stand_in: StandIn) -> None:
    charge = {"id": "ch_1", "object": "charge", "status": "succeeded", "created": 1_790_000_000}
    stand_in.replies = [
        answer({"id": "pi_1", "object": "payment_intent", "latest_charge": charge}),
        answer({"id": "pi_1", "object": "payment_intent", "latest_charge": charge | {"status": "failed"}}),
        answer({"id": "pi_1", "object": "payment_intent", "latest_charge": None}),
    ]
    assert await payments.charge_created_of("pi_1") == SINCE
    assert await payments.charge_created_of("pi_1") is None
    assert await payments.charge_created_of("pi_1") is None
    assert stand_in.asked[0].form == {"expand[0]": "latest_charge"}


async def test_a_refund_goes_out_under_its_key(payments: Payments, stand_in: StandIn) -> None:
    stand_in.replies = [answer({"id": "re_1", "object": "refund", "status": "succeeded", "amount": 500})]
    refund = await payments.refund("pi_1", 500, idempotency_key="refund-par_1")
    assert (refund.id, refund.status, refund.amount) == ("re_1", RefundStatus.SUCCEEDED, 500)
    asked = stand_in.asked[0]
    assert (asked.path, asked.key) == ("/v1/refunds", "refund-par_1")
    assert asked.form == {"payment_intent": "pi_1", "amount": "500"}


async def test_stripe_is_told_nothing_about_this_machine(payments: Payments, stand_in: StandIn) -> None:
    stand_in.replies = [answer(session(), headers={"Request-Id": "req_1"})]
    await payments.retrieve_session("cs_test_1")
    await payments.retrieve_session("cs_test_1")
    assert [asked.telemetry for asked in stand_in.asked] == [None, None]


async def test_cancelling_a_call_is_not_swallowed(payments: Payments, stand_in: StandIn) -> None:
    stand_in.replies = [hang]
    call = asyncio.create_task(payments.create_session(NEW))
    await stand_in.reached.wait()
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call
