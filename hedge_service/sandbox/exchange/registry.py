"""Everything the exchange has accepted: orders, fills and the ids it remembers."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from uuid import UUID

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from random import Random

    from .orders import Fill, Order


@dataclass(slots=True, kw_only=True)
class Registry:
    """Orders by id, by client_order_id and by ticker; fills in order; ids ever used."""

    rng: Random
    monotonic: Callable[[], float]
    orders: list[Order] = field(default_factory=list)
    fills: list[Fill] = field(default_factory=list)
    by_id: dict[str, Order] = field(default_factory=dict)
    by_client_id: defaultdict[str, list[Order]] = field(default_factory=lambda: defaultdict(list))
    by_ticker: defaultdict[str, list[Order]] = field(default_factory=lambda: defaultdict(list))
    resting: dict[str, Order] = field(default_factory=dict)
    late: list[Order] = field(default_factory=list)
    _used: dict[str, float] = field(default_factory=dict)
    _sequence: int = 0

    def next_sequence(self) -> int:
        """Give the next number of the one sequence that orders, fills and settlements share."""
        self._sequence += 1
        return self._sequence

    def new_id(self) -> str:
        """Make a UUID from the seeded generator, so that a run can be repeated."""
        return str(UUID(int=self.rng.getrandbits(128), version=4))

    def remember(self, client_order_id: str) -> None:
        """Take a client_order_id, whatever becomes of its order."""
        if client_order_id != "":
            self._used[client_order_id] = self.monotonic()

    def knows(self, client_order_id: str, memory_s: float | None) -> bool:
        """Say whether an id was used within the exchange's memory; None means for ever."""
        used = self._used.get(client_order_id)
        return used is not None and (memory_s is None or self.monotonic() - used <= memory_s)

    def add(self, order: Order) -> None:
        """Keep an accepted order."""
        self.orders.append(order)
        self.by_id[order.order_id] = order
        self.by_client_id[order.request.client_order_id].append(order)
        self.by_ticker[order.ticker].append(order)

    def late_at(self, now_s: float) -> list[Order]:
        """Give the orders that reads will show but do not show yet."""
        self.late = [order for order in self.late if now_s < order.visible_from_s]
        return self.late

    def orders_of(self, ticker: str | None) -> Iterator[Order]:
        """Give orders newest first, of one ticker or of all."""
        return reversed(self.orders if ticker is None else self.by_ticker.get(ticker, []))
