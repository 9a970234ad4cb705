"""Stand-ins that hold state: an exchange, second locks, a log."""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import Enum, auto
from typing import TYPE_CHECKING, Any

import orjson

from hedge_service.core.market import BookSide, Grid, Market, MarketStatus
from hedge_service.core.money import Count, Money, Price
from hedge_service.core.orders import Accepted, ClockExpired, Order, Refused, Throttled, Unproved, Unsent
from hedge_service.core.venue import (
    Balance,
    CancelResult,
    ExchangeStatus,
    HistoricalCutoff,
    MarketList,
    VenueFill,
    VenueOrder,
    VenuePosition,
    VenueSettlement,
    VenueStatus,
)
from hedge_service.errors import Peer, PeerUnavailable
from tests.flow.stage_clock import START

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from sqlalchemy.engine import Connection

    from hedge_service.core.journal import Attempt, Intent
    from hedge_service.core.orders import Reply
    from tests.flow.stage_clock import StageClock

FEE_PER_CONTRACT = Money.of("0.0160")


@dataclass
class Log:
    """Keeps events with what was bound to them."""

    events: list[dict[str, Any]] = field(default_factory=list)
    bound: dict[str, Any] = field(default_factory=dict)

    def bind(self, **fields: Any) -> Log:
        return Log(self.events, self.bound | fields)

    def info(self, event: str, **fields: Any) -> None:
        # Rendered, as the real log does: a value that JSON can't hold must not get this far.
        orjson.dumps(fields)
        self.events.append({"event": event, **self.bound, **fields})

    warning = error = info

    def named(self, event: str) -> list[dict[str, Any]]:
        return [each for each in self.events if each["event"] == event]

    def names(self, prefix: str = "") -> list[str]:
        return [each["event"] for each in self.events if each["event"].startswith(prefix)]


class OpenLocks:
    """Second locks that let every send through."""

    def opened(self, tx: Connection) -> OpenLocks:
        del tx
        return self

    def check(self, intent: Intent, attempts: tuple[Attempt, ...], attempt: Attempt) -> None:
        del intent, attempts, attempt


class Way(Enum):
    """What becomes of one copy of an order."""

    PLACED = auto()
    REPLY_LOST = auto()
    NEVER_ARRIVED = auto()
    NOT_WRITTEN = auto()
    REFUSED = auto()
    THROTTLED = auto()
    CLOCK_EXPIRED = auto()
    HELD = auto()


REPLIES: dict[Way, Reply] = {
    Way.REPLY_LOST: Unproved(reason="timeout"),
    Way.NEVER_ARRIVED: Unproved(reason="connection_lost"),
    Way.NOT_WRITTEN: Unsent(reason="connect_failed"),
    Way.REFUSED: Refused(code="insufficient_balance", status=400, message="not enough cash"),
    Way.THROTTLED: Throttled(),
    Way.CLOCK_EXPIRED: ClockExpired(),
}


@dataclass(frozen=True)
class Copy:
    """One copy whose bytes were written."""

    at: datetime
    order: Order
    body: bytes


