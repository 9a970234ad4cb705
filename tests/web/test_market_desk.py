from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from hedge_service.core.venue import MarketList
from hedge_service.errors import BadRequest, NotFound, PeerUnavailable
from hedge_service.flow.markets import KEEP_S, MOST_KEPT, MarketDesk
from tests.web.web_fakes import NOW, SEAHAWKS, FakeExchange, Hands, binary_market

EVENT = "KXNFLGAME-25NOV16SEALA"


@pytest.fixture
def desk(exchange: FakeExchange, clock: Hands) -> MarketDesk:
    return MarketDesk(exchange, clock)


@pytest.mark.parametrize("asked", [EVENT.lower(), EVENT, SEAHAWKS.lower()])
async def test_an_event_is_found_by_its_own_and_its_markets_tickers(desk: MarketDesk, asked: str) -> None:
    assert (await desk.page(asked)).event_ticker == EVENT


async def test_a_series_means_its_event_that_closes_first(exchange: FakeExchange, desk: MarketDesk) -> None:
    later = binary_market("KXNFLGAME-25NOV30AB-A", close_time=NOW + timedelta(days=9))
    exchange.holds(later)
    assert (await desk.page("kxnflgame")).event_ticker == EVENT


async def test_what_the_exchange_does_not_have_is_not_found(desk: MarketDesk) -> None:
    with pytest.raises(NotFound):
        await desk.page("kxnothing")


async def test_an_unreachable_exchange_is_not_a_missing_market(
    exchange: FakeExchange, desk: MarketDesk
) -> None:
    exchange.down = True
    with pytest.raises(PeerUnavailable):
        await desk.page(EVENT)
    with pytest.raises(PeerUnavailable):
        await desk.confirm(SEAHAWKS)


async def test_a_failure_is_not_kept(exchange: FakeExchange, desk: MarketDesk) -> None:
    exchange.down = True
    with pytest.raises(PeerUnavailable):
        await desk.page(EVENT)
    exchange.down = False
    assert (await desk.page(EVENT)).event_ticker == EVENT


async def test_a_series_of_unreadable_markets_is_not_a_missing_one(clock: Hands) -> None:
    class Unreadable(FakeExchange):
        async def open_markets(self, series_ticker: str) -> MarketList:
            return MarketList(found={}, unreadable={f"{series_ticker}-A-B": "no close_time"})

    with pytest.raises(PeerUnavailable):
        await MarketDesk(Unreadable(), clock).page("kxodd")


async def test_a_page_is_kept_for_a_few_seconds(
    exchange: FakeExchange, desk: MarketDesk, clock: Hands
) -> None:
    await desk.page(EVENT)
    clock.elapsed_s += KEEP_S / 2
    await desk.page(EVENT.lower())
    assert exchange.asked == [EVENT]
    clock.elapsed_s += KEEP_S
    await desk.page(EVENT)
    assert exchange.asked == [EVENT, EVENT]


async def test_many_at_once_ask_the_exchange_once(exchange: FakeExchange, desk: MarketDesk) -> None:
    pages = await asyncio.gather(*(desk.page(EVENT) for _ in range(20)))
    assert {page.event_ticker for page in pages} == {EVENT}
    assert exchange.asked == [EVENT]


async def test_a_caller_that_goes_away_leaves_the_answer_to_the_others(
    exchange: FakeExchange, desk: MarketDesk
) -> None:
    first, second = (asyncio.create_task(desk.page(EVENT)) for _ in range(2))
    await asyncio.sleep(0)
    first.cancel()
    assert (await second).event_ticker == EVENT
    assert exchange.asked == [EVENT]


async def test_the_number_of_kept_pages_is_bounded(desk: MarketDesk) -> None:
    for number in range(MOST_KEPT + 20):
        with pytest.raises(NotFound):
            await desk.page(f"kx{number}")
    assert len(desk._kept._kept) == MOST_KEPT


async def test_only_a_known_binary_market_is_confirmed(exchange: FakeExchange, desk: MarketDesk) -> None:
    exchange.holds(binary_market("KXTEMP-1-X", market_type="scalar"))
    assert (await desk.confirm(SEAHAWKS)).ticker == SEAHAWKS
    for ticker in ("KXTEMP-1-X", "KXNO-SUCH-ONE"):
        with pytest.raises(BadRequest):
            await desk.confirm(ticker)
