"""How a logged event is counted: its declared name, its level, and one declared word as its outcome.

Every label comes from a closed set, whatever stands in a line: labels are kept for ever by whoever scrapes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from hedge_service.failures import FAILURES
from hedge_service.logs.events import EVENTS, Kind, Level

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hedge_service.logs.events import Event, Field

UNDECLARED = "undeclared"
OTHER = "other"
NONE = ""
# The field that says how an event ended, the most telling first.
_TELLING = ("outcome", "result", "decision", "state", "reason", "purpose", "correlations")
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_LEVELS = frozenset(Level)


def _told_by(event: Event) -> tuple[Field, ...]:
    found = (event.field(name) for name in _TELLING)
    return tuple(field for field in found if field is not None and field.kind is Kind.WORD)


_TOLD = {name: _told_by(event) for name, event in EVENTS.items()}


def labels_of(level: str, event: str, fields: Mapping[str, object]) -> tuple[str, str, str]:
    """Give event, level and outcome, as they are counted."""
    known = event if event in EVENTS else UNDECLARED
    return known, level if level in _LEVELS else OTHER, outcome_of(known, fields)


def outcome_of(event: str, fields: Mapping[str, object]) -> str:
    """Give the word that an event ended in, else the code of its failure; "" where it has neither."""
    told = _TOLD.get(event)
    if told is None:
        return NONE
    for field in told:
        if fields.get(field.name) is not None:
            return str(fields[field.name]) if str(fields[field.name]) in field.words else OTHER
    code = fields.get("code")
    if code is None:
        return NONE
    return str(code) if str(code) in FAILURES else OTHER


def method_of(fields: Mapping[str, object]) -> str:
    """Give a request's method; clients may invent some."""
    method = str(fields.get("method", NONE))
    return method if method in _METHODS else OTHER
