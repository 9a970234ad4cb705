"""Around every handler: a request id and one log line, errors as JSON, the guards."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aiohttp import web

from hedge_service.errors import INTERNAL, Answer, HedgeError, answer_for
from hedge_service.logs import get_logger, log_context
from hedge_service.store.db import StoreUnavailable
from hedge_service.web import guards
from hedge_service.web.keys import DOORS
from hedge_service.web.replies import error_reply

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

REQUEST_ID: web.RequestKey[str] = web.RequestKey("request_id", str)
REFUSAL: web.RequestKey[dict[str, object]] = web.RequestKey("refusal", dict[str, object])

STORE_BUSY = Answer(
    status=503,
    code="store_unavailable",
    error="The database is not available",
    details="Nothing was changed. Try again later.",
)
HTTP_WORDS: Mapping[int, tuple[str, str]] = {
    404: ("Not found", "There is nothing at this address."),
    405: ("Method not allowed", "This address does not take this method."),
    413: ("The request is too large", "Send a smaller body."),
}


@web.middleware
async def handled(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Name the request, time it, and write its one canonical line."""
    doors = request.app[DOORS]
    began = doors.clock.monotonic()
    request[REQUEST_ID] = doors.new_id()
    with log_context(request_id=request[REQUEST_ID]):
        response = await handler(request)
        response.headers["X-Request-Id"] = request[REQUEST_ID]
        fields: dict[str, object] = {
            **request.get(REFUSAL, {}),
            "method": request.method,
            "route": _route(request),
            "status": response.status,
            "duration_ms": round((doors.clock.monotonic() - began) * 1000, 3),
        }
        get_logger().info("request.handled", **fields)
    return response


@web.middleware
async def answered(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Turn every exception into a JSON answer that tells nothing it should not."""
    try:
        return await handler(request)
    except web.HTTPException as error:
        return _http_error(request, error)
    except StoreUnavailable:
        get_logger().error("request.failed", exc_info=True, code=STORE_BUSY.code)
        return error_reply(STORE_BUSY)
    except HedgeError as error:
        request[REFUSAL] = error.log_context()
        if error.status >= INTERNAL.status:
            get_logger().warning("request.failed", **error.log_context())
        return error_reply(answer_for(error))
    except Exception as error:  # noqa: BLE001 - whatever it is, the client gets JSON and we get the traceback
        get_logger().error("request.failed", exc_info=True, code=INTERNAL.code)
        return error_reply(answer_for(error))


@web.middleware
async def guarded(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Refuse web pages and foreign host names before anything is done."""
    guards.check(request, request.app[DOORS].facts.hosts)
    return await handler(request)


MIDDLEWARES = (handled, answered, guarded)


def _http_error(request: web.Request, error: web.HTTPException) -> web.Response:
    words = HTTP_WORDS.get(error.status)
    sentence, details = ("Bad request", "Correct the request.") if words is None else words
    code = error.reason.lower().replace(" ", "_")
    refusal: dict[str, object] = {"code": code}
    request[REFUSAL] = refusal
    reply = error_reply(Answer(status=error.status, code=code, error=sentence, details=details))
    if "Allow" in error.headers:
        reply.headers["Allow"] = error.headers["Allow"]
    return reply


def _route(request: web.Request) -> str:
    # The template, never the path: ids in paths are bearer secrets.
    resource = request.match_info.route.resource
    return "unmatched" if resource is None else resource.canonical
