"""Where an order's executions are found: in one list for many young orders, else order by order."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Protocol

from hedge_service.core.money import Count
from hedge_service.errors import PeerError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from hedge_service.clock import Clock
    from hedge_service.core.venue import VenueFill
    from hedge_service.store.fills import Unbooked

# A list of all executions since older orders were planned may be longer than one of each order.
YOUNG = timedelta(minutes=5)
# The exchange's clock is not ours. What a clock further off hides is found order by order.
CLOCK_MARGIN = timedelta(seconds=2)


class ExecutionReads(Protocol):
    """The exchange reads that find executions; every list is complete or an error."""

    async def fills(
        self,
        *,
        order_id: str | None = None,
        orders: Collection[str] | None = None,
        since: datetime | None = None,
        priority: bool = False,
    ) -> list[VenueFill]:
        """List live executions, all pages; of these orders alone, when any are named."""

    async def historical_fills(
        self, *, ticker: str | None = None, since: datetime | None = None
    ) -> list[VenueFill]:
        """List archived executions, all pages."""


class Executions:
    """Finds the executions of accepted orders, each once however often it is listed."""

    def __init__(self, *, reads: ExecutionReads, clock: Clock, log: Any) -> None:
        self._reads = reads
        self._clock = clock
        self._log = log

    async def of(self, orders: Sequence[Unbooked]) -> Mapping[str, list[VenueFill]]:
        """Give the executions of each order by its order id; none where they can't be read now."""
        found = await self.listed(orders)
        short = [order for order in orders if not whole(order, found)]
        rest = await asyncio.gather(*(self._alone(order) for order in short))
        return {**found, **{order.order_id: rows for order, rows in zip(short, rest, strict=True)}}

    async def listed(self, orders: Sequence[Unbooked]) -> Mapping[str, list[VenueFill]]:
        """Give what one list shows of the young ones among many orders; nothing where it is not worth it."""
        young = self._clock.now() - YOUNG
        recent = [order for order in orders if order.planned_at >= young]
        return await self._together(recent) if len(recent) > 1 else {}

    async def of_order(self, order_id: str) -> list[VenueFill]:
        """Give the live executions of one order. Raises PeerError."""
        return _unique(await self._reads.fills(order_id=order_id, priority=True), {order_id})

    async def _together(self, orders: Sequence[Unbooked]) -> dict[str, list[VenueFill]]:
        since = min(order.planned_at for order in orders) - CLOCK_MARGIN
        named = {order.order_id for order in orders}
        try:
            listed = await self._reads.fills(orders=named, since=since, priority=True)
        except PeerError as error:
            self._log.warning("fills.unreadable", reason=error.code)
            return {}
        found: dict[str, list[VenueFill]] = defaultdict(list)
        for fill in _unique(listed, named):
            found[fill.order_id].append(fill)
        return found

    async def _alone(self, order: Unbooked) -> list[VenueFill]:
        try:
            listed = await self.of_order(order.order_id)
            if _total(listed) < order.filled:
                older = await self._reads.historical_fills(ticker=order.ticker)
                return _unique([*listed, *older], {order.order_id})
        except PeerError as error:
            self._log.warning("fills.unreadable", order_id=order.order_id, reason=error.code)
            return []
        return listed


def whole(order: Unbooked, found: Mapping[str, list[VenueFill]]) -> bool:
    """Say whether all executions of an order were found."""
    return _total(found.get(order.order_id, ())) >= order.filled


def _unique(listed: Iterable[VenueFill], order_ids: set[str]) -> list[VenueFill]:
    return list({fill.trade_id: fill for fill in listed if fill.order_id in order_ids}.values())


def _total(fills: Iterable[VenueFill]) -> Count:
    return Count(sum(fill.count.centis for fill in fills))
