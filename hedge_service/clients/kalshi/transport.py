"""One request out, one reply in, over kept-alive connections, and whether any byte was written.

The session repeats nothing, follows nothing and remembers nothing by itself: a repeated request would
carry an old signature, and could be a second order.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import aiohttp

from hedge_service.clients.kalshi.errors import Undelivered
from hedge_service.crash import ignore

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from types import SimpleNamespace

    from yarl import URL

    from hedge_service.crash import Probe

MAX_BODY_BYTES = 16 * 1024 * 1024
CONNECT_TIMEOUT_S = 3.0
CONNECTIONS = 128


@dataclass(frozen=True, slots=True, kw_only=True)
class Response:
    """A complete reply."""

    status: int
    body: bytes


@dataclass(slots=True)
class _Progress:
    on_written: Callable[[], None]
    reached: Callable[[str], None]
    begun: bool = False


async def _before_first_byte(
    session: aiohttp.ClientSession,
    context: SimpleNamespace,
    params: aiohttp.TraceRequestHeadersSentParams,
) -> None:
    # Despite its name aiohttp sends this signal when the connection stands and before it writes the
    # headers; an exception here closes the connection with nothing of this request written.
    del session, params
    progress: _Progress = context.trace_request_ctx
    progress.on_written()
    progress.reached("before_write")
    progress.begun = True


async def _after_body(
    session: aiohttp.ClientSession, context: SimpleNamespace, params: aiohttp.TraceRequestChunkSentParams
) -> None:
    del session, params
    progress: _Progress = context.trace_request_ctx
    progress.reached("after_write")


class Transport:
    """An HTTP session for one exchange. Open it inside the event loop, close it at the end."""

    def __init__(self, *, probe: Probe = ignore) -> None:
        self._probe = probe
        trace = aiohttp.TraceConfig()
        trace.on_request_headers_sent.append(_before_first_byte)
        trace.on_request_chunk_sent.append(_after_body)
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=CONNECTIONS, ttl_dns_cache=60),
            cookie_jar=aiohttp.DummyCookieJar(),
            headers={"User-Agent": "hedge-service", "Accept": "application/json"},
            trust_env=False,
            trace_configs=[trace],
        )
        # Otherwise GET and DELETE are silently sent again, with the old signature, when a kept-alive
        # connection turns out dead.
        self._session._retry_connection = False  # noqa: SLF001 - aiohttp 3.14 has no public switch

    async def send(
        self,
        method: str,
        url: URL,
        *,
        headers: Mapping[str, str],
        body: bytes | None,
        timeout_s: float,
        on_written: Callable[[], None],
    ) -> Response:
        """Send once. `on_written` is called when the connection stands, just before the first byte.

        When `on_written` raises, nothing is written and its exception comes out unchanged. Raises
        Undelivered when there is no complete reply within `timeout_s`; cancellation comes out as itself,
        and then nothing is known.
        """
        progress = _Progress(on_written, lambda where: self._probe(f"exchange.{where}:{method}"))
        timeout = aiohttp.ClientTimeout(total=timeout_s, connect=min(CONNECT_TIMEOUT_S, timeout_s))
        try:
            async with self._session.request(
                method,
                url,
                headers=headers,
                data=body,
                timeout=timeout,
                allow_redirects=False,
                trace_request_ctx=progress,
            ) as response:
                reply = Response(status=response.status, body=await _bounded(response))
                progress.reached("after_reply")
                return reply
        except TimeoutError:
            raise Undelivered("timeout", begun=progress.begun) from None
        except aiohttp.ClientConnectorError:
            raise Undelivered("connect_failed", begun=progress.begun) from None
        except (aiohttp.ClientError, OSError):
            raise Undelivered("connection_lost", begun=progress.begun) from None

    async def close(self) -> None:
        """Close all connections."""
        await self._session.close()


async def _bounded(response: aiohttp.ClientResponse) -> bytes:
    body = bytearray()
    async for chunk in response.content.iter_any():
        body += chunk
        if len(body) > MAX_BODY_BYTES:
            raise Undelivered("reply_too_large", begun=True)
    return bytes(body)
