"""One tiny question to the language model, and what its answer means."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from hedge_service.checks.findings import Judgement, fail, good, warn
from hedge_service.clients.advisor import Advised, NoAdvice
from hedge_service.core.market import Side
from hedge_service.wire.advice import LegFacts, Question

if TYPE_CHECKING:
    from hedge_service.clients.advisor import AdviceOutcome

QUESTION = Question(
    legs=tuple(
        LegFacts(
            n=number,
            ticker=f"CHECK-{name}",
            event_ticker="CHECK",
            event_title="Will it rain in New York on Sunday?",
            market_title=title,
            yes_sub_title=title,
            side=Side.YES,
            probability=Decimal("0.5"),
        )
        for number, name, title in ((1, "RAIN", "Any rain"), (2, "HEAVY", "More than an inch of rain"))
    )
)
UNHARMED = "quotes go on without it, priced by the product of the probabilities"


def judge_model(outcome: AdviceOutcome, model: str) -> Judgement:
    """Judge the model's answer: its shape was checked when it was read."""
    if isinstance(outcome, Advised):
        return good(f"{outcome.model} answered in the asked shape in {outcome.latency_ms / 1000:.1f} s")
    said = f"{outcome.reason.value} {outcome.detail}".strip()
    match outcome.reason:
        case NoAdvice.DISABLED:
            return good("not asked: [openai] enabled is false")
        case NoAdvice.NO_KEY:
            return warn(f"no key: {UNHARMED}", "Set OPENAI_API_KEY, or [openai] enabled = false.")
        case NoAdvice.REJECTED:
            return fail(f"{model}: {said}", "Check OPENAI_API_KEY, [openai] model and base_url.")
        case _:
            return warn(
                f"{model}: {said}; {UNHARMED}", "Check again; raise [openai] timeout_s if it is slow."
            )
