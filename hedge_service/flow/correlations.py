"""The model's part of a quote: asked once for the same question, within the day's budget, never trusted."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any, Protocol

from hedge_service.clients.advisor import Advised, NoAdvice, NotAdvised
from hedge_service.core.pricing import PairCorrelation
from hedge_service.flow.sharing import Remembered
from hedge_service.store import quotes

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hedge_service.clients.advisor import AdviceOutcome
    from hedge_service.clock import Clock
    from hedge_service.store.db import Database
    from hedge_service.wire.advice import Question

KEEP_ANSWER_S = 60.0
# A model that fails is left alone for a moment, so that its timeout is not waited for again and again; one
# that can't be reached or used at all, whatever it is asked.
KEEP_FAILURE_S = 10.0
_OUT_OF_ORDER = frozenset({NoAdvice.TIMEOUT, NoAdvice.UNAVAILABLE, NoAdvice.REJECTED})
_ANY_QUESTION = "any question"
BUDGET_PERIOD = timedelta(days=1)


class Advisor(Protocol):
    """The language model."""

    @property
    def silent(self) -> NoAdvice | None:
        """Say why no question is ever sent; None when they are."""

    async def ask(self, question: Question) -> AdviceOutcome:
        """Put one question; a failure is an outcome, never an error."""


class Correlator:
    """Asks the model, remembers its answer for a minute, and counts its calls."""

    def __init__(
        self, *, database: Database, advisor: Advisor, clock: Clock, calls_per_day: int, log: Any
    ) -> None:
        self._database = database
        self._advisor = advisor
        self._clock = clock
        self._calls_per_day = calls_per_day
        self._log = log
        self._remembered: Remembered[AdviceOutcome] = Remembered(clock=clock)

    @property
    def silent(self) -> bool:
        """Say whether the model is never asked."""
        return self._advisor.silent is not None

    async def ask(self, question: Question) -> AdviceOutcome:
        """Give the model's answer, or why there is none. Raises StoreUnavailable."""
        if self._advisor.silent is not None:
            return NotAdvised(reason=self._advisor.silent)
        key = question.fingerprint()
        known = self._remembered.get(key) or self._remembered.get(_ANY_QUESTION)
        if known is not None:
            return known
        if not await self._may_call(key):
            return self._told(NotAdvised(reason=NoAdvice.OVER_BUDGET))
        outcome = self._told(await self._advisor.ask(question))
        if isinstance(outcome, Advised):
            self._remembered.put(key, outcome, seconds=KEEP_ANSWER_S)
        else:
            wide = outcome.reason in _OUT_OF_ORDER
            self._remembered.put(_ANY_QUESTION if wide else key, outcome, seconds=KEEP_FAILURE_S)
        return outcome

    async def _may_call(self, fingerprint: str) -> bool:
        now = self._clock.now()
        since = now - BUDGET_PERIOD
        return await self._database.write(
            lambda tx: quotes.take_model_call(tx, fingerprint, now, since=since, most=self._calls_per_day)
        )

    def _told(self, outcome: AdviceOutcome) -> AdviceOutcome:
        if isinstance(outcome, Advised):
            plan = outcome.advice.plan
            fields: dict[str, Any] = {
                "model": outcome.model,
                "pairs": len(outcome.advice.correlations),
                "plan": None if plan is None else plan.plan_id,
            }
            self._log.info("advice.received", latency_ms=outcome.latency_ms, **fields)
        else:
            fields = {"reason": outcome.reason.value, "detail": outcome.detail}
            self._log.warning("advice.missed", latency_ms=outcome.latency_ms, **fields)
        return outcome


def pairs_of(outcome: AdviceOutcome | None) -> tuple[PairCorrelation, ...]:
    """Give the correlations that price the legs: none without an answer."""
    if not isinstance(outcome, Advised):
        return ()
    return tuple(
        PairCorrelation(first=pair.first_leg, second=pair.second_leg, rho=pair.correlation)
        for pair in outcome.advice.correlations
    )


def wanted_of(outcome: AdviceOutcome | None) -> str | None:
    """Give the id of the plan that the model named; None when it named none."""
    plan = outcome.advice.plan if isinstance(outcome, Advised) else None
    return None if plan is None else plan.plan_id


def record_of(outcome: AdviceOutcome | None) -> Mapping[str, Any]:
    """Give the model's part as plain JSON values, to be stored with the quote that rests on it."""
    match outcome:
        case None:
            return {"asked": False}
        case Advised():
            answer = {"model": outcome.model, "response_id": outcome.response_id}
            return {"asked": True, "answered": True, **answer, **outcome.advice.record()}
        case NotAdvised():
            reason = {"reason": outcome.reason.value, "detail": outcome.detail}
            return {"asked": True, "answered": False, **reason}
