"""A market's outside liquidity: YES bids and NO bids, and the account's own resting orders beside them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from .amounts import DOLLAR, contracts, dollars
from .orders import Side

if TYPE_CHECKING:
    from .orders import Order

Outcome = Literal["yes", "no"]


@dataclass(frozen=True, slots=True)
class Level:
    """A price of the outcome bid for, in micros, and the contracts there, in centis."""

    price: int
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Quote:
    """What a taker meets next: a YES price and either outside contracts or one resting order."""

    price: int
    count: int
    order: Order | None = None


@dataclass(slots=True, kw_only=True)
class Book:
    """Bids for both outcomes, by price in micros, and the account's own resting orders."""

    yes: dict[int, int] = field(default_factory=dict)
    no: dict[int, int] = field(default_factory=dict)
    resting: list[Order] = field(default_factory=list)

    def best_bid(self, outcome: Outcome) -> Level:
        """Give the highest bid for an outcome; price and count 0 when there is none."""
        levels = self.levels(outcome)
        if not levels:
            return Level(0, 0)
        price = max(levels)
        return Level(price, levels[price])

    def levels(self, outcome: Outcome) -> dict[int, int]:
        """Give all bids for an outcome, the account's own resting orders included."""
        levels = dict(self.yes if outcome == "yes" else self.no)
        for order in self.resting:
            if (order.side is Side.BID) == (outcome == "yes"):
                price = order.unit_cost(order.price)
                levels[price] = levels.get(price, 0) + order.remaining
        return levels

    def crossing(self, side: Side, limit: int) -> list[Quote]:
        """Give what an order of this side and YES limit price meets, best price first.

        At one price outside liquidity comes before the account's own resting orders.
        """
        outside = self.no if side is Side.BID else self.yes
        found = [Quote(price=_yes_price(side, price), count=count) for price, count in outside.items()]
        found += [
            Quote(price=order.price, count=order.remaining, order=order)
            for order in self.resting
            if order.side is not side
        ]
        reachable = [quote for quote in found if _reaches(side, limit, quote.price)]
        reachable.sort(key=lambda quote: quote.price if side is Side.BID else -quote.price)
        return reachable

    def take(self, side: Side, price: int, count: int) -> None:
        """Remove outside contracts that a taker of `side` bought at a YES price."""
        levels, key = (self.no, DOLLAR - price) if side is Side.BID else (self.yes, price)
        levels[key] -= count
        if levels[key] == 0:
            del levels[key]

    def remove(self, order: Order) -> None:
        """Take a resting order out of the book."""
        self.resting = [other for other in self.resting if other is not order]

    def wire(self, depth: int = 0) -> dict[str, Any]:
        """Write OrderbookCountFp: bids only, ascending, best last; depth 0 means all levels."""
        return {
            "yes_dollars": _rows(self.levels("yes"), depth),
            "no_dollars": _rows(self.levels("no"), depth),
        }


def _yes_price(side: Side, price: int) -> int:
    return DOLLAR - price if side is Side.BID else price


def _reaches(side: Side, limit: int, price: int) -> bool:
    return price <= limit if side is Side.BID else price >= limit


def _rows(levels: dict[int, int], depth: int) -> list[list[str]]:
    rows = [[dollars(price), contracts(levels[price])] for price in sorted(levels)]
    return rows[-depth:] if depth > 0 else rows
