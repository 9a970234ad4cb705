"""A language model stand-in: OpenAI's `POST /v1/responses` with structured output, scripted by tests.

https://platform.openai.com/docs/api-reference/responses
"""

import asyncio
import hmac
import json
from collections import deque
from collections.abc import Awaitable, Callable
from enum import StrEnum
from typing import Any, TypeAlias

from aiohttp import web
from aiohttp.typedefs import Handler
from pydantic import Field

from hedge_service.sandbox.control import Clock, ControlBody, Json, hang, read_body, reset
from hedge_service.sandbox.model_answers import format_of, gullible, plain, with_nan

Act: TypeAlias = Callable[["ModelStandIn", web.Request], Awaitable[Json]]


class Mode(StrEnum):
    """How the model answers one call; GULLIBLE obeys what the legs' texts tell it."""

    ANSWER = "answer"
    GULLIBLE = "gullible"
    NAN = "nan"
    REFUSAL = "refusal"
    INCOMPLETE = "incomplete"
    WRONG_SHAPE = "wrong_shape"
    NOT_JSON = "not_json"
    EMPTY = "empty"
    ERROR = "error"
    RATE_LIMIT = "rate_limit"
    HANG = "hang"
    RESET = "reset"


class Answer(ControlBody):
    """One scripted answer; without `answer` the schema asked for is filled in, and the default plan named."""

    mode: Mode = Mode.ANSWER
    answer: dict[str, Any] | None = None
    delay_s: float = Field(default=0.0, ge=0)


class ScriptBody(ControlBody):
    """The answers to the next calls, then `default` for all that follow (kept when left out)."""

    answers: list[Answer] = Field(default_factory=list)
    default: Answer | None = None


class ModelStandIn:
    """Answer at once and always the same, unless a script says otherwise."""

    def __init__(self, *, api_key: str, clock: Clock) -> None:
        self.api_key = api_key
        self.calls: list[Json] = []
        self.script: deque[Answer] = deque()
        self.default = Answer()
        self._clock = clock

    def reset(self) -> None:
        """Forget the script and the calls."""
        self.calls.clear()
        self.script.clear()
        self.default = Answer()

    def next_answer(self) -> Answer:
        """Take the next scripted answer, or the default."""
        return self.script.popleft() if self.script else self.default

    def record(self, body: Json, answer: Answer) -> str:
        """Note a call (never its key) and give it an id."""
        form = format_of(body)
        self.calls.append(
            {
                "at": self._clock(),
                "model": body.get("model"),
                "instructions": body.get("instructions"),
                "input": body.get("input"),
                "schema_name": form.get("name"),
                "schema": form.get("schema"),
                "max_output_tokens": body.get("max_output_tokens"),
                "mode": answer.mode,
            }
        )
        return f"resp_sandbox{len(self.calls):06d}"

    def reply(self, body: Json, answer: Answer, response_id: str) -> Json:
        """Make the response object with its one message."""
        incomplete = {"reason": "max_output_tokens"} if answer.mode is Mode.INCOMPLETE else None
        return {
            "id": response_id,
            "object": "response",
            "created_at": int(self._clock()),
            "status": "completed" if incomplete is None else "incomplete",
            "error": None,
            "incomplete_details": incomplete,
            "instructions": body.get("instructions"),
            "metadata": {},
            "model": body["model"],
            "output": _output(_content(body, answer), response_id),
            "parallel_tool_calls": True,
            "temperature": 1.0,
            "tool_choice": "auto",
            "tools": [],
            "top_p": 1.0,
            "text": body.get("text"),
            "usage": {
                "input_tokens": 1,
                "input_tokens_details": {"cached_tokens": 0, "cache_write_tokens": 0},
                "output_tokens": 1,
                "output_tokens_details": {"reasoning_tokens": 0},
                "total_tokens": 2,
            },
        }


def model_routes(standin: ModelStandIn) -> list[web.RouteDef]:
    """Give the route of the API; add it before Stripe's, which refuses the rest of `/v1`."""
    return [web.post("/v1/responses", _respond(standin))]