@dataclass
class FakeExchange:
    """An exchange's book for one subaccount: placing, filling, forgetting nothing, seeing late.

    `ways`: what becomes of the next copies, PLACED when empty. `liquidity`: contracts on offer per ticker;
    a ticker that is not listed has plenty. `stale_s`: how far behind reads say they are; `late`: orders
    placed now do not show; `hidden`: ids that do not show; `archived`: ids that only history shows;
    `late_fills`: executions do not show.
    """

    clock: StageClock
    ways: deque[Way] = field(default_factory=deque)
    liquidity: dict[str, str] = field(default_factory=dict)
    stale_s: float = 0
    late: bool = False
    hidden: set[str] = field(default_factory=set)
    archived: set[str] = field(default_factory=set)
    archived_fills: bool = False
    late_fills: bool = False
    twice: bool = False
    down: bool = False
    gone: set[str] = field(default_factory=set)
    hold: asyncio.Event = field(default_factory=asyncio.Event)
    before_write: Callable[[], None] | None = None
    written: list[Copy] = field(default_factory=list)
    book: dict[str, VenueOrder] = field(default_factory=dict)
    trades: list[VenueFill] = field(default_factory=list)
    found: dict[str, Market] = field(default_factory=dict)
    market_reads: int = 0
    trading: bool = True
    places: list[VenuePosition] = field(default_factory=list)

    async def create_order(self, order: Order, body: bytes, *, on_written: Callable[[], None]) -> Reply:
        way = self.ways.popleft() if self.ways else Way.PLACED
        if way is Way.NOT_WRITTEN:
            return REPLIES[way]
        if self.before_write is not None:
            self.before_write()
        on_written()
        self.written.append(Copy(at=self.clock.now(), order=order, body=body))
        if way is Way.HELD:
            await self.hold.wait()
        if way in {Way.PLACED, Way.REPLY_LOST, Way.HELD}:
            placed = self._place(order)
            return REPLIES[way] if way is Way.REPLY_LOST else placed
        return REPLIES[way]

    def holds(self, client_order_id: str, status: VenueStatus = VenueStatus.CANCELED) -> VenueOrder:
        """Put an order into the book that this service did not send."""
        order = VenueOrder(
            order_id=f"ord-{len(self.book) + 1}",
            client_order_id=client_order_id,
            ticker="KXA-1-SEA",
            side=BookSide.BID,
            status=status,
            yes_price=Price.of("0.67"),
            initial_count=Count.of(10),
            fill_count=Count.ZERO,
            remaining_count=Count.ZERO,
            fill_cost=Money.ZERO,
            fees=Money.ZERO,
            created_time=self.clock.now(),
            last_update_time=self.clock.now(),
            subaccount=0,
            exchange_index=0,
        )
        self.book[client_order_id] = order
        return order

    def shows(self) -> None:
        """Show everything from now on."""
        self.late = self.late_fills = False
        self.hidden.clear()

    def _place(self, order: Order) -> Reply:
        if order.client_order_id in self.book:
            return Unproved(reason="order_already_exists", code="order_already_exists", status=409)
        offered = self.liquidity.get(order.ticker)
        filled = order.count if offered is None else min(order.count, Count.of(offered))
        if offered is not None:
            self.liquidity[order.ticker] = str(Count.of(offered) - filled)
        whole = filled == order.count
        held = replace(
            self.holds(order.client_order_id, VenueStatus.EXECUTED if whole else VenueStatus.CANCELED),
            ticker=order.ticker,
            side=order.side,
            yes_price=order.price,
            initial_count=order.count,
            fill_count=filled,
        )
        self.book[order.client_order_id] = held
        if self.late:
            self.hidden.add(order.client_order_id)
        if filled:
            self._trade(held)
        fees = Money(FEE_PER_CONTRACT.micros * filled.centis // 100)
        return Accepted(
            order_id=held.order_id,
            fill_count=filled,
            remaining_count=Count.ZERO,
            average_fill_price=order.price if filled else None,
            fees=fees if filled else None,
        )

    def _trade(self, order: VenueOrder) -> None:
        fee = Money(FEE_PER_CONTRACT.micros * order.fill_count.centis // 100)
        self.trades.append(
            VenueFill(
                trade_id=f"trade-{len(self.trades) + 1}",
                order_id=order.order_id,
                ticker=order.ticker,
                side=order.side,
                count=order.fill_count,
                yes_price=order.yes_price,
                fee=fee,
                is_taker=True,
                created_time=self.clock.now(),
                subaccount=0,
                exchange_index=0,
            )
        )

    async def user_data_timestamp(self) -> datetime:
        await self._asked()
        return self.clock.now() - timedelta(seconds=self.stale_s)

    async def orders(
        self,
        *,
        ticker: str | None = None,
        since: datetime | None = None,
        status: VenueStatus | None = None,
        priority: bool = False,
    ) -> list[VenueOrder]:
        del since, priority
        await self._asked()
        live = [order for order in self._shown(ticker) if order.client_order_id not in self.archived]
        return [order for order in live if status in {None, order.status}]

    async def historical_orders(
        self, *, ticker: str | None = None, since: datetime | None = None, priority: bool = False
    ) -> list[VenueOrder]:
        del since, priority
        await self._asked()
        return [order for order in self._shown(ticker) if order.client_order_id in self.archived]

    async def historical_cutoff(self) -> HistoricalCutoff:
        await self._asked()
        moved = bool(self.archived) or self.archived_fills
        at = self.clock.now() if moved else START - timedelta(days=14)
        return HistoricalCutoff(market_settled=at, trades_created=at, orders_updated=at)

    async def order(self, order_id: str) -> VenueOrder | None:
        await self._asked()
        return next((order for order in self._shown(None) if order.order_id == order_id), None)

    async def fills(
        self,
        *,
        order_id: str | None = None,
        orders: Collection[str] | None = None,
        since: datetime | None = None,
        priority: bool = False,
    ) -> list[VenueFill]:
        del since, priority
        await self._asked()
        unseen = self.archived_fills or self.late_fills
        shown = [] if unseen else [t for t in self.trades if order_id in {None, t.order_id}]
        shown = [t for t in shown if orders is None or t.order_id in orders]
        return shown * 2 if self.twice else shown

    async def historical_fills(
        self, *, ticker: str | None = None, since: datetime | None = None, priority: bool = False
    ) -> list[VenueFill]:
        del since, priority
        await self._asked()
        return [t for t in self.trades if ticker in {None, t.ticker}] if self.archived_fills else []

    async def balance(self) -> Balance:
        await self._asked()
        return Balance(cash=Money.of(1000), portfolio_value=Money.ZERO, shards=None, updated_ts=0)

    async def cancel_order(self, order_id: str, market_ticker: str) -> CancelResult | None:
        del market_ticker
        await self._asked()
        return CancelResult(order_id=order_id, reduced_by=Count.ZERO)

    async def positions(self, *, ticker: str | None = None) -> list[VenuePosition]:
        del ticker
        await self._asked()
        return self.places

    async def settlements(self, *, since: datetime) -> list[VenueSettlement]:
        del since
        await self._asked()
        return []

    async def exchange_status(self) -> ExchangeStatus:
        await self._asked()
        return ExchangeStatus(exchange_active=True, trading_active=self.trading, shards={}, resume_time=None)

    async def markets(self, tickers: tuple[str, ...]) -> MarketList:
        self.market_reads += 1
        await self._asked()
        return MarketList(
            found={ticker: self.found[ticker] for ticker in tickers if ticker in self.found}, unreadable={}
        )

    def lists(self, ticker: str, ask: str = "0.65", **changes: Any) -> None:
        """Put a market on offer."""
        market = Market(
            ticker=ticker,
            event_ticker=ticker.rsplit("-", 1)[0],
            market_type="binary",
            status=MarketStatus.ACTIVE,
            title=ticker,
            yes_sub_title="",
            no_sub_title="",
            close_time=START + timedelta(days=1),
            yes_ask=Price.of(ask),
            no_ask=Price.of(ask).complement,
            grid=Grid(),
            exchange_index=0,
            result="",
            settlement_value=None,
        )
        self.found[ticker] = replace(market, **changes)

    def _shown(self, ticker: str | None) -> list[VenueOrder]:
        return [
            order
            for order in self.book.values()
            if order.client_order_id not in self.hidden and ticker in {None, order.ticker}
        ]

    async def _asked(self) -> None:
        await asyncio.sleep(0)
        if self.down:
            raise PeerUnavailable(Peer.EXCHANGE)
