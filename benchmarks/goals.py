"""The goals of `goals.toml`, and whether a figure meets its own."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from benchmarks.figures import Figure

PATH = Path(__file__).with_name("goals.toml")


@dataclass(frozen=True, slots=True, kw_only=True)
class Goal:
    """A bound on a figure or on its ratio."""

    of: str
    least: bool
    bound: float

    @property
    def words(self) -> str:
        """How people read it."""
        times = " x" if self.of == "ratio" else ""
        return f"{'>=' if self.least else '<='} {self.bound:g}{times}"

    def met(self, figure: Figure) -> bool | None:
        """Say whether a figure meets it; None when the figure could not be measured."""
        value = figure.ratio if self.of == "ratio" else figure.ours
        if value is None:
            return None
        return value >= self.bound if self.least else value <= self.bound


def goals() -> dict[str, Goal]:
    """Read every goal, by the figure's name. Raises ValueError for a word that is none of the four."""
    return {name: _goal(table) for name, table in tomllib.loads(PATH.read_text()).items()}


def _goal(table: dict[str, float]) -> Goal:
    ((word, bound),) = table.items()
    way, _, of = word.partition("_")
    if way not in {"least", "most"} or of not in {"ratio", "ours"}:
        raise ValueError(f"{word} is not a kind of goal")
    return Goal(of=of, least=way == "least", bound=bound)
