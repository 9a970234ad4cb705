"""What a check comes to."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Verdict(StrEnum):
    """Good; worth a look, but it works; or it does not."""

    PASS = "pass"  # noqa: S105 - the word, not a secret
    WARN = "warn"
    FAIL = "fail"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One row of the table: what was found, and what to do about it ("" when nothing)."""

    check: str
    verdict: Verdict
    found: str
    todo: str = ""

    def as_json(self) -> dict[str, str]:
        """Give the row for programs."""
        return {"check": self.check, "verdict": self.verdict.value, "found": self.found, "todo": self.todo}


@dataclass(frozen=True, slots=True)
class Judgement:
    """A verdict with its sentences, before it has the name of its check."""

    verdict: Verdict
    found: str
    todo: str = ""

    def of(self, check: str) -> Finding:
        """Give the row of a check."""
        return Finding(check=check, verdict=self.verdict, found=self.found, todo=self.todo)


def good(found: str) -> Judgement:
    """Say that something is as it should be."""
    return Judgement(Verdict.PASS, found)


def warn(found: str, todo: str) -> Judgement:
    """Say that something is worth a look."""
    return Judgement(Verdict.WARN, found, todo)


def fail(found: str, todo: str) -> Judgement:
    """Say that something does not work."""
    return Judgement(Verdict.FAIL, found, todo)
