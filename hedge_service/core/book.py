"""The depth of a market: what is offered of one outcome, and what n contracts of it cost.

The exchange's book holds bids only, for YES and for NO. Whoever bids p for NO offers YES at 1 - p, so the
offers of one outcome are the bids for the other.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from itertools import pairwise
from typing import TYPE_CHECKING, Self

from hedge_service.core.fees import FeeSchedule, Fill
from hedge_service.core.market import Side, limit_on
from hedge_service.core.money import CENTIS_PER_CONTRACT, MICROS_PER_DOLLAR, Count, Money, Price

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hedge_service.core.market import Grid

_ENDLESS = Count.of(10**9)
_STANDARD_FEES = FeeSchedule()
_NO_SLIPPAGE = Decimal(0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Level:
    """Contracts on one price. Raises ValueError for none of them, and for $0 and $1, which are no prices."""

    price: Price
    count: Count

    def __post_init__(self) -> None:
        if not self.count or not 0 < self.price.micros < MICROS_PER_DOLLAR:
            raise ValueError(f"not a level of a book: {self.count} at {self.price}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """What an order that takes from a book gets and pays.

    `outlay` is without `fees`. `worst`: the dearest price taken, None when nothing is. `shortage`: what the
    book could not give.
    """

    filled: Count
    shortage: Count
    outlay: Money
    fees: Money
    worst: Price | None

    @property
    def total(self) -> Money:
        """Give outlay and fees."""
        return self.outlay + self.fees

    @property
    def average(self) -> Price | None:
        """Give the mean price of what is filled, without fees, rounded up to a micro."""
        if not self.filled:
            return None
        return Price(-(-self.outlay.micros * CENTIS_PER_CONTRACT // self.filled.centis))

    def limit(self, grid: Grid, side: Side, slippage: Decimal = _NO_SLIPPAGE) -> Price | None:
        """Give the YES limit price of an order for `side` that reaches the worst price plus `slippage`.

        On the market's grid, see `Market.limit_price`; None when nothing is filled or no tick will do.
        """
        return None if self.worst is None else limit_on(grid, side, self.worst, slippage)


@dataclass(frozen=True, slots=True)
class Book:
    """What is offered of one outcome, cheapest first. Raises ValueError for levels out of order."""

    levels: tuple[Level, ...]

    def __post_init__(self) -> None:
        if any(first.price >= second.price for first, second in pairwise(self.levels)):
            raise ValueError("the levels of a book rise in price")

    @classmethod
    def endless(cls, ask: Price) -> Self:
        """Assume that any number is offered at one price: for where only the ask is known.

        An ask of $1, which nobody can take, is an empty book.
        """
        if ask.micros == MICROS_PER_DOLLAR:
            return cls(())
        return cls((Level(price=ask, count=_ENDLESS),))

    @property
    def ask(self) -> Price | None:
        """Give the lowest price; None without an offer."""
        return self.levels[0].price if self.levels else None

    @property
    def depth(self) -> Count:
        """Give how many contracts are offered in all."""
        return sum((level.count for level in self.levels), Count.ZERO)

    def take(self, count: Count) -> tuple[Fill, ...]:
        """Give the fills of an order for `count` contracts, one for each price; fewer where the book ends."""
        fills = []
        for level in self.levels:
            taken = min(count, level.count)
            if not taken:
                break
            fills.append(Fill(count=taken, price=level.price))
            count -= taken
        return tuple(fills)

    def cost(self, count: Count, fees: FeeSchedule = _STANDARD_FEES) -> Cost:
        """Give what taking `count` contracts costs, one fill for each price, fees as of one order.

        Several resting orders on one price make several fills; each can cost up to one precision more in
        fees, until the order's accumulator gives it back.
        """
        fills = self.take(count)
        filled = sum((fill.count for fill in fills), Count.ZERO)
        return Cost(
            filled=filled,
            shortage=count - filled,
            outlay=sum((fill.price.times(fill.count) for fill in fills), Money.ZERO),
            fees=fees.order(fills),
            worst=fills[-1].price if fills else None,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Orderbook:
    """A market's bids for both outcomes, in any order, no price twice."""

    ticker: str
    yes_bids: tuple[Level, ...]
    no_bids: tuple[Level, ...]

    def offers(self, side: Side) -> Book:
        """Give what can be bought of one outcome. Raises ValueError for a price that is there twice."""
        return _offered(self.no_bids if side is Side.YES else self.yes_bids)


def _offered(bids: Sequence[Level]) -> Book:
    offers = (Level(price=bid.price.complement, count=bid.count) for bid in bids)
    return Book(tuple(sorted(offers, key=lambda level: level.price)))
