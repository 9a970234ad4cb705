"""What the language model is asked about a parlay, and what of its answer is used.

Titles come from the exchange and are data all the same: they travel as JSON in the user's message, cut and
cleaned, and whatever they say, an answer can only name correlations between legs of one event and one of the
plans offered.
"""

from __future__ import annotations

import hashlib
import unicodedata
from dataclasses import asdict, dataclass
from decimal import Decimal
from enum import StrEnum
from itertools import combinations
from typing import TYPE_CHECKING, Any

import orjson

from hedge_service.wire.advice_shapes import SYSTEM, SYSTEM_WITH_PLANS, Advice, AdviceWithPlan

if TYPE_CHECKING:
    from collections.abc import Iterable

    from hedge_service.core.market import Side
    from hedge_service.wire.advice_plans import PlanFacts
    from hedge_service.wire.advice_shapes import Correlation

MAX_TITLE = 200
MAX_REASON = 400
MAX_WORD = 40
# Above 0.8 the joint's error grows, and negative values would raise a payout.
MAX_CORRELATION = Decimal("0.8")
_PLACES = Decimal("0.0001")


@dataclass(frozen=True, slots=True, kw_only=True)
class LegFacts:
    """One leg as the exchange describes it; `probability` in [0, 1], the price of the side backed."""

    n: int
    ticker: str
    event_ticker: str
    event_title: str
    market_title: str
    yes_sub_title: str
    side: Side
    probability: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """The legs of one parlay, numbered as the quote numbers them, and the plans to choose from, if any.

    `default`: the id of the plan that is bought without an answer; `measure`: what plans are compared by.
    """

    legs: tuple[LegFacts, ...]
    plans: tuple[PlanFacts, ...] = ()
    default: str = ""
    measure: str = ""

    @property
    def pairs(self) -> tuple[tuple[int, int], ...]:
        """Give the pairs of leg numbers (lower first) that share an event: only these correlate."""
        legs = sorted(self.legs, key=lambda leg: leg.n)
        return tuple((a.n, b.n) for a, b in combinations(legs, 2) if a.event_ticker == b.event_ticker)

    @property
    def instructions(self) -> str:
        """Give the system message: constant text, nothing of the legs."""
        return SYSTEM_WITH_PLANS if self.plans else SYSTEM

    @property
    def shape(self) -> type[Advice]:
        """Give the shape that the answer has to have."""
        return AdviceWithPlan if self.plans else Advice

    def message(self) -> str:
        """Give the user message: legs, pairs and plans as JSON."""
        body: dict[str, object] = {"legs": [_facts(leg) for leg in self.legs], "pairs": self.pairs}
        if self.plans:
            plans = [plan.as_json() for plan in self.plans]
            body |= {"plans": plans, "default": self.default, "measure": self.measure}
        return orjson.dumps(body).decode()

    def fingerprint(self) -> str:
        """Give what two questions share only if they ask the same: a digest of both messages."""
        return hashlib.sha256(f"{self.instructions}\n{self.message()}".encode()).hexdigest()


class Note(StrEnum):
    """Why a correlation, or a plan, was not taken as it came."""

    UNKNOWN_PLAN = "unknown_plan"
    UNKNOWN_LEG = "unknown_leg"
    SAME_LEG = "same_leg"
    DIFFERENT_EVENTS = "different_events"
    CLAMPED = "clamped"
    REPEATED = "repeated"


@dataclass(frozen=True, slots=True, kw_only=True)
class PairCorrelation:
    """A correlation in [0, 0.8], exact to four places, between two legs of one event (lower number first)."""

    first_leg: int
    second_leg: int
    correlation: Decimal
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanPick:
    """The plan named, cut and cleaned, and whether it is one that was offered."""

    plan_id: str
    reason: str
    offered: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class AcceptedAdvice:
    """What of an answer is used and shown; one correlation at most for a pair, the largest given.

    `plan` is None where none was asked for.
    """

    correlations: tuple[PairCorrelation, ...]
    summary: str
    risk_assessment: str
    confidence_level: str
    notes: tuple[Note, ...]
    plan: PlanPick | None = None

    def record(self) -> dict[str, Any]:
        """Give the advice as plain JSON values, correlations as strings, for the quote's record."""
        pairs = [asdict(pair) | {"correlation": str(pair.correlation)} for pair in self.correlations]
        return {
            "correlations": pairs,
            "summary": self.summary,
            "risk_assessment": self.risk_assessment,
            "confidence_level": self.confidence_level,
            "notes": [note.value for note in self.notes],
            "plan": None if self.plan is None else asdict(self.plan),
        }


