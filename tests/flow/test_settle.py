"""Settlement against the exchange stand-in: final results only, once, to the cent, and finished later."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from hedge_service.core.ledger import Account
from hedge_service.core.money import Money, Price
from hedge_service.core.settlement import Ending, VoidRule
from hedge_service.core.venue import MarketList
from hedge_service.errors import Peer, PeerUnavailable
from hedge_service.store import journal, leases, positions, refunds, results
from hedge_service.store.db import Database
from tests.empty_database import put_empty_database
from tests.flow.settle_stage import ACCOUNT, open_settle_stage
from tests.store.parlay_samples import intent_of

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable
    from pathlib import Path

    from hedge_service.core.market import Market
    from tests.flow.settle_stage import SettleStage

SEA = "KXNFLGAME-26NOV29SEALA-SEA"
BOS = "KXNBAGAME-26NOV29BOSNYK-BOS"
WARM = "KXHIGHNY-26NOV29-T60"
HOT = "KXHIGHNY-26NOV29-T70"
SHARE = "KXTURNOUT-26NOV29-SHARE"


@pytest.fixture
async def settling(tmp_path: Path) -> AsyncIterator[SettleStage]:
    async with open_settle_stage(tmp_path) as opened:
        yield opened


class Reads:
    """The exchange as this test wants it to look: some markets gone, some reads failing."""

    def __init__(self, settling: SettleStage, *, gone: Iterable[str] = (), down: bool = False) -> None:
        self._client = settling.client
        self.gone = set(gone)
        self.down = down

    async def markets(self, tickers: Iterable[str]) -> MarketList:
        if self.down:
            raise PeerUnavailable(Peer.EXCHANGE, reason="down")
        found = await self._client.markets(tickers)
        kept = {ticker: market for ticker, market in found.found.items() if ticker not in self.gone}
        return MarketList(found=kept, unreadable=found.unreadable)

    async def historical_market(self, ticker: str) -> Market | None:
        return await self._client.historical_market(ticker)

    async def settlements(self, *, ticker: str | None = None) -> list[Any]:
        return await self._client.settlements(ticker=ticker)


async def test_a_parlay_is_won_only_when_every_leg_is_final_and_won(settling: SettleStage) -> None:
    parlay = await settling.parlay(SEA, BOS)
    await settling.settle(SEA, "yes")
    await settling.settler.step()
    assert await settling.state(parlay) == "open"
    await settling.settle(BOS, "yes")
    await settling.settler.step()
    assert await settling.state(parlay) == "won"
    [won] = settling.log.named("parlay.won")
    assert (won["parlay_id"], won["reason"], won["payout_dollars"]) == (parlay.id, "all_legs_won", "30.00")
    balances = await settling.balances()
    assert balances[Account.PAYOUTS] == Money.of(25)
    assert balances[Account.OWED] == Money.of(-25)


async def test_determined_disputed_and_amended_results_are_not_final(settling: SettleStage) -> None:
    parlay = await settling.parlay(SEA)
    for status, result in (("determined", "no"), ("disputed", "no"), ("amended", "yes")):
        await settling.settle(SEA, result, status=status)
        await settling.settler.step()
        [leg] = await settling.legs(parlay)
        assert (leg.market_status, leg.paid, leg.settled_at) == (status, None, None)
        assert leg.checked_at == settling.clock.now()
        assert await settling.state(parlay) == "open"
    await settling.settle(SEA, "yes")
    await settling.settler.step()
    [leg] = await settling.legs(parlay)
    assert (leg.market_status, leg.paid) == ("finalized", Price.of(1))
    assert await settling.state(parlay) == "won"


async def test_a_lost_leg_ends_the_parlay_at_once(settling: SettleStage) -> None:
    parlay = await settling.parlay(SEA, BOS, WARM)
    await settling.settle(BOS, "no")
    await settling.settler.step()
    assert await settling.state(parlay) == "lost"
    [lost] = settling.log.named("parlay.lost")
    assert (lost["leg"], lost["ticker"], lost["stake_dollars"]) == (2, BOS, "5.00")
    assert (await settling.balances())[Account.STAKES] == Money.of(-5)


async def test_nothing_more_is_bought_for_a_parlay_that_has_ended(settling: SettleStage) -> None:
    parlay = await settling.parlay(SEA, BOS)
    intent = intent_of(parlay, leg=2, created_at=settling.clock.now())
    await settling.database.write(lambda tx: journal.put_intent(tx, intent))
    await settling.settle(SEA, "no")
    await settling.settler.step()
    kept, _ = await settling.database.read(lambda tx: journal.load(tx, intent.id))
    assert kept.expires_at == settling.clock.now()


async def test_the_other_legs_of_a_lost_parlay_are_settled_too_and_change_nothing(
    settling: SettleStage,
) -> None:
    parlay = await settling.parlay(SEA, BOS)
    await settling.settle(BOS, "no")
    await settling.settler.step()
    await settling.settle(SEA, "yes")
    await settling.settler.step()
    assert [leg.paid for leg in await settling.legs(parlay)] == [Price.of(1), Price.of(0)]
    assert await settling.state(parlay) == "lost"
    assert len(settling.log.named("parlay.lost")) == 1


async def test_a_no_leg_wins_when_its_market_ends_in_no(settling: SettleStage) -> None:
    won, lost = await settling.parlay(no=(SEA,)), await settling.parlay(BOS, no=(WARM,))
    await settling.settle(SEA, "no")
    await settling.settle(WARM, "yes")
    await settling.settler.step()
    assert (await settling.state(won), await settling.state(lost)) == ("won", "lost")
    [leg] = await settling.legs(won)
    assert (leg.value_micros, leg.paid) == (0, Price.of(1))


@pytest.mark.parametrize(("rule", "state"), [(VoidRule.REFUND, "void"), (VoidRule.LOST, "lost")])
async def test_a_void_leg_follows_the_configured_rule(
    settling: SettleStage, rule: VoidRule, state: str
) -> None:
    parlay = await settling.parlay(SEA, SHARE)
    await settling.settle(SEA, "yes")
    await settling.settle(SHARE, "scalar", "0.4000")
    await settling.process(rule=rule).step()
    assert await settling.state(parlay) == state
    due = await settling.database.read(lambda tx: refunds.get(tx, parlay.session_id))
    assert (due is not None) == (rule is VoidRule.REFUND)
    if due is not None:
        assert (due.parlay_id, due.amount_cents, due.state.value) == (parlay.id, 500, "due")
        assert due.payment_intent == f"pi_{parlay.session_id}"
        [voided] = settling.log.named("parlay.voided")
        assert (voided["parlay_id"], voided["reason"]) == (parlay.id, "leg_void")


async def test_lost_wins_over_void_whichever_settles_first(settling: SettleStage) -> None:
    parlay = await settling.parlay(SEA, SHARE)
    await settling.settle(SHARE, "scalar", "0.4000")
    await settling.settler.step()
    assert await settling.state(parlay) == "open"
    await settling.settle(SEA, "no")
    await settling.settler.step()
    assert await settling.state(parlay) == "lost"
    assert await settling.database.read(lambda tx: refunds.get(tx, parlay.session_id)) is None


@pytest.mark.parametrize("result", ["yes", "no"])
async def test_positions_on_both_sides_are_paid_to_the_cent(settling: SettleStage, result: str) -> None:
    await settling.buy(SEA, count="10.00", price="0.4500")
    await settling.buy(WARM, count="3.00", side="ask", price="0.6000")
    await settling.settle(SEA, result)
    await settling.settle(WARM, result)
    await settling.settler.step()
    balances = await settling.balances()
    assert balances[Account.EXCHANGE_CASH].micros == settling.cash_change()
    assert balances[Account.POSITIONS] == Money.ZERO
    assert await settling.database.read(positions.everything) == {}
    paid = {line["ticker"]: line for line in settling.log.named("market.settled")}
    assert paid[SEA]["revenue_dollars"] == ("10.00" if result == "yes" else "0.00")
    assert paid[WARM]["revenue_dollars"] == ("0.00" if result == "yes" else "3.00")
    assert (paid[WARM]["side"], paid[WARM]["contracts"]) == ("no", "3.00")


@pytest.mark.parametrize("value", ["0.3333", "0.0001", "0.9999", "0.5000", "0.0000", "1.0000"])
async def test_scalar_positions_are_paid_as_the_exchange_rounds(settling: SettleStage, value: str) -> None:
    await settling.buy(SHARE, count="7.37", price="0.6500")
    await settling.settle(SHARE, "scalar", value)
    await settling.settler.step()
    assert (await settling.balances())[Account.EXCHANGE_CASH].micros == settling.cash_change()
    settling.exchange.clock.forward(11)
    await settling.settler.step()
    assert settling.log.named("settlement.differed") == []


async def test_a_fill_told_after_its_market_settled_is_settled_too_and_once(settling: SettleStage) -> None:
    await settling.buy(SEA, count="2.00", price="0.4500")
    await settling.exchange.created(ticker=SEA, count="5.00", price="0.4500")
    await settling.exchange.created(ticker=SEA, count="1.00", side="ask", price="0.3500")
    await settling.settle(SEA, "yes")
    await settling.settler.step()
    assert (await settling.balances())[Account.EXCHANGE_CASH].micros != settling.cash_change()
    await settling.book_fills()
    await settling.settler.step()
    balances = await settling.balances()
    assert balances[Account.EXCHANGE_CASH].micros == settling.cash_change()
    assert balances[Account.POSITIONS] == Money.ZERO
    before = await settling.rows()
    await settling.book_fills()
    await settling.settler.step()
    assert await settling.rows() == before
    settling.exchange.clock.forward(11)
    await settling.settler.step()
    assert settling.log.named("settlement.differed") == []


async def test_a_second_run_changes_nothing(settling: SettleStage) -> None:
    for tickers in ((SEA, BOS), (SEA, SHARE), (WARM,)):
        await settling.parlay(*tickers)
    await settling.buy(SEA, count="4.00", price="0.4500")
    await settling.settle(SEA, "yes")
    await settling.settle(BOS, "yes")
    await settling.settle(SHARE, "scalar", "0.5000")
    await settling.settler.step()
    settling.exchange.clock.forward(11)
    await settling.settler.step()
    rows, said = await settling.rows(), list(settling.log.events)
    for process in (settling.settler, settling.process()):
        await process.step()
    assert await settling.rows() == rows
    assert settling.log.events == said


async def test_two_loops_at_once_settle_once(settling: SettleStage) -> None:
    parlay = await settling.parlay(SEA)
    await settling.buy(SEA, count="4.00", price="0.4500")
    await settling.settle(SEA, "yes")
    await asyncio.gather(*(settling.process().step() for _ in range(5)))
    assert await settling.state(parlay) == "won"
    assert len(settling.log.named("parlay.won")) == 1
    assert (await settling.balances())[Account.EXCHANGE_CASH].micros == settling.cash_change()


async def test_what_a_killed_run_left_undone_is_finished_by_the_next(settling: SettleStage) -> None:
    parlay = await settling.parlay(SEA)
    await settling.buy(SEA, count="4.00", price="0.4500")
    await settling.settle(SEA, "yes")
    # Legs settled, and the process gone before the parlay and the position were touched.
    end = results.MarketResult(ticker=SEA, ending=Ending("yes", Price.of(1)), settled_at=settling.clock.now())
    await settling.database.write(
        lambda tx: (results.put(tx, end), results.settle_legs(tx, end, end.settled_at))
    )
    assert await settling.state(parlay) == "open"
    await settling.process(reads=Reads(settling, down=True)).step()
    assert await settling.state(parlay) == "won"
    assert (await settling.balances())[Account.EXCHANGE_CASH].micros == settling.cash_change()


async def test_an_exchange_that_cannot_be_asked_is_asked_again(settling: SettleStage) -> None:
    parlay = await settling.parlay(SEA)
    await settling.settle(SEA, "yes")
    reads = Reads(settling, down=True)
    process = settling.process(reads=reads)
    await process.step()
    assert len(settling.log.named("settlement.unreadable")) == 1
    assert await settling.state(parlay) == "open"
    reads.down = False
    await process.step()
    assert await settling.state(parlay) == "won"


async def test_results_outlive_the_exchanges_memory_and_a_restart(
    settling: SettleStage, tmp_path: Path
) -> None:
    parlay = await settling.parlay(SEA, BOS)
    await settling.settle(SEA, "yes")
    await settling.settler.step()
    await settling.exchange.control("/settings", historical_age_s=60)
    settling.exchange.clock.forward(3_600)
    await settling.settle(BOS, "yes")
    async with Database(put_empty_database(tmp_path / "hedge.db")) as again:
        await settling.process(database=again, reads=Reads(settling, gone=[SEA])).step()
    assert await settling.state(parlay) == "won"


async def test_a_market_that_settled_while_nobody_looked_is_found_in_the_archive(
    settling: SettleStage,
) -> None:
    parlay = await settling.parlay(SEA)
    await settling.settle(SEA, "no")
    await settling.exchange.control("/settings", historical_age_s=60)
    settling.exchange.clock.forward(3_600)
    await settling.settler.step()
    assert await settling.state(parlay) == "lost"


async def test_a_market_that_the_exchange_does_not_know_is_told_once_and_settles_nothing(
    settling: SettleStage,
) -> None:
    parlay, other = await settling.parlay("KXGONE-1-X"), await settling.parlay(BOS)
    await settling.settle(BOS, "yes")
    for _ in range(3):
        await settling.settler.step()
    assert [line["ticker"] for line in settling.log.named("market.missing")] == ["KXGONE-1-X"]
    assert (await settling.state(parlay), await settling.state(other)) == ("open", "won")


async def test_an_unreadable_or_contradictory_market_does_not_stop_the_others(settling: SettleStage) -> None:
    parlays = [await settling.parlay(ticker) for ticker in (SEA, WARM, BOS)]
    catalogue = settling.exchange.exchange.catalogue.markets
    await settling.settle(SEA, "yes")
    catalogue[SEA].settlement_value = 0
    await settling.settle(WARM, "yes")
    catalogue[WARM].settlement_value = 2_000_000
    await settling.settle(BOS, "yes")
    await settling.settler.step()
    assert [await settling.state(parlay) for parlay in parlays] == ["open", "open", "won"]
    assert [line["ticker"] for line in settling.log.named("market.unclear")] == [SEA]
    assert [line["ticker"] for line in settling.log.named("market.unreadable")] == [WARM]


async def test_only_the_holder_of_the_lease_settles(settling: SettleStage) -> None:
    parlay = await settling.parlay(SEA)
    await settling.settle(SEA, "yes")
    now, until = settling.clock.now(), settling.clock.now().replace(year=2027)
    await settling.database.write(lambda tx: leases.release(tx, ACCOUNT, 1))
    await settling.database.write(lambda tx: leases.take(tx, ACCOUNT, "second", now=now, until=until))
    await settling.settler.step()
    assert await settling.state(parlay) == "open"
    assert settling.log.named("settlement.left") != []
    settling.sender.epoch = None
    await settling.settler.step()
    assert await settling.state(parlay) == "open"


async def test_what_the_exchange_says_it_paid_is_kept(settling: SettleStage) -> None:
    await settling.buy(SEA, count="4.00", price="0.4500")
    await settling.settle(SEA, "yes")
    await settling.settler.step()
    [due] = await settling.database.read(lambda tx: results.uncompared(tx, settling.clock.now()))
    assert due.ticker == SEA
    settling.exchange.clock.forward(11)
    await settling.settler.step()
    assert await settling.database.read(lambda tx: results.uncompared(tx, settling.clock.now())) == ()
    [row] = (await settling.rows())["market_results"]
    assert Money.of(4).micros in row
    assert settling.log.named("settlement.differed") == []


async def test_a_payment_that_differs_from_the_books_is_told_once_with_both_figures(
    settling: SettleStage,
) -> None:
    await settling.buy(SEA, count="4.00", price="0.4500")
    # Contracts that nobody told us of.
    await settling.exchange.created(ticker=SEA, count="3.00", price="0.4500")
    await settling.settle(SEA, "yes")
    await settling.settler.step()
    assert settling.log.named("settlement.differed") == []
    for _ in range(3):
        settling.exchange.clock.forward(11)
        await settling.settler.step()
    [told] = settling.log.named("settlement.differed")
    assert told["differences"] == ["contracts", "revenue", "fees"]
    assert (told["ours"]["revenue_dollars"], told["exchange"]["revenue_dollars"]) == ("4.00", "7.00")
    await settling.book_fills()
    await settling.settler.step()
    assert len(settling.log.named("settlement.differed")) == 1


async def test_a_settlement_that_the_exchange_never_lists_is_told_after_an_hour(
    settling: SettleStage,
) -> None:
    await settling.buy(SEA, count="4.00", price="0.4500")
    await settling.settle(SEA, "yes")
    await settling.settler.step()
    settling.exchange.exchange.account(0).settlements.clear()
    for _ in range(4):
        settling.exchange.clock.forward(1_000)
        await settling.settler.step()
    [told] = settling.log.named("settlement.differed")
    assert (told["differences"], told["exchange"]) == (["not_listed"], None)
