"""Price grids against brute force, limit prices, sides and statuses."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hedge_service.core.market import CENT_GRID, BookSide, Grid, Market, MarketStatus, PriceRange, Side
from hedge_service.core.money import Price

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)


def ranges(*parts: tuple[str, str, str]) -> Grid:
    return Grid(tuple(PriceRange(start=Decimal(a), end=Decimal(b), step=Decimal(c)) for a, b, c in parts))


CENT = Grid()
DECI = ranges(("0", "1", "0.001"))
TAPERED = ranges(("0", "0.01", "0.0001"), ("0.01", "0.99", "0.001"), ("0.99", "1", "0.0001"))
CENTRE = ranges(("0.00", "0.10", "0.001"), ("0.10", "0.90", "0.005"), ("0.90", "1.00", "0.001"))
ODD = ranges(("0.02", "0.055", "0.01"), ("0.30", "0.30", "0.01"), ("0.5", "0.995", "0.02"))
GRIDS = [CENT, DECI, TAPERED, CENTRE, ODD]
grids = st.sampled_from(GRIDS)
prices = st.decimals(min_value=-1, max_value=2, places=5) | st.decimals(min_value=0, max_value=1, places=4)


def ticks(grid: Grid) -> list[Decimal]:
    found = set()
    for part in grid.ranges:
        tick = part.start
        while tick <= part.end:
            found.add(tick)
            tick += part.step
    return sorted(tick for tick in found if 0 < tick < 1)


TICKS = [ticks(grid) for grid in GRIDS]


def enumerated(grid: Grid) -> list[Decimal]:
    return TICKS[GRIDS.index(grid)]


@given(grids, prices)
def test_floor_is_the_largest_tick_at_or_below(grid: Grid, price: Decimal) -> None:
    below = [tick for tick in enumerated(grid) if tick <= price]
    assert grid.floor(price) == (Price.of(below[-1]) if below else None)


@given(grids, prices)
def test_ceil_is_the_smallest_tick_at_or_above(grid: Grid, price: Decimal) -> None:
    above = [tick for tick in enumerated(grid) if tick >= price]
    assert grid.ceil(price) == (Price.of(above[0]) if above else None)


@pytest.mark.parametrize("grid", GRIDS)
def test_a_grid_holds_its_ticks_and_nothing_between(grid: Grid) -> None:
    for tick in enumerated(grid):
        assert grid.holds(Price.of(tick))
        assert grid.floor(tick) == grid.ceil(tick) == Price.of(tick)
        assert not grid.holds(Price.of(tick + Decimal("0.00005")))


@pytest.mark.parametrize("grid", [CENT, DECI, TAPERED, CENTRE])
def test_0_and_1_dollar_are_never_order_prices(grid: Grid) -> None:
    assert not grid.holds(Price.of(0))
    assert not grid.holds(Price.of(1))


def test_the_tapered_grid_is_finer_at_its_ends() -> None:
    assert TAPERED.floor(Decimal("0.00999")) == Price.of("0.0099")
    assert TAPERED.floor(Decimal("0.0105")) == Price.of("0.010")
    assert TAPERED.ceil(Decimal("0.0105")) == Price.of("0.011")
    assert TAPERED.floor(Decimal(1)) == Price.of("0.9999")
    assert TAPERED.ceil(Decimal(0)) == Price.of("0.0001")


def test_a_price_just_below_a_tick_never_reaches_it() -> None:
    assert CENT.floor(Decimal("0.02" + "9" * 26)) == Price.of("0.02")


@pytest.mark.parametrize(
    ("start", "end", "step"),
    [
        ("0", "1", "0"),
        ("0", "1", "-0.01"),
        ("0.5", "0.4", "0.01"),
        ("-0.1", "1", "0.01"),
        ("0", "1.01", "0.01"),
    ],
)
def test_what_is_no_range_of_prices_is_refused(start: str, end: str, step: str) -> None:
    with pytest.raises(ValueError, match="not a price range"):
        PriceRange(start=Decimal(start), end=Decimal(end), step=Decimal(step))


def a_market(grid: Grid = CENT, status: MarketStatus = MarketStatus.ACTIVE) -> Market:
    return Market(
        ticker="KXA-1-A",
        event_ticker="KXA-1",
        market_type="binary",
        status=status,
        title="A?",
        yes_sub_title="A",
        no_sub_title="not A",
        close_time=NOON + timedelta(hours=1),
        yes_ask=Price.of("0.65"),
        no_ask=None,
        grid=grid,
        exchange_index=0,
        result="",
        settlement_value=None,
    )


@pytest.mark.parametrize(
    ("grid", "side", "ask", "slippage", "limit"),
    [
        (CENT, Side.YES, "0.65", "0.02", "0.67"),
        (CENT, Side.YES, "0.65", "0.025", "0.67"),
        (CENT, Side.YES, "0.98", "0.05", "0.99"),
        (CENT, Side.NO, "0.35", "0.02", "0.63"),
        (CENT, Side.NO, "0.35", "0.025", "0.63"),
        (CENT, Side.NO, "0.98", "0.05", "0.01"),
        (TAPERED, Side.YES, "0.985", "0.02", "0.9999"),
        (TAPERED, Side.NO, "0.985", "0.02", "0.0001"),
        (DECI, Side.YES, "0.655", "0", "0.655"),
        (CENT, Side.YES, "0.655", "0", None),
        (CENT, Side.NO, "0.655", "0", None),
        (CENT, Side.YES, "1", "0.02", None),
        (CENT, Side.NO, "1", "0.02", None),
    ],
)
def test_a_limit_is_the_ask_and_slippage_on_the_grid(
    grid: Grid, side: Side, ask: str, slippage: str, limit: str | None
) -> None:
    found = a_market(grid).limit_price(side, Price.of(ask), Decimal(slippage))
    assert found == (None if limit is None else Price.of(limit))


@given(
    grid=grids,
    side=st.sampled_from(Side),
    ask=st.integers(1, 1_000_000),
    slippage=st.decimals(min_value=0, max_value=Decimal("0.2"), places=4),
)
def test_a_limit_lies_on_the_grid_between_the_ask_and_ask_with_slippage(
    grid: Grid, side: Side, ask: int, slippage: Decimal
) -> None:
    price = Price(ask)
    limit = a_market(grid).limit_price(side, price, slippage)
    reachable = [t if side is Side.YES else 1 - t for t in enumerated(grid)]
    within = [paid for paid in reachable if price.dollars <= paid <= price.dollars + slippage]
    if limit is None:
        assert not within
    else:
        paid = limit if side is Side.YES else limit.complement
        assert grid.holds(limit)
        assert paid.dollars == max(within)


def test_a_market_takes_orders_while_active_and_before_its_close() -> None:
    assert a_market().open_at(NOON)
    assert not a_market().open_at(NOON + timedelta(hours=1))
    assert not a_market(status=MarketStatus.INACTIVE).open_at(NOON)


def test_an_unknown_status_is_neither_tradable_nor_an_error() -> None:
    assert MarketStatus("reborn") is MarketStatus.OTHER
    assert not a_market(status=MarketStatus("reborn")).open_at(NOON)


def test_buying_no_is_an_ask_on_the_yes_book() -> None:
    assert BookSide.buying(Side.YES) is BookSide.BID
    assert BookSide.buying(Side.NO) is BookSide.ASK
    assert [side.outcome for side in BookSide] == [Side.YES, Side.NO]
    assert [side.opposite for side in Side] == [Side.NO, Side.YES]


def test_the_ask_is_the_one_of_the_side_asked_for() -> None:
    assert a_market().ask(Side.YES) == Price.of("0.65")
    assert a_market().ask(Side.NO) is None
    assert a_market().binary
    assert Grid(CENT_GRID) == CENT
