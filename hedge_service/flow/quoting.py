"""Quotes: gather what is true now, decide price and plan, store the offer before it is told."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from hedge_service.clock import instant, millis
from hedge_service.config import TimeInForce
from hedge_service.core.choice import ChosenBy, decide, offer
from hedge_service.core.legs import Unmatched, match_legs
from hedge_service.core.money import Money
from hedge_service.core.pricing import Impossible
from hedge_service.errors import PeerError
from hedge_service.flow.correlations import Correlator, pairs_of, wanted_of
from hedge_service.flow.exposure import CapPassed, check_exposure, cleared, unclear
from hedge_service.flow.gathering import Gathering, Reach
from hedge_service.flow.offers import Decided, below_minimum_edge, impossible, quote_of
from hedge_service.flow.plan_facts import facts_of, question_of
from hedge_service.flow.ratelimit import PerMinute
from hedge_service.flow.refusals import (
    check_asked,
    check_environment,
    check_open_payout,
    check_payout,
    unmatched,
)
from hedge_service.flow.sharing import SingleFlight
from hedge_service.store import market_facts, offers, quotes
from hedge_service.store.db import Lane

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence
    from datetime import datetime

    from sqlalchemy.engine import Connection

    from hedge_service.clock import Clock
    from hedge_service.config import Config
    from hedge_service.core.choice import Facts, Offered
    from hedge_service.core.exposure import MarketFacts
    from hedge_service.core.legs import Match
    from hedge_service.core.parlay import AskedQuote, Bet, Quote
    from hedge_service.flow.correlations import Advisor
    from hedge_service.flow.gathering import Exchange, Seen
    from hedge_service.store.db import Database

    Gate = Callable[[], Awaitable[None]]
    OpenPayout = Callable[[Connection, datetime], Money]


class Quoting:
    """Turns a quote request into a stored quote.

    `gate` raises while nothing may be sold (halted, not ready, exchange paused). `open_payout` adds up what
    is owed if every open parlay wins. `new_id` gives an unguessable text of at least 128 random bits.
    """

    def __init__(
        self,
        *,
        config: Config,
        database: Database,
        exchange: Exchange,
        advisor: Advisor,
        clock: Clock,
        new_id: Callable[[], str],
        gate: Gate,
        open_payout: OpenPayout,
        log: Any,
    ) -> None:
        limits = config.limits
        self._config = config
        self._database = database
        self._clock = clock
        self._new_id = new_id
        self._gate = gate
        self._open_payout = open_payout
        self._log = log
        self._limit = PerMinute(most=limits.quotes_per_minute_per_address, clock=clock)
        reach = Reach(
            slippage=config.hedging.max_slippage,
            rests=config.hedging.time_in_force is TimeInForce.GOOD_TILL_CANCELED,
        )
        self._gathering = Gathering(exchange=exchange, clock=clock, reach=reach, log=log)
        self._correlator = Correlator(
            database=database,
            advisor=advisor,
            clock=clock,
            calls_per_day=limits.model_calls_per_day,
            log=log,
        )
        self._flights: SingleFlight[Decided] = SingleFlight()

    async def quote(self, asked: AskedQuote, *, address: str) -> Quote:
        """Make and store a quote; `address` is the client's, for the limit per minute.

        Raises TooMany, BadRequest (legs or stake), Conflict (a leg has no price now, or a cap), NotReady and
        PeerError (the exchange), StoreUnavailable.
        """
        self._limit.admit(address)
        check_asked(asked, self._config.limits)
        await self._gate()
        match = await self._match(asked)
        same = (asked.stake, *((bet.ticker, bet.side) for bet in match.bets))
        decided = await self._flights.run(same, lambda: self._decide(match.bets, asked.stake))
        # The table keeps milliseconds; the quote that is told is the one that is stored.
        now = instant(millis(self._clock.now()))
        quote = quote_of(decided, match, quote_id=self._new_id(), now=now, config=self._config)
        await self._keep(quote, decided.seen.market_facts)
        self._tell(quote, decided)
        return quote

    async def close(self) -> None:
        """Wait for the reads under way."""
        await self._flights.close()

    async def _match(self, asked: AskedQuote) -> Match:
        found = await self._database.read(lambda tx: offers.candidates(tx, asked.legs, asked.user_id))
        try:
            match = match_legs(asked.legs, found)
        except Unmatched as problem:
            raise unmatched(problem) from None
        environment = self._config.kalshi.environment
        check_environment({bet.environment for bet in match.bets}, environment)
        return match

    async def _decide(self, bets: Sequence[Bet], stake: Money) -> Decided:
        """Read what is true now, ask the model where it has a part, decide."""
        seen = await self._gathering.look(bets)
        began = self._clock.monotonic()
        facts = facts_of(stake, seen, self._config)
        try:
            # In a thread: many legs take a while, and orders must not wait for it.
            offered = await asyncio.to_thread(offer, facts)
        except Impossible as found:
            raise impossible(found) from None
        asking = self._asking(seen, facts, offered)
        advice = None if asking is None else await asking
        final = replace(facts, correlations=pairs_of(advice), wanted=wanted_of(advice))
        known = None if final.correlations else offered
        decision = await asyncio.to_thread(decide, final, known)
        decided = Decided(
            seen=seen,
            facts=final,
            decision=decision,
            advice=advice,
            modelled=offered.price.joint.unmodelled,
            took_s=self._clock.monotonic() - began,
        )
        await self._check(decided)
        return decided

    def _asking(self, seen: Seen, facts: Facts, offered: Offered) -> Awaitable[Any] | None:
        """Give the model's part: the plan where it may choose, correlations where legs need them, or none."""
        chooses = self._config.openai.chooses_plan and not self._correlator.silent
        if not (chooses or offered.price.joint.unmodelled):
            return None
        return self._correlator.ask(question_of(seen, offered if chooses else None, facts.rules.measure))

    async def _check(self, decided: Decided) -> None:
        limits, decision = self._config.limits, decided.decision
        check_payout(decision.offered.price, limits)
        if not decision.sold:
            raise await asyncio.to_thread(below_minimum_edge, decided.facts, decision, limits)

    async def _keep(self, quote: Quote, facts: tuple[MarketFacts, ...]) -> None:
        """Store the quote; before an event's cap refuses it, ask whether its markets exclude each other."""
        try:
            # Open: a quote reserves nothing, its checkout asks for every cap again in the serial lane; what
            # is learned of markets is what the exchange told, whoever writes it last.
            await self._database.write(lambda tx: self._store(tx, quote, facts), Lane.OPEN)
        except CapPassed as refusal:
            told = await self._cleared(facts, refusal)
            if told == facts:
                raise
            await self._keep(quote, told)

    async def _cleared(self, facts: tuple[MarketFacts, ...], refusal: CapPassed) -> tuple[MarketFacts, ...]:
        try:
            return cleared(facts, await self._gathering.exclusive(unclear(facts, refusal)))
        except PeerError:
            return facts

    def _store(self, tx: Connection, quote: Quote, facts: tuple[MarketFacts, ...]) -> None:
        owed = self._open_payout(tx, quote.created_at)
        check_open_payout(owed, quote.payout, self._config.limits)
        market_facts.learn(tx, facts)
        check_exposure(tx, quote, self._config.limits, quote.created_at)
        quotes.put(tx, quote)

    def _tell(self, quote: Quote, decided: Decided) -> None:
        choice = decided.decision.choice
        if decided.plan.edge < Money.ZERO:
            self._log.warning("quote.created", edge_negative=True, **_created(quote, decided))
        else:
            self._log.info("quote.created", edge_negative=False, **_created(quote, decided))
        if choice.by is ChosenBy.NOT_OFFERED:
            self._log.warning("advice.refused", quote_id=quote.id, plan=decided.facts.wanted)
        elif choice.wanted is not None and choice.by is not ChosenBy.MODEL:
            self._log.warning(
                "advice.overruled",
                quote_id=quote.id,
                plan=decided.facts.wanted,
                default=quote.strategy,
                measure=decided.facts.rules.measure.value,
                plan_dollars=str(choice.wanted),
                default_dollars=str(choice.default),
                reason=choice.by.value,
            )


def _created(quote: Quote, decided: Decided) -> dict[str, Any]:
    """Give what the log tells of a quote."""
    return {
        "quote_id": quote.id,
        "tickers": [leg.bet.ticker for leg in quote.legs],
        "stake_dollars": str(quote.stake),
        "payout_dollars": str(quote.payout),
        "probability": str(quote.probability),
        "product": str(quote.product),
        "correlations": quote.body["analysis"]["correlationSource"],
        "strategy": quote.strategy,
        "chosen_by": decided.decision.choice.by.value,
        "edge_dollars": str(decided.plan.edge),
        "decision_ms": round(decided.took_s * 1000, 3),
    }
