"""Around every handler of the operators' listener: a request id and one log line, errors as a page or JSON.

What is open and what needs a token is decided where routes are made (`doors`, `pages`), one by one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from aiohttp import web

from hedge_service.errors import INTERNAL, Answer, HedgeError, NotAuthenticated, NotReady, answer_for
from hedge_service.failures import link
from hedge_service.logs import get_logger, log_context
from hedge_service.store.db import StoreUnavailable
from hedge_service.web.middleware import HTTP_WORDS, REFUSAL, REQUEST_ID, STORE_BUSY
from hedge_service.web.ops import guards, openapi, render
from hedge_service.web.ops.keys import DESK, OPERATOR
from hedge_service.web.ops.metrics import METRICS
from hedge_service.web.replies import error_reply

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

STATIC = "/ops/static/"
CLOSED = NotReady(
    "The operators' page is closed",
    "Set HEDGE_OPS_TOKEN to name:secret (16 signs or more) and start the service again.",
    code="no_ops_token",
)


@web.middleware
async def told(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Name the request, time it, and write its one canonical line."""
    desk = request.app[DESK]
    began = desk.clock.monotonic()
    request[REQUEST_ID] = desk.new_id()
    with log_context(request_id=request[REQUEST_ID]):
        response = await handler(request)
        resource = request.match_info.route.resource
        who = {"actor": request[OPERATOR]} if OPERATOR in request else {}
        get_logger().info(
            "request.handled",
            **request.get(REFUSAL, {}),
            **who,
            listener="ops",
            method=request.method,
            route="unmatched" if resource is None else resource.canonical,
            status=response.status,
            duration_ms=round((desk.clock.monotonic() - began) * 1000, 3),
        )
    return response


@web.middleware
async def answered(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Turn every exception into an answer that tells nothing it should not; head every answer alike."""
    try:
        response = await handler(request)
    except web.HTTPException as error:
        response = _http_error(request, error)
    except StoreUnavailable:
        get_logger().error("request.failed", exc_info=True, code=STORE_BUSY.code)
        response = _error(request, STORE_BUSY)
    except HedgeError as error:
        response = _refused(request, error)
    except Exception as error:  # noqa: BLE001 - whatever it is, the client gets an answer, we the traceback
        get_logger().error("request.failed", exc_info=True, code=INTERNAL.code)
        response = _error(request, answer_for(error))
    if not response.prepared:  # a stream has sent its own
        for name, value in guards.HEADERS.items():
            response.headers.setdefault(name, value)
        response.headers["X-Request-Id"] = request[REQUEST_ID]
    return response


@web.middleware
async def guarded(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Refuse foreign names and pages, and everybody while no token is set; figures have their own rule."""
    if request.path == METRICS:
        return await handler(request)
    desk = request.app[DESK]
    guards.check_host(request, desk.hosts)
    guards.check_origin(request)
    if not desk.tokens and not request.path.startswith(STATIC):
        raise CLOSED
    return await handler(request)


MIDDLEWARES = (told, answered, guarded)


def _refused(request: web.Request, error: HedgeError) -> web.StreamResponse:
    request[REFUSAL] = error.log_context()
    if error.status >= INTERNAL.status and error is not CLOSED:
        get_logger().warning("request.failed", **error.log_context())
    response = _error(request, answer_for(error))
    if isinstance(error, NotAuthenticated) and _is_api(request):
        response.headers["WWW-Authenticate"] = 'Bearer realm="hedge-service operators"'
    return response


def _http_error(request: web.Request, error: web.HTTPException) -> web.StreamResponse:
    if isinstance(error, web.HTTPRedirection):
        return web.Response(status=error.status, headers={"Location": error.headers["Location"]})
    words = HTTP_WORDS.get(error.status)
    sentence, details = ("Bad request", "Correct the request.") if words is None else words
    code = error.reason.lower().replace(" ", "_")
    refusal: dict[str, object] = {"code": code}
    request[REFUSAL] = refusal
    answer = Answer(status=error.status, code=code, error=sentence, details=details)
    response = _error(request, answer)
    if "Allow" in error.headers:
        response.headers["Allow"] = error.headers["Allow"]
    return response


def _is_api(request: web.Request) -> bool:
    return request.path.startswith(openapi.PREFIX) or request.path == METRICS


def _error(request: web.Request, answer: Answer) -> web.StreamResponse:
    docs = link(answer.code)
    if _is_api(request):
        return error_reply(answer, docs=docs)
    return render.error_page(request, answer, docs=docs)
