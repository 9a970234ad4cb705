"""The words in which failures are declared: a code, what happened, what to do."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """What one code means: a sentence saying what happened, and one saying what to do."""

    code: str
    happened: str
    todo: str


def failure(code: str, happened: str, todo: str) -> Failure:
    """Declare a failure."""
    return Failure(code=code, happened=happened, todo=todo)
