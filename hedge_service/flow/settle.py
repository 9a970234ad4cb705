"""From the exchange's final results to settled legs, positions and parlays; repeated without harm.

Every effect is found from rows (a leg without a result, a position in a settled market, an open parlay with a
settled leg), so that a run that died half way is finished by the next, and a fill told late is settled late.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from hedge_service.core.settlement import ParlayState, UnclearResult, ending
from hedge_service.errors import PeerError
from hedge_service.flow import settling
from hedge_service.logs import digest
from hedge_service.store import results
from hedge_service.store.leases import Deposed
from hedge_service.store.results import MarketResult

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
    from datetime import datetime

    from sqlalchemy.engine import Connection

    from hedge_service.clock import Clock
    from hedge_service.core.market import Market
    from hedge_service.core.settlement import VoidRule
    from hedge_service.core.venue import MarketList
    from hedge_service.flow.sender import Sender
    from hedge_service.flow.settled_cash import SettledCash
    from hedge_service.flow.settling import Decided, Settled
    from hedge_service.store.db import Database

OPEN = ParlayState.OPEN
EVENTS = {
    ParlayState.WON: "parlay.won",
    ParlayState.LOST: "parlay.lost",
    ParlayState.VOID: "parlay.voided",
}


class ResultReads(Protocol):
    """What is asked about markets. Both raise PeerError."""

    async def markets(self, tickers: Iterable[str]) -> MarketList:
        """Read many markets now; those the exchange no longer lists are absent."""

    async def historical_market(self, ticker: str) -> Market | None:
        """Read a market that was settled long ago; None when the exchange knows none."""


class Settler:
    """Settles markets that the exchange has finalized, and the parlays that they decide.

    Only the holder of the sender's lease settles, halted or not.
    """

    def __init__(
        self,
        *,
        database: Database,
        clock: Clock,
        log: Any,
        reads: ResultReads,
        cash: SettledCash,
        sender: Sender,
        void_rule: VoidRule,
    ) -> None:
        self._database = database
        self._clock = clock
        self._log = log
        self._reads = reads
        self._cash = cash
        self._sender = sender
        self._void_rule = void_rule
        self._told: set[tuple[str, str]] = set()

    async def step(self) -> None:
        """Settle what can be settled now; what the exchange can't tell now waits for the next step."""
        if not self._sender.alive():
            return
        try:
            await self._settle_known()
            await self._reading(self._settle_asked())
            await self._reading(self._cash.step())
        except Deposed as error:
            self._log.warning("settlement.left", reason=str(error))

    async def _reading(self, work: Awaitable[None]) -> None:
        try:
            await work
        except PeerError as error:
            self._log.warning("settlement.unreadable", **error.log_context())

    async def _settle_known(self) -> None:
        known, decidable = await self._database.read(self._left_over)
        for result in known:
            await self._settle(result)
        for parlay_id in decidable:
            self._tell_decided(await self._database.write(self._decision(parlay_id)))

    def _left_over(self, tx: Connection) -> tuple[list[MarketResult], list[str]]:
        known = (results.get(tx, ticker) for ticker in results.resolvable(tx))
        waiting = results.undecided(tx)
        return (
            [result for result in known if result is not None],
            [one for one in waiting if settling.verdict(tx, one, self._void_rule).state is not OPEN],
        )

    async def _settle_asked(self) -> None:
        asked = await self._database.read(results.unresolved)
        if not asked:
            return
        listed = await self._reads.markets(asked)
        for ticker, field in listed.unreadable.items():
            self._tell_once("market.unreadable", ticker, reason=field)
        await self._take(listed.found)
        for ticker in asked:
            if ticker not in listed.found and ticker not in listed.unreadable:
                await self._reading(self._take_vanished(ticker))

    async def _take_vanished(self, ticker: str) -> None:
        market = await self._reads.historical_market(ticker)
        if market is None:
            self._tell_once("market.missing", ticker, reason="the exchange knows no such market")
        else:
            await self._take({ticker: market})

    async def _take(self, found: Mapping[str, Market]) -> None:
        now = self._clock.now()
        final = [result for market in found.values() if (result := self._result(market, now)) is not None]
        ended = {result.ticker for result in final}
        going = [market for ticker, market in found.items() if ticker not in ended]
        if going:
            await self._database.write(self._check(going, now))
        for result in final:
            await self._settle(result)

    def _result(self, market: Market, now: datetime) -> MarketResult | None:
        try:
            end = ending(market)
        except UnclearResult as error:
            self._tell_once("market.unclear", market.ticker, reason=str(error))
            return None
        return None if end is None else MarketResult(ticker=market.ticker, ending=end, settled_at=now)

    def _check(self, markets: Sequence[Market], now: datetime) -> Callable[[Connection], None]:
        def check(tx: Connection) -> None:
            self._sender.guard(tx)
            results.checked(tx, [(market.ticker, market.status) for market in markets], now)

        return check

    async def _settle(self, result: MarketResult) -> None:
        settled = await self._database.write(self._settlement(result))
        if settled.legs or settled.held is not None:
            self._tell_settled(settled)
        self._tell_decided(settled.decided)

    def _settlement(self, result: MarketResult) -> Callable[[Connection], Settled]:
        now = self._clock.now()

        def settle(tx: Connection) -> Settled:
            self._sender.guard(tx)
            return settling.settle(tx, result, self._void_rule, now)

        return settle

    def _decision(self, parlay_id: str) -> Callable[[Connection], tuple[Decided, ...]]:
        now = self._clock.now()

        def decide(tx: Connection) -> tuple[Decided, ...]:
            self._sender.guard(tx)
            return settling.decide(tx, parlay_id, self._void_rule, now)

        return decide

    def _tell_settled(self, settled: Settled) -> None:
        result, held = settled.result, settled.held
        paid = None if held is None else {"side": held.side.value, "contracts": str(held.count)}
        self._log.info(
            "market.settled",
            ticker=result.ticker,
            result=result.ending.result,
            value_dollars=str(result.ending.value),
            legs=settled.legs,
            cost_dollars=None if held is None else str(held.cost),
            revenue_dollars=None if settled.revenue is None else str(settled.revenue),
            **({} if paid is None else paid),
        )

    def _tell_decided(self, decided: Iterable[Decided]) -> None:
        for each in decided:
            self._log.info(
                EVENTS[each.verdict.state],
                parlay_id=each.parlay.id,
                session=digest(each.parlay.session_id),
                stake_dollars=str(each.parlay.stake),
                payout_dollars=str(each.parlay.payout),
                reason=each.verdict.reason.value,
                leg=each.verdict.leg,
                ticker=each.ticker,
            )

    def _tell_once(self, event: str, ticker: str, *, reason: str) -> None:
        # Asked again at every step; one line says it all.
        if (ticker, reason) not in self._told:
            self._told.add((ticker, reason))
            self._log.warning(event, ticker=ticker, reason=reason)
