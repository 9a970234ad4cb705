"""The same orders with Ed25519, against a bare client that journals nothing: what the journal costs."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from benchmarks import keys
from benchmarks.figures import Row, in_turns
from benchmarks.rows.orders import AT_ONCE, BATCHES, QUICK_BATCHES, told
from benchmarks.stage import bare_client, product, stage

if TYPE_CHECKING:
    from collections.abc import Iterator

    from benchmarks.figures import Effort, Figure
    from benchmarks.processes import Worker


def measure(effort: Effort) -> Iterator[Figure]:
    """Measure all widths."""
    with stage(keys.ED25519) as set_up, product(set_up) as ours, bare_client(set_up) as bare:
        for at_once in AT_ONCE:
            effort.say(f"orders with Ed25519, {at_once} at once")
            sizes = {"at_once": at_once, "batches": effort.of(BATCHES[at_once], QUICK_BATCHES[at_once])}
            found = in_turns(
                partial(_rate, ours, sizes),
                partial(_rate, bare, {**sizes, "journaled": False}),
                effort.rounds,
            )
            what = f"orders with journal, Ed25519, {at_once} at once"
            yield told(f"ed25519.{at_once}", what, found, "bare client, no journal")


def _rate(worker: Worker, sizes: dict[str, int]) -> float:
    return float(worker.ask("orders", **sizes)["per_s"])


ROW = Row(name="ed25519", figures=tuple(f"ed25519.{width}" for width in AT_ONCE), measure=measure)
