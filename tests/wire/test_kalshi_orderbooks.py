"""Order books as the exchange tells them: bids only, in whatever order."""

from __future__ import annotations

from typing import Any

import pytest

from hedge_service.core.market import Side
from hedge_service.wire.kalshi.errors import Unreadable
from hedge_service.wire.kalshi.orderbooks import orderbooks
from tests.wire import kalshi_samples as samples

TICKER = "KXNFLGAME-26NOV22KCDEN-KC"


def read(**fields: Any) -> list[tuple[str, str]]:
    reply = {"orderbooks": [samples.orderbook_row(**fields)]}
    return [(str(at.price), str(at.count)) for at in orderbooks(reply)[TICKER].offers(Side.YES).levels]


def bids(**sides: Any) -> dict[str, Any]:
    return {"orderbook_fp": {"yes_dollars": [], "no_dollars": [], **sides}}


def test_a_bid_for_no_is_an_offer_of_yes_and_the_other_way_round() -> None:
    book = orderbooks({"orderbooks": [samples.orderbook_row()]})[TICKER]
    yes, no = book.offers(Side.YES), book.offers(Side.NO)
    assert [(str(at.price), str(at.count)) for at in yes.levels] == [("0.6500", "80.00"), ("0.6700", "40.50")]
    assert [(str(at.price), str(at.count)) for at in no.levels] == [("0.3700", "120.00"), ("0.3800", "13.00")]


def test_the_order_of_the_levels_is_not_relied_on() -> None:
    best_first = bids(no_dollars=[["0.3500", "80.00"], ["0.3300", "40.50"]])
    assert read(**best_first) == read()


def test_an_emptied_level_is_none_and_a_side_may_be_empty() -> None:
    assert read(**bids(no_dollars=[["0.3500", "0.00"]])) == read(**bids()) == []


@pytest.mark.parametrize(
    "sides",
    [
        {"no_dollars": None},
        {"no_dollars": [["0.35"]]},
        {"no_dollars": ["0.35"]},
        {"no_dollars": [[0.35, "1.00"]]},
        {"no_dollars": [["0.35", 1]]},
        {"no_dollars": [["0.35", "-1.00"]]},
        {"no_dollars": [["0.0000", "1.00"]]},
        {"no_dollars": [["1.0000", "1.00"]]},
        {"no_dollars": [["1.5000", "1.00"]]},
        {"no_dollars": [["0.35", "1.00"], ["0.3500", "2.00"]]},
        {"yes_dollars": [["0.35", "1.00"], ["0.3500", "2.00"]]},
    ],
)
def test_a_book_that_makes_no_sense_is_unreadable(sides: dict[str, Any]) -> None:
    with pytest.raises(Unreadable):
        read(**bids(**sides))


@pytest.mark.parametrize("reply", [{}, {"orderbooks": None}, {"orderbooks": [{"ticker": "T"}]}])
def test_a_reply_without_books_is_unreadable(reply: dict[str, Any]) -> None:
    with pytest.raises(Unreadable):
        orderbooks(reply)
