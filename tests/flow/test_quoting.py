from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import func, select

from hedge_service.clients.advisor import NoAdvice
from hedge_service.core.market import MarketStatus, Side
from hedge_service.core.money import Money
from hedge_service.core.parlay import AskedLeg
from hedge_service.errors import BadRequest, Conflict, NotReady, PeerUnavailable, TooMany
from hedge_service.flow.ratelimit import PerMinute
from hedge_service.store import quotes
from hedge_service.store.schema import model_calls
from hedge_service.store.schema import quotes as quotes_table
from tests.flow.selling_stage import ANN, BOB, CLASSIC, NOW, Hands, Stage, asked, open_stage

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from hedge_service.core.parlay import Quote

GAME = ("KXNFL-1-SEA", "KXNFL-1-OVER")


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[Stage]:
    async with open_stage(tmp_path) as opened:
        yield opened


async def same_game(stage: Stage, first: str = "0.50", second: str = "0.50") -> None:
    """Put up two markets of one event and save a bet on each."""
    stage.exchange.holds(GAME[0], first)
    stage.exchange.holds(GAME[1], second)
    await stage.save(ANN, *GAME)


async def stored(stage: Stage, quote_id: str) -> Quote | None:
    return await stage.database.read(lambda tx: quotes.get(tx, quote_id))


async def counted(stage: Stage, table: Any) -> int:
    rows = select(func.count()).select_from(table)
    return int(await stage.database.read(lambda tx: tx.execute(rows).scalar_one()))


async def test_the_classic_parlay_is_priced_hedged_and_stored(stage: Stage) -> None:
    await stage.classic()
    quote = await stage.quote()
    assert quote.payout == Money.of("30.96")
    assert [(leg.ask.dollars, leg.amount, leg.contracts.contracts, leg.skip) for leg in quote.legs] == [
        (Decimal("0.43"), Money.ZERO, Decimal(0), "below_band"),
        (Decimal("0.52"), Money.of("0.75"), Decimal(1), None),
        (Decimal("0.65"), Money.of("2.00"), Decimal(3), None),
    ]
    assert quote.user_id == ANN
    assert await stored(stage, quote.id) == quote
    assert quote.body["quoteId"] == quote.id
    assert quote.expires_at == NOW + timedelta(seconds=300)


async def test_the_event_of_a_quote_shows_its_price_and_the_edge(stage: Stage) -> None:
    await stage.classic()
    quote = await stage.quote()
    (event,) = stage.log.named("quote.created")
    assert event["quote_id"] == quote.id
    assert (event["stake_dollars"], event["payout_dollars"]) == ("5.00", "30.96")
    # 5 - 0.45 (card) - 30.96 * 0.14534 - 0.0175 - 0.0478 (fees of 1 at 52 cents, 3 at 65 cents)
    assert Money.of("-0.0152") < Money.of(event["edge_dollars"]) < Money.of("-0.0150")
    assert quote.body["house"]["warning"] is not None
    assert ANN not in str(stage.log.events)


async def test_legs_are_repriced_by_one_read_and_never_by_what_the_page_showed(stage: Stage) -> None:
    await stage.classic()
    await stage.quote()
    assert stage.exchange.reads == [list(CLASSIC)]
    assert stage.exchange.book_reads == [list(CLASSIC)]
    stage.exchange.holds("KXA-1-SEA", "0.86")
    assert (await stage.quote()).legs[0].ask.dollars == Decimal("0.86")


async def test_independent_legs_never_ask_the_model_unless_it_chooses_the_plan(tmp_path: Path) -> None:
    async with open_stage(tmp_path, OPENAI__CHOOSES_PLAN="false") as stage:
        await stage.classic()
        quote = await stage.quote()
        assert stage.model.questions == []
        assert (quote.advice["asked"], quote.strategy) == (False, "bands")
        assert quote.body["analysis"]["correlationSource"] == "independent"


async def test_legs_of_one_event_cost_what_the_model_says_they_share(stage: Stage) -> None:
    await same_game(stage)
    quote = await stage.quote(*GAME)
    # Two even outcomes at a correlation of 0.5 hit together with probability 1/3 (rounded up a little).
    assert abs(quote.probability - Decimal(1) / 3) < Decimal("0.0001")
    assert quote.product == Decimal("0.25")
    assert quote.payout == Money.of("13.49")
    assert quote.body["analysis"]["correlationSource"] == "model"
    assert quote.advice["response_id"] == "resp_1"


async def test_the_model_reads_the_exchanges_titles_and_never_the_pages(stage: Stage) -> None:
    await same_game(stage)
    await stage.quote(*GAME)
    (question,) = stage.model.questions
    assert [leg.market_title for leg in question.legs] == [
        f"The exchange's title of {ticker}" for ticker in GAME
    ]
    assert question.legs[0].event_title == "Event KXNFL-1"
    assert "Game of" not in question.message()


