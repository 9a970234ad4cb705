"""Price a parlay, size every static strategy, evaluate each plan: the time of one quote without the model.

Run with `python -m benchmarks.pricing`. Processor time of one core, so that other work on the machine counts
little; imports and the first, cold quote are told apart. Goals: 3 legs under 5 ms, 8 legs under 25 ms.
"""

from __future__ import annotations

import os

# Before numpy is imported: its matrix threads would only wait for each other on arrays this small.
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import statistics
import time
from collections import defaultdict
from decimal import Decimal

from rich.console import Console
from rich.table import Table

from hedge_service.core.book import Book, Level
from hedge_service.core.fees import payment_fee
from hedge_service.core.hedging import Strategy
from hedge_service.core.market import Side
from hedge_service.core.money import Count, Money, Price
from hedge_service.core.pricing import Leg, PairCorrelation, payout
from hedge_service.core.risk.costs import positions
from hedge_service.core.risk.evaluate import Terms, evaluate
from hedge_service.core.risk.joint import joint_states
from hedge_service.core.risk.sizing import Problem, size

STATIC = [strategy for strategy in Strategy if strategy is not Strategy.ROLLING]
GOALS_MS = {3: 5, 8: 25}
RUNS = {3: 200, 8: 100, 12: 20}
STAKE = Money.of(20)


def parlay(count: int) -> list[Leg]:
    """Give legs between 40 % and 80 %; the first two are of one event."""
    return [
        Leg(
            number=number,
            ticker=f"BENCH-{number}",
            event_ticker=f"EVENT-{max(number, 2)}",
            side=Side.YES,
            ask=Price.of(Decimal(40 + number * 13 % 41).scaleb(-2)),
        )
        for number in range(1, count + 1)
    ]


def offers(leg: Leg) -> Book:
    """Give three levels, a cent apart, thin enough to matter."""
    return Book(
        tuple(
            Level(price=Price(leg.ask.micros + cents * 10_000), count=Count.of(10 * (cents + 1)))
            for cents in range(3)
        )
    )


def quote(legs: list[Leg], spent_ms: dict[str, list[float]]) -> None:
    """Do once what a quote does, noting the time of each part."""
    start = time.process_time()

    def note(part: str) -> None:
        nonlocal start
        now = time.process_time()
        spent_ms[part].append((now - start) * 1000)
        start = now

    modelled = joint_states(legs, [PairCorrelation(first=1, second=2, rho=Decimal("0.4"))])
    terms = Terms(
        stake=STAKE,
        payment_fee=payment_fee(STAKE),
        payout=payout(STAKE, Decimal("0.9"), modelled.joint.q),
    )
    note("price")
    problem = Problem(
        stake=terms.stake,
        payout=terms.payout,
        legs=legs,
        states=modelled.states,
        budget=STAKE,
        books={leg.ticker: offers(leg) for leg in legs},
    )
    for strategy in STATIC:
        hedges = size(strategy, problem)
        note(f"size {strategy}")
        evaluate(terms, modelled.states, positions(hedges, problem.books, problem.fees))
        note("evaluate, 5 plans")


def measure(count: int) -> tuple[float, float, dict[str, float]]:
    """Give the first quote's, the median and the median parts' milliseconds."""
    legs = parlay(count)
    cold: dict[str, list[float]] = defaultdict(list)
    quote(legs, cold)
    totals: list[float] = []
    parts: dict[str, list[float]] = defaultdict(list)
    for _ in range(RUNS[count]):
        spent: dict[str, list[float]] = defaultdict(list)
        quote(legs, spent)
        totals.append(sum(map(sum, spent.values())))
        for part, times in spent.items():
            parts[part].append(sum(times))
    first = sum(map(sum, cold.values()))
    return first, statistics.median(totals), {part: statistics.median(ms) for part, ms in parts.items()}


def main() -> None:
    """Measure all sizes and print the table."""
    found = {count: measure(count) for count in RUNS}
    table = Table("processor ms, median", *(f"{count} legs" for count in found))
    for part in found[3][2]:
        table.add_row(part, *(f"{parts[part]:.2f}" for _, _, parts in found.values()))
    table.add_row("all", *(f"{total:.2f}" for _, total, _ in found.values()))
    table.add_row("goal", *(str(GOALS_MS.get(count, "-")) for count in found))
    table.add_row("first quote", *(f"{first:.2f}" for first, _, _ in found.values()))
    Console().print(table)


if __name__ == "__main__":
    main()
