"""One scrape: what has added up, what stands now, in the text that Prometheus reads."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from prometheus_client import generate_latest

from hedge_service.metering import gauges
from hedge_service.store import standing
from hedge_service.store.db import StoreUnavailable
from hedge_service.store.exposure import everything
from hedge_service.store.overview import overview

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from datetime import datetime

    from prometheus_client import Metric
    from sqlalchemy.engine import Connection

    from hedge_service.clients.limiter import RateLimiter
    from hedge_service.clock import Clock
    from hedge_service.config import Limits
    from hedge_service.metering.meters import Meters
    from hedge_service.store.db import Database

AT_ONCE = 500


class Sending(Protocol):
    """Knows whether this process may send."""

    def may_send(self) -> bool:
        """Say whether sending is allowed."""


@dataclass(frozen=True, slots=True)
class _Page:
    """What `generate_latest` takes for a registry."""

    families: tuple[Metric, ...]

    def collect(self) -> Iterable[Metric]:
        return self.families


class Figures:
    """The figures of one service. One scrape at a time; the database is read on one snapshot."""

    def __init__(
        self,
        *,
        meters: Meters,
        database: Database,
        limiter: RateLimiter,
        sender: Sending,
        clock: Clock,
        account: str,
        limits: Limits,
        facts: Mapping[str, str],
    ) -> None:
        self._meters = meters
        self._database = database
        self._limiter = limiter
        self._sender = sender
        self._clock = clock
        self._account = account
        self._limits = limits
        self._facts = facts
        self._started_at = clock.now()
        self._scraping = asyncio.Lock()

    async def page(self) -> bytes:
        """Give all figures in Prometheus' text format; without the database, what needs none."""
        async with self._scraping:
            try:
                await self._time_hedges()
                rows = await self._database.read(self._rows(self._clock.now()))
            except StoreUnavailable:
                return self._text(None)
            return self._text(rows)

    def _text(self, rows: gauges.Rows | None) -> bytes:
        families = (
            *self._meters.families(),
            *gauges.of_process(self._process(), store_up=rows is not None),
            *(() if rows is None else gauges.of_rows(rows)),
        )
        return generate_latest(_Page(families))

    async def _time_hedges(self) -> None:
        """Take the times of hedges that were told since the last scrape; they stay if this fails."""
        waiting = self._meters.finished
        while waiting:
            told = [waiting[index] for index in range(min(len(waiting), AT_ONCE))]
            for one in await self._database.read(_hedgings(told)):
                if (one.parlay_id, one.revision) in told:
                    self._meters.hedged(one.outcome, one.took.total_seconds())
            for _ in told:
                waiting.popleft()

    def _rows(self, now: datetime) -> Callable[[Connection], gauges.Rows]:
        def read(tx: Connection) -> gauges.Rows:
            return gauges.Rows(
                overview=overview(tx, account=self._account, now=now),
                exposure=everything(tx, now),
                caps=_caps(self._limits),
                agreed_at=standing.last_agreement(tx),
                now=now,
            )

        return read

    def _process(self) -> gauges.Process:
        return gauges.Process(
            facts=self._facts,
            started_at=self._started_at,
            sends=self._sender.may_send(),
            lines=dict(self._lines()),
        )

    def _lines(self) -> Iterator[tuple[str, gauges.Line]]:
        limiter = self._limiter
        for name, bucket in (("read", limiter.read), ("write", limiter.write), ("balance", limiter.balance)):
            state = bucket.state
            yield (
                name,
                gauges.Line(tokens=state.available, capacity=state.limit.capacity, waiting=bucket.waiting),
            )


def _hedgings(told: Sequence[tuple[str, int]]) -> Callable[[Connection], tuple[standing.Hedging, ...]]:
    asked = {parlay_id for parlay_id, _ in told}
    return lambda tx: standing.hedgings(tx, asked)


def _caps(limits: Limits) -> gauges.Caps:
    return gauges.Caps(
        market=limits.max_market_exposure_dollars,
        event=limits.max_event_exposure_dollars,
        day=limits.max_day_exposure_dollars,
        open_payout=limits.max_open_payout_dollars,
        day_hedge=limits.max_day_hedge_dollars,
    )
