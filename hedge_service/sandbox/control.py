"""What every control endpoint and injected fault of the sandbox shares."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any, TypeAlias, TypeVar

from aiohttp import web
from pydantic import BaseModel, ConfigDict, ValidationError

Json: TypeAlias = dict[str, Any]
Clock: TypeAlias = Callable[[], float]

STOPPING: web.AppKey[asyncio.Event] = web.AppKey("sandbox.stopping", asyncio.Event)


class ControlBody(BaseModel):
    """The body of a control request: unknown fields and wrong types are refused."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


Body = TypeVar("Body", bound=ControlBody)


def bad_request(error: str, *problems: str) -> web.HTTPBadRequest:
    """Make the 400 of a control endpoint, as `{"error", "details"}`."""
    body = json.dumps({"error": error, "details": list(problems)})
    return web.HTTPBadRequest(text=body, content_type="application/json")


async def read_body(request: web.Request, shape: type[Body]) -> Body:
    """Read a control request's JSON body; no body counts as `{}`.

    Raises web.HTTPBadRequest with one line for each field that is wrong.
    """
    raw = await request.read()
    try:
        return shape.model_validate_json(raw if raw.strip() else b"{}")
    except ValidationError as wrong:
        raise bad_request("The control request is not understood", *_problems(wrong)) from None


def _problems(wrong: ValidationError) -> list[str]:
    return [
        f"{'.'.join(map(str, error['loc']))}: {error['msg']}" if error["loc"] else error["msg"]
        for error in wrong.errors(include_url=False, include_input=False)
    ]


async def hang(request: web.Request) -> web.Response:
    """Keep the caller waiting until it gives up or the sandbox stops."""
    stopping = request.app.get(STOPPING)
    await (stopping if stopping is not None else asyncio.Event()).wait()
    return reset(request)


def reset(request: web.Request) -> web.Response:
    """Break the caller's connection; the response made here is never written."""
    if request.transport is not None:
        request.transport.abort()
    return web.Response(status=500)
