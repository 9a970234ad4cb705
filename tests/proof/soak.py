"""Many parlays, random faults and kills: `python -m tests.proof.soak --parlays 1000 --seed 1`."""

from __future__ import annotations

import argparse
import asyncio
import secrets
import socket
import sys
import tempfile
import time
from collections import Counter
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any

from hedge_service.sandbox.credentials import generate_credentials
from tests.postgres_server import running
from tests.proof.closing import close
from tests.proof.reading import rows
from tests.proof.theatre import TICKERS, Refused, Theatre, open_theatre
from tests.system.extension import HOT, WARM

if TYPE_CHECKING:
    from tests.postgres_server import Server

# What may happen to a create, and to the reads that look for it; invisible and forgotten orders are left out,
# since only a person, or the exchange itself, can end those.
FAULTS: tuple[dict[str, Any], ...] = (
    {"kind": "reply_lost_after_accept"},
    {"kind": "reset_before_accept"},
    {"kind": "hang_after_accept", "seconds": 2},
    {"kind": "hang_before_accept", "seconds": 2},
    {"kind": "server_error_before_accept"},
    {"kind": "server_error_after_accept"},
    {"kind": "html_bad_gateway_after_accept"},
    {"kind": "service_unavailable_before_accept"},
    {"kind": "garbage_body"},
    {"kind": "truncated_body"},
    {"kind": "no_order_id"},
    {"kind": "gone"},
    {"kind": "too_many_requests", "times": 3},
    {"kind": "resend_refused"},
    {"kind": "partial_fill", "count": "1"},
    {"kind": "late_reads", "seconds": 1},
    {"kind": "stale_status"},
    {"kind": "fills_twice"},
)
# A service that is as busy as this one books an execution seconds after the order, and renews its lease late.
KNOBS = {"KALSHI__QUIET_S": "10", "KALSHI__LEASE_S": "2", "KALSHI__RECONCILE_EVERY_S": "20"}
STAKES = (1, 5, 10, 12.5)
QUIET_WITHIN_S = 90


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What a soak is to do; rates are per parlay.

    Kills while selling come every `kill_every_s` seconds or `kill_every_sold` parlays; 0 means never.
    """

    parlays: int
    seed: int
    fault_rate: float = 0.2
    drop_rate: float = 0.03
    no_rate: float = 0.3
    kill_every_s: float = 20
    kill_every_sold: int = 0
    buyers: int = 8
    replicas: int = 1
    postgresql: bool = False
    # How often the connections to the server are cut, or it is restarted in the middle, in seconds.
    shake_every_s: float = 0


@dataclass(frozen=True, kw_only=True)
class Parlay:
    """What one user buys, and what goes wrong on the way."""

    user: str
    sides: dict[str, bool]
    stake: float
    fault: dict[str, Any] | None
    webhook_lost: bool


def drawn(plan: Plan, number: int) -> Parlay:
    """Draw a parlay from the seed and its number alone, so that it hangs on nobody's turn."""
    random = Random(f"{plan.seed}/{number}")
    return Parlay(
        user=f"user_{plan.seed}_{number}",
        sides=_sides(random, plan.no_rate),
        stake=random.choice(STAKES),
        fault=random.choice(FAULTS) if random.random() < plan.fault_rate else None,
        webhook_lost=random.random() < plan.drop_rate,
    )


def _sides(random: Random, no_rate: float) -> dict[str, bool]:
    while True:
        sides = {one: random.random() < no_rate for one in random.sample(TICKERS, random.randint(1, 3))}
        # No warmer than 60 degrees and yet warmer than 70: nobody is sold a parlay that can't win.
        if not (sides.get(WARM) is True and sides.get(HOT) is False):
            return sides


@dataclass
class Run:
    """What a soak did and found."""

    plan: Plan
    faults: Counter[str] = field(default_factory=Counter)
    done: Counter[str] = field(default_factory=Counter)
    sold: int = 0
    refused: list[str] = field(default_factory=list)
    seconds: float = 0.0
    problems: list[str] = field(default_factory=list)
    figures: dict[str, Any] = field(default_factory=dict)

    def lines(self) -> list[str]:
        """Say what was done and what was found."""
        return [
            f"parlays sold {self.sold} of {self.plan.parlays} in {self.seconds:.0f} s",
            *(f"not sold: {words}" for words in self.refused[:50]),
            f"done {dict(sorted(self.done.items()))}",
            f"faults {sum(self.faults.values())}: {dict(sorted(self.faults.items()))}",
            f"{self.figures}",
            *(f"BROKEN: {problem}" for problem in self.problems[:50]),
            f"{len(self.problems)} broken promises",
        ]


