"""Read request bodies within bounds; write JSON replies."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import orjson
from aiohttp import web

from hedge_service.errors import BadRequest, TooLarge

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hedge_service.errors import Answer

MAX_BODY_BYTES = 256 * 1024
BODY_TIMEOUT_S = 30

# Replies are one user's, and are never to be taken for a page.
HEADERS = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}


def json_reply(
    body: Mapping[str, Any], *, status: int = 200, headers: Mapping[str, str] = HEADERS
) -> web.Response:
    """Give a JSON reply."""
    return web.Response(
        body=orjson.dumps(body), status=status, content_type="application/json", headers=headers
    )


def error_reply(answer: Answer, **more: str) -> web.Response:
    """Give the reply that tells an error; `more` is what its body holds besides."""
    retry = {} if answer.retry_after_s is None else {"Retry-After": str(answer.retry_after_s)}
    return json_reply({**answer.body(), **more}, status=answer.status, headers={**HEADERS, **retry})


async def read_body(request: web.Request, limit: int = MAX_BODY_BYTES) -> bytes:
    """Read the raw body, at most `limit` bytes.

    Raises TooLarge, and BadRequest for a body that is broken off, badly framed or too slow.
    """
    if request.content_length is not None and request.content_length > limit:
        raise TooLarge(limit_bytes=limit)
    try:
        if request.content.is_eof():
            # It came with its head: there is nothing to wait for.
            return _within(request.content.read_nowait(-1), limit)
        async with asyncio.timeout(BODY_TIMEOUT_S):
            return await _read(request, limit)
    except TimeoutError:
        raise BadRequest("The body did not arrive in time", "Send the request again.") from None
    except web.RequestPayloadError:
        raise BadRequest("The body can't be read", "Send the request again.") from None


def _within(body: bytes, limit: int) -> bytes:
    if len(body) > limit:
        raise TooLarge(limit_bytes=limit)
    return body


async def _read(request: web.Request, limit: int) -> bytes:
    body = bytearray()
    async for part in request.content.iter_any():
        body += part
        # Counted as it comes: a chunked or compressed body states no true length.
        if len(body) > limit:
            raise TooLarge(limit_bytes=limit)
    return bytes(body)