async def test_a_negative_correlation_never_raises_a_payout(stage: Stage) -> None:
    await same_game(stage)
    stage.model.rho = "-0.7"
    assert (await stage.quote(*GAME)).payout == Money.of("18.00")


async def test_two_identical_requests_at_once_give_two_quotes_and_one_model_call(stage: Stage) -> None:
    await same_game(stage)
    first, second = await asyncio.gather(stage.quote(*GAME), stage.quote(*GAME))
    assert first.id != second.id
    assert first.fingerprint == second.fingerprint
    assert first.payout == second.payout
    assert await stored(stage, first.id) == first
    assert await stored(stage, second.id) == second
    # Whether the second comes while the first still reads the market is up to the machine's load.
    assert len(stage.model.questions) == 1
    assert await counted(stage, model_calls) == 1


async def test_a_second_request_soon_after_reads_new_prices_and_asks_no_model(stage: Stage) -> None:
    await same_game(stage)
    await stage.quote(*GAME)
    stage.clock.elapsed_s = 30
    await stage.quote(*GAME)
    assert (len(stage.exchange.reads), len(stage.model.questions)) == (2, 1)
    stage.clock.elapsed_s = 90
    await stage.quote(*GAME)
    assert len(stage.model.questions) == 2


async def test_a_popup_that_closes_leaves_the_other_request_its_answer(stage: Stage) -> None:
    await same_game(stage)
    stage.model.hold = asyncio.Event()
    leaving = asyncio.create_task(stage.quote(*GAME))
    staying = asyncio.create_task(stage.quote(*GAME))
    while not stage.model.questions:  # noqa: ASYNC110 - the fake has no event of its own
        await asyncio.sleep(0)
    leaving.cancel()
    stage.model.hold.set()
    assert (await staying).payout == Money.of("13.49")
    assert leaving.cancelled()


@pytest.mark.parametrize("failure", [NoAdvice.TIMEOUT, NoAdvice.REFUSAL, NoAdvice.WRONG_SHAPE])
async def test_without_the_models_answer_the_product_is_priced_and_marked(
    stage: Stage, failure: NoAdvice
) -> None:
    await same_game(stage)
    stage.model.failure = failure
    quote = await stage.quote(*GAME)
    assert quote.payout == Money.of("18.00")
    analysis = quote.body["analysis"]
    assert (analysis["correlationSource"], analysis["correlationReason"]) == ("product", failure.value)
    assert quote.advice["reason"] == failure.value


async def test_a_failed_model_is_asked_again_after_a_moment(stage: Stage) -> None:
    await same_game(stage)
    stage.model.failure = NoAdvice.TIMEOUT
    await stage.quote(*GAME)
    await stage.quote(*GAME)
    assert len(stage.model.questions) == 1
    stage.clock.elapsed_s, stage.model.failure = 15, None
    assert (await stage.quote(*GAME)).payout == Money.of("13.49")


async def test_a_model_that_is_switched_off_is_never_asked_nor_counted(stage: Stage) -> None:
    await same_game(stage)
    stage.model.silent = NoAdvice.NO_KEY
    quote = await stage.quote(*GAME)
    assert quote.body["analysis"]["correlationReason"] == "no_key"
    assert (stage.model.questions, await counted(stage, model_calls)) == ([], 0)


async def test_past_the_days_budget_quotes_go_on_without_the_model(tmp_path: Path) -> None:
    async with open_stage(tmp_path, LIMITS__MODEL_CALLS_PER_DAY="1") as stage:
        await same_game(stage)
        await stage.quote(*GAME)
        stage.clock.elapsed_s = 120
        quote = await stage.quote(*GAME)
        assert quote.body["analysis"]["correlationReason"] == "over_budget"
        assert len(stage.model.questions) == 1
        stage.clock.elapsed_s = 86_401
        stage.exchange.holds(GAME[0], "0.5", close_time=NOW + timedelta(days=9))
        stage.exchange.holds(GAME[1], "0.5", close_time=NOW + timedelta(days=9))
        assert (await stage.quote(*GAME)).body["analysis"]["correlationSource"] == "model"


async def test_outcomes_that_exclude_each_other_are_refused_before_the_model_is_asked(stage: Stage) -> None:
    await same_game(stage)
    stage.exchange.exclusive.add("KXNFL-1")
    with pytest.raises(BadRequest, match="can't win together") as refused:
        await stage.quote(*GAME)
    assert "Legs 1 and 2" in refused.value.details
    assert stage.model.questions == []


async def test_the_event_is_read_once_for_many_quotes(stage: Stage) -> None:
    await same_game(stage)
    await stage.quote(*GAME)
    await stage.quote(*GAME)
    assert stage.exchange.event_reads == ["KXNFL-1"]


