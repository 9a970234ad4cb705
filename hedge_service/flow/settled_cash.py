"""What settlement paid by our books against what the exchange says it paid; any difference is told."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any, Protocol

from hedge_service.core.settled_cash import BookedSettlement, differences
from hedge_service.store import results

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy.engine import Connection

    from hedge_service.clock import Clock
    from hedge_service.core.venue import VenueSettlement
    from hedge_service.flow.sender import Sender
    from hedge_service.store.db import Database
    from hedge_service.store.results import MarketResult

AT_ONCE = 20
# The list may lag behind the market; one that never names a settlement has archived it, or never made it.
LIST_PATIENCE = timedelta(hours=1)


class SettlementReads(Protocol):
    """The exchange's own list of what it paid. Raises PeerError."""

    async def settlements(self, *, ticker: str | None = None) -> list[VenueSettlement]:
        """List settlements that the exchange still remembers."""


class SettledCash:
    """Compares each settlement once it has been quiet for a while, and again after a late fill."""

    def __init__(
        self,
        *,
        database: Database,
        clock: Clock,
        log: Any,
        reads: SettlementReads,
        sender: Sender,
        quiet_s: float,
    ) -> None:
        self._database = database
        self._clock = clock
        self._log = log
        self._reads = reads
        self._sender = sender
        self._quiet = timedelta(seconds=quiet_s)
        self._asked: dict[str, float] = {}

    async def step(self) -> None:
        """Compare a few of the settlements that wait for it, those not asked for longest first.

        Raises PeerError and Deposed.
        """
        before = self._clock.now() - self._quiet
        due = await self._database.read(lambda tx: results.uncompared(tx, before))
        self._asked = {result.ticker: self._asked.get(result.ticker, 0.0) for result in due}
        for result in sorted(due, key=lambda each: self._asked[each.ticker])[:AT_ONCE]:
            await self._compare(result)

    async def _compare(self, result: MarketResult) -> None:
        listed = await self._reads.settlements(ticker=result.ticker)
        self._asked[result.ticker] = self._clock.monotonic()
        theirs = next((row for row in listed if row.ticker == result.ticker), None)
        patience_over = self._clock.now() - result.settled_at >= LIST_PATIENCE
        booked = await self._database.write(self._comparison(result.ticker, theirs, wait=not patience_over))
        found = () if booked is None else differences(booked, result.ending, theirs)
        if booked is not None and found:
            self._tell(booked, result, theirs, found)

    def _comparison(
        self, ticker: str, theirs: VenueSettlement | None, *, wait: bool
    ) -> Callable[[Connection], BookedSettlement | None]:
        now = self._clock.now()

        def compare(tx: Connection) -> BookedSettlement | None:
            # Read with the mark: a fill that is booked meanwhile would else be counted as compared.
            self._sender.guard(tx)
            booked = results.booked(tx, ticker)
            if theirs is None and booked.held and wait:
                return None
            paid, fees = (None, None) if theirs is None else (theirs.revenue, theirs.fee)
            results.compared(tx, ticker, now, paid=paid, fees=fees)
            return booked

        return compare

    def _tell(
        self,
        booked: BookedSettlement,
        result: MarketResult,
        theirs: VenueSettlement | None,
        found: tuple[str, ...],
    ) -> None:
        self._log.error(
            "settlement.differed",
            ticker=result.ticker,
            differences=list(found),
            ours=booked.fields(result.ending),
            exchange=None
            if theirs is None
            else {
                "yes_contracts": str(theirs.yes_count),
                "no_contracts": str(theirs.no_count),
                "revenue_dollars": str(theirs.revenue),
                "fees_dollars": str(theirs.fee),
            },
        )
