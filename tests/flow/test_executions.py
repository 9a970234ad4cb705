"""Executions of many orders: one list for those just placed, and nothing lost where it falls short."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from hedge_service.core.market import BookSide
from hedge_service.core.money import Count, Money, Price
from hedge_service.core.venue import VenueFill
from hedge_service.errors import Peer, PeerUnavailable
from hedge_service.flow.executions import CLOCK_MARGIN, YOUNG, Executions
from hedge_service.store.fills import Owner, Unbooked
from tests.flow.order_fakes import Log
from tests.flow.stage_clock import START, StageClock

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable


def fill(order: str, number: int, count: str) -> VenueFill:
    return VenueFill(
        trade_id=f"{order}-{number}",
        order_id=order,
        ticker="KXA-1-SEA",
        side=BookSide.BID,
        count=Count.of(count),
        yes_price=Price.of("0.65"),
        fee=Money.ZERO,
        is_taker=True,
        created_time=START,
        subaccount=0,
        exchange_index=0,
    )


def order(name: str, filled: str = "3", planned_at: datetime = START) -> Unbooked:
    owner = Owner(client_order_id=f"hs-{name}", intent_id=name, parlay_id="par_1")
    return Unbooked(
        owner=owner,
        order_id=name,
        ticker="KXA-1-SEA",
        planned_at=planned_at,
        filled=Count.of(filled),
        booked=Count.ZERO,
    )


class Reads:
    """Lists of executions, and what was asked; `listed`: what the common list shows."""

    def __init__(self, live: Iterable[VenueFill], listed: Iterable[VenueFill] | None = None) -> None:
        self.live = list(live)
        self.listed = self.live if listed is None else list(listed)
        self.archived: list[VenueFill] = []
        self.asked: list[str | datetime | None] = []
        self.down = False

    async def fills(
        self,
        *,
        order_id: str | None = None,
        orders: Collection[str] | None = None,
        since: datetime | None = None,
        priority: bool = False,
    ) -> list[VenueFill]:
        assert priority
        assert (order_id is None) is (orders is not None)
        self.asked.append(order_id if order_id is not None else since)
        if self.down:
            raise PeerUnavailable(Peer.EXCHANGE, reason="timeout")
        return self.listed if order_id is None else [one for one in self.live if one.order_id == order_id]

    async def historical_fills(
        self, *, ticker: str | None = None, since: datetime | None = None
    ) -> list[VenueFill]:
        assert since is None
        self.asked.append(ticker)
        return self.archived


async def found(reads: Reads, *orders: Unbooked) -> dict[str, list[str]]:
    given = await Executions(reads=reads, clock=StageClock(), log=Log()).of(orders)
    return {name: [one.trade_id for one in rows] for name, rows in given.items()}


async def test_orders_just_placed_share_one_list_and_each_gets_its_own_once() -> None:
    mine = [fill("a", 1, "1"), fill("b", 1, "3"), fill("a", 2, "2")]
    reads = Reads([*mine, fill("else", 1, "9"), *mine])
    assert await found(reads, order("a"), order("b")) == {"a": ["a-1", "a-2"], "b": ["b-1"]}
    assert reads.asked == [START - CLOCK_MARGIN]


async def test_an_order_that_the_common_list_does_not_show_whole_is_asked_for_alone() -> None:
    live = [fill("a", 1, "3"), fill("b", 1, "1"), fill("b", 2, "2")]
    reads = Reads(live, listed=live[:2])
    assert await found(reads, order("a"), order("b")) == {"a": ["a-1"], "b": ["b-1", "b-2"]}
    assert reads.asked[1:] == ["b"]


async def test_one_order_or_an_old_one_is_asked_for_alone() -> None:
    old = START - YOUNG - timedelta(seconds=1)
    reads = Reads([fill("a", 1, "3"), fill("b", 1, "3")])
    assert await found(reads, order("a"), order("b", planned_at=old)) == {"a": ["a-1"], "b": ["b-1"]}
    assert reads.asked == ["a", "b"]


async def test_what_is_archived_meanwhile_is_found_in_the_archive() -> None:
    reads = Reads([fill("a", 1, "1")])
    reads.archived = [fill("a", 1, "1"), fill("a", 2, "2"), fill("b", 1, "7")]
    assert await found(reads, order("a")) == {"a": ["a-1", "a-2"]}


async def test_an_exchange_that_is_away_gives_nothing_and_raises_nothing() -> None:
    reads = Reads([])
    reads.down = True
    assert await found(reads, order("a"), order("b")) == {"a": [], "b": []}
