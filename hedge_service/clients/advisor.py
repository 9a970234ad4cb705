"""Ask the language model about a parlay. Its failure is an outcome, never an error."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from hedge_service.wire.advice import AcceptedAdvice, Question, accept, clean

if TYPE_CHECKING:
    from collections.abc import Callable

    from openai import AsyncOpenAI
    from openai.types.responses import ParsedResponse

    from hedge_service.wire.advice_shapes import Advice

# Named, since the library would otherwise take OPENAI_BASE_URL and send the key there.
DEFAULT_BASE_URL = "https://api.openai.com/v1"
MAX_RETRIES = 1
MAX_OUTPUT_TOKENS = 2_000
_MAX_ID = 100


class NoAdvice(StrEnum):
    """Why there is no advice; OVER_BUDGET is for the caller, who counts the calls."""

    DISABLED = "disabled"
    NO_KEY = "no_key"
    OVER_BUDGET = "over_budget"
    TIMEOUT = "timeout"
    REFUSAL = "refusal"
    INCOMPLETE = "incomplete"
    WRONG_SHAPE = "wrong_shape"
    UNAVAILABLE = "unavailable"
    REJECTED = "rejected"


@dataclass(frozen=True, slots=True, kw_only=True)
class Advised:
    """The model answered; `advice` holds what may be used of it."""

    advice: AcceptedAdvice
    model: str
    response_id: str
    latency_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class NotAdvised:
    """No usable answer; `detail` is a status or the kind of failure, never foreign text."""

    reason: NoAdvice
    detail: str = ""
    latency_ms: int = 0


AdviceOutcome = Advised | NotAdvised


class Advisor:
    """A model behind OpenAI's responses API, or a stand-in that speaks it."""

    def __init__(
        self,
        api_key: str | None,
        *,
        model: str,
        timeout_s: float,
        monotonic: Callable[[], float],
        base_url: str = "",
        enabled: bool = True,
    ) -> None:
        """Take the key and the address (with `/v1`; empty: OpenAI's own).

        `timeout_s` bounds one question with all its tries, and the library's import where it is not warm.
        """
        self._api_key = api_key
        self._model = model
        self._timeout_s = timeout_s
        self._monotonic = monotonic
        self._base_url = base_url or DEFAULT_BASE_URL
        self._enabled = enabled
        self._client: AsyncOpenAI | None = None

    @property
    def silent(self) -> NoAdvice | None:
        """Say why no question is ever sent: DISABLED, NO_KEY, or None when they are."""
        if not self._enabled:
            return NoAdvice.DISABLED
        return None if self._api_key else NoAdvice.NO_KEY

    def warm(self) -> None:
        """Load the library where questions are sent; it takes more than a second, and is safe in a thread."""
        if self.silent is None:
            # One that can't be loaded is told by each question.
            with suppress(ImportError):
                _import_openai()

    async def ask(self, question: Question) -> AdviceOutcome:
        """Put one question to the model. Raises nothing but cancellation."""
        if self.silent is not None:
            return NotAdvised(reason=self.silent)
        began = self._monotonic()
        try:
            async with asyncio.timeout(self._timeout_s):
                response = await self._send(question)
            return self._read(response, question, self._since(began))
        except Exception as error:  # noqa: BLE001 - whatever the model or its library does, a quote goes on
            reason, detail = _failure(error)
            return NotAdvised(reason=reason, detail=detail, latency_ms=self._since(began))

    async def close(self) -> None:
        """Close the connections."""
        if self._client is not None:
            await self._client.close()

    async def _send(self, question: Question) -> ParsedResponse[Advice]:
        client = await self._opened()
        return await client.responses.parse(
            model=self._model,
            input=[
                {"role": "system", "content": question.instructions},
                {"role": "user", "content": question.message()},
            ],
            text_format=question.shape,
            max_output_tokens=MAX_OUTPUT_TOKENS,
            store=False,
        )

    async def _opened(self) -> AsyncOpenAI:
        if self._client is None:
            # More than a second of work where it is not warm yet: not in the event loop.
            client = await asyncio.to_thread(self._build)
            if self._client is None:
                self._client = client
        return self._client

    def _build(self) -> AsyncOpenAI:
        openai = _import_openai()
        client: AsyncOpenAI = openai.AsyncOpenAI(
            api_key=self._api_key,
            base_url=self._base_url,
            timeout=self._timeout_s,
            max_retries=MAX_RETRIES,
            http_client=openai.DefaultAioHttpClient(follow_redirects=False, trust_env=False),
        )
        return client

    @staticmethod
    def _read(response: ParsedResponse[Advice], question: Question, latency_ms: int) -> AdviceOutcome:
        reason = _shortfall(response)
        advice = response.output_parsed
        if reason is not None or not isinstance(advice, question.shape):
            shape = NoAdvice.WRONG_SHAPE if reason is None else reason
            return NotAdvised(reason=shape, detail=_word(response.status), latency_ms=latency_ms)
        return Advised(
            advice=accept(advice, question),
            model=clean(str(response.model), _MAX_ID),
            response_id=clean(str(response.id), _MAX_ID),
            latency_ms=latency_ms,
        )

    def _since(self, began: float) -> int:
        return round((self._monotonic() - began) * 1000)


def _import_openai() -> Any:
    import openai  # noqa: PLC0415 - costs more than a second and 50 MB: only for those who ask

    return openai


def _shortfall(response: ParsedResponse[Advice]) -> NoAdvice | None:
    # A cut-off answer can parse without complaint: only "completed" is an answer.
    if response.status == "incomplete":
        return NoAdvice.INCOMPLETE
    if response.status in {"failed", "cancelled", "queued", "in_progress"}:
        return NoAdvice.UNAVAILABLE
    if response.status != "completed":
        return NoAdvice.WRONG_SHAPE
    contents = [part for item in response.output if item.type == "message" for part in item.content]
    return NoAdvice.REFUSAL if any(part.type == "refusal" for part in contents) else None


def _word(status: object) -> str:
    return status[:20] if isinstance(status, str) and status.isalpha() else ""


def _failure(error: Exception) -> tuple[NoAdvice, str]:
    if isinstance(error, TimeoutError):
        return NoAdvice.TIMEOUT, ""
    if isinstance(error, ValidationError):
        return NoAdvice.WRONG_SHAPE, "ValidationError"
    if isinstance(error, ImportError):
        return NoAdvice.UNAVAILABLE, "ImportError"
    openai = _import_openai()
    if isinstance(error, openai.APIStatusError):
        return _status_reason(error.status_code), f"status {error.status_code}"
    # Includes its APITimeoutError, which the aiohttp transport also makes of a refused connection; real
    # timeouts end at our own bound.
    reason = NoAdvice.UNAVAILABLE if isinstance(error, openai.APIConnectionError) else NoAdvice.WRONG_SHAPE
    return reason, type(error).__name__


def _status_reason(status: int) -> NoAdvice:
    # 408, 409, 429 pass by themselves; the rest of 4xx is about our key, model or request.
    passing = status in {408, 409, 429} or not 400 <= status < 500  # noqa: PLR2004 - HTTP's own numbers
    return NoAdvice.UNAVAILABLE if passing else NoAdvice.REJECTED
