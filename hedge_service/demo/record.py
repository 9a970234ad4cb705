"""What one run of the demo saw: the facts that expectations are held against."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from hedge_service.demo.events import Event

Json: TypeAlias = dict[str, Any]


class Mode(StrEnum):
    """Whether the service places orders; the words of `service.started`."""

    DRY_RUN = "dry_run"
    LIVE = "live"


@dataclass(frozen=True, slots=True, kw_only=True)
class Pick:
    """One leg of the demo's parlay: the page opened, the contract picked, its price in percent."""

    page: str
    ticker: str
    percent: int


PICKS = (
    Pick(page="kxnflgame-26nov29seala", ticker="KXNFLGAME-26NOV29SEALA-SEA", percent=43),
    Pick(page="kxnbagame-26nov29bosnyk", ticker="KXNBAGAME-26NOV29BOSNYK-BOS", percent=52),
    Pick(page="kxhighny-26nov29", ticker="KXHIGHNY-26NOV29-T60", percent=65),
)
STAKE = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Book:
    """The exchange's book without what stood in it before the run."""

    create_requests: Mapping[str, int]
    orders: Sequence[Json]
    fills: Sequence[Json]

    @classmethod
    def since(cls, before: Json, after: Json) -> Book:
        """Take what was added between two readings."""
        asked: Counter[str] = Counter(after["create_requests"])
        asked.subtract(before["create_requests"])
        return cls(
            create_requests={name: count for name, count in asked.items() if count},
            orders=after["orders"][len(before["orders"]) :],
            fills=after["fills"][len(before["fills"]) :],
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRecord:
    """One run, seen from outside: replies, events, the exchange's book, the service's end."""

    mode: Mode
    bets: Sequence[Json]
    quotes: Sequence[Json]
    second_delivery_status: int | None
    bets_after: Sequence[Json]
    history: Sequence[Json]
    events: Sequence[Event]
    unreadable_lines: Sequence[str]
    leaked: Sequence[str]
    book: Book
    exit_code: int

    def named(self, name: str) -> list[Event]:
        """Give the events of one name, in order."""
        return [event for event in self.events if event["event"] == name]

    @property
    def summary(self) -> Event:
        """The latest summary of the hedge."""
        return self.named("hedge.summarized")[-1]

    @property
    def skips(self) -> dict[int, str]:
        """Why legs got no order, by leg."""
        return {skip["leg"]: skip["reason"] for skip in self.named("strategy.chosen")[-1]["skips"]}

    @property
    def orders(self) -> list[Event]:
        """The last event of each order, by leg."""
        told = (event for event in self.events if event["event"].startswith("order."))
        last = {event["client_order_id"]: event for event in told if "client_order_id" in event}
        return sorted(last.values(), key=lambda event: (event["leg"], event["attempt"]))

    def facts(self) -> dict[str, Any]:
        """Give what a machine may want to know of the run."""
        return {
            "payout_dollars": self.quotes[-1]["payout"]["adjustedPayout"],
            "outcome": self.summary["outcome"],
            "summary": self.summary,
            "skips": self.skips,
            "orders": self.orders,
            "create_requests": sum(self.book.create_requests.values()),
            "exchange_orders": list(self.book.orders),
            "exit_code": self.exit_code,
        }
