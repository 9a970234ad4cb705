"""Run the application so that even what is no HTTP request gets a JSON answer.

Requests that the parser refuses never reach a middleware; aiohttp would answer them in plain text and
log them, addresses and ids included, as errors of ours.
"""

from __future__ import annotations

from http import HTTPStatus

from aiohttp import web

from hedge_service.errors import INTERNAL, Answer
from hedge_service.logs import get_logger
from hedge_service.web.replies import error_reply

# A 10 kB id is to be refused by its handler, in JSON, not by the parser.
MAX_LINE_BYTES = 65_536

MALFORMED = Answer(
    status=400,
    code="malformed_request",
    error="The request is malformed",
    details="Send a valid HTTP request without control characters.",
)


class DoorProtocol(web.RequestHandler):
    """One connection; answers what the application never sees."""

    __slots__ = ()

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        """Answer a request that could not be parsed, or a failure outside all middlewares, in JSON.

        Always closes the connection. Raises ConnectionError when part of another answer is out already.
        """
        del message
        if request.writer is not None and request.writer.output_size > 0:
            raise ConnectionError("an answer is half sent")
        answer = MALFORMED
        if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            answer = INTERNAL
            get_logger().error("request.failed", exc_info=exc, code=answer.code)
        get_logger().info("request.handled", route="unmatched", status=answer.status, code=answer.code)
        reply = error_reply(answer)
        reply.force_close()
        return reply


class _DoorServer(web.Server):
    def __call__(self) -> web.RequestHandler:
        return DoorProtocol(self, loop=self._loop, **self._kwargs)


class DoorRunner(web.AppRunner):
    """Runs the public listener."""

    __slots__ = ()

    def __init__(self, app: web.Application, *, shutdown_timeout_s: float = 10.0) -> None:
        super().__init__(
            app, access_log=None, max_line_size=MAX_LINE_BYTES, shutdown_timeout=shutdown_timeout_s
        )

    async def _make_server(self) -> web.Server:
        made = await super()._make_server()
        # aiohttp has no setting for the protocol's class.
        return _DoorServer(
            made.request_handler,
            request_factory=made.request_factory,
            handler_cancellation=made.handler_cancellation,
            **made._kwargs,  # noqa: SLF001 - as above; tests/web/test_web_malformed.py would notice a change
        )
