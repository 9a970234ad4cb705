"""Our books against the exchange's: read everything, compare, and halt on what stays different."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Protocol

from hedge_service.core.orders import AttemptState, IllegalMove
from hedge_service.core.reconcile import Comparison, compare, confirmed
from hedge_service.core.reconcile_views import Frame, Outcome, Result, VenueView
from hedge_service.errors import PeerError
from hedge_service.store import books, halts, journal, reconciliations
from hedge_service.store.leases import Deposed
from hedge_service.store.own_side import own_view

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from sqlalchemy.engine import Connection

    from hedge_service.clock import Clock
    from hedge_service.core.journal import Attempt, Intent
    from hedge_service.core.venue import (
        HistoricalCutoff,
        VenueFill,
        VenueOrder,
        VenuePosition,
        VenueSettlement,
    )
    from hedge_service.flow.sender import Sender
    from hedge_service.store.db import Database

# A run that failed is repeated sooner than the next one is due.
AGAIN_S = 10.0
# Clocks differ: what was sent or filled this close to the archives' edge is left to a complete run.
EDGE = timedelta(minutes=1)
TOLD = 20


class AccountReads(Protocol):
    """The exchange reads of a reconciliation; every list is complete or an error."""

    async def user_data_timestamp(self) -> datetime:
        """Tell as of when the other reads are true."""

    async def historical_cutoff(self) -> HistoricalCutoff:
        """Tell since when orders and executions are live."""

    async def orders(self) -> list[VenueOrder]:
        """List live orders, all pages."""

    async def historical_orders(self) -> list[VenueOrder]:
        """List archived orders, all pages."""

    async def fills(self, *, since: datetime) -> list[VenueFill]:
        """List live executions, all pages."""

    async def historical_fills(self, *, since: datetime) -> list[VenueFill]:
        """List archived executions, all pages."""

    async def positions(self) -> list[VenuePosition]:
        """List positions in open markets, all pages."""

    async def settlements(self, *, since: datetime) -> list[VenueSettlement]:
        """List settlements, all pages."""


class Resolver(Protocol):
    """Books what the exchange proves about an attempt in doubt."""

    async def resolve(self, intent: Intent, attempt: Attempt) -> object:
        """Look the attempt up once and book it if it is found."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """One reconciliation: what was read, what was found, and what it came to."""

    complete: bool
    venue: VenueView
    comparison: Comparison
    outcome: Outcome


class Reconciler:
    """Compares both sides, records the result, and halts on a mismatch.

    The service's own runs write only under its lease; an operator's (`sender` None) is a plain act.
    """

    def __init__(
        self,
        *,
        database: Database,
        reads: AccountReads,
        clock: Clock,
        quiet_s: float,
        log: Any,
        sender: Sender | None = None,
        lookups: Resolver | None = None,
        every_s: float = 60.0,
    ) -> None:
        self._database = database
        self._reads = reads
        self._clock = clock
        self._quiet = timedelta(seconds=quiet_s)
        self._log = log
        self._sender = sender
        self._lookups = lookups
        self._every_s = every_s
        self._next = 0.0
        self._complete_in: int | None = None

    async def step(self) -> None:
        """Run when it is due: the first run of an epoch reads the archives, too."""
        sender = self._sender
        if sender is None or not sender.may_send():
            return
        epoch = sender.epoch
        first = epoch != self._complete_in
        if not first and self._clock.monotonic() < self._next:
            return
        try:
            report = await self.run(complete=first)
        except PeerError as error:
            self._log.warning("reconciliation.failed", **error.log_context())
            self._next = self._clock.monotonic() + min(self._every_s, AGAIN_S)
        except Deposed as error:
            self._log.warning("reconciliation.left", reason=str(error))
        else:
            if report is not None:
                self._complete_in = epoch
            self._next = self._clock.monotonic() + self._every_s

    async def run(self, *, complete: bool = True) -> Report | None:
        """Reconcile once; None while the books are not open. Raises PeerError when any page is missing."""
        opening = await self._database.read(books.opening)
        if opening is None:
            return None
        started = self._clock.monotonic()
        frame = await self._frame(opening.at, complete=complete)
        venue = await self._read(opening.at, complete=complete)
        comparison = await self._compare(venue, frame)
        outcome = await self._database.write(self._recording(comparison))
        report = Report(complete=complete, venue=venue, comparison=comparison, outcome=outcome)
        self._tell(report, round((self._clock.monotonic() - started) * 1000))
        await self._take_evidence(comparison)
        return report

    async def _frame(self, opened_at: datetime, *, complete: bool) -> Frame:
        # Asked before the lists, so that those are at least as fresh.
        as_of = await self._reads.user_data_timestamp()
        quiet_before = min(self._clock.now() - self._quiet, as_of)
        if complete:
            return Frame(quiet_before=quiet_before, opened_at=opened_at)
        cutoff = await self._reads.historical_cutoff()
        return Frame(
            quiet_before=quiet_before,
            opened_at=opened_at,
            orders_since=cutoff.orders_updated + EDGE,
            fills_since=cutoff.trades_created + EDGE,
        )

    async def _read(self, opened_at: datetime, *, complete: bool) -> VenueView:
        orders = await self._reads.orders()
        fills = await self._reads.fills(since=opened_at)
        if complete:
            orders += await self._reads.historical_orders()
            fills += await self._reads.historical_fills(since=opened_at)
        return VenueView(
            orders=tuple(orders),
            fills=tuple(fills),
            positions=tuple(await self._reads.positions()),
            settlements=tuple(await self._reads.settlements(since=opened_at)),
        )

    async def _compare(self, venue: VenueView, frame: Frame) -> Comparison:
        """Compare with our side, read last: what the exchange holds of ours was journalled before."""
        since = None
        if frame.orders_since is not None and frame.fills_since is not None:
            since = min(frame.orders_since, frame.fills_since)
        order_ids = [order.client_order_id for order in venue.orders]
        trade_ids = [fill.trade_id for fill in venue.fills]
        tickers = [settlement.ticker for settlement in venue.settlements]
        own = await self._database.read(
            lambda tx: own_view(tx, since=since, order_ids=order_ids, trade_ids=trade_ids, tickers=tickers)
        )
        return compare(own, venue, frame)

    def _recording(self, comparison: Comparison) -> Callable[[Connection], Outcome]:
        now = self._clock.now()

        def record(tx: Connection) -> Outcome:
            if self._sender is not None:
                self._sender.guard(tx)
            last = reconciliations.last(tx)
            mismatch = confirmed(
                comparison.differences,
                before=() if last is None else last[2],
                acknowledged=reconciliations.acknowledged(tx),
            )
            outcome = Outcome(differences=comparison.differences, mismatch=mismatch)
            reconciliations.put(tx, outcome, now)
            if mismatch and halts.reason(tx) is None:
                halts.put(tx, halted=True, reason=outcome.reason(), actor="reconciliation", at=now)
            return outcome

        return record

    def _tell(self, report: Report, duration_ms: int) -> None:
        venue, outcome = report.venue, report.outcome
        self._log.info(
            "reconciliation.finished",
            result=outcome.result.value,
            complete=report.complete,
            orders=len(venue.orders),
            orders_of_others=len(report.comparison.of_others),
            fills=len(venue.fills),
            positions=len(venue.positions),
            settlements=len(venue.settlements),
            differences=len(outcome.differences),
            duration_ms=duration_ms,
        )
        if outcome.result is Result.MISMATCH:
            self._log.error(
                "reconciliation.mismatched",
                count=len(outcome.mismatch),
                differences=[
                    {"kind": one.kind.value, "subject": one.subject, "ours": one.ours, "theirs": one.theirs}
                    for one in outcome.mismatch[:TOLD]
                ],
            )

    async def _take_evidence(self, comparison: Comparison) -> None:
        """Let orders in doubt that the exchange was seen to hold end by that, parked ones included."""
        if self._lookups is None:
            return
        for client_order_id in comparison.found:
            await self._resolve(self._lookups, client_order_id)

    async def _resolve(self, lookups: Resolver, client_order_id: str) -> None:
        intent, attempt = await self._database.read(
            lambda tx: journal.attempt_with_intent(tx, client_order_id)
        )
        # One in SENDING has a send under way; its own outcome comes first.
        if attempt.state not in {AttemptState.UNKNOWN, AttemptState.PARKED}:
            return
        try:
            await lookups.resolve(intent, attempt)
        except (IllegalMove, Deposed) as error:
            self._log.info("intent.moved_meanwhile", intent_id=intent.id, reason=str(error))
