"""Why a quote came out as it did, in sentences: its structure, the model's part, the choice of the plan.

The page of a parlay and `explain` on the command line say the same ones.
"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

from hedge_service.core.choice import ChosenBy
from hedge_service.core.pricing import percent_text
from hedge_service.wire.advice_record import VERSION

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    Record = Mapping[str, Any]
    Body = dict[str, Any]

FIGURES = ("outlay", "fees", "ev", "sd", "worst", "best", "cvar", "edge")
BY = {
    ChosenBy.DEFAULT: "The configured strategy: the model named no plan.",
    ChosenBy.MODEL: "The model chose it among the plans that the rules allow.",
    ChosenBy.NOT_OFFERED: "The configured strategy: the model named {wanted}, which was not offered.",
    ChosenBy.OVERRULED: (
        "The configured strategy: the model chose {wanted}, which was overruled, "
        "{measure} {figure} against {default}."
    ),
    ChosenBy.BELOW_MINIMUM_EDGE: (
        "The configured strategy: the model chose {wanted}, which would have left less than the minimum "
        "edge ({measure} {figure} against {default})."
    ),
}


def decided(quote: Body) -> Body:
    """Give what a page tells of a quote's decision; `plans` is None for a record it can't read."""
    advice: Record = quote["advice"]
    decision: Any = advice.get("decision")
    told = {
        "probability": percent_text(Decimal(quote["probability"])),
        "product": percent_text(Decimal(quote["product"])),
        "analysis": quote["body"].get("analysis", {}),
        "model": tuple(model_part(advice)),
        "structure": (),
        "plans": None,
        "choice": (),
    }
    if not isinstance(decision, dict) or decision.get("version") != VERSION:
        return told
    return told | {
        "structure": tuple(structure(decision)),
        "plans": [_plan(plan, decision["decided"]["choice"]["id"]) for plan in decision["decided"]["plans"]],
        "choice": tuple(choice(advice, decision)),
    }


def structure(decision: Record) -> Iterator[str]:
    """Tell what ties the legs together, as the exchange states it, and what is not known."""
    facts = decision["facts"]
    for event in facts["exclusive_events"]:
        yield f"At most one market of {event} ends in YES."
    for ticker, strike in facts["strikes"].items():
        ends = " and ".join(strike[end] for end in ("floor", "cap") if strike[end] is not None)
        yield f"{ticker} is YES where its event's number is {strike['kind'].replace('_', ' ')} {ends}."
    for event in decision["decided"]["unmodelled"]:
        yield f"No correlation is known for the legs of {event}: priced as if independent."
    if facts["books"] is None:
        yield "Plans were sized at the asks alone: the order books could not be read, or orders rest in them."


def model_part(advice: Record) -> Iterator[str]:
    """Tell what the model was asked and answered, and what of it was not taken as it came."""
    if not advice.get("asked"):
        yield "Not asked."
        return
    if not advice.get("answered"):
        yield f"No answer: {str(advice.get('reason')).replace('_', ' ')}."
        return
    yield f"{advice.get('model')}, answer {advice.get('response_id')}."
    for pair in advice.get("correlations", ()):
        yield (
            f"Legs {pair['first_leg']} and {pair['second_leg']}: correlation {pair['correlation']}, "
            f"because: {pair['reason']}"
        )
    for note in advice.get("notes", ()):
        yield f"Not taken as it came: {note}"


def _plan(plan: Record, chosen: str) -> Body:
    contracts = [hedge["contracts"].removesuffix(".00") for hedge in plan["hedges"]]
    return {
        "id": plan["id"],
        "chosen": plan["id"] == chosen,
        "contracts": " / ".join(contracts),
        "p_loss": percent_text(Decimal(plan["p_loss"])),
        **{name: plan[name] for name in FIGURES},
    }


def choice(advice: Record, decision: Record) -> Iterator[str]:
    """Tell who chose the plan, and why not another one."""
    made, facts = decision["decided"]["choice"], decision["facts"]
    yield BY[ChosenBy(made["by"])].format(
        wanted=facts["wanted"],
        measure=facts["rules"]["measure"],
        figure=made["wanted"],
        default=made["default"],
    )
    pick = advice.get("plan")
    if pick is not None:
        yield f"The model named {pick['plan_id']}, because: {pick['reason']}"
    rolling = decision["decided"]["not_rolling"]
    if rolling is not None:
        legs = ", ".join(map(str, rolling["legs"]))
        yield f"Rolling is configured, but not for these legs: {rolling['reason']} (legs {legs})."
