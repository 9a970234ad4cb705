"""What a plan's contracts cost: each leg walks its own book, fees included."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from hedge_service.core.book import Book
from hedge_service.core.fees import FeeSchedule
from hedge_service.core.money import Count, Money
from hedge_service.core.risk.evaluate import Position

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from decimal import Decimal

    from hedge_service.core.hedging import LegHedge
    from hedge_service.core.pricing import Leg

_STANDARD_FEES = FeeSchedule()


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """Contracts on one price: what each costs in dollars, the model fee included, and how many there are."""

    cost: Decimal
    count: Count


@dataclass(frozen=True, slots=True, kw_only=True)
class Supply:
    """What a plan is bought from: books and fees by ticker.

    A ticker without a book is offered without end at the leg's ask, one without fees pays the standard ones.
    """

    books: Mapping[str, Book] | None
    fees: Mapping[str, FeeSchedule]

    def book(self, leg: Leg) -> Book:
        """Give what is offered of a leg's outcome."""
        known = None if self.books is None else self.books.get(leg.ticker)
        return Book.endless(leg.ask) if known is None else known

    def offers(self, leg: Leg) -> tuple[Offer, ...]:
        """Give a leg's levels with the fee inside, cheapest first."""
        fees = self._fees(leg)
        return tuple(
            Offer(cost=level.price.dollars + fees.per_contract(level.price), count=level.count)
            for level in self.book(leg).levels
        )

    def position(self, leg: Leg, contracts: Count) -> Position:
        """Buy contracts of a leg, as many as its book has."""
        cost = self.book(leg).cost(contracts, self._fees(leg))
        return Position(contracts=cost.filled, outlay=cost.outlay, fees=cost.fees)

    def _fees(self, leg: Leg) -> FeeSchedule:
        return self.fees.get(leg.ticker, _STANDARD_FEES)


def positions(
    hedges: Iterable[LegHedge], books: Mapping[str, Book] | None, fees: Mapping[str, FeeSchedule]
) -> tuple[Position, ...]:
    """Give the position, exact outlay and fees of each leg, in the hedges' order; a skipped leg has zeros.

    `books`: offers of each leg's own outcome by ticker; where there is none, everything is bought at the ask.
    A book too thin for its hedge gives what it has. Fees are those of one order, see `FeeSchedule.order`.
    """
    supply = Supply(books=books, fees=fees)
    return tuple(supply.position(hedge.leg, hedge.contracts) for hedge in hedges)


def total_paid(bought: Iterable[Position]) -> Money:
    """Add up outlay and fees."""
    return sum((position.outlay + position.fees for position in bought), Money.ZERO)
