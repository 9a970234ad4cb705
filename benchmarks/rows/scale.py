"""The same latencies with a million orders and a million ledger postings in the database, and with none.

Webhooks, orders and reads as in their own rows, one service on each database, in turns: the median times.
The stand-in's archives are empty, so the comparison that a start makes finds the past missing there. Seen
once that halts nothing, which is why each service starts on a copy that was never compared; what a start
costs that reads a million archived orders is not measured.
"""

from __future__ import annotations

import shutil
from contextlib import ExitStack
from functools import partial
from typing import TYPE_CHECKING

from benchmarks.bulk import grow
from benchmarks.figures import Figure, Row, in_turns, percentile
from benchmarks.rows.reads import PATHS, fill
from benchmarks.stage import WEBHOOK_SECRET, load_client, prepared, product, served, stage

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy.engine import Connection

    from benchmarks.figures import Effort, Pair
    from benchmarks.processes import Worker
    from benchmarks.stage import Stage

AT_ONCE = 10
READS = {"scale.parlay": PATHS["reads.parlay"], "scale.history": PATHS["reads.history"]}
EMPTY, BIG = "empty.db", "big.db"
FRESH = "fresh.db"


def measure(effort: Effort) -> Iterator[Figure]:
    """Make both databases; measure webhooks and reads on `serve`, then orders on the composed service."""
    orders = effort.of(1_000_000, 50_000)
    with stage() as set_up, stage() as other:
        effort.say(f"making a database of {orders:,} orders")
        prepared(set_up, fill, EMPTY)
        prepared(set_up, partial(_big, orders=orders), BIG)
        # Orders of one exchange account belong to one database, so the empty one trades at another stand-in.
        shutil.copy(set_up.folder / BIG, set_up.folder / FRESH)
        shutil.copy(set_up.folder / EMPTY, other.folder / FRESH)
        yield from _served(effort, set_up, orders)
        effort.say("orders on both databases")
        with product(set_up, FRESH) as big, product(other, FRESH) as empty:
            found = in_turns(
                partial(_order_ms, big, effort), partial(_order_ms, empty, effort), effort.rounds
            )
            yield _figure("scale.orders", f"ms an order, {AT_ONCE} at once", found, orders)


def _big(tx: Connection, orders: int) -> None:
    grow(tx, orders)
    fill(tx)


def _served(effort: Effort, set_up: Stage, orders: int) -> Iterator[Figure]:
    with ExitStack() as stack:
        big, empty = (stack.enter_context(served(set_up, database)) for database in (BIG, EMPTY))
        client = stack.enter_context(load_client(set_up.folder))
        effort.say("webhooks on both databases")
        send = partial(_webhook_ms, client, effort.of(400, 100))
        found = in_turns(partial(send, big.port), partial(send, empty.port), effort.rounds)
        yield _figure("scale.door", f"webhook's median, {AT_ONCE} at once", found, orders)
        for name, path in READS.items():
            effort.say(f"{path} on both databases")
            read = partial(_read_ms, client, path, effort.of(1_000, 250))
            found = in_turns(partial(read, big.port), partial(read, empty.port), effort.rounds)
            yield _figure(name, f"GET {path}, median, {AT_ONCE} at once", found, orders)


def _figure(name: str, what: str, found: Pair, orders: int) -> Figure:
    return Figure(
        name=name,
        what=what,
        unit="ms",
        ours=found.ours,
        floor=found.floor,
        ratio=found.ratio,
        against="an empty database",
        note=f"{orders:,} orders",
    )


def _webhook_ms(client: Worker, count: int, port: int) -> float:
    answer = client.ask("webhooks", port=port, secret=WEBHOOK_SECRET, at_once=AT_ONCE, count=count)
    return percentile(answer["took_ms"], 0.5)


def _read_ms(client: Worker, path: str, count: int, port: int) -> float:
    answer = client.ask("reads", port=port, path=path, at_once=AT_ONCE, count=count)
    return percentile(answer["took_ms"], 0.5)


def _order_ms(service: Worker, effort: Effort) -> float:
    per_s = service.ask("orders", at_once=AT_ONCE, batches=effort.of(20, 3))["per_s"]
    return 1_000 / float(per_s)


ROW = Row(name="scale", figures=("scale.door", *READS, "scale.orders"), measure=measure)
