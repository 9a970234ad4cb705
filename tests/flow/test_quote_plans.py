"""What a quote is decided from, which plan it buys, and what the model may do about it."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from hedge_service.clients.advisor import NoAdvice
from hedge_service.core.money import Money
from hedge_service.core.strike import Strike, StrikeKind
from hedge_service.errors import BadRequest
from hedge_service.wire.advice_replay import replay
from tests.flow.selling_stage import ANN, CLASSIC, NOW, Stage, open_stage

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from hedge_service.core.parlay import Quote

GAME = ("KXNFL-1-SEA", "KXNFL-1-OVER")
HIGH = ("KXHIGH-1-T60", "KXHIGH-1-T70")


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[Stage]:
    async with open_stage(tmp_path) as opened:
        yield opened


def choice(quote: Quote) -> dict[str, Any]:
    found: dict[str, Any] = quote.advice["decision"]["decided"]["choice"]
    return found


def contracts(quote: Quote) -> list[int]:
    return [int(leg.contracts.contracts) for leg in quote.legs]


async def thresholds(stage: Stage, first: Strike, second: Strike) -> None:
    stage.exchange.holds(HIGH[0], "0.65", strike=first)
    stage.exchange.holds(HIGH[1], "0.15", strike=second)
    await stage.save(ANN, *HIGH)


def above(degrees: int) -> Strike:
    return Strike(kind=StrikeKind.GREATER_OR_EQUAL, floor=Decimal(degrees))


async def test_the_record_of_a_quote_decides_the_same_again(stage: Stage) -> None:
    await stage.classic()
    stage.model.plan = "none"
    quote = await stage.quote()
    record = quote.advice["decision"]
    assert [plan["id"] for plan in record["decided"]["plans"]] == [
        *("none", "bands", "delta", "min_variance", "cvar")
    ]
    assert replay(record) == ()
    assert [leg["ask"] for leg in record["facts"]["legs"]] == ["0.4300", "0.5200", "0.6500"]


async def test_independent_legs_are_shown_to_the_model_with_the_plans_in_the_exchanges_words(
    stage: Stage,
) -> None:
    await stage.classic()
    await stage.quote()
    (question,) = stage.model.questions
    assert [leg.event_title for leg in question.legs] == [f"Event {t.rsplit('-', 1)[0]}" for t in CLASSIC]
    assert [plan.plan_id for plan in question.plans] == ["none", "bands", "delta", "min_variance", "cvar"]
    assert (question.default, question.measure, question.pairs) == ("bands", "cvar", ())
    assert "Game of" not in question.message()


async def test_the_models_plan_is_what_accepting_orders(stage: Stage) -> None:
    await stage.classic()
    stage.model.plan = "delta"
    quote = await stage.quote()
    assert (quote.strategy, choice(quote)["by"]) == ("delta", "model")
    # 0.4 * 30.96 * the other two prices, whole contracts
    assert contracts(quote) == [4, 3, 2]
    assert quote.body["hedgingStrategy"]["strategy"] == "delta"
    assert quote.body["hedgingStrategy"]["chosenBy"] == "model"
    (event,) = stage.log.named("quote.created")
    assert (event["strategy"], event["chosen_by"]) == ("delta", "model")


async def test_a_plan_that_makes_the_house_worse_is_overruled_and_told_with_both_figures(
    stage: Stage,
) -> None:
    await stage.classic()
    stage.model.plan = "none"
    quote = await stage.quote()
    assert (quote.strategy, contracts(quote)) == ("bands", [0, 1, 3])
    (event,) = stage.log.named("advice.overruled")
    assert (event["plan"], event["default"], event["measure"]) == ("none", "bands", "cvar")
    assert Money.of(event["plan_dollars"]) < Money.of(event["default_dollars"]) < Money.ZERO
    assert event["quote_id"] == quote.id
    assert choice(quote) == {
        "id": "bands",
        "by": "overruled",
        "wanted": event["plan_dollars"],
        "default": event["default_dollars"],
    }


async def test_by_another_measure_another_plan_is_worse(tmp_path: Path) -> None:
    async with open_stage(tmp_path, HEDGING__MEASURE="worst", HEDGING__STRATEGY="min_variance") as stage:
        await stage.classic()
        stage.model.plan = "bands"
        assert choice(await stage.quote())["by"] == "overruled"
        (event,) = stage.log.named("advice.overruled")
        assert (event["measure"], event["default"]) == ("worst", "min_variance")


async def test_a_plan_that_was_not_offered_leaves_the_default_and_is_told(stage: Stage) -> None:
    await stage.classic()
    stage.model.plan = "martingale"
    quote = await stage.quote()
    assert (quote.strategy, choice(quote)["by"]) == ("bands", "not_offered")
    (event,) = stage.log.named("advice.refused")
    assert event["plan"] == "martingale"


async def test_correlations_lower_the_payout_before_the_plans_are_compared(stage: Stage) -> None:
    for ticker in GAME:
        stage.exchange.holds(ticker, "0.50")
    await stage.save(ANN, *GAME)
    stage.model.plan = "min_variance"
    quote = await stage.quote(*GAME)
    assert (quote.payout, quote.strategy) == (Money.of("13.49"), "min_variance")
    facts = quote.advice["decision"]["facts"]
    assert facts["correlations"] == [{"first": 1, "second": 2, "rho": "0.5"}]
    offered = {plan.plan_id: plan for plan in stage.model.questions[0].plans}
    final = {plan["id"]: plan for plan in quote.advice["decision"]["decided"]["plans"]}
    assert str(offered["none"].ev) != final["none"]["ev"]
    assert replay(quote.advice["decision"]) == ()


async def test_nested_thresholds_are_priced_as_the_higher_one_without_the_model(tmp_path: Path) -> None:
    async with open_stage(tmp_path, OPENAI__CHOOSES_PLAN="false") as stage:
        await thresholds(stage, above(60), above(70))
        quote = await stage.quote(*HIGH)
        assert (quote.probability, quote.product) == (Decimal("0.15"), Decimal("0.0975"))
        assert quote.body["analysis"]["correlationSource"] == "structure"
        assert stage.model.questions == []


async def test_thresholds_that_contradict_each_other_are_refused(stage: Stage) -> None:
    await thresholds(stage, above(60), Strike(kind=StrikeKind.LESS, cap=Decimal(50)))
    with pytest.raises(BadRequest) as refused:
        await stage.quote(*HIGH)
    assert refused.value.code == "contradicting_thresholds"
    assert stage.model.questions == []


async def test_plans_are_sized_by_what_the_books_offer_within_an_orders_reach(stage: Stage) -> None:
    await stage.classic()
    stage.exchange.offers("KXC-1-NYY", ("0.65", "1"), ("0.67", "1"), ("0.68", "100"))
    stage.exchange.offers("KXB-1-BOS")
    quote = await stage.quote()
    assert [(int(leg.contracts.contracts), leg.skip) for leg in quote.legs] == [
        (0, "below_band"),
        (0, "no_depth"),
        (2, None),
    ]
    facts = quote.advice["decision"]["facts"]
    assert facts["books"]["KXC-1-NYY"] == [["0.6500", "1.00"], ["0.6700", "1.00"]]


async def test_orders_that_rest_are_not_sized_by_what_is_offered_already(tmp_path: Path) -> None:
    async with open_stage(tmp_path, HEDGING__TIME_IN_FORCE="good_till_canceled") as stage:
        await stage.classic()
        stage.exchange.offers("KXC-1-NYY", ("0.65", "1"), ("0.68", "100"))
        quote = await stage.quote()
        assert contracts(quote) == [0, 1, 3]
        # one at the ask, two at the limit
        assert quote.advice["decision"]["decided"]["plans"][1]["outlay"] == "2.51"


async def test_without_the_books_a_quote_goes_on_with_the_asks_and_says_so(stage: Stage) -> None:
    await stage.classic()
    stage.exchange.books_down = True
    quote = await stage.quote()
    assert contracts(quote) == [0, 1, 3]
    assert quote.advice["books_missed"] == "exchange_unavailable"
    assert quote.advice["decision"]["facts"]["books"] is None
    assert len(stage.log.named("books.missed")) == 1


async def test_fees_are_those_of_the_markets_series(stage: Stage) -> None:
    await stage.classic()
    whole = Money.of((await stage.quote()).advice["decision"]["decided"]["plans"][1]["fees"])
    stage.clock.elapsed_s = 3_700
    stage.exchange.multiplier = "0.5"
    for ticker, ask in CLASSIC.items():
        stage.exchange.holds(ticker, ask, close_time=NOW + timedelta(days=2))
    quote = await stage.quote()
    half = Money.of(quote.advice["decision"]["decided"]["plans"][1]["fees"])
    assert abs(half.micros * 2 - whole.micros) <= 400
    assert quote.advice["fees_assumed"] == []


async def test_another_stake_is_another_question_and_the_same_one_is_not_asked_twice(stage: Stage) -> None:
    await stage.classic()
    await stage.quote()
    await stage.quote()
    assert len(stage.model.questions) == 1
    await stage.quote(stake="6")
    assert len(stage.model.questions) == 2


async def test_a_model_that_does_not_answer_in_time_is_left_alone_for_a_moment_whatever_is_asked(
    stage: Stage,
) -> None:
    await stage.classic()
    stage.model.failure = NoAdvice.TIMEOUT
    await stage.quote()
    await stage.quote(stake="6")
    assert len(stage.model.questions) == 1
    stage.clock.elapsed_s = 11
    await stage.quote(stake="6")
    assert len(stage.model.questions) == 2


async def test_a_stake_that_leaves_too_little_is_refused_with_the_smallest_that_would_do(
    tmp_path: Path,
) -> None:
    async with open_stage(tmp_path, PRICING__MINIMUM_EDGE="0.01") as stage:
        await stage.classic()
        with pytest.raises(BadRequest) as refused:
            await stage.quote()
        assert refused.value.code == "below_minimum_edge"
        assert "1.00% of the stake, minimum_edge" in refused.value.details
        smallest = str(refused.value.context["smallest_stake_dollars"])
        assert f"Stake at least ${smallest}." in refused.value.details
        quote = await stage.quote(stake=smallest)
        assert (
            Money.of(stage.log.named("quote.created")[0]["edge_dollars"]).dollars >= quote.stake.dollars / 100
        )
        with pytest.raises(BadRequest):
            await stage.quote(stake=str(Money.of(smallest) - Money.cents(1)))


async def test_a_stake_that_one_more_contract_makes_too_dear_is_refused_with_the_smaller_one_that_does(
    tmp_path: Path,
) -> None:
    async with open_stage(tmp_path, PRICING__MINIMUM_EDGE="0") as stage:
        await stage.classic()
        with pytest.raises(BadRequest, match="at this stake") as refused:
            await stage.quote(stake="5.20")
        assert "Stake $5.16 instead." in refused.value.details
        await stage.quote(stake="5.16")


async def test_events_of_which_the_model_says_nothing_are_priced_as_if_independent(stage: Stage) -> None:
    for ticker in GAME:
        stage.exchange.holds(ticker, "0.50")
    await stage.save(ANN, *GAME)
    stage.model.mute = True
    analysis = (await stage.quote(*GAME)).body["analysis"]
    assert (analysis["correlationSource"], analysis["correlationReason"]) == ("product", "answered")


async def test_where_no_stake_would_do_the_refusal_says_so(tmp_path: Path) -> None:
    async with open_stage(tmp_path, PRICING__MINIMUM_EDGE="0.08") as stage:
        await stage.classic()
        with pytest.raises(BadRequest, match="can't be taken") as refused:
            await stage.quote()
        assert "No stake would do" in refused.value.details


async def test_an_edge_below_zero_is_sold_by_default_and_warned_of(stage: Stage) -> None:
    await stage.classic()
    await stage.quote()
    await stage.quote(stake="50")
    told = stage.log.named("quote.created")
    assert [event["edge_negative"] for event in told] == [True, False]
    assert [Money.of(event["edge_dollars"]) < Money.ZERO for event in told] == [True, False]
    assert [event in stage.log.warnings for event in told] == [True, False]


async def test_rolling_is_offered_where_the_legs_end_one_after_the_other(tmp_path: Path) -> None:
    async with open_stage(tmp_path, HEDGING__STRATEGY="rolling") as stage:
        await stage.classic()
        for hours, (ticker, ask) in enumerate(CLASSIC.items()):
            ends = NOW + timedelta(days=1, hours=4 * hours)
            changes = {"close_time": ends, "expected_expiration_time": ends}
            stage.exchange.holds(ticker, ask, **changes)
        quote = await stage.quote()
        assert quote.strategy == "rolling"
        assert [leg.skip for leg in quote.legs] == [None, "later_leg", "later_leg"]
        assert [plan.plan_id for plan in stage.model.questions[0].plans][-1] == "rolling"


async def test_legs_that_end_together_are_hedged_by_delta_instead_of_rolling(tmp_path: Path) -> None:
    async with open_stage(tmp_path, HEDGING__STRATEGY="rolling") as stage:
        await stage.classic()
        quote = await stage.quote()
        assert (quote.strategy, contracts(quote)) == ("delta", [4, 3, 2])
        assert quote.advice["decision"]["decided"]["not_rolling"]["reason"] == "no_expected_end"
