"""Walking a book: what n contracts cost, and where it ends."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hedge_service.core.book import Book, Cost, Level, Orderbook
from hedge_service.core.fees import DIRECT_PRECISION, FCM_PRECISION, FeeSchedule
from hedge_service.core.market import Grid, PriceRange, Side
from hedge_service.core.money import Count, Money, Price


def level(price: str, count: str) -> Level:
    return Level(price=Price.of(price), count=Count.of(count))


BOOK = Book((level("0.52", "1"), level("0.53", "2.5"), level("0.60", "10")))


def cost(count: str) -> Cost:
    return BOOK.cost(Count.of(count))


def test_an_order_pays_each_level_its_price() -> None:
    found = cost("5")
    assert (found.filled, found.shortage) == (Count.of(5), Count.ZERO)
    assert found.outlay == Money.of("2.745")  # 0.52 + 2.5 * 0.53 + 1.5 * 0.60
    assert (found.average, found.worst) == (Price.of("0.549"), Price.of("0.60"))


def test_one_contract_pays_the_recorded_fee() -> None:
    assert cost("1").fees == Money.of("0.0175")
    assert cost("1").total == Money.of("0.5375")


def test_hundredths_of_contracts_are_bought_exactly() -> None:
    found = cost("1.01")
    assert found.outlay == Money.of("0.5253")
    assert found.average == Price.of("0.520100")


def test_a_book_too_thin_tells_its_shortage() -> None:
    found = cost("20")
    assert (found.filled, found.shortage) == (Count.of("13.5"), Count.of("6.5"))
    assert BOOK.depth == Count.of("13.5")


def test_nothing_costs_nothing() -> None:
    for found in (cost("0"), Book(()).cost(Count.of(3))):
        assert (found.filled, found.total, found.average, found.worst) == (Count.ZERO, Money.ZERO, None, None)
        assert found.limit(Grid(), Side.YES) is None
    assert Book(()).ask is None


def test_the_limit_price_reaches_the_worst_level_on_the_grid() -> None:
    halves = Grid((PriceRange(start=Decimal(0), end=Decimal(1), step=Decimal("0.005")),))
    assert cost("3").limit(Grid(), Side.YES) == Price.of("0.53")
    assert cost("3").limit(Grid(), Side.NO) == Price.of("0.47")
    assert cost("3").limit(halves, Side.YES, Decimal("0.006")) == Price.of("0.535")
    assert cost("3").limit(halves, Side.NO, Decimal("0.006")) == Price.of("0.465")


def test_the_offers_of_an_outcome_are_the_bids_for_the_other() -> None:
    book = Orderbook(
        ticker="T", yes_bids=(level("0.40", "7"),), no_bids=(level("0.55", "1"), level("0.58", "2"))
    )
    assert book.offers(Side.YES) == Book((level("0.42", "2"), level("0.45", "1")))
    assert book.offers(Side.NO) == Book((level("0.60", "7"),))


def test_a_price_without_a_book_is_offered_without_end_unless_it_is_none() -> None:
    found = Book.endless(Price.of("0.65")).cost(Count.of(100_000))
    assert (found.shortage, found.outlay) == (Count.ZERO, Money.of(65_000))
    assert Book.endless(Price.of(1)).depth == Count.ZERO


@pytest.mark.parametrize(("price", "count"), [("0", "1"), ("1", "1"), ("0.5", "0")])
def test_what_is_no_level_is_refused(price: str, count: str) -> None:
    with pytest.raises(ValueError, match="not a level"):
        level(price, count)


@pytest.mark.parametrize("prices", [("0.5", "0.5"), ("0.6", "0.5")])
def test_levels_out_of_order_are_refused(prices: tuple[str, str]) -> None:
    with pytest.raises(ValueError, match="rise in price"):
        Book(tuple(level(price, "1") for price in prices))


books = st.dictionaries(st.integers(1, 9_999), st.integers(1, 3_000), max_size=6).map(
    lambda levels: Book(tuple(Level(price=Price(t * 100), count=Count(levels[t])) for t in sorted(levels)))
)


@given(
    book=books,
    count=st.integers(0, 20_000).map(Count),
    precision=st.sampled_from([DIRECT_PRECISION, FCM_PRECISION]),
)
def test_a_walk_agrees_with_buying_one_hundredth_after_the_other(
    book: Book, count: Count, precision: Decimal
) -> None:
    fees = FeeSchedule(precision=precision)
    offered = [at.price for at in book.levels for _ in range(at.count.centis)][: count.centis]
    found = book.cost(count, fees)
    assert found.filled + found.shortage == count
    assert found.filled == Count(len(offered))
    assert Fraction(found.outlay.dollars) == sum(Fraction(price.dollars) for price in offered) / 100
    model = sum(Fraction(fees.per_contract(price)) for price in offered) / 100
    assert model <= Fraction(found.fees.dollars) <= model + Fraction(precision) * len(book.levels)
    assert found.worst == (offered[-1] if offered else None)


@given(book=books, count=st.integers(0, 20_000).map(Count), lot=st.sampled_from([1, 100]))
def test_more_contracts_never_cost_less(book: Book, count: Count, lot: int) -> None:
    fees = FeeSchedule()
    assert book.cost(count, fees).outlay <= book.cost(count + Count(lot), fees).outlay