def model_control_routes(standin: ModelStandIn) -> list[web.RouteDef]:
    """Give the control routes: script, calls, reset."""
    table: list[tuple[str, str, Act]] = [
        ("GET", "calls", _calls),
        ("POST", "script", _set_script),
        ("POST", "reset", _reset),
    ]
    return [
        web.route(method, f"/sandbox/model/{path}", _handler(standin, act)) for method, path, act in table
    ]


def _content(body: Json, answer: Answer) -> list[Json]:
    match answer.mode:
        case Mode.REFUSAL:
            return [{"type": "refusal", "refusal": "I'm sorry, I cannot assist with that request."}]
        case Mode.EMPTY:
            return []
        case Mode.NOT_JSON:
            text = "Here is what I think: it depends."
        case Mode.WRONG_SHAPE:
            text = json.dumps({"unexpected": True})
        case Mode.GULLIBLE:
            text = json.dumps(gullible(body))
        case Mode.NAN:
            text = json.dumps(with_nan(body))
        case _:
            text = json.dumps(plain(body) if answer.answer is None else answer.answer)
    return [{"type": "output_text", "text": text, "annotations": [], "logprobs": []}]


def _output(content: list[Json], response_id: str) -> list[Json]:
    if not content:
        return []
    return [
        {
            "type": "message",
            "id": response_id.replace("resp_", "msg_"),
            "status": "completed",
            "role": "assistant",
            "content": content,
        }
    ]


def _respond(standin: ModelStandIn) -> Handler:
    async def handle(request: web.Request) -> web.StreamResponse:
        if not _is_known(standin, request):
            return _error(401, "Incorrect API key provided.", "invalid_request_error", "invalid_api_key")
        body = _read(await request.read())
        if body is None or not isinstance(body.get("model"), str) or "input" not in body:
            return _error(400, "The body must be JSON with model and input.", "invalid_request_error", None)
        answer = standin.next_answer()
        response_id = standin.record(body, answer)
        if answer.delay_s > 0:
            await asyncio.sleep(answer.delay_s)
        return await _play(standin, request, body, answer, response_id)

    return handle


async def _play(
    standin: ModelStandIn, request: web.Request, body: Json, answer: Answer, response_id: str
) -> web.Response:
    match answer.mode:
        case Mode.ERROR:
            return _error(500, "The server had an error while processing your request.", "server_error", None)
        case Mode.RATE_LIMIT:
            return _error(429, "Rate limit reached.", "requests", "rate_limit_exceeded")
        case Mode.HANG:
            return await hang(request)
        case Mode.RESET:
            return reset(request)
    return web.json_response(
        standin.reply(body, answer, response_id), headers={"x-request-id": response_id.replace("resp", "req")}
    )


def _is_known(standin: ModelStandIn, request: web.Request) -> bool:
    expected = f"Bearer {standin.api_key}"
    return hmac.compare_digest(request.headers.get("Authorization", "").encode(), expected.encode())


def _read(raw: bytes) -> Json | None:
    try:
        body = json.loads(raw)
    except ValueError:
        return None
    return body if isinstance(body, dict) else None


def _error(status: int, message: str, kind: str, code: str | None) -> web.Response:
    error = {"message": message, "type": kind, "param": None, "code": code}
    return web.json_response({"error": error}, status=status)


def _handler(standin: ModelStandIn, act: Act) -> Handler:
    async def handle(request: web.Request) -> web.StreamResponse:
        return web.json_response(await act(standin, request))

    return handle


async def _calls(standin: ModelStandIn, _: web.Request) -> Json:
    return {"count": len(standin.calls), "calls": standin.calls}


async def _set_script(standin: ModelStandIn, request: web.Request) -> Json:
    body = await read_body(request, ScriptBody)
    standin.script = deque(body.answers)
    if body.default is not None:
        standin.default = body.default
    return {"waiting": len(standin.script), "default": standin.default.mode}


async def _reset(standin: ModelStandIn, _: web.Request) -> Json:
    standin.reset()
    return {"waiting": 0, "default": standin.default.mode}
