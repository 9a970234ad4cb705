"""Control of the Stripe stand-in: `/sandbox/stripe/*`, JSON in and out."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import asdict, replace
from typing import Any, Literal, TypeAlias

from aiohttp import web
from aiohttp.typedefs import Handler
from pydantic import Field
from yarl import URL

from hedge_service.sandbox.control import ControlBody, Json, bad_request, read_body
from hedge_service.sandbox.stripe.errors import StripeError
from hedge_service.sandbox.stripe.faults import Fault, FaultKind
from hedge_service.sandbox.stripe.params import Params
from hedge_service.sandbox.stripe.payments import AsyncOutcome, end_async_payment
from hedge_service.sandbox.stripe.refunds import close_dispute, create_refund, open_dispute
from hedge_service.sandbox.stripe.sessions import expire_session
from hedge_service.sandbox.stripe.standin import StripeStandIn

LOOPBACK_HOSTS = ("127.0.0.1", "localhost", "::1")
Act: TypeAlias = Callable[[StripeStandIn, web.Request], Awaitable[Json]]


class DeliverBody(ControlBody):
    """Post one event again; another secret or a shifted timestamp makes a forged or stale one."""

    event_id: str
    times: int = Field(default=1, ge=1, le=1000)
    concurrent: bool = False
    secret: str | None = None
    timestamp_offset_s: int = 0


class SettingsBody(ControlBody):
    """Change how events are delivered; fields left out stay."""

    url: str | None = None
    secret: str | None = None
    auto: bool | None = None
    duplicates: int | None = Field(default=None, ge=0, le=100)
    delay_s: float | None = Field(default=None, ge=0)
    drop: int | None = Field(default=None, ge=0)
    hold: int | None = Field(default=None, ge=0)
    tries: int | None = Field(default=None, ge=1, le=20)
    retry_wait_s: float | None = Field(default=None, ge=0)
    timeout_s: float | None = Field(default=None, gt=0)
    enabled_events: list[str] | None = None


class PaymentBody(ControlBody):
    """Name a payment by its session, payment intent or charge."""

    session: str | None = None
    payment_intent: str | None = None
    charge: str | None = None


class RefundBody(PaymentBody):
    """Refund as from the dashboard; no amount means all that is left, in cents."""

    amount: int | None = None
    reason: str | None = None


class DisputeBody(PaymentBody):
    """Open a dispute on a payment, or close the one named."""

    dispute: str | None = None
    close: Literal["won", "lost"] | None = None
    reason: str = "fraudulent"


class AsyncBody(ControlBody):
    """End a pending bank debit."""

    outcome: AsyncOutcome


class EmitBody(ControlBody):
    """Make an event about any object, or about a session as it is now with some fields changed."""

    type: str
    object: dict[str, Any] | None = None
    session: str | None = None
    changes: dict[str, Any] = Field(default_factory=dict)
    created: int | None = None
    deliver: bool = True


class FaultBody(ControlBody):
    """Let the next API calls fail; `path` is a prefix."""

    kind: FaultKind
    count: int = Field(default=1, ge=1, le=10_000)
    after: bool = False
    method: Literal["GET", "POST"] | None = None
    path: str | None = None


def stripe_control_routes(standin: StripeStandIn) -> list[web.RouteDef]:
    """Give the control routes; every refusal is a 400 or 404 with a JSON body."""
    table: list[tuple[str, str, Act]] = [
        ("GET", "state", _state),
        ("GET", "deliveries", _deliveries),
        ("POST", "deliver", _deliver),
        ("GET", "settings", _settings),
        ("POST", "settings", _change_settings),
        ("POST", "flush", _flush),
        ("POST", "settle", _settle),
        ("POST", "refund", _refund),
        ("POST", "dispute", _dispute),
        ("POST", "expire/{id}", _expire),
        ("POST", "async/{id}", _end_async),
        ("POST", "emit", _emit),
        ("GET", "faults", _faults),
        ("POST", "faults", _add_fault),
        ("DELETE", "faults", _clear_faults),
    ]
    return [
        web.route(method, f"/sandbox/stripe/{path}", _handler(standin, act)) for method, path, act in table
    ]


def check_webhook_url(url: str) -> None:
    """Refuse an endpoint that is not http on this machine. Raises ValueError."""
    try:
        parsed = URL(url)
    except ValueError:
        raise ValueError("the webhook endpoint is not an address") from None
    if parsed.scheme != "http" or parsed.host not in LOOPBACK_HOSTS:
        raise ValueError("the webhook endpoint must be http on loopback")


def _handler(standin: StripeStandIn, act: Act) -> Handler:
    async def handle(request: web.Request) -> web.StreamResponse:
        try:
            return web.json_response(await act(standin, request))
        except StripeError as refusal:
            return web.json_response(refusal.body(), status=refusal.status)

    return handle


async def _state(standin: StripeStandIn, _: web.Request) -> Json:
    return standin.state()


async def _deliveries(standin: StripeStandIn, _: web.Request) -> Json:
    return {"deliveries": standin.courier.log}


async def _deliver(standin: StripeStandIn, request: web.Request) -> Json:
    body = await read_body(request, DeliverBody)
    event = standin.books.events.get(body.event_id, param="event_id")

    async def send() -> Json:
        return await standin.courier.send(
            event, secret=body.secret, timestamp_offset_s=body.timestamp_offset_s
        )

    if body.concurrent:
        return {"deliveries": list(await asyncio.gather(*(send() for _ in range(body.times))))}
    return {"deliveries": [await send() for _ in range(body.times)]}


async def _settings(standin: StripeStandIn, _: web.Request) -> Json:
    shown = asdict(standin.courier.settings)
    del shown["secret"]
    return {"settings": shown}


async def _change_settings(standin: StripeStandIn, request: web.Request) -> Json:
    changes = (await read_body(request, SettingsBody)).model_dump(exclude_none=True)
    if "url" in changes:
        try:
            check_webhook_url(changes["url"])
        except ValueError as wrong:
            raise bad_request("The control request is not understood", f"url: {wrong}") from None
    if "enabled_events" in changes:
        changes["enabled_events"] = tuple(changes["enabled_events"])
    standin.courier.settings = replace(standin.courier.settings, **changes)
    return await _settings(standin, request)


async def _flush(standin: StripeStandIn, _: web.Request) -> Json:
    return {"flushed": standin.courier.flush()}


async def _settle(standin: StripeStandIn, _: web.Request) -> Json:
    await standin.courier.settle()
    return {"deliveries": standin.courier.log}


async def _refund(standin: StripeStandIn, request: web.Request) -> Json:
    body = await read_body(request, RefundBody)
    fields: Json = {"charge": _charge_id(standin, body)}
    if body.amount is not None:
        fields["amount"] = str(body.amount)
    if body.reason is not None:
        fields["reason"] = body.reason
    return {"refund": create_refund(standin.books, Params(fields))}


async def _dispute(standin: StripeStandIn, request: web.Request) -> Json:
    body = await read_body(request, DisputeBody)
    if body.close is None:
        event = open_dispute(standin.books, _charge_id(standin, body), reason=body.reason)
    elif body.dispute is None:
        raise bad_request("The control request is not understood", "dispute: name the dispute to close")
    else:
        event = close_dispute(standin.books, body.dispute, won=body.close == "won")
    return {"dispute": event["data"]["object"], "event": event["id"]}


async def _expire(standin: StripeStandIn, request: web.Request) -> Json:
    return {"session": expire_session(standin.books, request.match_info["id"])}


async def _end_async(standin: StripeStandIn, request: web.Request) -> Json:
    body = await read_body(request, AsyncBody)
    event = end_async_payment(standin.books, request.match_info["id"], body.outcome)
    return {"session": event["data"]["object"], "event": event["id"]}


async def _emit(standin: StripeStandIn, request: web.Request) -> Json:
    body = await read_body(request, EmitBody)
    if (body.object is None) == (body.session is None):
        raise bad_request("The control request is not understood", "give either object or session")
    base = body.object if body.session is None else standin.books.sessions.get(body.session, param="session")
    changed = {**(base if base is not None else {}), **body.changes}
    event = standin.books.record(body.type, changed, created=body.created, tell=body.deliver)
    return {"event": event}


async def _faults(standin: StripeStandIn, _: web.Request) -> Json:
    return {"faults": standin.faults.shown()}


async def _add_fault(standin: StripeStandIn, request: web.Request) -> Json:
    body = await read_body(request, FaultBody)
    standin.faults.add(Fault(**body.model_dump()))
    return await _faults(standin, request)


async def _clear_faults(standin: StripeStandIn, request: web.Request) -> Json:
    standin.faults.clear()
    return await _faults(standin, request)


def _charge_id(standin: StripeStandIn, body: PaymentBody) -> str:
    named = [name for name in (body.session, body.payment_intent, body.charge) if name is not None]
    if len(named) != 1:
        raise bad_request(
            "The control request is not understood", "name one session, payment_intent or charge"
        )
    if body.charge is not None:
        return body.charge
    intent_id = body.payment_intent
    if body.session is not None:
        intent_id = standin.books.sessions.get(body.session, param="session")["payment_intent"]
    if intent_id is None:
        raise StripeError(400, "This Checkout Session was never paid.")
    return str(standin.books.payment_intents.get(intent_id, param="payment_intent")["latest_charge"])
