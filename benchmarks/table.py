"""The table for people, and the same for programs."""

from __future__ import annotations

import os
import platform
from dataclasses import asdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from rich.table import Table

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from benchmarks.figures import Figure
    from benchmarks.goals import Goal

VERDICTS = {True: "met", False: "NOT MET", None: "not measured"}


def table(figures: Iterable[Figure], goals: Mapping[str, Goal]) -> Table:
    """Lay figures out, each with its goal and whether it is met."""
    made = Table(title="Ours beside its floor or peer, same work, same run")
    for heading in ("name", "what", "ours", "against", "floor", "ratio", "goal", ""):
        made.add_column(heading, justify="right" if heading in {"ours", "floor", "ratio"} else "left")
    for figure in figures:
        made.add_row(*_cells(figure, goals.get(figure.name)))
    return made


def rows(figures: Iterable[Figure], goals: Mapping[str, Goal]) -> list[dict[str, Any]]:
    """Give the same as plain values."""
    return [
        asdict(figure)
        | {"goal": None, "met": None}
        | ({"goal": goal.words, "met": goal.met(figure)} if (goal := goals.get(figure.name)) else {})
        for figure in figures
    ]


def where() -> dict[str, str]:
    """Say when and on what a run is made."""
    load = os.getloadavg()[0]
    return {
        "date": datetime.now(UTC).date().isoformat(),
        "machine": f"{os.cpu_count()} cores, {platform.machine()}, load {load:.1f}",
        "python": platform.python_version(),
    }


def shortfalls(figures: Iterable[Figure], goals: Mapping[str, Goal]) -> list[str]:
    """Name the figures that miss their goals; what could not be measured is no shortfall."""
    return [
        figure.name
        for figure in figures
        if (goal := goals.get(figure.name)) is not None and goal.met(figure) is False
    ]


def _cells(figure: Figure, goal: Goal | None) -> tuple[str, ...]:
    what = f"{figure.what} ({figure.note})" if figure.note else figure.what
    return (
        figure.name,
        what,
        _amount(figure.ours, figure.unit),
        figure.against,
        _amount(figure.floor, figure.unit),
        "" if figure.ratio is None else f"{figure.ratio:.2f}",
        "" if goal is None else goal.words,
        "" if goal is None else VERDICTS[goal.met(figure)],
    )


def _amount(value: float | None, unit: str) -> str:
    if value is None:
        return "-"
    digits = 0 if abs(value) >= 100 else 1 if abs(value) >= 10 else 2
    return f"{value:,.{digits}f} {unit}"
