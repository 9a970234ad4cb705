"""What the extension reads: saved bets, the user's history, a market page while it is kept in memory.

The floor is a bare aiohttp handler that renders the same values as JSON: no database, no guard, no log line.
"""

from __future__ import annotations

import json
from functools import partial
from typing import TYPE_CHECKING

from benchmarks.figures import Figure, Row, in_turns
from benchmarks.sold import Sale, save_bets, sell
from benchmarks.stage import bare_reads, load_client, prepared, served, stage

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy.engine import Connection

    from benchmarks.figures import Effort
    from benchmarks.processes import Worker

USER = "user_0"
PATHS = {
    "reads.parlay": f"/api/parlay/{USER}",
    "reads.history": f"/api/parlay-history/{USER}",
    "reads.market": "/api/kalshi/market/bench-01",
}
AT_ONCE = 16
COUNT = 2_000


def fill(tx: Connection) -> None:
    """Give one user five bets and four parlays."""
    mine = [Sale(number, 3) for number in range(4)]
    sell(tx, mine, hedged=False)
    save_bets(tx, mine[0], 5)


def measure(effort: Effort) -> Iterator[Figure]:
    """Measure each read."""
    with stage() as set_up:
        prepared(set_up, fill)
        with served(set_up) as ours, load_client(set_up.folder) as client:
            bodies = {
                path: json.loads(client.ask("body", port=ours.port, path=path)) for path in PATHS.values()
            }
            with bare_reads(set_up.folder, bodies) as floor:
                for name, path in PATHS.items():
                    effort.say(f"reads of {path}")
                    read = partial(_rate, client, path, COUNT // effort.of(1, 4))
                    found = in_turns(partial(read, ours.port), partial(read, floor), effort.rounds)
                    yield Figure(
                        name=name,
                        what=f"GET {path}, {AT_ONCE} at once",
                        unit="/s",
                        ours=found.ours,
                        floor=found.floor,
                        ratio=found.ratio,
                        against="bare JSON",
                    )


def _rate(client: Worker, path: str, count: int, port: int) -> float:
    return float(client.ask("reads", port=port, path=path, at_once=AT_ONCE, count=count)["per_s"])


ROW = Row(name="reads", figures=tuple(PATHS), measure=measure)
