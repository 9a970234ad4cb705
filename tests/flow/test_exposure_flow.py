from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import select

from hedge_service.core.money import Money
from hedge_service.errors import Conflict
from hedge_service.flow.exposure import CapPassed
from hedge_service.store import market_facts
from hedge_service.store.exposure import everything
from hedge_service.store.schema import parlays, quotes
from tests.flow.back_stage import open_back_stage
from tests.flow.selling_stage import ANN, NOW, open_stage

if TYPE_CHECKING:
    from pathlib import Path

    from hedge_service.core.exposure import Exposure, MarketFacts
    from hedge_service.core.parlay import Quote
    from hedge_service.core.venue import Event
    from tests.flow.selling_stage import Stage

SMALL = {"LIMITS__MAX_PAYOUT_DOLLARS": "50", "LIMITS__MAX_STAKE_DOLLARS": "10"}
# Two markets of one game, and one each of two others; 2 legs at 50 cents pay 18 for a stake of 5.
SEA, BOS, NYY, OTHER = "KXGAME-1-SEA", "KXGAME-1-BOS", "KXGAME-2-NYY", "KXGAME-3-X"
TOMORROW = (NOW + timedelta(days=1)).date()


async def even_markets(stage: Stage) -> None:
    for ticker in (SEA, BOS, NYY, OTHER):
        stage.exchange.holds(ticker, "0.50")
    await stage.save(ANN, SEA, BOS, NYY, OTHER)


async def buy(stage: Stage, *tickers: str, stake: str = "5") -> Quote:
    """Quote these and open a checkout of it."""
    return await offered(stage, await stage.quote(*tickers, stake=stake))


async def offered(stage: Stage, quote: Quote) -> Quote:
    await stage.open(quote, bet_ids=tuple(leg.bet.id for leg in quote.legs))
    return quote


async def exposed(stage: Stage) -> Exposure:
    return await stage.database.read(lambda tx: everything(tx, stage.clock.now()))


async def facts(stage: Stage, *tickers: str) -> dict[str, MarketFacts]:
    return await stage.database.read(lambda tx: market_facts.known(tx, tickers))


async def test_a_quote_that_would_pass_a_markets_cap_is_refused_with_its_name(tmp_path: Path) -> None:
    async with open_stage(tmp_path, LIMITS__MAX_MARKET_EXPOSURE_DOLLARS="30", **SMALL) as stage:
        await even_markets(stage)
        await buy(stage, SEA, NYY)
        with pytest.raises(Conflict, match="not taken for now") as refused:
            await stage.quote(SEA, NYY)
        assert refused.value.code == "market_exposure_cap"
        assert f"one market: {SEA} (max_market_exposure_dollars)" in refused.value.details
        assert refused.value.context == {
            "limit": "max_market_exposure_dollars",
            "name": SEA,
            "used_dollars": "18.00",
            "asked_dollars": "36.00",
            "cap_dollars": "30.00",
        }
        rows = await stage.database.read(lambda tx: tx.execute(select(quotes.c.id)).all())
        assert len(rows) == 1
        assert (await stage.quote(SEA, NYY, stake="3")).payout == Money.of("10.80")


async def test_an_events_cap_is_held_against_the_worse_of_markets_that_exclude_each_other(
    tmp_path: Path,
) -> None:
    async with open_stage(tmp_path, LIMITS__MAX_EVENT_EXPOSURE_DOLLARS="36", **SMALL) as stage:
        await even_markets(stage)
        stage.exchange.exclusive = {"KXGAME-1"}
        await buy(stage, SEA, NYY)
        await buy(stage, BOS, OTHER, stake="6")
        assert (await exposed(stage)).event("KXGAME-1") == Money.of("21.60")
        assert {each.exclusive for each in (await facts(stage, SEA, BOS)).values()} == {True}


async def test_an_event_whose_markets_may_all_win_is_refused_by_its_cap(tmp_path: Path) -> None:
    async with open_stage(tmp_path, LIMITS__MAX_EVENT_EXPOSURE_DOLLARS="36", **SMALL) as stage:
        await even_markets(stage)
        await buy(stage, SEA, NYY)
        with pytest.raises(CapPassed) as refused:
            await stage.quote(BOS, OTHER, stake="6")
        assert refused.value.code == "event_exposure_cap"
        assert refused.value.context["name"] == "KXGAME-1"


