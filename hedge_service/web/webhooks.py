"""Stripe's door: verify, keep, answer. The work is done elsewhere."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hedge_service.clock import millis
from hedge_service.errors import HedgeError, NotReady
from hedge_service.logs import get_logger
from hedge_service.web.keys import DOORS, Facts
from hedge_service.web.replies import json_reply, read_body
from hedge_service.wire.stripe.events import StripeEvent, inbox_event, parse_event
from hedge_service.wire.stripe.signature import verify

if TYPE_CHECKING:
    from aiohttp import web

MILLIS_PER_SECOND = 1000


async def stripe_webhook(request: web.Request) -> web.Response:
    """Keep a verified event durably before saying so: until then Stripe sends it again."""
    doors = request.app[DOORS]
    try:
        event = await _verified(request, doors.facts, now=millis(doors.clock.now()) // MILLIS_PER_SECOND)
    except HedgeError as error:
        get_logger().warning("webhook.rejected", **{"reason": error.code, **error.log_context()})
        raise
    new = await doors.intake.receive(inbox_event(event))
    get_logger().info("webhook.received", event_id=event.id, type=event.type, new=new)
    return json_reply({"received": True})


async def _verified(request: web.Request, facts: Facts, *, now: int) -> StripeEvent:
    if facts.webhook_secret is None:
        raise NotReady("The webhook is closed", "The service has no webhook secret yet.", code="no_secret")
    payload = await read_body(request)
    header = request.headers.get("Stripe-Signature")
    verify(payload, header, facts.webhook_secret, now=now, tolerance_s=facts.webhook_tolerance_s)
    return parse_event(payload)
