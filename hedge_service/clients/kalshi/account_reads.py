"""Reads of the account's limits and keys, and of how fresh the exchange's data are."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hedge_service.clients.kalshi.caller import Ask
from hedge_service.wire.kalshi import account

if TYPE_CHECKING:
    from datetime import datetime

    from hedge_service.clients.kalshi.caller import Caller
    from hedge_service.core.pacing import AccountLimits, EndpointCosts
    from hedge_service.core.venue import ApiKeys, HistoricalCutoff


class AccountReads:
    """The account behind the key. Every method raises PeerUnavailable or ExchangeRefused."""

    def __init__(self, caller: Caller) -> None:
        self._caller = caller

    async def limits(self) -> AccountLimits:
        """Read the account's buckets."""
        return await self._caller.ask(Ask(path="/account/limits"), account.limits)

    async def endpoint_costs(self) -> EndpointCosts:
        """Read what each request costs in tokens."""
        return await self._caller.ask(Ask(path="/account/endpoint_costs"), account.endpoint_costs)

    async def adopt_limits(self) -> AccountLimits:
        """Read limits and costs, and pace by them from now on; nothing changes when either can't be read."""
        limits, costs = await self.limits(), await self.endpoint_costs()
        self._caller.costs = costs
        self._caller.limiter.reconfigure(limits)
        return limits

    async def api_keys(self) -> ApiKeys:
        """Read the keys, their scopes, and when the location attestation ends."""
        return await self._caller.ask(Ask(path="/api_keys"), account.api_keys)

    async def user_data_timestamp(self) -> datetime:
        """Read as of when reads of orders, fills, positions and cash are true."""
        ask = Ask(path="/exchange/user_data_timestamp", priority=True)
        return await self._caller.ask(ask, account.user_data_timestamp)

    async def historical_cutoff(self) -> HistoricalCutoff:
        """Read from when on ended things have moved to the historical endpoints."""
        return await self._caller.ask(Ask(path="/historical/cutoff"), account.historical_cutoff)