async def test_an_event_that_could_not_be_read_is_read_again_before_its_cap_refuses(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with open_stage(tmp_path, LIMITS__MAX_EVENT_EXPOSURE_DOLLARS="36", **SMALL) as stage:
        await even_markets(stage)
        stage.exchange.exclusive = {"KXGAME-1"}
        slow, told = set[str](), stage.exchange.event

        async def event(name: str) -> Event | None:
            """Tell nothing the first two times."""
            first = sum(one.startswith(name) for one in slow) < 2
            slow.add(f"{name}/{len(slow)}")
            return None if first else await told(name)

        monkeypatch.setattr(stage.exchange, "event", event)
        await buy(stage, SEA, NYY)
        assert {each.exclusive for each in (await facts(stage, SEA)).values()} == {None}
        await buy(stage, BOS, OTHER, stake="6")
        assert {each.exclusive for each in (await facts(stage, SEA, BOS)).values()} == {True}


async def test_while_the_exchange_does_not_tell_an_event_counts_as_the_sum(tmp_path: Path) -> None:
    async with open_stage(tmp_path, LIMITS__MAX_EVENT_EXPOSURE_DOLLARS="36", **SMALL) as stage:
        await even_markets(stage)
        silent = ("KXGONE-1-X", "KXGONE-1-Y")
        for ticker in silent:
            stage.exchange.holds(ticker, "0.50")
        await stage.save(ANN, *silent)
        await buy(stage, silent[0], NYY)
        with pytest.raises(CapPassed) as refused:
            await stage.quote(silent[1], OTHER, stake="6")
        assert refused.value.context["name"] == "KXGONE-1"


async def test_a_days_cap_counts_the_day_on_which_the_last_leg_expires(tmp_path: Path) -> None:
    async with open_stage(tmp_path, LIMITS__MAX_DAY_EXPOSURE_DOLLARS="30", **SMALL) as stage:
        await even_markets(stage)
        await buy(stage, SEA, NYY)
        with pytest.raises(CapPassed) as refused:
            await stage.quote(SEA, NYY)
        assert refused.value.code == "day_exposure_cap"
        assert refused.value.context["name"] == "2026-11-23"
        # Expected a day after its market closes: that is when it may have to be paid.
        stage.exchange.holds(OTHER, "0.50", expected_expiration_time=NOW + timedelta(days=2))
        await buy(stage, SEA, OTHER)
        held = await exposed(stage)
        assert held.days == {TOMORROW: Money.of(18), TOMORROW + timedelta(days=1): Money.of(18)}


async def test_sessions_opened_at_once_stay_under_the_caps(tmp_path: Path) -> None:
    async with open_stage(tmp_path, LIMITS__MAX_MARKET_EXPOSURE_DOLLARS="40", **SMALL) as stage:
        await even_markets(stage)
        quoted = [await stage.quote(SEA, NYY) for _ in range(4)]
        opening = (offered(stage, quote) for quote in quoted)
        results = await asyncio.gather(*opening, return_exceptions=True)
        refused = [result for result in results if isinstance(result, CapPassed)]
        assert {error.code for error in refused} == {"market_exposure_cap"}
        assert len(refused) == 2
        # Sessions that can't be paid any more reserve nothing.
        stage.clock.elapsed_s = 3_600
        await stage.quote(SEA, NYY)


@pytest.mark.parametrize("cap", ["market", "event", "day"])
async def test_a_payment_that_no_longer_fits_under_a_cap_of_exposure_goes_back(
    tmp_path: Path, cap: str
) -> None:
    async with open_back_stage(tmp_path) as stage:
        _, checkout = await stage.checkout()
        event = stage.pay(checkout)
    lowered = {f"LIMITS__MAX_{cap.upper()}_EXPOSURE_DOLLARS": "20", **SMALL}
    async with open_back_stage(tmp_path, **lowered) as stage:
        stage.selling.exchange.holds("KXA-1-SEA", "0.43")
        await stage.deliver(event)
        due = await stage.due(checkout)
        assert due is not None
        assert due.reason == f"{cap}_exposure_cap"
        assert await stage.parlay(checkout) is None
        assert (await exposed(stage.selling)).events == {}


async def test_an_accepted_parlay_keeps_the_day_on_which_it_should_end(tmp_path: Path) -> None:
    async with open_back_stage(tmp_path) as stage:
        await stage.sold()
        held = await exposed(stage.selling)
        assert held.days == {TOMORROW: Money.of("30.96")}
        assert {ticker: held.event(ticker) for ticker in held.events} == dict.fromkeys(
            ("KXA-1", "KXB-1", "KXC-1"), Money.of("30.96")
        )
        found = await stage.database.read(lambda tx: tx.execute(select(parlays.c.ends_ms)).scalars().all())
        assert found != [None]
