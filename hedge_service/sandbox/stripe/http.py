"""Stripe's API over HTTP: keys, idempotency, faults and the table of calls."""

from __future__ import annotations

import base64
import binascii
import hmac
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from aiohttp import web

from hedge_service.sandbox.control import Json
from hedge_service.sandbox.stripe.books import API_VERSION, Books
from hedge_service.sandbox.stripe.errors import StripeError, invalid
from hedge_service.sandbox.stripe.expand import expanded, line_item_list
from hedge_service.sandbox.stripe.faults import suffer
from hedge_service.sandbox.stripe.params import Params, decode_form
from hedge_service.sandbox.stripe.refunds import create_refund
from hedge_service.sandbox.stripe.sessions import create_session, expire_due_sessions, expire_session

if TYPE_CHECKING:
    from aiohttp.typedefs import Handler

    from hedge_service.sandbox.stripe.idempotency import Fingerprint
    from hedge_service.sandbox.stripe.shelf import Shelf
    from hedge_service.sandbox.stripe.standin import StripeStandIn

_PAGING = ("limit", "starting_after", "ending_before", "created", "expand")


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One API call, read: its parameters, the ids in its path, and where this server is reached."""

    books: Books
    params: Params
    path: Mapping[str, str]
    base_url: str


Action: TypeAlias = Callable[[Call], Json]


def stripe_routes(standin: StripeStandIn) -> list[web.RouteDef]:
    """Give the routes under `/v1`; the last one refuses what this stand-in does not know."""
    books = standin.books
    sessions = "/v1/checkout/sessions"
    table: list[tuple[str, str, Action]] = [
        ("POST", sessions, _create_session),
        ("POST", sessions + "/{id}/expire", lambda call: expire_session(books, call.path["id"])),
        ("GET", sessions + "/{id}/line_items", lambda call: line_item_list(books, call.path["id"])),
        ("POST", "/v1/refunds", lambda call: create_refund(books, call.params)),
        ("GET", "/v1/account", _account),
        ("GET", "/v1/events", _list_events),
    ]
    for shelf in _shelves(books):
        table += [("GET", shelf.url, _lister(shelf)), ("GET", shelf.url + "/{id}", _getter(shelf))]
    table.append(("*", "/v1/{unknown:.*}", _refuse))
    return [web.route(method, path, _handler(standin, action)) for method, path, action in table]


def _shelves(books: Books) -> list[Shelf]:
    return [
        books.sessions,
        books.payment_intents,
        books.charges,
        books.refunds,
        books.disputes,
        books.balance_transactions,
        books.events,
    ]


def _handler(standin: StripeStandIn, action: Action) -> Handler:
    async def handle(request: web.Request) -> web.StreamResponse:
        request_id = standin.books.new_id("req", length=14)
        try:
            response = await _answer(standin, action, request, request_id)
        except StripeError as refusal:
            response = web.json_response(refusal.body(), status=refusal.status)
        standin.requests.append(_seen(request, response))
        response.headers["Request-Id"] = request_id
        response.headers["Stripe-Version"] = API_VERSION
        return response

    return handle


async def _answer(
    standin: StripeStandIn, action: Action, request: web.Request, request_id: str
) -> web.Response:
    _authenticate(standin, request)
    raw = await request.read() if request.method == "POST" else request.query_string
    fault = standin.faults.take(request.method, request.path)
    if fault is not None and not fault.after:
        return await suffer(fault, request)
    response = _act_once(standin, action, request, decode_form(raw), request_id)
    return response if fault is None else await suffer(fault, request)


def _act_once(
    standin: StripeStandIn, action: Action, request: web.Request, fields: Json, request_id: str
) -> web.Response:
    key = request.headers.get("Idempotency-Key") if request.method == "POST" else None
    fingerprint: Fingerprint = (request.method, request.path, fields)
    headers = {} if key is None else {"Idempotency-Key": key, "Original-Request": request_id}
    found = None if key is None else standin.keys.find(key, fingerprint)
    if found is not None:
        headers |= {"Original-Request": found.request_id, "Idempotent-Replayed": "true"}
        return web.json_response(found.reply, headers=headers)
    reply = _act(standin.books, action, request, Params(fields))
    if key is not None:
        standin.keys.remember(key, fingerprint, reply, request_id)
    return web.json_response(reply, headers=headers)


def _act(books: Books, action: Action, request: web.Request, params: Params) -> Json:
    expire_due_sessions(books)
    call = Call(
        books=books,
        params=params,
        path=request.match_info,
        base_url=f"{request.scheme}://{request.host}",
    )
    return expanded(books, action(call), params.texts("expand"))


def _authenticate(standin: StripeStandIn, request: web.Request) -> None:
    scheme, _, rest = request.headers.get("Authorization", "").partition(" ")
    key = rest.strip()
    if scheme.lower() == "basic":
        key = _basic_user(key)
    if not key:
        raise StripeError(401, "You did not provide an API key.")
    if not hmac.compare_digest(key.encode(), standin.api_key.encode()):
        raise StripeError(401, f"Invalid API Key provided: {key[:8]}****")


def _basic_user(encoded: str) -> str:
    try:
        return base64.b64decode(encoded, validate=True).decode().partition(":")[0]
    except (binascii.Error, UnicodeDecodeError):
        return ""


def _seen(request: web.Request, response: web.Response) -> Json:
    return {
        "method": request.method,
        "path": request.path,
        "query": request.query_string,
        "idempotency_key": request.headers.get("Idempotency-Key"),
        "status": response.status,
    }


def _create_session(call: Call) -> Json:
    return create_session(call.books, call.params, base_url=call.base_url)


def _lister(shelf: Shelf) -> Action:
    def list_items(call: Call) -> Json:
        call.params.only((*_PAGING, *shelf.filters))
        return shelf.page(call.params)

    return list_items


def _getter(shelf: Shelf) -> Action:
    def get_item(call: Call) -> Json:
        call.params.only(("expand",))
        return shelf.get(call.path["id"])

    return get_item


def _list_events(call: Call) -> Json:
    call.params.only((*_PAGING, "type", "types"))
    one, several = call.params.text("type"), call.params.texts("types")
    if one is not None and several:
        raise invalid("You may pass either `type` or `types`, but not both.", param="types")
    wanted = [one] if one is not None else several
    return call.books.events.page(call.params, keep=lambda event: _is_wanted(event["type"], wanted))


def _is_wanted(kind: str, wanted: list[str]) -> bool:
    return not wanted or any(
        kind.startswith(name[:-1]) if name.endswith("*") else kind == name for name in wanted
    )


def _account(call: Call) -> Json:
    return {
        "id": call.books.account_id,
        "object": "account",
        "business_type": "company",
        "charges_enabled": True,
        "country": "US",
        "default_currency": "usd",
        "details_submitted": True,
        "email": None,
        "payouts_enabled": True,
        "type": "standard",
    }


def _refuse(call: Call) -> Json:
    path = f"/v1/{call.path['unknown'][:200]}"
    raise StripeError(404, f"Unrecognized request URL ({path}).")
