"""What each parlay's contracts cost and brought in, market by market, worked out anew from executions.

Nothing here reads the ledger's figures: the report compares the two. Opposite contracts net at the exchange,
also those of different parlays; a pair pays $1, which belongs to nobody in particular until the market's
result says which side of it was worth what.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from hedge_service.core.ledger import BoughtFill, Position, book_fill, settlement_revenue
from hedge_service.core.market import Side
from hedge_service.core.money import CENTIS_PER_CONTRACT, MICROS_PER_DOLLAR, Count, Money, Price

if TYPE_CHECKING:
    from collections.abc import Iterable


@dataclass(frozen=True, slots=True)
class BroughtIn:
    """A position that was there before the books began."""

    position: Position


@dataclass(frozen=True, slots=True)
class PaidOut:
    """The market's result was booked here: `value` is what one YES contract paid."""

    value: Price


Event = BroughtIn | BoughtFill | PaidOut


@dataclass(frozen=True, slots=True, kw_only=True)
class Trading:
    """Contracts of one owner in one market (or in all): what they cost and paid, and what is still held.

    `held`: the cost of contracts whose result is not known; `received` holds nothing for them.
    """

    cost: Money = Money.ZERO
    fees: Money = Money.ZERO
    received: Money = Money.ZERO
    held: Money = Money.ZERO

    @property
    def gain(self) -> Money:
        """Give what was received over the cost of what is no longer held, fees aside."""
        return self.received - self.cost + self.held

    def __add__(self, other: Trading) -> Trading:
        return Trading(
            cost=self.cost + other.cost,
            fees=self.fees + other.fees,
            received=self.received + other.received,
            held=self.held + other.held,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class MarketBook:
    """One market: the whole account's trading, each owner's share of it, and what no owner can be given yet.

    `brought_in`: what positions from before the books had cost; part of `whole.cost`, but no cash of ours.
    """

    whole: Trading
    owners: dict[str | None, Trading]
    brought_in: Money

    @property
    def netting(self) -> Trading:
        """Give what pairs of different owners have been paid, less their cost, while no result is known."""
        given = sum(self.owners.values(), Trading())
        return Trading(received=self.whole.received - given.received, held=self.whole.held - given.held)


@dataclass(slots=True)
class _Holding:
    counts: dict[Side, int] = field(default_factory=lambda: dict.fromkeys(Side, 0))
    costs: dict[Side, int] = field(default_factory=lambda: dict.fromkeys(Side, 0))
    fees: int = 0

    def add(self, side: Side, count: Count, cost: Money, fee: Money) -> None:
        self.counts[side] += count.centis
        self.costs[side] += cost.micros
        self.fees += fee.micros


def market_book(events: Iterable[Event]) -> MarketBook:
    """Work a market out from its events in the order of their booking."""
    held: Position | None = None
    received, brought_in = Money.ZERO, Money.ZERO
    value: Price | None = None
    owners: dict[str | None, _Holding] = defaultdict(_Holding)
    for event in events:
        match event:
            case BroughtIn(position):
                held, brought_in = position, brought_in + position.cost
                owners[None].add(position.side, position.count, position.cost, Money.ZERO)
            case BoughtFill():
                received += _paired(held, event)
                held = book_fill(held, event)[1]
                owners[event.parlay_id].add(event.side, event.count, event.cost, event.fee)
            case PaidOut(value):
                received += (
                    Money.ZERO if held is None else settlement_revenue(held.count, _of(value, held.side))
                )
                held = None
    shares = {owner: _share(holding, value) for owner, holding in owners.items()}
    whole = Trading(
        cost=sum((share.cost for share in shares.values()), Money.ZERO),
        fees=sum((share.fees for share in shares.values()), Money.ZERO),
        received=received,
        held=Money.ZERO if held is None else held.cost,
    )
    return MarketBook(whole=whole, owners=shares, brought_in=brought_in)


def _paired(held: Position | None, fill: BoughtFill) -> Money:
    if held is None or held.side is fill.side:
        return Money.ZERO
    return _dollars(min(held.count, fill.count).centis)


def _share(holding: _Holding, value: Price | None) -> Trading:
    cost, fees = Money(sum(holding.costs.values())), Money(holding.fees)
    if value is not None:
        worth = sum(_of(value, side).micros * count for side, count in holding.counts.items())
        return Trading(cost=cost, fees=fees, received=Money(worth // CENTIS_PER_CONTRACT))
    pairs = min(holding.counts.values())
    held = sum(
        holding.costs[side] * (count - pairs) // count for side, count in holding.counts.items() if count
    )
    return Trading(cost=cost, fees=fees, received=_dollars(pairs), held=Money(held))


def _of(value: Price, side: Side) -> Price:
    return value if side is Side.YES else value.complement


def _dollars(centis: int) -> Money:
    return Money(centis * MICROS_PER_DOLLAR // CENTIS_PER_CONTRACT)
