"""What a result means for a rolling hedge: bought, sold, or left alone with a reason."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from hedge_service.core.market import BookSide, MarketStatus, Side
from hedge_service.core.money import Count, Money, Price
from hedge_service.core.orders import AttemptState, Purpose
from hedge_service.core.rolling import NO_COSTS, Costs
from hedge_service.core.rolling_limits import RollingLeg, RollRules, drift_guard, parlay_left
from hedge_service.core.rolling_trade import Decision, NoRoll, Roll, RollingParlay, Unwind, Wait, decide
from tests.core.rolling_samples import (
    CENT,
    DAY,
    LEGS,
    NOW,
    PAYOUT,
    bought,
    ended,
    leg_of,
    market_of,
    markets_of,
)

if TYPE_CHECKING:
    from hedge_service.core.market import Market
    from hedge_service.core.pricing import Leg
    from hedge_service.core.rolling_limits import Worked

FIRST, SECOND, THIRD = LEGS
S = MarketStatus
RULES = RollRules(
    costs=replace(NO_COSTS, slippage=Decimal(0)),
    step=Decimal(1),
    reserve_share=Decimal("0.02"),
    order_cap=Money.of(1000),
    parlay_cap=Money.of(200),
    day_left=Money.of(1000),
)


def parlay(
    *worked: Worked,
    paid: dict[int, str] | None = None,
    rolled: int = 0,
    on_paper: bool = False,
    legs: tuple[Leg, ...] = LEGS,
) -> RollingParlay:
    prices = {} if paid is None else paid
    return RollingParlay(
        id="par_1",
        payout=PAYOUT,
        rolled=rolled,
        legs=tuple(
            RollingLeg(
                leg=leg,
                paid=Price.of(prices[leg.number]) if leg.number in prices else None,
                intents=tuple(each for each in worked if each[0].leg == leg.number),
                on_paper=on_paper,
            )
            for leg in legs
        ),
    )


HELD = bought(FIRST, "137", price="0.60")


def decided(found: RollingParlay, *markets: Market, rules: RollRules = RULES, **changes: Any) -> Decision:
    listed = markets_of(*markets, legs=tuple(each.leg for each in found.legs))
    return decide(found, listed, now=NOW, rules=replace(rules, **changes))


def roll(*args: Any, **changes: Any) -> Roll:
    found = decided(*args, **changes)
    assert isinstance(found, Roll), found
    return found


def waits(*args: Any, **changes: Any) -> tuple[NoRoll, int | None]:
    found = decided(*args, **changes)
    assert isinstance(found, Wait), found
    return found.reason, found.leg


def test_a_first_hit_buys_the_second_leg_up_to_its_target() -> None:
    found = roll(parlay(HELD), ended(FIRST, "yes"))
    assert (found.hits, found.leg, found.target, found.held) == (1, 2, Count.of(250), Count.ZERO)
    assert found.order is not None
    assert (found.order.side, found.order.count, found.order.price) == (
        BookSide.BID,
        Count.of(250),
        Price.of("0.55"),
    )
    assert found.sales == ()


def test_the_last_roll_is_the_whole_payout() -> None:
    second = bought(SECOND, "250", purpose=Purpose.ROLL)
    found = roll(
        parlay(HELD, second, paid={1: "1"}, rolled=1), ended(SECOND, "yes"), parlay_cap=Money.of(400)
    )
    assert (found.hits, found.leg, found.target) == (2, 3, Count.of(500))


def test_targets_and_limits_follow_the_asks_of_the_day() -> None:
    cheap = market_of(THIRD, yes_ask=Price.of("0.40"))
    found = roll(parlay(HELD), ended(FIRST, "yes"), cheap, costs=Costs(slippage=CENT * 2))
    assert found.ask == Price.of("0.55")
    assert found.order is not None
    # 500 * (0.42 + 0.07 * 0.42 * 0.58), and two cents above the ask
    assert (found.target, found.order.price) == (Count.of(218), Price.of("0.57"))


def test_a_hit_of_no_counts_for_who_backed_no() -> None:
    no = leg_of(1, "0.60", Side.NO)
    found = parlay(bought(no, "137"), legs=(no, SECOND, THIRD))
    assert roll(found, ended(no, "no")).leg == 2
    assert isinstance(decided(found, ended(no, "yes")), Unwind)


def test_a_leg_that_backs_no_is_bought_by_an_ask() -> None:
    no = leg_of(2, "0.55", Side.NO)
    found = roll(parlay(HELD, legs=(FIRST, no, THIRD)), ended(FIRST, "yes"))
    assert found.order is not None
    assert (found.order.side, found.order.price) == (BookSide.ASK, Price.of("0.45"))


def test_what_is_held_already_is_not_bought_again() -> None:
    # The third leg settled out of turn: the first leg's target doubles.
    found = roll(parlay(HELD), ended(THIRD, "yes"), parlay_cap=Money.of(400))
    assert (found.leg, found.target, found.held) == (1, Count.of(275), Count.of(137))
    assert found.order is not None
    assert found.order.count == Count.of(138)


def test_a_partial_fill_leaves_the_rest_to_the_roll() -> None:
    found = roll(parlay(bought(FIRST, "137", filled="100.50")), ended(THIRD, "yes"), parlay_cap=Money.of(400))
    assert found.order is not None
    # whole lots only, never more than the target
    assert found.order.count == Count.of(174)


def test_nothing_is_traded_before_a_result() -> None:
    assert waits(parlay(HELD)) == (NoRoll.NO_NEWS, None)


@pytest.mark.parametrize("status", [S.CLOSED, S.INACTIVE, S.INITIALIZED])
def test_a_market_that_only_waits_for_its_result_is_no_news(status: MarketStatus) -> None:
    assert waits(parlay(HELD), market_of(FIRST, status=status)) == (NoRoll.NO_NEWS, None)


def test_a_result_told_again_is_no_news() -> None:
    again = parlay(HELD, bought(SECOND, "250", purpose=Purpose.ROLL), rolled=1)
    assert waits(again, ended(FIRST, "yes")) == (NoRoll.NO_NEWS, None)
    assert waits(again, ended(FIRST, "yes", S.FINALIZED)) == (NoRoll.NO_NEWS, None)
    final = parlay(HELD, bought(SECOND, "250", purpose=Purpose.ROLL), rolled=1, paid={1: "1"})
    assert waits(final) == (NoRoll.NO_NEWS, None)


@pytest.mark.parametrize("status", [S.DISPUTED, S.AMENDED])
@pytest.mark.parametrize("result", ["yes", "no", ""])
def test_a_result_that_does_not_stand_makes_the_parlay_wait(status: MarketStatus, result: str) -> None:
    assert waits(parlay(HELD), ended(FIRST, result, status)) == (NoRoll.RESULT_DISPUTED, 1)


def test_a_dispute_on_one_leg_holds_up_the_roll_on_another() -> None:
    disputed = ended(THIRD, "yes", S.DISPUTED)
    assert waits(parlay(HELD), ended(FIRST, "yes"), disputed) == (NoRoll.RESULT_DISPUTED, 3)


def test_a_hit_that_turns_into_a_miss_sells_what_was_rolled_and_buys_nothing() -> None:
    rolled = parlay(HELD, bought(SECOND, "250", purpose=Purpose.ROLL), rolled=1)
    found = decided(rolled, ended(FIRST, "no"))
    assert isinstance(found, Unwind)
    [sale] = found.sales
    assert (found.leg, sale.leg, sale.count) == (1, 2, Count.of(250))


def test_a_miss_that_turns_back_into_a_hit_trades_no_second_time() -> None:
    sold = bought(SECOND, "250", purpose=Purpose.UNWIND, minutes=1)
    back = parlay(HELD, bought(SECOND, "250", purpose=Purpose.ROLL), sold, rolled=1)
    assert waits(back, ended(FIRST, "yes", S.FINALIZED)) == (NoRoll.NO_NEWS, None)


def test_a_miss_leaves_nothing_to_sell_where_only_its_own_leg_was_held() -> None:
    assert decided(parlay(HELD), ended(FIRST, "no")) == Unwind(leg=1, sales=())


def test_a_miss_out_of_turn_sells_the_leg_that_is_held() -> None:
    found = decided(parlay(HELD), ended(THIRD, "no"))
    assert isinstance(found, Unwind)
    assert [(sale.leg, sale.count, sale.side) for sale in found.sales] == [(1, Count.of(137), Side.YES)]


@pytest.mark.parametrize("result", ["scalar", "void"])
def test_a_void_leg_counts_as_missed_since_nothing_is_owed_then(result: str) -> None:
    void = replace(ended(THIRD, result), settlement_value=Price.of("0.50"))
    assert isinstance(decided(parlay(HELD), void), Unwind)
    assert isinstance(decided(parlay(HELD, paid={3: "0.50"})), Unwind)


def test_a_result_without_a_value_waits() -> None:
    assert waits(parlay(HELD), ended(FIRST, "scalar")) == (NoRoll.RESULT_UNCLEAR, 1)


def test_a_market_that_is_not_told_waits_unless_its_result_is_kept() -> None:
    found = parlay(HELD)
    listed = {ticker: market for ticker, market in markets_of().items() if ticker != "KX-1"}
    missing = decide(found, listed, now=NOW, rules=RULES)
    assert missing == Wait(reason=NoRoll.MARKET_UNKNOWN, hits=0, leg=1)
    kept = decide(parlay(HELD, paid={1: "1"}), listed, now=NOW, rules=RULES)
    assert isinstance(kept, Roll)
    assert waits(found, market_of(FIRST, status=S.OTHER)) == (NoRoll.MARKET_UNKNOWN, 1)


def test_the_next_leg_is_the_one_expected_to_end_first_now() -> None:
    postponed = market_of(SECOND, expected_expiration_time=NOW + 9 * DAY, close_time=NOW + 9 * DAY)
    found = roll(parlay(HELD), ended(FIRST, "yes"), postponed)
    assert (found.leg, found.target) == (3, Count.of(275))


def test_what_is_held_of_a_leg_that_moved_behind_another_is_sold() -> None:
    postponed = market_of(FIRST, expected_expiration_time=NOW + 9 * DAY, close_time=NOW + 9 * DAY)
    found = roll(parlay(HELD), ended(SECOND, "yes"), postponed, parlay_cap=Money.of(400))
    assert (found.leg, found.target) == (3, Count.of(300))
    [sale] = found.sales
    assert (sale.leg, sale.count, sale.sequence) == (1, Count.of(137), 1)


def test_what_is_held_above_the_target_is_sold_and_nothing_bought() -> None:
    fallen = market_of(THIRD, yes_ask=Price.of("0.10"))
    found = roll(parlay(HELD), ended(SECOND, "yes"), fallen)
    assert (found.leg, found.target, found.order) == (1, Count.of(50), None)
    assert [(sale.leg, sale.count) for sale in found.sales] == [(1, Count.of(87))]


def test_a_leg_without_an_offer_counts_at_the_quotes_ask() -> None:
    paused = market_of(THIRD, status=S.INACTIVE, yes_ask=None)
    assert roll(parlay(HELD), ended(FIRST, "yes"), paused).target == Count.of(250)


def test_the_next_leg_waits_for_an_offer_and_an_open_market() -> None:
    hit = ended(FIRST, "yes")
    assert waits(parlay(HELD), hit, market_of(SECOND, yes_ask=None)) == (NoRoll.NO_ASK, 2)
    paused = market_of(SECOND, status=S.INACTIVE)
    assert waits(parlay(HELD), hit, paused) == (NoRoll.MARKET_NOT_OPEN, 2)
    over = market_of(SECOND, close_time=NOW)
    assert waits(parlay(HELD), hit, over) == (NoRoll.MARKET_NOT_OPEN, 2)


def test_a_leg_waits_while_an_order_of_it_is_open_or_in_doubt() -> None:
    doubtful = bought(FIRST, "137", filled="0", state=AttemptState.UNKNOWN)
    assert waits(parlay(doubtful), ended(THIRD, "yes")) == (NoRoll.UNDER_WAY, 1)


def test_doubt_about_a_leg_that_has_hit_holds_nothing_up() -> None:
    doubtful = bought(FIRST, "137", filled="0", state=AttemptState.PARKED)
    assert roll(parlay(doubtful), ended(FIRST, "yes"), parlay_cap=Money.of(400)).leg == 2


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"order_cap": Money.of(130)}, NoRoll.ORDER_CAP),
        ({"parlay_cap": Money.of(80)}, NoRoll.PARLAY_CAP),
        ({"day_left": Money.of(130)}, NoRoll.DAY_CAP),
    ],
)
def test_a_roll_that_passes_a_cap_is_not_made(changes: dict[str, Money], reason: NoRoll) -> None:
    assert waits(parlay(HELD), ended(FIRST, "yes"), **changes) == (reason, 2)


def test_the_parlays_cap_counts_what_a_hit_pays_against_what_the_next_leg_costs() -> None:
    hit, *rest = parlay(HELD).legs
    # $82.20 paid, $137 to come
    assert parlay_left((hit, *rest), (hit,), RULES) == Money.of("254.80")
    assert parlay_left((hit, *rest), (), RULES) == Money.of("117.80")


def test_orders_in_doubt_count_against_the_parlays_cap_with_their_most() -> None:
    doubtful = bought(FIRST, "137", filled="0", state=AttemptState.UNKNOWN)
    assert parlay_left(parlay(doubtful).legs, (), RULES) == Money.of(200) - doubtful[0].max_cost


def test_the_drift_guard_spreads_the_reserve_over_the_contracts() -> None:
    guard = drift_guard(parlay(HELD).legs, SECOND, Count.of(250), payout=PAYOUT, rules=RULES)
    assert guard == Decimal("0.59")


def test_drift_moves_the_limit_up_to_the_guard_and_no_further() -> None:
    hit, rules = ended(FIRST, "yes"), replace(RULES, costs=replace(NO_COSTS, slippage=CENT * 2))
    # target 260, and so a guard of 0.55 + 0.02 + 10 / 260 = 0.608
    found = roll(parlay(HELD), hit, market_of(SECOND, yes_ask=Price.of("0.60")), rules=rules)
    assert found.order is not None
    assert found.order.price == Price.of("0.60")
    dear = market_of(SECOND, yes_ask=Price.of("0.61"))
    assert waits(parlay(HELD), hit, dear, rules=rules) == (NoRoll.DRIFT_GUARD, 2)


def test_one_reserve_serves_all_rolls() -> None:
    # 250 contracts 2 cents above the quote's ask: $5 of the $10 are gone.
    second = bought(SECOND, "250", price="0.57", purpose=Purpose.ROLL)
    found = parlay(HELD, second, paid={1: "1"}, rolled=1)
    guard = drift_guard(found.legs, THIRD, Count.of(500), payout=PAYOUT, rules=RULES)
    assert guard == Decimal("0.51")


def test_a_roll_in_doubt_counts_against_the_reserve_at_its_limit() -> None:
    second = bought(SECOND, "250", filled="0", price="0.59", purpose=Purpose.ROLL, state=AttemptState.PARKED)
    found = parlay(HELD, second, paid={1: "1"}, rolled=1)
    guard = drift_guard(found.legs, THIRD, Count.of(500), payout=PAYOUT, rules=RULES)
    assert guard == Decimal("0.50")


def test_prices_that_fell_are_no_drift() -> None:
    second = bought(SECOND, "250", price="0.40", purpose=Purpose.ROLL)
    found = parlay(HELD, second, paid={1: "1"}, rolled=1)
    guard = drift_guard(found.legs, THIRD, Count.of(500), payout=PAYOUT, rules=RULES)
    assert guard == Decimal("0.52")


def test_a_parlay_on_paper_rolls_as_if_everything_had_been_bought() -> None:
    unsent = bought(FIRST, "137", filled="0", state=AttemptState.DRY_RUN)
    found = roll(parlay(unsent, on_paper=True), ended(THIRD, "yes"), parlay_cap=Money.of(400))
    assert (found.held, found.sales) == (Count.of(137), ())
    fallen = market_of(THIRD, yes_ask=Price.of("0.10"))
    assert roll(parlay(unsent, on_paper=True), ended(SECOND, "yes"), fallen).sales == ()


def test_once_every_leg_has_hit_there_is_nothing_to_trade() -> None:
    last = [ended(leg, "yes") for leg in LEGS]
    assert waits(parlay(HELD, rolled=2), *last) == (NoRoll.NO_NEWS, None)


def test_prices_that_hold_are_traded_as_the_check_figures_say() -> None:
    worked = [bought(FIRST, "137.5")]
    for hits, following in enumerate(LEGS[1:], start=1):
        told = [ended(each, "yes") for each in LEGS[:hits]]
        found = roll(parlay(*worked, rolled=hits - 1), *told, step=CENT, reserve_share=Decimal(0))
        assert found.order is not None
        # What the leg before it pays is just what it costs.
        assert following.ask.times(found.order.count) == Money.of(worked[-1][0].count.contracts)
        worked.append(
            bought(following, str(found.order.count), purpose=Purpose.ROLL, sequence=hits, minutes=hits)
        )
    assert [intent.count for intent, _ in worked] == [Count.of("137.5"), Count.of(250), Count.of(500)]


@pytest.mark.parametrize("cap", ["97.07", "103.99"])
def test_with_prices_that_hold_the_parlays_cap_never_stands_in_the_way_of_a_later_roll(cap: str) -> None:
    # What the first leg cost at most, fees and their roundings included, covers every later roll.
    costs = Costs(slippage=CENT)
    worked = [bought(FIRST, "152", price="0.61")]
    rules = replace(RULES, costs=costs, parlay_cap=Money.of(cap))
    second = roll(parlay(*worked), ended(FIRST, "yes"), rules=rules)
    assert second.order is not None
    worked.append(bought(SECOND, str(second.order.count), price="0.56", purpose=Purpose.ROLL))
    told = (ended(FIRST, "yes"), ended(SECOND, "yes"))
    assert roll(parlay(*worked, rolled=1), *told, rules=rules).order is not None