async def test_an_event_the_exchange_does_not_tell_about_is_not_priced(stage: Stage) -> None:
    stage.exchange.holds("KXGONE-1-A", "0.5")
    stage.exchange.holds("KXGONE-1-B", "0.5")
    await stage.save(ANN, "KXGONE-1-A", "KXGONE-1-B")
    with pytest.raises(PeerUnavailable):
        await stage.quote("KXGONE-1-A", "KXGONE-1-B")


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"status": MarketStatus.INACTIVE}, "inactive"),
        ({"status": MarketStatus.OTHER}, "other"),
        ({"status": MarketStatus.FINALIZED}, "finalized"),
        ({"close_time": NOW}, "past its close"),
        ({"yes_ask": None}, "nobody offers"),
        ({"market_type": "scalar"}, "all or nothing"),
    ],
)
async def test_a_leg_that_can_not_be_bought_now_is_named(
    stage: Stage, changes: dict[str, Any], reason: str
) -> None:
    await stage.classic()
    stage.exchange.holds("KXB-1-BOS", "0.52", **changes)
    with pytest.raises(Conflict) as refused:
        await stage.quote()
    assert refused.value.details.startswith("Leg 2, BOS (KXB-1-BOS)")
    assert reason in refused.value.details
    assert await counted(stage, quotes_table) == 0


async def test_a_market_the_exchange_no_longer_knows_is_named(stage: Stage) -> None:
    await stage.classic()
    del stage.exchange.found["KXC-1-NYY"]
    with pytest.raises(Conflict, match="can't be taken now") as refused:
        await stage.quote()
    assert "Leg 3" in refused.value.details


async def test_a_market_that_can_not_be_read_is_the_exchanges_fault(stage: Stage) -> None:
    await stage.classic()
    del stage.exchange.found["KXC-1-NYY"]
    stage.exchange.unreadable["KXC-1-NYY"] = "close_time is missing"
    with pytest.raises(PeerUnavailable) as refused:
        await stage.quote()
    assert "Leg 3" in refused.value.details


async def test_without_the_exchange_nothing_is_quoted(stage: Stage) -> None:
    await stage.classic()
    stage.exchange.down = True
    with pytest.raises(PeerUnavailable):
        await asyncio.gather(stage.quote(), stage.quote())
    stage.exchange.down = False
    assert (await stage.quote()).payout == Money.of("30.96")


async def test_while_nothing_may_be_sold_nothing_is_read(stage: Stage) -> None:
    await stage.classic()
    stage.closed = NotReady("Halted")
    with pytest.raises(NotReady):
        await stage.quote()
    assert stage.exchange.reads == []


async def test_a_no_bet_is_priced_at_the_no_ask(stage: Stage) -> None:
    stage.exchange.holds("KXA-1-SEA", "0.43")
    await stage.save(ANN, "KXA-1-SEA", side=Side.NO)
    assert (await stage.quote("KXA-1-SEA")).legs[0].ask.dollars == Decimal("0.57")


async def test_bets_nobody_saved_are_unknown(stage: Stage) -> None:
    await stage.save(ANN, "KXA-1-SEA")
    with pytest.raises(BadRequest, match="not known"):
        await stage.quote("KXA-1-SEA", "KXB-1-BOS")


async def test_look_alike_bets_of_strangers_disturb_nobody(stage: Stage) -> None:
    await stage.classic()
    for number in range(250):
        user = f"user_{number}_stranger"
        await stage.save(user, f"KXEVIL-{number}-A", titled="KXA-1-SEA")
    assert (await stage.quote()).user_id == ANN


async def test_the_same_bets_of_two_users_give_a_quote_for_either(stage: Stage) -> None:
    await stage.classic(ANN)
    await stage.classic(BOB)
    assert (await stage.quote()).user_id == ""
    assert (await stage.quote(user=BOB)).user_id == BOB


async def test_different_bets_of_the_same_names_are_ambiguous(stage: Stage) -> None:
    stage.exchange.holds("KXA-1-SEA", "0.5")
    await stage.save(ANN, "KXA-1-SEA")
    await stage.save(BOB, "KXA-2-SEA", titled="KXA-1-SEA")
    with pytest.raises(BadRequest) as refused:
        await stage.quote("KXA-1-SEA")
    assert refused.value.code == "ambiguous"
    assert (await stage.quote("KXA-1-SEA", user=ANN)).legs[0].bet.ticker == "KXA-1-SEA"


async def test_a_newer_clients_user_is_asked_for_own_bets_only(stage: Stage) -> None:
    await stage.classic(ANN)
    with pytest.raises(BadRequest, match="not known"):
        await stage.quote(user=BOB)


