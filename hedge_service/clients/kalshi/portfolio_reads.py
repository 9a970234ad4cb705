"""Reads of what is ours: orders, fills, positions, settlements, cash. Every one names the subaccount.

A list is complete or an error: all pages, every row readable.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from hedge_service.clients.kalshi.caller import Ask
from hedge_service.clock import millis
from hedge_service.wire.kalshi import fields, portfolio

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import datetime

    from hedge_service.clients.kalshi.caller import Caller
    from hedge_service.core.venue import (
        Balance,
        VenueFill,
        VenueOrder,
        VenuePosition,
        VenueSettlement,
        VenueStatus,
    )


class PortfolioReads:
    """The subaccount's own data. Every method raises PeerUnavailable or ExchangeRefused.

    `since` is inclusive: the exchange's own filter, in whole seconds, is set a second earlier. `priority`
    lets a look-up use the limiter's reserve and go before ordinary reads.
    """

    def __init__(self, caller: Caller, *, subaccount: int) -> None:
        self._caller = caller
        self._subaccount = subaccount

    async def orders(
        self,
        *,
        ticker: str | None = None,
        since: datetime | None = None,
        status: VenueStatus | None = None,
        priority: bool = False,
    ) -> list[VenueOrder]:
        """List live orders of one market or of all; resting ones are always live."""
        query = {**_window(ticker, since), "status": None if status is None else status.value}
        return await self._orders("/portfolio/orders", query, priority=priority)

    async def historical_orders(
        self, *, ticker: str | None = None, since: datetime | None = None, priority: bool = False
    ) -> list[VenueOrder]:
        """List ended orders that were last updated before the historical cutoff."""
        return await self._orders("/historical/orders", _window(ticker, since), priority=priority)

    async def order(self, order_id: str) -> VenueOrder | None:
        """Read one order by the exchange's id; None when it has no live one."""
        ask = Ask(path="/portfolio/orders/{order_id}", segments={"order_id": order_id}, priority=True)
        return await self._caller.find(ask, lambda payload: portfolio.order(fields.member(payload, "order")))

    async def fills(
        self,
        *,
        ticker: str | None = None,
        order_id: str | None = None,
        orders: Collection[str] | None = None,
        since: datetime | None = None,
        priority: bool = False,
    ) -> list[VenueFill]:
        """List live fills; of `orders`, when named, alone: the others' rows are not read."""
        query = {**_window(ticker, since), "order_id": order_id}
        return await self._fills("/portfolio/fills", query, priority=priority, orders=orders)

    async def historical_fills(
        self, *, ticker: str | None = None, since: datetime | None = None, priority: bool = False
    ) -> list[VenueFill]:
        """List fills older than the historical cutoff."""
        return await self._fills("/historical/fills", _window(ticker, since), priority=priority)

    async def positions(self, *, ticker: str | None = None) -> list[VenuePosition]:
        """List positions in markets that are not settled."""
        query = {"ticker": ticker, "settlement_status": "unsettled", "subaccount": self._subaccount}
        ask = Ask(path="/portfolio/positions", query=query)
        return await self._caller.collect(ask, "market_positions", portfolio.position)

    async def settlements(
        self, *, ticker: str | None = None, since: datetime | None = None
    ) -> list[VenueSettlement]:
        """List settlements that the exchange still remembers."""
        query = {**_window(ticker, since), "subaccount": self._subaccount}
        ask = Ask(path="/portfolio/settlements", query=query)
        return await self._caller.collect(ask, "settlements", portfolio.settlement)

    async def balance(self) -> Balance:
        """Read the cash; the exchange answers this once a second only, so callers wait their turn."""
        ask = Ask(path="/portfolio/balance", query={"subaccount": self._subaccount}, balance=True)
        return await self._caller.ask(ask, portfolio.balance)

    async def _orders(
        self, path: str, query: dict[str, str | int | None], *, priority: bool
    ) -> list[VenueOrder]:
        ask = Ask(path=path, query={**query, "subaccount": self._subaccount}, priority=priority)
        return await self._caller.collect(ask, "orders", portfolio.order)

    async def _fills(
        self,
        path: str,
        query: dict[str, str | int | None],
        *,
        priority: bool,
        orders: Collection[str] | None = None,
    ) -> list[VenueFill]:
        ask = Ask(path=path, query={**query, "subaccount": self._subaccount}, priority=priority)
        listed = await self._caller.collect(ask, "fills", lambda row: _of(orders, row))
        return [fill for fill in listed if fill is not None]


def _of(orders: Collection[str] | None, row: fields.Row) -> VenueFill | None:
    return portfolio.fill(row) if orders is None or fields.text(row, "order_id") in orders else None


def _window(ticker: str | None, since: datetime | None) -> dict[str, str | int | None]:
    # "After this timestamp" does not say whether it includes that second.
    return {"ticker": ticker, "min_ts": None if since is None else max(0, millis(since) // 1000 - 1)}
