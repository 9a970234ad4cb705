"""From a paid event's birth to its first order's first byte at the exchange: 20 parlays a second, 3 legs.

Ours is the real `hedge-service serve`: webhook, inbox, intake with a fresh market read, the parlay's one
transaction, dispatch, SENDING, signature, bytes. The birth is the moment at which the delivery should have
been sent; the end is the arrival at the stand-in, which shares the clock. The sum: a bare door's answer, a
bare market read, a commit of a parlay's rows, one of SENDING, and sign and send, each alone at that rate.
"""

from __future__ import annotations

import statistics
import time
from typing import TYPE_CHECKING

from benchmarks.figures import Figure, Row, percentile
from benchmarks.processes import BenchError
from benchmarks.sold import Sale, offer
from benchmarks.stage import WEBHOOK_SECRET, bare_client, bare_door, load_client, prepared, served, stage

if TYPE_CHECKING:
    from collections.abc import Iterator

    from benchmarks.figures import Effort
    from benchmarks.processes import Worker
    from benchmarks.stage import Stage

PER_S = 20.0
LEGS = 3
ALL_SENT_S = 60.0


def measure(effort: Effort) -> Iterator[Figure]:
    """Measure in rounds: the whole way, then its parts."""
    count = effort.of(200, 40)
    sold = [Sale(number, LEGS) for number in range(count * effort.rounds)]
    # Orders of strangers would halt the service at its next comparison: the parts have an exchange apart.
    with stage() as set_up, stage() as apart:
        prepared(set_up, lambda tx: offer(tx, sold))
        with (
            served(set_up) as ours,
            bare_door(apart.folder) as door,
            bare_client(apart) as bare,
            load_client(set_up.folder) as client,
        ):
            whole: list[list[float]] = []
            sums: list[float] = []
            for number in range(effort.rounds):
                effort.say(f"{count} payments at {PER_S:.0f}/s, round {number + 1}")
                mine = sold[number * count : (number + 1) * count]
                whole.append(_whole(set_up, client, ours.port, mine))
                sums.append(_parts(apart, client, bare, door, count // 2))
    p50s = [percentile(took, 0.5) for took in whole]
    yield Figure(
        name="birth.p50",
        what="payment's event to first order's byte, p50",
        unit="ms",
        ours=statistics.median(p50s),
        floor=statistics.median(sums),
        ratio=statistics.median(one / other for one, other in zip(p50s, sums, strict=True)),
        against="sum of its parts alone",
    )
    yield Figure(
        name="birth.p99",
        what="the same, p99",
        unit="ms",
        ours=statistics.median(percentile(took, 0.99) for took in whole),
    )


def _whole(set_up: Stage, client: Worker, port: int, sold: list[Sale]) -> list[float]:
    sessions = [(sale.session_id, sale.reference, f"pi_{sale.number}") for sale in sold]
    told = client.ask("deliver", port=port, secret=WEBHOOK_SECRET, sessions=sessions, per_s=PER_S)
    arrived = _arrivals(set_up.exchange, len(sold) * LEGS)
    return sorted(
        (min(arrived[name] for name in sale.order_ids()) - birth) * 1_000
        for sale, birth in zip(sold, told["births"], strict=True)
    )


def _arrivals(exchange: Worker, count: int) -> dict[str, float]:
    arrived: dict[str, float] = {}
    until = time.monotonic() + ALL_SENT_S
    while len(arrived) < count:
        if time.monotonic() > until:
            raise BenchError(f"only {len(arrived)} of {count} orders were sent")
        time.sleep(0.2)
        arrived |= dict(exchange.ask("arrivals"))
    return arrived


def _parts(apart: Stage, client: Worker, bare: Worker, door: int, count: int) -> float:
    answers = client.ask("webhooks", port=door, secret=WEBHOOK_SECRET, at_once=1, count=count, per_s=PER_S)
    parts = bare.ask("parts", count=count, per_s=PER_S)
    begun = bare.ask("sends", count=count, per_s=PER_S)
    arrived = _arrivals(apart.exchange, count)
    sent = sorted((arrived[name] - at) * 1_000 for name, at in begun.items())
    return sum(percentile(took, 0.5) for took in (answers["took_ms"], *parts.values(), sent))


ROW = Row(name="birth", figures=("birth.p50", "birth.p99"), measure=measure)
