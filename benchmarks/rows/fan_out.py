"""One parlay of 8 legs: how long after its first order's byte the last one's arrives, by signing alone."""

from __future__ import annotations

import statistics
from typing import TYPE_CHECKING

from benchmarks.figures import Figure, Row, in_turns
from benchmarks.stage import bare_client, product, stage

if TYPE_CHECKING:
    from collections.abc import Iterator

    from benchmarks.figures import Effort
    from benchmarks.processes import Worker
    from benchmarks.stage import Stage

LEGS = 8


def measure(effort: Effort) -> Iterator[Figure]:
    """Measure parlays one after another."""
    effort.say(f"fan-out of {LEGS} legs")
    parlays = effort.of(20, 5)
    with stage() as set_up, product(set_up) as ours, bare_client(set_up) as bare:
        found = in_turns(
            lambda: _spread_ms(set_up, ours, parlays),
            lambda: statistics.median(bare.ask("signing", count=LEGS, rounds=parlays * 4)),
            effort.rounds,
        )
    yield Figure(
        name="fan_out",
        what=f"last order's byte after the first's, {LEGS} legs",
        unit="ms",
        ours=found.ours,
        floor=found.floor,
        ratio=found.ratio,
        against="signing them alone",
    )


def _spread_ms(set_up: Stage, ours: Worker, parlays: int) -> float:
    set_up.exchange.ask("arrivals")
    ours.ask("orders", at_once=LEGS, batches=parlays, most_legs=LEGS)
    # Parlays are sent one after another, so arrivals in order of time are grouped by parlay.
    at = sorted(moment for _, moment in set_up.exchange.ask("arrivals"))
    groups = [at[start : start + LEGS] for start in range(0, len(at), LEGS)]
    spreads: list[float] = [(group[-1] - group[0]) * 1_000 for group in groups]
    return statistics.median(spreads)


ROW = Row(name="fan_out", figures=("fan_out",), measure=measure)
