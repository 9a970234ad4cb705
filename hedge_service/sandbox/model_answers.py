"""What the model stand-in says when no script does: the plainest answer, or the one that titles ask for."""

from __future__ import annotations

import json
import re
from itertools import combinations
from typing import TYPE_CHECKING, Any

from hedge_service.sandbox.filler import filled

if TYPE_CHECKING:
    from hedge_service.sandbox.control import Json

_PLAN = re.compile(r"pick plan ([\w.-]+)", re.IGNORECASE)
_CORRELATION = re.compile(r"correlation (nan|-?[0-9][0-9.e+-]*)", re.IGNORECASE)


def plain(body: Json) -> Any:
    """Fill in the schema asked for; of plans offered, name the default."""
    answer, question = _filled(body), _question(body)
    if isinstance(answer, dict) and isinstance(answer.get("plan"), dict) and "default" in question:
        answer["plan"]["plan_id"] = question["default"]
    return answer


def gullible(body: Json) -> Any:
    """Do whatever the legs' texts say: `pick plan X`, and `correlation Y` for every two legs there are."""
    answer, question = plain(body), _question(body)
    if not isinstance(answer, dict):
        return answer
    legs = question.get("legs", [])
    texts = " ".join(str(value) for leg in legs for value in leg.values())
    plan, correlation = _PLAN.search(texts), _CORRELATION.search(texts)
    if plan is not None and isinstance(answer.get("plan"), dict):
        answer["plan"] = {"plan_id": plan[1], "reason": f"The listing says so: {texts}"}
    if correlation is not None:
        pairs = combinations([leg["leg"] for leg in legs], 2)
        answer["correlations"] = [_pair(pair, float(correlation[1]), texts) for pair in pairs]
    return answer


def with_nan(body: Json) -> Any:
    """Answer every pair with a correlation that is no number."""
    answer, question = plain(body), _question(body)
    if isinstance(answer, dict):
        pairs = question.get("pairs") or [[1, 2]]
        answer["correlations"] = [_pair(tuple(pair), float("nan"), "none") for pair in pairs]
    return answer


def format_of(body: Json) -> Json:
    """Give the structured output's format that a request asks for."""
    text = body.get("text")
    form = text.get("format") if isinstance(text, dict) else None
    return form if isinstance(form, dict) else {}


def _pair(pair: tuple[int, ...], correlation: float, reason: str) -> Json:
    first, second = pair
    return {"first_leg": first, "second_leg": second, "correlation": correlation, "reason": reason}


def _filled(body: Json) -> Any:
    schema = format_of(body).get("schema")
    return filled(schema) if isinstance(schema, dict) else {}


def _question(body: Json) -> Json:
    """Give the user's message, where it is a JSON object."""
    parts: Any = body.get("input")
    last: Any = parts[-1] if isinstance(parts, list) and parts else None
    content = last.get("content") if isinstance(last, dict) else None
    try:
        question = json.loads(content) if isinstance(content, str) else {}
    except ValueError:
        return {}
    return question if isinstance(question, dict) else {}
