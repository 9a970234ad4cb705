"""Orders and fills as the exchange keeps and shows them."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final

from .amounts import DOLLAR, contracts, cost_of, dollars, dollars6, rfc3339

USER_ID: Final = "5c9b2d1e-0000-4000-8000-5a11db0c0de5"


class Side(StrEnum):
    """The side of the YES book: a bid buys YES, an ask sells YES, which is to buy NO."""

    BID = "bid"
    ASK = "ask"

    @property
    def outcome(self) -> str:
        """The outcome that the side positions its owner for."""
        return "yes" if self is Side.BID else "no"

    def unit_cost(self, price: int) -> int:
        """Give what one contract of the outcome costs at a YES price, in micros."""
        return price if self is Side.BID else DOLLAR - price


class TimeInForce(StrEnum):
    """How long an order may wait."""

    FILL_OR_KILL = "fill_or_kill"
    GOOD_TILL_CANCELED = "good_till_canceled"
    IMMEDIATE_OR_CANCEL = "immediate_or_cancel"


class SelfTradePrevention(StrEnum):
    """Which of two own orders that would trade with each other is cancelled."""

    TAKER_AT_CROSS = "taker_at_cross"
    MAKER = "maker"


class OrderStatus(StrEnum):
    """An order's status as reads show it."""

    RESTING = "resting"
    CANCELED = "canceled"
    EXECUTED = "executed"


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateOrder:
    """A create request whose shape is good: CreateOrderV2Request of the spec."""

    ticker: str
    client_order_id: str
    side: Side
    count: int  # centis
    price: int  # YES price, micros
    time_in_force: TimeInForce
    self_trade_prevention: SelfTradePrevention
    expiration_s: int | None = None
    post_only: bool = False
    cancel_on_pause: bool = False
    reduce_only: bool = False
    subaccount: int = 0
    order_group_id: str | None = None
    shard: int | None = None


@dataclass(slots=True, kw_only=True, eq=False)
class Order:
    """An accepted order and what has become of it. Prices and money in micros, counts in centis."""

    sequence: int
    order_id: str
    request: CreateOrder
    shard: int
    created_ms: int
    updated_ms: int
    visible_from_s: float
    invisible: bool = False
    filled: int = 0
    remaining: int = 0
    status: OrderStatus = OrderStatus.RESTING
    taker_cost: int = 0
    maker_cost: int = 0
    taker_fees: int = 0
    maker_fees: int = 0
    yes_cost: int = 0  # filled count at YES prices, for the average of the create reply
    overpaid: int = 0  # the rounding accumulator of this order
    fills: list[Fill] = field(default_factory=list)

    @property
    def ticker(self) -> str:
        """The market's ticker."""
        return self.request.ticker

    @property
    def side(self) -> Side:
        """The order's side of the YES book."""
        return self.request.side

    @property
    def price(self) -> int:
        """The YES limit price in micros."""
        return self.request.price

    @property
    def fees(self) -> int:
        """All fees paid, in micros."""
        return self.taker_fees + self.maker_fees

    def unit_cost(self, price: int) -> int:
        """Give what one contract of this order's outcome costs at a YES price."""
        return self.side.unit_cost(price)

    def visible(self, now_s: float) -> bool:
        """Say whether reads show the order yet."""
        return not self.invisible and now_s >= self.visible_from_s

    def book_fill(self, fill: Fill, *, cost: int) -> None:
        """Add one fill of this order and the cost to show for it."""
        self.fills.append(fill)
        self.filled += fill.count
        self.remaining -= fill.count
        self.yes_cost += cost_of(fill.price, fill.count)
        self.updated_ms = fill.created_ms
        if fill.is_taker:
            self.taker_cost += cost
            self.taker_fees += fill.fee
        else:
            self.maker_cost += cost
            self.maker_fees += fill.fee
        if self.remaining == 0:
            self.status = OrderStatus.EXECUTED

    def cancel(self, now_ms: int) -> int:
        """End the order and give the contracts it no longer asks for."""
        left, self.remaining = self.remaining, 0
        self.status = OrderStatus.CANCELED
        self.updated_ms = now_ms
        return left

    def wire(self, *, stale: bool = False) -> dict[str, Any]:
        """Write Order of the spec; `stale` shows it as it was before anything filled."""
        request = self.request
        row = {
            "order_id": self.order_id,
            "user_id": USER_ID,
            "client_order_id": request.client_order_id,
            "ticker": request.ticker,
            "side": "yes",
            "action": "buy" if request.side is Side.BID else "sell",
            "outcome_side": request.side.outcome,
            "book_side": request.side.value,
            "type": "limit",
            "yes_price_dollars": dollars(request.price),
            "no_price_dollars": dollars(DOLLAR - request.price),
            "initial_count_fp": contracts(request.count),
            "expiration_time": None if request.expiration_s is None else rfc3339(request.expiration_s),
            "created_time": rfc3339(self.created_ms / 1_000),
            "self_trade_prevention_type": request.self_trade_prevention.value,
            "order_group_id": request.order_group_id,
            "cancel_order_on_pause": request.cancel_on_pause,
            "subaccount_number": request.subaccount,
            "exchange_index": self.shard,
        }
        return row | (self._fresh_progress() if not stale else self._stale_progress())

    def _fresh_progress(self) -> dict[str, Any]:
        return {
            "status": self.status.value,
            "fill_count_fp": contracts(self.filled),
            "remaining_count_fp": contracts(self.remaining),
            "taker_fill_cost_dollars": dollars(self.taker_cost),
            "maker_fill_cost_dollars": dollars(self.maker_cost),
            "taker_fees_dollars": dollars6(self.taker_fees),
            "maker_fees_dollars": dollars6(self.maker_fees),
            "last_update_time": rfc3339(self.updated_ms / 1_000),
        }

    def _stale_progress(self) -> dict[str, Any]:
        nothing = dict.fromkeys(
            (
                "taker_fill_cost_dollars",
                "maker_fill_cost_dollars",
                "taker_fees_dollars",
                "maker_fees_dollars",
            ),
            "0.0000",
        )
        return nothing | {
            "status": OrderStatus.RESTING.value,
            "fill_count_fp": "0.00",
            "remaining_count_fp": contracts(self.request.count),
            "last_update_time": rfc3339(self.created_ms / 1_000),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Fill:
    """One trade of one order. Money in micros, count in centis."""

    sequence: int
    trade_id: str
    order: Order
    price: int  # YES price
    count: int
    is_taker: bool
    fee: int
    cash: int  # what it changed the shard's cash by, fee included
    created_ms: int

    def wire(self) -> dict[str, Any]:
        """Write Fill of the spec, which has no client_order_id."""
        order = self.order
        return {
            "fill_id": self.trade_id,
            "trade_id": self.trade_id,
            "order_id": order.order_id,
            "ticker": order.ticker,
            "market_ticker": order.ticker,
            "side": "yes",
            "action": "buy" if order.side is Side.BID else "sell",
            "outcome_side": order.side.outcome,
            "book_side": order.side.value,
            "count_fp": contracts(self.count),
            "yes_price_dollars": dollars(self.price),
            "no_price_dollars": dollars(DOLLAR - self.price),
            "is_taker": self.is_taker,
            "fee_cost": dollars6(self.fee),
            "created_time": rfc3339(self.created_ms / 1_000),
            "ts": self.created_ms // 1_000,
            "exchange_index": order.shard,
            "subaccount_number": order.request.subaccount,
        }
