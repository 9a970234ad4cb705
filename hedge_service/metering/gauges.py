"""What stands at the moment of a scrape, as gauges. Nothing is kept: what can't be read now is not shown.

Prometheus knows floats only; the exact amounts are on the operators' page and in `hedge-service report`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from prometheus_client.core import GaugeMetricFamily, InfoMetricFamily

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from datetime import datetime

    from prometheus_client import Metric

    from hedge_service.core.exposure import Exposure
    from hedge_service.core.money import Money
    from hedge_service.store.overview import Overview, Waiting


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One bucket of the exchange's tokens and its line."""

    tokens: float
    capacity: int
    waiting: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Process:
    """What this process knows without the database. `sends`: it holds the lease and may send."""

    facts: Mapping[str, str]
    started_at: datetime
    sends: bool
    lines: Mapping[str, Line]


@dataclass(frozen=True, slots=True, kw_only=True)
class Caps:
    """What exposure is held against."""

    market: Money
    event: Money
    day: Money
    open_payout: Money
    day_hedge: Money


@dataclass(frozen=True, slots=True, kw_only=True)
class Rows:
    """What one read of the database showed."""

    overview: Overview
    exposure: Exposure
    caps: Caps
    agreed_at: datetime | None
    now: datetime


def of_process(seen: Process, *, store_up: bool) -> Iterator[Metric]:
    """Give what needs no database."""
    info = InfoMetricFamily("hedge_build", "The version that runs, and what it is for")
    info.add_metric((), dict(seen.facts))
    yield info
    yield _one("hedge_start_time_seconds", "When this process began", seen.started_at.timestamp())
    yield _one("hedge_store_up", "Whether the database answered this scrape", store_up)
    yield _one("hedge_sends", "Whether this process holds a live lease and may send orders", seen.sends)
    lines = seen.lines.items()
    yield _each(
        "hedge_limiter_tokens",
        "Tokens left of the exchange's rate limit",
        "bucket",
        ((name, line.tokens) for name, line in lines),
    )
    yield _each(
        "hedge_limiter_capacity_tokens",
        "The most tokens that each bucket holds",
        "bucket",
        ((name, line.capacity) for name, line in lines),
    )
    yield _each(
        "hedge_limiter_waiting",
        "Requests in line for tokens",
        "bucket",
        ((name, line.waiting) for name, line in lines),
    )


def of_rows(seen: Rows) -> Iterator[Metric]:
    """Give what the database showed."""
    over, now = seen.overview, seen.now
    yield _one("hedge_halted", "Whether sending is halted", over.halt is not None)
    yield _each("hedge_parlays", "Parlays by state", "state", over.parlays.items())
    orders = {state.value: waiting for state, waiting in over.orders.items()}
    yield from _waiting("hedge_orders", "orders that have not ended", "state", orders, now)
    yield from _waiting("hedge_inbox", "events of Stripe not handled yet", None, {"": over.inbox}, now)
    yield from _waiting("hedge_refunds", "refunds that are due", None, {"": over.refunds_unmade}, now)
    yield from _waiting("hedge_disputes", "open disputes", None, {"": over.open_disputes}, now)
    yield _one("hedge_parked_payments", "Payments that bought nothing and wait", over.parked_payments)
    yield from _lease(over, now)
    yield from _reconciliation(seen)
    yield from _exposure(seen)


def _lease(over: Overview, now: datetime) -> Iterator[Metric]:
    lease = over.lease
    live = lease is not None and lease.expires_at > now
    ready = lease is not None and live and lease.reconciled_at is not None
    yield _one("hedge_lease_epoch", "The number of the lease", 0 if lease is None else lease.epoch)
    yield _one("hedge_lease_live", "Whether some process holds the lease", live)
    yield _one("hedge_lease_reconciled", "Whether its holder has read the exchange and may send", ready)


def _reconciliation(seen: Rows) -> Iterator[Metric]:
    last = seen.overview.reconciliation
    if last is None:
        differences, ran_at = 0, 0.0
    else:
        differences, ran_at = len(last.differences), last.at.timestamp()
    agreed_at = 0.0 if seen.agreed_at is None else seen.agreed_at.timestamp()
    yield _one("hedge_reconciliation_differences", "Items that differ, by the last comparison", differences)
    yield _one(
        "hedge_reconciliation_last_run_timestamp_seconds",
        "When our books were last compared with the exchange's; 0: never",
        ran_at,
    )
    yield _one(
        "hedge_reconciliation_last_success_timestamp_seconds", "When they last agreed; 0: never", agreed_at
    )


def _exposure(seen: Rows) -> Iterator[Metric]:
    held, caps, over = seen.exposure, seen.caps, seen.overview
    markets = [market.exposure for event in held.events.values() for market in event.markets.values()]
    figures = {
        "market": (_most(markets), caps.market),
        "event": (_most(event.exposure for event in held.events.values()), caps.event),
        "day": (_most(held.days.values()), caps.day),
        "open_payout": (over.open_payout, caps.open_payout),
        "day_hedge": (over.reserved_today, caps.day_hedge),
    }
    yield _each(
        "hedge_exposure_dollars",
        "What is at stake; of markets, events and days the largest",
        "cap",
        ((name, _dollars(used)) for name, (used, _) in figures.items()),
    )
    yield _each(
        "hedge_exposure_cap_dollars",
        "What is allowed",
        "cap",
        ((name, _dollars(most)) for name, (_, most) in figures.items()),
    )


def _waiting(
    name: str, said: str, label: str | None, found: Mapping[str, Waiting], now: datetime
) -> Iterator[Metric]:
    ages = {
        key: 0.0 if one.oldest is None else (now - one.oldest).total_seconds() for key, one in found.items()
    }
    counts = ((key, one.count) for key, one in found.items())
    yield _each(name, f"How many {said}", label, counts)
    yield _each(f"{name}_oldest_age_seconds", f"How long the oldest waits: {said}", label, ages.items())


def _most(amounts: Iterable[Money]) -> Money | int:
    return max(amounts, default=0)


def _dollars(amount: Money | int) -> float:
    return 0.0 if isinstance(amount, int) else float(amount.dollars)


def _one(name: str, said: str, value: float) -> GaugeMetricFamily:
    return GaugeMetricFamily(name, said, value=float(value))


def _each(name: str, said: str, label: str | None, values: Iterable[tuple[str, float]]) -> GaugeMetricFamily:
    family = GaugeMetricFamily(name, said, labels=() if label is None else (label,))
    for key, value in values:
        family.add_metric(() if label is None else (key,), float(value))
    return family
