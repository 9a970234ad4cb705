"""What the exchange says it holds of ours: orders, fills, positions, settlements, cash, its own state."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime
    from decimal import Decimal

    from hedge_service.core.market import BookSide, Market, Side
    from hedge_service.core.money import Count, Money, Price


class VenueStatus(StrEnum):
    """An order's status in the exchange's words; OTHER stands for a word this version does not know."""

    RESTING = "resting"
    CANCELED = "canceled"
    EXECUTED = "executed"
    OTHER = "other"

    @classmethod
    def _missing_(cls, value: object) -> VenueStatus:
        del value
        return cls.OTHER


@dataclass(frozen=True, slots=True, kw_only=True)
class VenueOrder:
    """An order as the exchange lists it; a cancelled one may carry fills."""

    order_id: str
    client_order_id: str
    ticker: str
    side: BookSide
    status: VenueStatus
    yes_price: Price
    initial_count: Count
    fill_count: Count
    remaining_count: Count
    fill_cost: Money
    """Taker and maker cost; whether an ask's is on the YES or the NO price is not established."""
    fees: Money
    created_time: datetime | None
    last_update_time: datetime | None
    subaccount: int | None
    exchange_index: int


@dataclass(frozen=True, slots=True, kw_only=True)
class VenueFill:
    """One execution; `trade_id` is unique and carries no client order id."""

    trade_id: str
    order_id: str
    ticker: str
    side: BookSide
    count: Count
    yes_price: Price
    fee: Money
    is_taker: bool
    created_time: datetime | None
    subaccount: int | None
    exchange_index: int

    @property
    def cost(self) -> Money:
        """Give what the contracts of the side bought cost, without the fee."""
        paid = self.yes_price if self.side.outcome == "yes" else self.yes_price.complement
        return paid.times(self.count)


@dataclass(frozen=True, slots=True, kw_only=True)
class VenuePosition:
    """The net position in one market; opposite buys net at the exchange."""

    ticker: str
    side: Side
    count: Count
    exposure: Money
    realized_pnl: Money
    fees_paid: Money
    last_updated: datetime
    exchange_index: int

    @property
    def signed_centis(self) -> int:
        """Hundredths of contracts, YES positive, NO negative."""
        return self.count.centis if self.side == "yes" else -self.count.centis


@dataclass(frozen=True, slots=True, kw_only=True)
class VenueSettlement:
    """One market's pay-out to us; the exchange forgets it after a while, so it is stored when seen."""

    ticker: str
    event_ticker: str
    result: str
    yes_count: Count
    no_count: Count
    yes_cost: Money
    no_cost: Money
    revenue: Money
    value: Price | None
    """What one YES contract paid, in whole cents; None when not told."""
    fee: Money
    settled_time: datetime
    exchange_index: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Balance:
    """Cash of the subaccount; orders can only spend what lies in their market's own shard."""

    cash: Money
    portfolio_value: Money
    shards: Mapping[int, Money] | None
    """Cash by shard; None where the key may not see it."""
    updated_ts: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ShardStatus:
    """Whether one matching engine is up, and whether it takes orders."""

    exchange_active: bool
    trading_active: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ExchangeStatus:
    """Whether the exchange is up, as a whole and shard by shard."""

    exchange_active: bool
    trading_active: bool
    shards: Mapping[int, ShardStatus]
    resume_time: datetime | None

    def trading_on(self, shard: int) -> bool:
        """Say whether orders for markets of this shard are taken.

        The fields of the whole are those of shard 0 (ExchangeStatus of the specification): another shard
        that is listed goes by its own alone, one that is not follows the whole.
        """
        whole = self.exchange_active and self.trading_active
        own = self.shards.get(shard)
        if own is None:
            return whole
        listed = own.exchange_active and own.trading_active
        return listed and (whole or shard != 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoricalCutoff:
    """Times before which ended things are found only under the historical endpoints."""

    market_settled: datetime
    trades_created: datetime
    orders_updated: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiKeyInfo:
    """One API key: what it may do, and the subaccount it is locked to."""

    key_id: str
    scopes: frozenset[str]
    subaccount: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiKeys:
    """The account's keys, and until when they may trade markets that need a location attestation."""

    keys: tuple[ApiKeyInfo, ...]
    region_expiration: datetime | None

    def of(self, key_id: str) -> ApiKeyInfo | None:
        """Find one key."""
        return next((key for key in self.keys if key.key_id == key_id), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class MarketList:
    """Markets by ticker. A ticker that is in neither mapping is unknown to the exchange.

    One unreadable row must not hide the others (prices and results of unrelated parlays), so it is named
    in `unreadable` with the field at fault and is never taken for an unknown market.
    """

    found: Mapping[str, Market]
    unreadable: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """Markets that belong together; when mutually exclusive, at most one resolves to YES."""

    event_ticker: str
    series_ticker: str
    title: str
    mutually_exclusive: bool
    markets: MarketList
    fee_type_override: str | None
    fee_multiplier_override: Decimal | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """A series and its fee rule; `fee_type` is an open set of words."""

    ticker: str
    title: str
    fee_type: str
    fee_multiplier: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class CancelResult:
    """A cancel the exchange has carried out; less than what rested means that the rest was filled."""

    order_id: str
    reduced_by: Count