def accept(advice: Advice, question: Question) -> AcceptedAdvice:
    """Take what may be used of an answer: known pairs of one event, a plan offered; clamped, cut, cleaned."""
    taken: dict[tuple[int, int], PairCorrelation] = {}
    notes: set[Note] = set()
    for given in advice.correlations:
        pair = (min(given.first_leg, given.second_leg), max(given.first_leg, given.second_leg))
        refused = _refusal(pair, question)
        if refused is None:
            _take(taken, notes, pair, given)
        else:
            notes.add(refused)
    plan = _pick(advice, question)
    notes |= {Note.UNKNOWN_PLAN} if plan is not None and not plan.offered else set()
    return AcceptedAdvice(
        correlations=tuple(taken[pair] for pair in sorted(taken)),
        summary=clean(advice.summary, MAX_REASON),
        risk_assessment=clean(advice.risk_assessment, MAX_REASON),
        confidence_level=clean(advice.confidence_level, MAX_WORD),
        notes=tuple(sorted(notes)),
        plan=plan,
    )


def clean(text: str, limit: int) -> str:
    """Turn control, format and private characters and runs of space into one space, and cut to `limit`.

    Format characters include those that reverse or hide the text around them.
    """
    visible = "".join(" " if unicodedata.category(char)[0] in "CZ" else char for char in text[: limit * 4])
    return " ".join(visible.split())[:limit].rstrip()


def _facts(leg: LegFacts) -> dict[str, object]:
    return {
        "leg": leg.n,
        "ticker": clean(leg.ticker, MAX_TITLE),
        "event": clean(leg.event_title, MAX_TITLE),
        "event_ticker": clean(leg.event_ticker, MAX_TITLE),
        "market": clean(leg.market_title, MAX_TITLE),
        "yes_means": clean(leg.yes_sub_title, MAX_TITLE),
        "backed": leg.side.value,
        "probability": str(leg.probability),
    }


def _pick(advice: Advice, question: Question) -> PlanPick | None:
    if not isinstance(advice, AdviceWithPlan) or not question.plans:
        return None
    named = clean(advice.plan.plan_id, MAX_WORD)
    offered = any(plan.plan_id == named for plan in question.plans)
    return PlanPick(plan_id=named, reason=clean(advice.plan.reason, MAX_REASON), offered=offered)


def _refusal(pair: tuple[int, int], question: Question) -> Note | None:
    known: Iterable[int] = {leg.n for leg in question.legs}
    if not set(pair) <= set(known):
        return Note.UNKNOWN_LEG
    if pair[0] == pair[1]:
        return Note.SAME_LEG
    return None if pair in question.pairs else Note.DIFFERENT_EVENTS


def _take(
    taken: dict[tuple[int, int], PairCorrelation], notes: set[Note], pair: tuple[int, int], given: Correlation
) -> None:
    # repr is the shortest decimal that the model can have meant; clamped first, as 1e300 has no four places.
    meant = Decimal(repr(given.correlation))
    clamped = min(max(Decimal(0), meant), MAX_CORRELATION)
    used = clamped.quantize(_PLACES)
    notes |= {Note.CLAMPED} if clamped != meant else set()
    notes |= {Note.REPEATED} if pair in taken else set()
    if pair not in taken or used > taken[pair].correlation:
        taken[pair] = PairCorrelation(
            first_leg=pair[0], second_leg=pair[1], correlation=used, reason=clean(given.reason, MAX_REASON)
        )
