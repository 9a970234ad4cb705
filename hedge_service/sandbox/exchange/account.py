"""Cash per shard, positions and settlements of one subaccount."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from .amounts import CENT, CONTRACT, DOLLAR, contracts, cost_of, dollars, dollars6, rfc3339
from .orders import Side

if TYPE_CHECKING:
    from collections.abc import Iterable

    from .orders import Fill, Order


@dataclass(slots=True, kw_only=True)
class Position:
    """Contracts held in one market: positive YES, negative NO. Money in micros, count in centis."""

    ticker: str
    event_ticker: str
    shard: int
    count: int = 0
    cost: int = 0
    traded: int = 0
    shares: int = 0
    realized: int = 0
    fees: int = 0
    updated_ms: int = 0
    settled: bool = False

    def closing(self, side: Side, count: int) -> int:
        """Give how many of `count` contracts would close what is held."""
        against = self.count < 0 if side is Side.BID else self.count > 0
        return min(count, abs(self.count)) if against else 0

    def revenue(self, side: Side, price: int, count: int) -> int:
        """Give the cash change before fees: the outcome's cost, and $1 back per netted pair."""
        closing = self.closing(side, count)
        return cost_of(DOLLAR, closing) - cost_of(side.unit_cost(price), count)

    def apply(self, side: Side, price: int, count: int) -> None:
        """Net a trade into the position, at average cost."""
        unit = side.unit_cost(price)
        closing = self.closing(side, count)
        released = self.cost * closing // abs(self.count) if closing else 0
        self.realized += cost_of(DOLLAR - unit, closing) - released
        self.cost += cost_of(unit, count - closing) - released
        self.traded += cost_of(unit, count)
        self.shares += count
        self.count += count if side is Side.BID else -count

    def book(self, fill: Fill) -> None:
        """Apply a fill with its fee and time."""
        self.apply(fill.order.side, fill.price, fill.count)
        self.fees += fill.fee
        self.updated_ms = fill.created_ms

    def wire(self) -> dict[str, Any]:
        """Write MarketPosition of the spec."""
        return {
            "ticker": self.ticker,
            "exchange_index": self.shard,
            "total_traded_dollars": dollars(self.traded),
            "position_fp": contracts(self.count),
            "market_exposure_dollars": dollars(self.cost),
            "realized_pnl_dollars": dollars(self.realized),
            "fees_paid_dollars": dollars6(self.fees),
            "last_updated_ts": rfc3339(self.updated_ms / 1_000),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Settlement:
    """What a finalized market paid for a position."""

    sequence: int
    position: Position
    result: str
    value: int  # micros per YES contract
    count: int  # signed centis held
    cost: int
    revenue: int
    settled_s: float

    def wire(self) -> dict[str, Any]:
        """Write Settlement of the spec; revenue and value are whole cents, rounded down."""
        yes = self.count > 0
        return {
            "ticker": self.position.ticker,
            "exchange_index": self.position.shard,
            "event_ticker": self.position.event_ticker,
            "market_result": self.result,
            "yes_count_fp": contracts(self.count if yes else 0),
            "yes_total_cost_dollars": dollars(self.cost if yes else 0),
            "no_count_fp": contracts(0 if yes else -self.count),
            "no_total_cost_dollars": dollars(0 if yes else self.cost),
            "revenue": self.revenue // CENT,
            "value": self.value // CENT,
            "settled_time": rfc3339(self.settled_s),
            "fee_cost": dollars6(self.position.fees),
        }


@dataclass(slots=True, kw_only=True)
class Account:
    """One subaccount: cash by shard in micros, positions by ticker, settlements."""

    subaccount: int
    cash: dict[int, int]
    positions: dict[str, Position] = field(default_factory=dict)
    settlements: list[Settlement] = field(default_factory=list)

    def collateral(self, orders: Iterable[Order], shard: int) -> int:
        """Give what resting orders hold back on a shard, closing parts free."""
        return sum(
            self.opening_cost(order.ticker, order.side, order.price, order.remaining)
            for order in orders
            if order.shard == shard and order.request.subaccount == self.subaccount
        )

    def opening_cost(self, ticker: str, side: Side, price: int, count: int) -> int:
        """Give the cash that an order needs at its limit for the contracts that open a position."""
        position = self.positions.get(ticker)
        closing = 0 if position is None else position.closing(side, count)
        return cost_of(side.unit_cost(price), count - closing)

    def reducible(self, ticker: str, side: Side) -> int:
        """Give how many contracts a reduce-only order of this side may trade."""
        position = self.positions.get(ticker)
        return 0 if position is None else position.closing(side, abs(position.count))

    def settle(
        self, position: Position, *, sequence: int, result: str, value: int, now_s: float
    ) -> Settlement:
        """Pay a position out at `value` micros per YES contract, rounded down to 0.0001 dollar."""
        per_contract = value if position.count > 0 else DOLLAR - value
        revenue = per_contract * abs(position.count) // CONTRACT // 100 * 100
        paid = Settlement(
            sequence=sequence,
            position=position,
            result=result,
            value=value,
            count=position.count,
            cost=position.cost,
            revenue=revenue,
            settled_s=now_s,
        )
        self.cash[position.shard] = self.cash.get(position.shard, 0) + revenue
        position.realized += revenue - position.cost
        position.count, position.cost, position.settled = 0, 0, True
        position.updated_ms = int(now_s * 1_000)
        self.settlements.append(paid)
        return paid
