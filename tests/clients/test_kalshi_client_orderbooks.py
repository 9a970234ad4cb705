"""Reading order books: one request for each hundred, refusals and bad replies as everywhere."""

from __future__ import annotations

import pytest

from hedge_service.core.market import Side
from hedge_service.core.money import Price
from hedge_service.errors import PeerUnavailable
from tests.clients.exchange_stub import Reply, Stage
from tests.wire import kalshi_samples as samples

PATH = "/markets/orderbooks"


async def test_books_are_read_in_one_request_and_unknown_ones_are_absent(stage: Stage) -> None:
    stage.exchange.answers("GET", PATH, Reply({"orderbooks": [samples.orderbook_row(ticker="A-1")]}))
    books = await stage.client.orderbooks(["A-1", "GONE", "A-1", "A,B", "../x"])
    assert {ticker: book.offers(Side.YES).ask for ticker, book in books.items()} == {"A-1": Price.of("0.65")}
    (request,) = stage.exchange.requests
    assert request.target.endswith(f"{PATH}?tickers=A-1&tickers=GONE")


async def test_many_books_are_read_by_the_hundred_and_none_without_a_request(stage: Stage) -> None:
    assert await stage.client.orderbooks(["a b"]) == {}
    stage.exchange.answers("GET", PATH, Reply({"orderbooks": []}))
    assert await stage.client.orderbooks(f"T-{n}" for n in range(201)) == {}
    assert [request.target.count("tickers=") for request in stage.exchange.requests] == [100, 100, 1]


async def test_an_unreadable_book_is_asked_for_again_and_never_half_read(stage: Stage) -> None:
    broken = samples.orderbook_row(ticker="B", orderbook_fp={"yes_dollars": []})
    good, bad = Reply({"orderbooks": []}), Reply({"orderbooks": [samples.orderbook_row(), broken]})
    stage.exchange.answers("GET", PATH, bad, good)
    assert await stage.client.orderbooks(["B"]) == {}
    assert len(stage.paths) == 2
    stage.exchange.answers("GET", PATH, bad)
    await stage.client.orderbooks(["B"])
    with pytest.raises(PeerUnavailable):
        await stage.client.orderbooks(["B"])
