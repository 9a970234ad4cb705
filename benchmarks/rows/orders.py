"""Orders through the real dispatcher with journal, RSA-2048: planned when the clock starts, outcome on disk.

Against a bare aiohttp client that signs and commits SENDING and the outcome; and against the official SDK,
which journals nothing. `orders.ended` goes on until each execution is read back, booked, and each intent has
ended. `orders.ceiling` is what the stand-in itself answers when nothing but raw requests reaches it.
"""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING

from benchmarks import keys, peers
from benchmarks.figures import Figure, Row, paired
from benchmarks.stage import bare_client, load_client, product, stage

if TYPE_CHECKING:
    from collections.abc import Iterator

    from benchmarks.figures import Effort, Pair
    from benchmarks.processes import Worker
    from benchmarks.stage import Stage

AT_ONCE = (1, 10, 100)
BATCHES = {1: 60, 10: 20, 100: 5}
QUICK_BATCHES = {1: 15, 10: 4, 100: 1}
CEILING_ORDERS = 4_000


def measure(effort: Effort) -> Iterator[Figure]:
    """Measure all widths in turns of three, then the stand-in's own limit."""
    with stage(keys.RSA) as set_up, ExitStack() as stack:
        ours, bare = (stack.enter_context(run(set_up)) for run in (product, bare_client))
        sdk, why_not = _sdk(stack, set_up, effort)
        for at_once in AT_ONCE:
            effort.say(f"orders, {at_once} at once")
            yield from _width(effort, at_once, ours, bare, sdk, why_not)
        yield _ceiling(effort, set_up)


def _sdk(stack: ExitStack, set_up: Stage, effort: Effort) -> tuple[Worker | None, str]:
    try:
        return stack.enter_context(peers.sdk(set_up, effort.say)), ""
    except peers.NoPeer as reason:
        return None, str(reason)


def _width(
    effort: Effort, at_once: int, ours: Worker, bare: Worker, sdk: Worker | None, why_not: str
) -> Iterator[Figure]:
    sizes = {"at_once": at_once, "batches": effort.of(BATCHES[at_once], QUICK_BATCHES[at_once])}
    rounds = []
    for _ in range(effort.rounds):
        mine = ours.ask("orders", **sizes)
        floor = bare.ask("orders", **sizes, journaled=True)["per_s"]
        peer = None if sdk is None else sdk.ask("orders", **sizes)["per_s"]
        rounds.append((mine["per_s"], mine["ended_per_s"], floor, peer))
    what = f"orders with journal, RSA-2048, {at_once} at once"
    yield told(
        f"orders.{at_once}", what, paired([(one[0], one[2]) for one in rounds]), "bare client, journal"
    )
    if sdk is None:
        yield Figure(
            name=f"orders.sdk.{at_once}",
            what=what,
            unit="/s",
            ours=None,
            against="official SDK",
            note=why_not,
        )
    else:
        found = paired([(one[0], one[3] or 0.0) for one in rounds])
        yield told(f"orders.sdk.{at_once}", what, found, "official SDK, no journal")
    if at_once == max(AT_ONCE):
        ended = paired([(one[1], one[2]) for one in rounds])
        yield told("orders.ended", f"{what}, until booked and ended", ended, "bare client, journal")


def told(name: str, what: str, found: Pair, against: str) -> Figure:
    """Give the figure of a rate."""
    return Figure(
        name=name,
        what=what,
        unit="/s",
        ours=found.ours,
        floor=found.floor,
        ratio=found.ratio,
        against=against,
    )


def _ceiling(effort: Effort, set_up: Stage) -> Figure:
    """Send what was signed before the clock started: then only the stand-in works."""
    effort.say("the stand-in's own limit")
    with load_client(set_up.folder) as client:
        port = int(set_up.base.rpartition(":")[2])
        found = client.ask(
            "creates", port=port, pem=set_up.pem_file.read_text(), count=CEILING_ORDERS // effort.of(1, 4)
        )
    return Figure(name="orders.ceiling", what="the stand-in's own limit", unit="/s", ours=found["per_s"])


ROW = Row(
    name="orders",
    figures=(
        *(f"orders{peer}.{width}" for width in AT_ONCE for peer in ("", ".sdk")),
        "orders.ended",
        "orders.ceiling",
    ),
    measure=measure,
)
