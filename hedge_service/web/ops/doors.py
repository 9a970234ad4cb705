"""The interface for programs over HTTP: the bearer token, the fields, the answer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson
from aiohttp import web

from hedge_service.errors import BadRequest, NotAuthenticated, UnsupportedBody
from hedge_service.web.ops import guards, openapi
from hedge_service.web.ops.acts import ACTS
from hedge_service.web.ops.api import READS
from hedge_service.web.ops.fields import read_all
from hedge_service.web.ops.keys import DESK, OPERATOR
from hedge_service.web.replies import json_reply, read_body

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from hedge_service.web.ops.acts import Act
    from hedge_service.web.ops.api import Read

    Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

MAX_BODY_BYTES = 16 * 1024
BEARER = "bearer"


def routes() -> list[web.RouteDef]:
    """Give every address of the interface; each asks for the bearer token."""
    reads = [web.get(openapi.PREFIX + read.path, _reading(read), allow_head=False) for read in READS]
    acts = [web.post(openapi.PREFIX + act.path, _acting(act)) for act in ACTS]
    described = web.get(f"{openapi.PREFIX}/openapi.json", _describe, allow_head=False)
    return [described, *reads, *acts]


def authenticate(request: web.Request) -> str:
    """Give the operator whose bearer token came. Raises NotAuthenticated, TooMany."""
    if OPERATOR in request:
        return request[OPERATOR]
    desk = request.app[DESK]
    scheme, _, given = request.headers.get("Authorization", "").strip().partition(" ")
    if scheme.lower() != BEARER or given.strip() == "":
        raise NotAuthenticated("A bearer token is needed")
    name = desk.bearer.enter(given.strip(), guards.caller_at(request, desk.config).address)
    request[OPERATOR] = name
    return name


async def _describe(request: web.Request) -> web.Response:
    authenticate(request)
    read_all((), _query(request))
    return json_reply(openapi.document(request.app[DESK].version), headers=guards.HEADERS)


def _reading(read: Read) -> Handler:
    async def handler(request: web.Request) -> web.Response:
        authenticate(request)
        given = read_all(read.fields, _together(_query(request), request))
        return json_reply(await read.run(request.app[DESK], given), headers=guards.HEADERS)

    return handler


def _acting(act: Act) -> Handler:
    async def handler(request: web.Request) -> web.Response:
        name = authenticate(request)
        read_all((), _query(request))
        given = _together(await _body(request), request)
        done = await act.do(request.app[DESK], given, name)
        return json_reply(done, headers=guards.HEADERS)

    return handler


def _together(given: Mapping[str, Any], request: web.Request) -> Mapping[str, Any]:
    twice = set(given) & set(request.match_info)
    if twice:
        raise BadRequest(f"{min(twice)}: stands in the address", "Give it there alone.")
    return {**given, **request.match_info}


def _query(request: web.Request) -> Mapping[str, str]:
    twice = [name for name in request.query if len(request.query.getall(name)) > 1]
    if twice:
        raise BadRequest(f"{twice[0][:40]!r} is given twice", "Give each field once.")
    return dict(request.query)


async def _body(request: web.Request) -> dict[str, Any]:
    if request.content_type != "application/json":
        raise UnsupportedBody("The body is not JSON", "Send Content-Type: application/json.")
    try:
        body = orjson.loads(await read_body(request, MAX_BODY_BYTES))
    except orjson.JSONDecodeError:
        raise BadRequest("The body is not JSON", "Send a JSON object.") from None
    if not isinstance(body, dict):
        raise BadRequest("The body is no object", "Send a JSON object.")
    if None in body.values():
        raise BadRequest("A field is null", "Leave out what you have nothing to say of.")
    return body
