"""Plans: limit prices, caps, skips."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hedge_service.core.fees import FeeSchedule, max_fee
from hedge_service.core.hedging import LegHedge, SkipReason, Strategy, hedge_amounts
from hedge_service.core.market import BookSide, Grid, Market, MarketStatus, Side
from hedge_service.core.money import Count, Money, Price
from hedge_service.core.plan import Caps, Plan, plan_orders
from hedge_service.core.pricing import Leg

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
SLIPPAGE = Decimal("0.02")
WIDE = Caps(order=Money.of(100), parlay=Money.of(200), day_left=Money.of(1000))


def leg(number: int, ask: str, side: Side = Side.YES) -> Leg:
    return Leg(
        number=number, ticker=f"KX-{number}", event_ticker=f"EV-{number}", side=side, ask=Price.of(ask)
    )


def hedge(number: int, ask: str, contracts: str, side: Side = Side.YES) -> LegHedge:
    priced, count = leg(number, ask, side), Count.of(contracts)
    return LegHedge(leg=priced, amount=priced.ask.times(count), contracts=count)


def market(ticker: str, status: MarketStatus = MarketStatus.ACTIVE) -> Market:
    return Market(
        ticker=ticker,
        event_ticker="EV",
        market_type="binary",
        status=status,
        title="",
        yes_sub_title="",
        no_sub_title="",
        close_time=NOON + timedelta(hours=1),
        yes_ask=None,
        no_ask=None,
        grid=Grid(),
        exchange_index=0,
        result="",
        settlement_value=None,
    )


MARKETS = {f"KX-{number}": market(f"KX-{number}") for number in range(1, 9)}


def plan(
    *hedges: LegHedge, caps: Caps = WIDE, markets: dict[str, Market] = MARKETS, now: datetime = NOON
) -> Plan:
    return plan_orders(hedges, markets, now=now, max_slippage=SLIPPAGE, caps=caps)


def reasons(found: Plan) -> list[tuple[int, SkipReason]]:
    return [(skip.leg, skip.reason) for skip in found.skips]


def cost(found: Plan, number: int) -> Money:
    return next(order.max_cost for order in found.orders if order.leg == number)


def test_the_classic_parlay_becomes_two_orders_and_a_named_skip() -> None:
    legs = [leg(1, "0.43"), leg(2, "0.52"), leg(3, "0.65")]
    hedges = hedge_amounts(Strategy.BANDS, stake=Money.of(5), payout=Money.of("30.96"), legs=legs)
    found = plan(*hedges)
    assert [(o.leg, o.ticker, o.side, str(o.count), str(o.price)) for o in found.orders] == [
        (2, "KX-2", BookSide.BID, "1.00", "0.5400"),
        (3, "KX-3", BookSide.BID, "3.00", "0.6700"),
    ]
    assert reasons(found) == [(1, SkipReason.BELOW_BAND)]
    assert found.contracts == Count.of(4)


def test_a_no_leg_is_an_ask_at_one_less_what_may_be_paid() -> None:
    (order,) = plan(hedge(1, "0.65", "3", Side.NO)).orders
    assert (order.side, order.outcome, order.price) == (BookSide.ASK, Side.NO, Price.of("0.33"))
    assert order.max_cost == Money.of("2.01") + max_fee(Count.of(3), Price.of("0.67"))


def test_what_an_order_may_cost_is_its_limit_and_the_largest_fee() -> None:
    found = plan(hedge(1, "0.52", "1"), hedge(2, "0.65", "3"))
    assert cost(found, 1) == Money.of("0.54") + max_fee(Count.of(1), Price.of("0.54"))
    assert found.max_cost == cost(found, 1) + cost(found, 2)


def test_a_limit_never_passes_the_largest_tick() -> None:
    (order,) = plan(hedge(1, "0.98", "3")).orders
    assert order.price == Price.of("0.99")


def test_an_ask_that_no_tick_reaches_is_a_skip() -> None:
    assert reasons(plan(hedge(1, "0.999", "3"))) == [(1, SkipReason.NO_LIMIT_PRICE)]


@pytest.mark.parametrize(
    "markets",
    [{}, {"KX-1": market("KX-1", MarketStatus.INACTIVE)}, {"KX-1": market("KX-1", MarketStatus.OTHER)}],
)
def test_a_market_that_takes_no_orders_skips_its_leg(markets: dict[str, Market]) -> None:
    found = plan(hedge(1, "0.5", "3"), markets=markets)
    assert reasons(found) == [(1, SkipReason.MARKET_NOT_OPEN)]
    assert found.skips[0].count == Count.of(3)


def test_a_market_past_its_close_skips_its_leg() -> None:
    found = plan(hedge(1, "0.5", "3"), now=NOON + timedelta(hours=1))
    assert reasons(found) == [(1, SkipReason.MARKET_NOT_OPEN)]


@pytest.mark.parametrize(("times", "most"), [("0", "5.275"), ("1", "5.275"), ("3", "5.625")])
def test_a_market_counts_with_its_own_fees_and_never_with_less_than_the_standard_ones(
    times: str, most: str
) -> None:
    found = plan_orders(
        (hedge(1, "0.5", "10"), hedge(2, "0.5", "10")),
        MARKETS,
        now=NOON,
        max_slippage=Decimal(0),
        caps=WIDE,
        fees={"KX-1": FeeSchedule(multiplier=Decimal(times))},
    )
    # 10 at 50 cents; 0.07 * times * 10 / 4; a hundredth of a cent for each of a thousand fills
    assert [order.max_cost for order in found.orders] == [Money.of(most), Money.of("5.275")]


@pytest.mark.parametrize("name", ["order", "parlay", "day_left"])
def test_a_cap_admits_exactly_its_amount_and_names_itself_a_micro_below(name: str) -> None:
    exact = plan(hedge(1, "0.5", "10")).max_cost
    amounts = {"order": WIDE.order, "parlay": WIDE.parlay, "day_left": WIDE.day_left}
    assert plan(hedge(1, "0.5", "10"), caps=Caps(**(amounts | {name: exact}))).skips == ()
    found = plan(hedge(1, "0.5", "10"), caps=Caps(**(amounts | {name: exact - Money(1)})))
    expected = {
        "order": SkipReason.ORDER_CAP,
        "parlay": SkipReason.PARLAY_CAP,
        "day_left": SkipReason.DAY_CAP,
    }
    assert (found.orders, reasons(found)) == ((), [(1, expected[name])])


def test_a_leg_past_the_parlays_cap_is_skipped_whole_and_a_smaller_one_still_fits() -> None:
    caps = Caps(order=Money.of(100), parlay=Money.of(10), day_left=Money.of(1000))
    found = plan(hedge(1, "0.5", "10"), hedge(2, "0.5", "15"), hedge(3, "0.5", "5"), caps=caps)
    assert [(order.leg, str(order.count)) for order in found.orders] == [(1, "10.00"), (3, "5.00")]
    assert reasons(found) == [(2, SkipReason.PARLAY_CAP)]


def test_nothing_is_bought_when_the_day_is_spent() -> None:
    caps = Caps(order=Money.of(100), parlay=Money.of(100), day_left=Money.of(-1))
    assert reasons(plan(hedge(1, "0.5", "1"), caps=caps)) == [(1, SkipReason.DAY_CAP)]


amounts = st.integers(0, 300).map(Money.of)
hedges_of_a_parlay = st.lists(
    st.tuples(st.integers(1, 99), st.integers(1, 300), st.sampled_from(Side)), min_size=1, max_size=8
).map(
    lambda rows: [
        hedge(number, f"0.{ask:02}", str(count), side) for number, (ask, count, side) in enumerate(rows, 1)
    ]
)


@given(hedges_of_a_parlay, st.builds(Caps, order=amounts, parlay=amounts, day_left=amounts))
def test_a_plan_passes_no_cap_cuts_nothing_and_does_not_depend_on_the_order_it_is_given(
    hedges: list[LegHedge], caps: Caps
) -> None:
    found = plan(*hedges, caps=caps)
    assert all(order.max_cost <= caps.order for order in found.orders)
    assert found.max_cost <= max(min(caps.parlay, caps.day_left), Money.ZERO)
    assert sorted([o.leg for o in found.orders] + [s.leg for s in found.skips]) == [
        h.leg.number for h in hedges
    ]
    wanted = {h.leg.number: h.contracts for h in hedges}
    assert all(order.count == wanted[order.leg] for order in found.orders)
    assert plan(*reversed(hedges), caps=caps) == found
