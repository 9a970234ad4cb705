"""Markets as the exchange states them: sides, asks and the price grid."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import TYPE_CHECKING

from hedge_service.core.money import Price

if TYPE_CHECKING:
    from datetime import datetime

    from hedge_service.core.strike import Strike


class Side(StrEnum):
    """The outcome a bet backs."""

    YES = "yes"
    NO = "no"

    @property
    def opposite(self) -> Side:
        """Give the other outcome."""
        return Side.NO if self is Side.YES else Side.YES


class BookSide(StrEnum):
    """The exchange's single book is quoted in YES: a bid buys YES, an ask sells YES, that is, buys NO."""

    BID = "bid"
    ASK = "ask"

    @classmethod
    def buying(cls, side: Side) -> BookSide:
        """Give the book side that buys this outcome."""
        return cls.BID if side is Side.YES else cls.ASK

    @property
    def outcome(self) -> Side:
        """Give the outcome that an order on this side buys."""
        return Side.YES if self is BookSide.BID else Side.NO


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceRange:
    """One stretch of a market's price grid: ticks at start, start + step, ... up to end (YES dollars)."""

    start: Decimal
    end: Decimal
    step: Decimal

    def __post_init__(self) -> None:
        if self.step <= 0 or not 0 <= self.start <= self.end <= 1:
            raise ValueError(f"not a price range: {self.start} to {self.end} by {self.step}")


CENT_GRID = (PriceRange(start=Decimal(0), end=Decimal(1), step=Decimal("0.01")),)


@dataclass(frozen=True, slots=True)
class Grid:
    """The YES prices a market accepts; $0 and $1 are never valid order prices.

    Source: Market.price_ranges of the exchange; structure names are never used as keys.
    """

    ranges: tuple[PriceRange, ...] = CENT_GRID

    def floor(self, price: Decimal) -> Price | None:
        """Give the largest tick at or below `price`, or None when there is none."""
        ticks = [tick for r in self.ranges if (tick := self._floor_in(r, price)) is not None]
        return Price.of(max(ticks)) if ticks else None

    def ceil(self, price: Decimal) -> Price | None:
        """Give the smallest tick at or above `price`, or None when there is none."""
        mirrored = Grid(tuple(_mirror(r) for r in self.ranges)).floor(1 - price)
        return None if mirrored is None else mirrored.complement

    def holds(self, price: Price) -> bool:
        """Say whether an order may carry this price."""
        return self.floor(price.dollars) == price

    @staticmethod
    def _floor_in(part: PriceRange, price: Decimal) -> Decimal | None:
        top = min(price, part.end)
        if top < part.start:
            return None
        # `//` is exact, where `/` would first round to 28 digits and could reach the next tick
        tick = part.start + (top - part.start) // part.step * part.step
        if tick >= 1:
            tick -= part.step
        return tick if tick > 0 and tick >= part.start else None


def _mirror(part: PriceRange) -> PriceRange:
    # The grid of 1 - price. A range whose length is no whole number of steps is anchored at its start,
    # so the mirror ends at its last tick, not at the range's stated end.
    last = part.start + (part.end - part.start) // part.step * part.step
    return PriceRange(start=1 - last, end=1 - part.start, step=part.step)


class MarketStatus(StrEnum):
    """Life of a market; OTHER stands for a word this version does not know, never tradable, never final."""

    INITIALIZED = "initialized"
    INACTIVE = "inactive"
    ACTIVE = "active"
    CLOSED = "closed"
    DETERMINED = "determined"
    DISPUTED = "disputed"
    AMENDED = "amended"
    FINALIZED = "finalized"
    OTHER = "other"

    @classmethod
    def _missing_(cls, value: object) -> MarketStatus:
        del value
        return cls.OTHER


@dataclass(frozen=True, slots=True, kw_only=True)
class Market:
    """A binary or scalar market as read from the exchange; prices are dollars per contract.

    `strike`: the range of the event's number in which the market ends in YES; None where it has none, or
    none that can be compared with another market's.
    """

    ticker: str
    event_ticker: str
    market_type: str
    status: MarketStatus
    title: str
    yes_sub_title: str
    no_sub_title: str
    close_time: datetime
    yes_ask: Price | None
    no_ask: Price | None
    grid: Grid
    exchange_index: int
    result: str
    settlement_value: Price | None
    expected_expiration_time: datetime | None = None
    strike: Strike | None = None

    @property
    def binary(self) -> bool:
        """Say whether the market pays $0 or $1."""
        return self.market_type == "binary"

    def ask(self, side: Side) -> Price | None:
        """Give what one contract of this outcome costs now; None without an offer."""
        return self.yes_ask if side is Side.YES else self.no_ask

    def open_at(self, now: datetime) -> bool:
        """Say whether orders are taken: active and before its close."""
        return self.status is MarketStatus.ACTIVE and now < self.close_time

    def limit_price(self, side: Side, ask: Price, slippage: Decimal) -> Price | None:
        """Give the YES price of an order that buys `side` at no more than `ask` + `slippage`.

        On the market's own grid, rounded towards paying less, never above the largest tick;
        None when no tick reaches the ask itself (nothing could be bought within the limit).
        """
        return limit_on(self.grid, side, ask, slippage)


def limit_on(grid: Grid, side: Side, ask: Price, slippage: Decimal) -> Price | None:
    """Give the YES limit price on a grid; see `Market.limit_price`."""
    highest = min(ask.dollars + slippage, Decimal(1))
    if side is Side.YES:
        limit = grid.floor(highest)
        return limit if limit is not None and limit >= ask else None
    limit = grid.ceil(1 - highest)
    return limit if limit is not None and limit.complement >= ask else None
