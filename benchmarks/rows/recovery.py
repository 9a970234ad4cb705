"""Recovery of unknown attempts at a start: how much of the read budget the look-ups use.

The stand-in holds every order, and a strict bucket of the premier tier's reads. 100 % is what the bucket
refills from the moment the service may send until nothing is in doubt, but for the first two seconds, in
which what was saved up is spent.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmarks.figures import Figure, Row
from benchmarks.sold import Sale, leave_unknown, order_body, sell
from benchmarks.stage import prepared, product, stage
from hedge_service.core.pacing import TIERS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy.engine import Connection

    from benchmarks.figures import Effort
    from benchmarks.stage import Stage

TIER = "premier"
COST = 10
SPENT_S = 2.0
LEGS = 4
ATTEMPTS_PER_MARKET = 5


def measure(effort: Effort) -> Iterator[Figure]:
    """Measure one recovery."""
    attempts = effort.of(10_000, 500)
    markets = attempts // ATTEMPTS_PER_MARKET
    sold = [Sale(number, LEGS, markets) for number in range(attempts // LEGS)]
    effort.say(f"recovery of {attempts} unknown attempts at {TIER}")
    with stage() as set_up:
        read, write = TIERS[TIER]
        set_up.exchange.ask("pace", tier=TIER, read=read, write=write, strict=True)
        _hold(set_up, sold)

        def fill(tx: Connection) -> None:
            sell(tx, sold)
            leave_unknown(tx, sold)

        prepared(set_up, fill)
        with product(set_up) as ours:
            took = ours.ask("recovery")
        arrivals = set_up.exchange.ask("buckets")["read"]["arrivals"]
    start, end = took["from"] + SPENT_S, took["until"]
    spent = COST * sum(start <= at <= end for at in arrivals)
    use = spent / (read * (end - start))
    yield Figure(
        name="recovery",
        what=f"read budget used while {attempts:,} unknown attempts recover",
        unit="%",
        ours=100 * use,
        floor=100.0,
        ratio=use,
        against=f"{TIER}, {read} tokens/s",
        note=f"{end - took['from']:.1f} s, {attempts / (end - took['from']):.0f}/s",
    )


def _hold(set_up: Stage, sold: list[Sale]) -> None:
    bodies = [
        order_body(sale, leg, name) for sale in sold for leg, name in enumerate(sale.order_ids(), start=1)
    ]
    set_up.exchange.ask("hold", bodies=bodies)


ROW = Row(name="recovery", figures=("recovery",), measure=measure)