def free_port() -> int:
    """Give a port that is free now; the service keeps it over all its restarts."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


async def soak(folder: Path, plan: Plan) -> Run:
    """Sell, break and kill, let the markets settle and the winners claim, and judge at every rest."""
    with ExitStack() as stack:
        server = stack.enter_context(running(durable=True)) if plan.postgresql else None
        url = None if server is None else stack.enter_context(server.lent())
        return await _soak(folder, plan, server, url)


async def _soak(folder: Path, plan: Plan, server: Server | None, url: str | None) -> Run:
    run, began = Run(plan), time.monotonic()
    opened = open_theatre(
        folder,
        generate_credentials(),
        Random(plan.seed),
        free_port(),
        KNOBS | {"KALSHI__RATE_LIMIT__PROCESSES": str(plan.replicas)},
        url=url,
        replicas=plan.replicas,
    )
    async with opened as theatre:
        await theatre.desk.sandbox.control("stripe/settings", duplicates=1, hold=2)
        await theatre.start()
        await _sell(theatre, run, server)
        await theatre.desk.sandbox.control("exchange/faults", "DELETE")
        await theatre.desk.sandbox.control("stripe/settings", drop=0)
        await theatre.restart()
        try:
            await _come_to_rest(theatre, run)
        except TimeoutError as error:
            run.problems += [str(error), *theatre.verdict()]
        run.figures = _figures(theatre)
        await theatre.stop()
    run.seconds = time.monotonic() - began
    return run


async def _come_to_rest(theatre: Theatre, run: Run) -> None:
    await theatre.settle(QUIET_WITHIN_S)
    run.problems += theatre.verdict()
    closing = await close(theatre, QUIET_WITHIN_S)
    run.done += closing.done
    run.problems += closing.problems + theatre.verdict()


async def _sell(theatre: Theatre, run: Run, server: Server | None) -> None:
    waiting = list(range(run.plan.parlays))
    troubles = [asyncio.create_task(_kill(theatre, run))]
    if server is not None and run.plan.shake_every_s:
        troubles.append(asyncio.create_task(_shake(theatre, run, server)))
    await asyncio.gather(*(_buyer(theatre, run, waiting) for _ in range(run.plan.buyers)))
    for trouble in troubles:
        trouble.cancel()
    for end in await asyncio.gather(*troubles, return_exceptions=True):
        if isinstance(end, Exception):
            raise end
    if server is not None:
        await asyncio.to_thread(server.wait)


async def _shake(theatre: Theatre, run: Run, server: Server) -> None:
    """Cut all connections, and restart the server in the middle, in turn."""
    while True:
        await asyncio.sleep(run.plan.shake_every_s * (0.5 + theatre.random.random()))
        run.done["connections_cut"] += 1
        await asyncio.to_thread(server.cut)
        await asyncio.sleep(run.plan.shake_every_s * (0.5 + theatre.random.random()))
        run.done["server_restarts"] += 1
        await asyncio.shield(asyncio.create_task(asyncio.to_thread(server.restart)))


async def _buyer(theatre: Theatre, run: Run, waiting: list[int]) -> None:
    while waiting:
        parlay = drawn(run.plan, waiting.pop())
        await _trouble(theatre, run, parlay)
        try:
            await theatre.buy(parlay.user, parlay.sides, parlay.stake)
        except Refused as error:
            run.refused.append(f"{parlay}: {error}")
            continue
        run.sold += 1
        if run.plan.kill_every_sold and run.sold % run.plan.kill_every_sold == 0:
            run.done["kills"] += 1
            await theatre.restart()


async def _trouble(theatre: Theatre, run: Run, parlay: Parlay) -> None:
    if parlay.fault is not None:
        run.faults[parlay.fault["kind"]] += 1
        await theatre.desk.sandbox.fault(**parlay.fault)
    if parlay.webhook_lost:
        run.done["webhooks_never_sent"] += 1
        await theatre.desk.sandbox.control("stripe/settings", drop=1)


async def _kill(theatre: Theatre, run: Run) -> None:
    if run.plan.kill_every_s <= 0:
        return
    while True:
        await asyncio.sleep(run.plan.kill_every_s * (0.5 + theatre.random.random()))
        run.done["kills"] += 1
        await asyncio.shield(asyncio.create_task(theatre.restart()))


def _figures(theatre: Theatre) -> dict[str, Any]:
    book = theatre.desk.sandbox.sandbox.exchange.book()
    attempts = rows(theatre.database, "SELECT state, COUNT(*) AS n FROM attempts GROUP BY state")
    parlays = rows(theatre.database, "SELECT state, COUNT(*) AS n FROM parlays GROUP BY state")
    claimed = rows(theatre.database, "SELECT COUNT(*) FROM parlays WHERE claimed_ms IS NOT NULL")
    return {
        "orders_accepted": len(book["orders"]),
        "creates_seen": sum(book["create_requests"].values()),
        "fills": len(book["fills"]),
        "rate_limited": book["rate_limited"],
        "attempts": {row["state"]: row["n"] for row in attempts},
        "parlays": {row["state"]: row["n"] for row in parlays},
        "claimed": claimed[0][0],
    }


def main() -> int:
    """Run a soak and print what it did; 0 when no promise was broken."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--parlays", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=None)
    parser.add_argument("--fault-rate", type=float, default=0.2, help="faults per parlay")
    parser.add_argument("--kill-every", type=float, default=20, help="seconds; 0: never while selling")
    parser.add_argument("--buyers", type=int, default=8)
    parser.add_argument("--database", choices=["sqlite", "postgresql"], default="sqlite")
    parser.add_argument("--replicas", type=int, default=1, help="service processes on the one database")
    parser.add_argument("--shake-every", type=float, default=15, help="seconds between blows to PostgreSQL")
    given = parser.parse_args()
    seed = secrets.randbelow(10**6) if given.seed is None else given.seed
    print(f"seed {seed}", flush=True)
    plan = Plan(
        parlays=given.parlays,
        seed=seed,
        fault_rate=given.fault_rate,
        kill_every_s=given.kill_every,
        buyers=given.buyers,
        replicas=given.replicas,
        postgresql=given.database == "postgresql",
        shake_every_s=given.shake_every,
    )
    with tempfile.TemporaryDirectory() as folder:
        run = asyncio.run(soak(Path(folder), plan))
    print("\n".join(run.lines()))
    return 1 if run.problems else 0


if __name__ == "__main__":
    sys.exit(main())
