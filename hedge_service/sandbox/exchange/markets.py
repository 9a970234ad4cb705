"""Series, events and markets, and how they are written on the wire."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final

from .amounts import DOLLAR, contracts, dollars, rfc3339
from .book import Book
from .fees import FeeSchedule


class MarketStatus(StrEnum):
    """A market's status as the field spells it."""

    INITIALIZED = "initialized"
    INACTIVE = "inactive"
    ACTIVE = "active"
    CLOSED = "closed"
    DETERMINED = "determined"
    DISPUTED = "disputed"
    AMENDED = "amended"
    FINALIZED = "finalized"


# The query's vocabulary differs from the field's.
QUERY_STATUSES: Final[dict[str, frozenset[MarketStatus]]] = {
    "unopened": frozenset({MarketStatus.INITIALIZED}),
    "open": frozenset({MarketStatus.ACTIVE}),
    "paused": frozenset({MarketStatus.INACTIVE}),
    "closed": frozenset(
        {MarketStatus.CLOSED, MarketStatus.DETERMINED, MarketStatus.DISPUTED, MarketStatus.AMENDED}
    ),
    "settled": frozenset({MarketStatus.FINALIZED}),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceRange:
    """One stretch of a price grid, in micros."""

    start: int
    end: int
    step: int

    def wire(self) -> dict[str, str]:
        """Write PriceRange of the spec."""
        return {"start": dollars(self.start), "end": dollars(self.end), "step": dollars(self.step)}


LINEAR_CENT: Final = (PriceRange(start=0, end=DOLLAR, step=10_000),)
DECI_CENT: Final = (PriceRange(start=0, end=DOLLAR, step=1_000),)


@dataclass(slots=True, kw_only=True)
class Series:
    """A series: where the fee comes from."""

    ticker: str
    title: str
    category: str
    fees: FeeSchedule = field(default_factory=FeeSchedule)
    shard: int = 0

    def wire(self, now_s: float) -> dict[str, Any]:
        """Write Series of the spec."""
        return {
            "ticker": self.ticker,
            "frequency": "custom",
            "title": self.title,
            "category": self.category,
            "categories": [self.category],
            "tags": [],
            "settlement_sources": [{"name": "Sandbox", "url": "http://localhost/"}],
            "contract_url": "http://localhost/contract",
            "contract_terms_url": "http://localhost/terms",
            "fee_type": self.fees.fee_type.value,
            # The spec types the multiplier as a JSON number: a rate, not an amount of money.
            "fee_multiplier": float(self.fees.multiplier),
            "additional_prohibitions": [],
            "last_updated_ts": rfc3339(now_s),
            "exchange_index": self.shard,
        }


@dataclass(slots=True, kw_only=True)
class Event:
    """An event: the group of markets that settle on one thing."""

    ticker: str
    series_ticker: str
    title: str
    sub_title: str
    category: str
    mutually_exclusive: bool = False
    fee_override: FeeSchedule | None = None
    shard: int = 0

    def wire(self, now_s: float) -> dict[str, Any]:
        """Write EventData of the spec, without its markets."""
        row: dict[str, Any] = {
            "event_ticker": self.ticker,
            "series_ticker": self.series_ticker,
            "sub_title": self.sub_title,
            "title": self.title,
            "collateral_return_type": "MECNET" if self.mutually_exclusive else "",
            "mutually_exclusive": self.mutually_exclusive,
            "category": self.category,
            "settlement_sources": [{"name": "Sandbox", "url": "http://localhost/"}],
            "last_updated_ts": rfc3339(now_s),
            "exchange_index": self.shard,
        }
        if self.fee_override is not None:
            row["fee_type_override"] = self.fee_override.fee_type.value
            row["fee_multiplier_override"] = float(self.fee_override.multiplier)
        return row


@dataclass(slots=True, kw_only=True)
class Market:
    """A market with its book, its grid and its result."""

    ticker: str
    event_ticker: str
    series_ticker: str
    title: str
    yes_sub_title: str
    no_sub_title: str
    open_s: float
    close_s: float
    status: MarketStatus = MarketStatus.ACTIVE
    scalar: bool = False
    shard: int = 0
    structure: str = "linear_cent"
    price_ranges: tuple[PriceRange, ...] = LINEAR_CENT
    strike_type: str | None = None
    floor_strike: int | None = None
    book: Book = field(default_factory=Book)
    result: str = ""
    settlement_value: int | None = None
    settled_s: float | None = None
    updated_s: float = 0.0
    last_price: int = 0
    volume: int = 0

    def status_at(self, now_s: float) -> MarketStatus:
        """Give the status, which turns closed by itself once the close time has come."""
        tradable = self.status in {MarketStatus.ACTIVE, MarketStatus.INACTIVE}
        return MarketStatus.CLOSED if tradable and now_s >= self.close_s else self.status

    def on_grid(self, price: int) -> bool:
        """Say whether an order may carry this YES price in micros; $0 and $1 never do."""
        return 0 < price < DOLLAR and any(
            stretch.start <= price <= stretch.end and (price - stretch.start) % stretch.step == 0
            for stretch in self.price_ranges
        )

    def wire(self, now_s: float) -> dict[str, Any]:
        """Write Market of the spec."""
        return {**self._identity(now_s), **self._quotes(), **self._outcome()}

    def _identity(self, now_s: float) -> dict[str, Any]:
        row: dict[str, Any] = {
            "ticker": self.ticker,
            "event_ticker": self.event_ticker,
            "market_type": "scalar" if self.scalar else "binary",
            "title": self.title,
            "subtitle": "",
            "yes_sub_title": self.yes_sub_title,
            "no_sub_title": self.no_sub_title,
            "created_time": rfc3339(self.open_s - 3_600),
            "updated_time": rfc3339(self.updated_s),
            "open_time": rfc3339(self.open_s),
            "close_time": rfc3339(self.close_s),
            "expected_expiration_time": rfc3339(self.close_s + 3_600),
            "latest_expiration_time": rfc3339(self.close_s + 14 * 86_400),
            "settlement_timer_seconds": 300,
            "status": self.status_at(now_s).value,
            "can_close_early": True,
            "rules_primary": f"If {self.title.rstrip('?')}: Yes.",
            "rules_secondary": "",
            "price_level_structure": self.structure,
            "price_ranges": [stretch.wire() for stretch in self.price_ranges],
            "exchange_index": self.shard,
        }
        if self.strike_type is not None:
            row |= {"strike_type": self.strike_type, "floor_strike": self.floor_strike}
        return row

    def _quotes(self) -> dict[str, Any]:
        yes, no = self.book.best_bid("yes"), self.book.best_bid("no")
        return {
            "yes_bid_dollars": dollars(yes.price),
            "yes_bid_size_fp": contracts(yes.count),
            "yes_ask_dollars": dollars(DOLLAR - no.price),
            "yes_ask_size_fp": contracts(no.count),
            "no_bid_dollars": dollars(no.price),
            "no_ask_dollars": dollars(DOLLAR - yes.price),
            "last_price_dollars": dollars(self.last_price),
            "volume_fp": contracts(self.volume),
            "volume_24h_fp": contracts(self.volume),
            "open_interest_fp": contracts(self.volume),
            "notional_value_dollars": dollars(DOLLAR),
            "previous_yes_bid_dollars": dollars(yes.price),
            "previous_yes_ask_dollars": dollars(DOLLAR - no.price),
            "previous_price_dollars": dollars(self.last_price),
        }

    def _outcome(self) -> dict[str, Any]:
        value = self.settlement_value
        row: dict[str, Any] = {
            "result": self.result,
            "expiration_value": self.result,
            "settlement_bounds_type": "default",
        }
        if value is not None:
            row["settlement_value_dollars"] = dollars(value)
        if self.settled_s is not None:
            row["settlement_ts"] = rfc3339(self.settled_s)
        return row


@dataclass(slots=True, kw_only=True)
class Catalogue:
    """All series, events and markets by ticker."""

    series: dict[str, Series] = field(default_factory=dict)
    events: dict[str, Event] = field(default_factory=dict)
    markets: dict[str, Market] = field(default_factory=dict)

    def markets_of(self, event_ticker: str) -> list[Market]:
        """Give an event's markets in the order they were listed."""
        return [market for market in self.markets.values() if market.event_ticker == event_ticker]

    def fees_of(self, market: Market) -> FeeSchedule:
        """Give a market's fee schedule: the event's override before the series' own."""
        override = self.events[market.event_ticker].fee_override
        return self.series[market.series_ticker].fees if override is None else override
