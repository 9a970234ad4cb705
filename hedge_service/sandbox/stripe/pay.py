"""The hosted payment page: where Stripe's own page would be, one with a Pay button."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from aiohttp import web

from hedge_service.sandbox.control import ControlBody, Json, read_body
from hedge_service.sandbox.stripe.errors import StripeError
from hedge_service.sandbox.stripe.payments import PayMethod, pay_session
from hedge_service.sandbox.stripe.sessions import expire_due_sessions

if TYPE_CHECKING:
    from aiohttp.typedefs import Handler

    from hedge_service.sandbox.stripe.standin import StripeStandIn

# Under no-referrer a browser would send the Pay button with `Origin: null`, which the server refuses.
_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'",
    "Referrer-Policy": "same-origin",
}
_PAGE = """<!doctype html><html lang="en"><meta charset="utf-8">
<meta name="viewport" content="width=device-width"><title>Sandbox payment</title>
<style>body{{font:16px sans-serif;max-width:26em;margin:3em auto;padding:0 1em}}
button{{font:inherit;padding:.6em 2em}}</style>
<h1>Sandbox payment</h1>{body}</html>"""


class PayBody(ControlBody):
    """How to pay, when a program pays."""

    method: PayMethod = PayMethod.CARD


def pay_routes(standin: StripeStandIn) -> list[web.RouteDef]:
    """Give the routes of `/sandbox/pay/{id}`: the page, and the act of paying."""
    path = "/sandbox/pay/{id}"
    return [web.get(path, _page(standin)), web.post(path, _pay(standin))]


def return_url(session: Json) -> str:
    """Give the address the customer is sent to, with the session's id in its place."""
    return str(session["success_url"]).replace("{CHECKOUT_SESSION_ID}", session["id"])


def _page(standin: StripeStandIn) -> Handler:
    async def handle(request: web.Request) -> web.StreamResponse:
        expire_due_sessions(standin.books)
        session = standin.books.sessions.find(request.match_info["id"])
        if session is None:
            return _html("<p>There is no such payment.</p>", status=404)
        items = standin.books.line_items[session["id"]]
        return _html(_body(session, ", ".join(item["description"] for item in items)))

    return handle


def _pay(standin: StripeStandIn) -> Handler:
    async def handle(request: web.Request) -> web.StreamResponse:
        by_program = request.content_type == "application/json"
        body = await read_body(request, PayBody) if by_program else PayBody()
        try:
            event = pay_session(standin.books, request.match_info["id"], body.method)
        except StripeError as refusal:
            if by_program:
                return web.json_response(refusal.body(), status=refusal.status)
            return _html(f"<p>{escape(refusal.message)}</p>", status=refusal.status)
        session = standin.books.sessions.get(request.match_info["id"])
        if by_program:
            return web.json_response(
                {"session": session, "event": event["id"], "redirect": return_url(session)}
            )
        raise web.HTTPSeeOther(return_url(session))

    return handle


def _html(body: str, *, status: int = 200) -> web.Response:
    return web.Response(
        text=_PAGE.format(body=body), status=status, content_type="text/html", headers=_HEADERS
    )


def _body(session: Json, description: str) -> str:
    amount = f"{session['amount_total'] // 100}.{session['amount_total'] % 100:02d}"
    shown = f"<p>{escape(description)}</p><p><b>{amount} {escape(session['currency'].upper())}</b></p>"
    if session["status"] != "open":
        return f"{shown}<p>This payment is {escape(session['status'])}.</p>"
    leave = session["cancel_url"]
    cancel = "" if leave is None else f'<p><a href="{escape(leave)}">Cancel</a></p>'
    return f'{shown}<form method="post"><button>Pay</button></form><p>No real money moves.</p>{cancel}'
