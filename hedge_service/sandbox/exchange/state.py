"""The exchange: its clock, its account, its markets and what it has accepted."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from .account import Account, Position
from .amounts import DOLLAR, contracts, dollars
from .auth import KeyRing
from .buckets import SHARDS, Limits
from .faults import FaultBoard
from .markets import Catalogue, MarketStatus
from .orders import OrderStatus
from .record import Record
from .registry import Registry
from .seed import seed_catalogue
from .settings import Settings

if TYPE_CHECKING:
    from collections.abc import Callable

    from .markets import Market
    from .orders import Order

START_CASH = 10_000 * DOLLAR  # micros on every shard of the primary account


@dataclass(slots=True, kw_only=True)
class Shard:
    """One matching engine's switches."""

    index: int
    exchange_active: bool = True
    trading_active: bool = True

    def wire(self) -> dict[str, Any]:
        """Write ExchangeIndexStatus of the spec."""
        return {
            "exchange_index": self.index,
            "description": f"Exchange {self.index}",
            "exchange_active": self.exchange_active,
            "trading_active": self.trading_active,
            "intra_exchange_transfers_active": self.exchange_active,
        }


class Exchange:
    """A Kalshi-compatible exchange with one member account, for the demo and the tests.

    `clock` gives wall-clock seconds, `monotonic` drives the buckets and the memory for ids, `seed` the
    ids and the probabilistic faults. Every request's change of state happens in one go, without awaiting.
    """

    keys: KeyRing
    settings: Settings
    limits: Limits
    shards: dict[int, Shard]
    catalogue: Catalogue
    accounts: dict[int, Account]
    registry: Registry
    faults: FaultBoard
    record: Record
    rng: random.Random

    def __init__(self, *, clock: Callable[[], float], monotonic: Callable[[], float], seed: int) -> None:
        self._clock = clock
        self._monotonic = monotonic
        self._seed = seed
        self.keys = KeyRing()
        # Outlives a reset: an order id or a trade id is never given twice in one run.
        self._ids = random.Random(seed + 1)
        self.faults = FaultBoard(rng=random.Random(seed))
        self.reset()

    def reset(self) -> None:
        """Start over: the seeded markets, full cash and buckets, nothing accepted. Keys stay registered."""
        self.faults.clear()
        self.rng = random.Random(self._seed)
        self.settings = Settings()
        self.limits = Limits(monotonic=self._monotonic)
        self.shards = {index: Shard(index=index) for index in SHARDS}
        self.catalogue = seed_catalogue(self._clock())
        self.accounts = {0: Account(subaccount=0, cash=dict.fromkeys(SHARDS, START_CASH))}
        self.registry = Registry(rng=self._ids, monotonic=self._monotonic)
        self.faults = FaultBoard(rng=self.rng)
        self.record = Record()

    def close(self) -> None:
        """End all hangs, so that a server can stop at once."""
        self.faults.clear()

    def now(self) -> float:
        """Give the exchange's wall clock in seconds, offset included."""
        return self._clock() + self.settings.clock_offset_s

    def cutoff(self) -> float:
        """Give the time before which ended things are found only under the historical paths."""
        return self.now() - self.settings.historical_age_s

    def now_ms(self) -> int:
        """Give the exchange's wall clock in milliseconds."""
        return int(self.now() * 1_000)

    def account(self, subaccount: int) -> Account:
        """Give a subaccount, opened empty at its first use."""
        if subaccount not in self.accounts:
            self.accounts[subaccount] = Account(subaccount=subaccount, cash=dict.fromkeys(SHARDS, 0))
        return self.accounts[subaccount]

    def position(self, account: Account, market: Market) -> Position:
        """Give an account's position in a market, empty at its first use."""
        position = account.positions.get(market.ticker)
        if position is None:
            position = Position(ticker=market.ticker, event_ticker=market.event_ticker, shard=market.shard)
            account.positions[market.ticker] = position
        return position

    def available(self, account: Account, shard: int) -> int:
        """Give the cash that is free on a shard, in micros."""
        held = account.collateral(self.registry.resting.values(), shard)
        return account.cash.get(shard, 0) - held

    def end(self, order: Order) -> int:
        """Cancel a resting order and give the contracts it no longer asks for, in centis."""
        self.registry.resting.pop(order.order_id, None)
        self.catalogue.markets[order.ticker].book.remove(order)
        return order.cancel(self.now_ms())

    def tick(self) -> None:
        """Cancel resting orders whose time, or whose market's, is over."""
        if not self.registry.resting:
            return
        now_s = self.now()
        for order in list(self.registry.resting.values()):
            expires = order.request.expiration_s
            closed = self.catalogue.markets[order.ticker].status_at(now_s) not in {
                MarketStatus.ACTIVE,
                MarketStatus.INACTIVE,
            }
            if closed or (expires is not None and now_s >= expires):
                self.end(order)

    def pause(self, shards: list[int], *, exchange: bool = False) -> None:
        """Stop trading, or the whole exchange, on shards; orders that asked for it are cancelled."""
        for index in shards:
            self.shards[index].trading_active = False
            self.shards[index].exchange_active = not exchange
        for order in list(self.registry.resting.values()):
            if order.shard in shards and order.request.cancel_on_pause:
                self.end(order)

    def resume(self, shards: list[int]) -> None:
        """Start trading again."""
        for index in shards:
            self.shards[index].trading_active = True
            self.shards[index].exchange_active = True

    def as_of(self) -> float:
        """Give the moment that reads are complete up to: before the oldest order not shown yet."""
        now_s = self.now()
        late = self.registry.late_at(now_s)
        oldest = min((order.created_ms / 1_000 - 0.001 for order in late), default=now_s)
        return min(now_s - self.settings.read_lag_s, oldest)

    def book(self) -> dict[str, Any]:
        """Write everything accepted and everything asked, for tests and the demo."""
        return {
            "orders": [_accepted(order) for order in self.registry.orders],
            "accepted": {name: len(orders) for name, orders in self.registry.by_client_id.items()},
            "fills": [
                {**fill.wire(), "client_order_id": fill.order.request.client_order_id}
                for fill in self.registry.fills
            ],
            "accounts": {str(number): self._holdings(one) for number, one in self.accounts.items()},
            **self.record.wire(),
        }

    def _holdings(self, account: Account) -> dict[str, Any]:
        return {
            "cash": {str(shard): dollars(micros) for shard, micros in account.cash.items()},
            "available": {str(shard): dollars(self.available(account, shard)) for shard in SHARDS},
            "positions": [position.wire() for position in account.positions.values()],
            "settlements": [settlement.wire() for settlement in account.settlements],
        }


def _accepted(order: Order) -> dict[str, Any]:
    return {
        **order.wire(),
        "resting": order.status is OrderStatus.RESTING,
        "reduce_only": order.request.reduce_only,
        "time_in_force": order.request.time_in_force.value,
        "invisible": order.invisible,
        "accepted_ts_ms": order.created_ms,
        "contracts": contracts(order.filled),
    }