async def test_the_same_market_twice_is_refused(stage: Stage) -> None:
    await stage.classic()
    with pytest.raises(BadRequest) as refused:
        await stage.quote("KXA-1-SEA", "KXA-1-SEA")
    assert refused.value.code == "same_market_twice"


async def test_both_sides_of_a_market_are_refused(stage: Stage) -> None:
    await stage.save(ANN, "KXA-1-SEA")
    await stage.save(ANN, "KXA-1-SEA", side=Side.NO, option_label="not SEA")
    no = AskedLeg(market_title="Game of KXA-1-SEA", option_label="not SEA")
    both = asked("KXA-1-SEA")
    with pytest.raises(BadRequest) as refused:
        await stage.quoting.quote(replace(both, legs=(*both.legs, no)), address="a")
    assert refused.value.code == "both_sides_of_a_market"


async def test_bets_of_another_environment_are_refused(stage: Stage) -> None:
    stage.exchange.holds("KXA-1-SEA", "0.43")
    await stage.save(ANN, "KXA-1-SEA", environment="production")
    with pytest.raises(BadRequest) as refused:
        await stage.quote("KXA-1-SEA")
    assert refused.value.code == "wrong_environment"


async def test_the_sandbox_takes_the_environment_it_is_told(tmp_path: Path) -> None:
    base = "http://127.0.0.1:9/trade-api/v2"
    async with open_stage(tmp_path, KALSHI__ENVIRONMENT="sandbox", KALSHI__BASE_URL=base) as stage:
        stage.exchange.holds("KXA-1-SEA", "0.43")
        await stage.save(ANN, "KXA-1-SEA", environment="production")
        assert (await stage.quote("KXA-1-SEA")).environment == "sandbox"


async def test_too_many_legs_and_too_large_stakes_name_their_limit(tmp_path: Path) -> None:
    async with open_stage(tmp_path, LIMITS__MAX_LEGS="2", LIMITS__MAX_STAKE_DOLLARS="50") as stage:
        await stage.classic()
        with pytest.raises(BadRequest, match="Too many bets") as many:
            await stage.quote()
        assert "max_legs" in many.value.details
        with pytest.raises(BadRequest, match="too large") as large:
            await stage.quote("KXA-1-SEA", stake="50.01")
        assert "$50.00 (max_stake_dollars)" in large.value.details


async def test_a_payout_over_the_cap_tells_the_largest_stake(tmp_path: Path) -> None:
    async with open_stage(
        tmp_path, LIMITS__MAX_PAYOUT_DOLLARS="150", LIMITS__MAX_STAKE_DOLLARS="100"
    ) as stage:
        await stage.classic()
        with pytest.raises(BadRequest, match="Payout is too large") as refused:
            await stage.quote(stake="100")
        assert "max_payout_dollars" in refused.value.details
        assert "Stake at most $24.22" in refused.value.details
        assert (await stage.quote(stake="24.22")).payout <= Money.of(150)


async def test_a_parlay_that_pays_no_profit_is_not_offered(stage: Stage) -> None:
    stage.exchange.holds("KXA-1-SEA", "0.95")
    await stage.save(ANN, "KXA-1-SEA")
    with pytest.raises(Conflict, match="no profit"):
        await stage.quote("KXA-1-SEA")


async def test_what_is_owed_with_open_checkouts_is_capped(tmp_path: Path) -> None:
    limits = {
        "LIMITS__MAX_OPEN_PAYOUT_DOLLARS": "60",
        "LIMITS__MAX_PAYOUT_DOLLARS": "50",
        "LIMITS__MAX_STAKE_DOLLARS": "10",
    }
    async with open_stage(tmp_path, **limits) as stage:
        await stage.classic()
        await stage.open(await stage.quote())
        with pytest.raises(Conflict) as refused:
            await stage.quote()
        assert "max_open_payout_dollars" in refused.value.details


async def test_one_address_asks_only_so_often(tmp_path: Path) -> None:
    async with open_stage(tmp_path, LIMITS__QUOTES_PER_MINUTE_PER_ADDRESS="2") as stage:
        await stage.classic()
        await stage.quote()
        stage.clock.elapsed_s = 20
        await stage.quote()
        with pytest.raises(TooMany) as refused:
            await stage.quote()
        assert refused.value.retry_after_s == 40
        await stage.quoting.quote(asked(*CLASSIC), address="127.0.0.2")
        stage.clock.elapsed_s = 60
        await stage.quote()


def test_the_limit_remembers_only_so_many_addresses() -> None:
    limit = PerMinute(most=1, clock=Hands(), most_addresses=2)
    for address in ("a", "b", "c"):
        limit.admit(address)
    limit.admit("a")
    with pytest.raises(TooMany):
        limit.admit("c")
