"""Rolling hedges: on each leg's result the trades to the new targets, as intents for the dispatcher.

What settlement wrote down of the legs' markets says when there is news; only then are they read, all in one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from hedge_service.core.rolling_trade import decide
from hedge_service.errors import PeerError
from hedge_service.flow.notes import tell
from hedge_service.flow.rolling_books import gather, rules_now, worth_a_look
from hedge_service.flow.rolling_intents import carry_out
from hedge_service.store import halts, rolling
from hedge_service.store.leases import Deposed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from sqlalchemy.engine import Connection

    from hedge_service.clock import Clock
    from hedge_service.core.market import Market
    from hedge_service.core.rolling_trade import RollingParlay
    from hedge_service.core.venue import MarketList
    from hedge_service.flow.notes import Note
    from hedge_service.flow.rolling_books import RollingRules
    from hedge_service.flow.runner import Nudge
    from hedge_service.flow.sender import Sender
    from hedge_service.store.db import Database

AT_ONCE = 1_000
SKIPPED = "roll.skipped"


class MarketReads(Protocol):
    """The one exchange read that is needed."""

    async def markets(self, tickers: tuple[str, ...]) -> MarketList:
        """Read these markets now. Raises PeerError."""


class Rolling:
    """Rolls the hedges of open parlays, and sells what is left of those that a leg has lost.

    Only the holder of the sender's lease, and nothing while sending is halted.
    """

    def __init__(
        self,
        *,
        database: Database,
        reads: MarketReads,
        sender: Sender,
        rules: RollingRules,
        planned: Nudge,
        clock: Clock,
        log: Any,
    ) -> None:
        self._database = database
        self._reads = reads
        self._sender = sender
        self._rules = rules
        self._planned = planned
        self._clock = clock
        self._log = log
        self._told: set[tuple[object, ...]] = set()

    async def step(self) -> None:
        """Trade on every result that is new."""
        if not self._sender.may_send():
            return
        due = await self._database.read(self._due)
        if not due:
            return
        try:
            listed = await self._reads.markets(_unsettled(due))
            for parlay in due:
                await self._trade(parlay.id, listed.found)
        except PeerError as error:
            self._log.warning("roll.waiting", **error.log_context())
        except Deposed as error:
            self._log.warning("roll.left", reason=str(error))

    def _due(self, tx: Connection) -> tuple[RollingParlay, ...]:
        if halts.reason(tx) is not None:
            return ()
        now = self._clock.now()
        ids = (*rolling.with_news(tx, self._rules.mode, AT_ONCE), *rolling.left_over(tx, AT_ONCE))
        found = (gather(tx, parlay_id, self._rules.mode) for parlay_id in ids)
        return tuple(each for each in found if each is not None and worth_a_look(each, now))

    async def _trade(self, parlay_id: str, markets: Mapping[str, Market]) -> None:
        notes = await self._database.write(self._trading(parlay_id, markets))
        if any(note.event != SKIPPED for note in notes):
            self._planned.set()
        tell(self._log, self._news(notes))

    def _trading(
        self, parlay_id: str, markets: Mapping[str, Market]
    ) -> Callable[[Connection], tuple[Note, ...]]:
        now = self._clock.now()

        def trade(tx: Connection) -> tuple[Note, ...]:
            self._sender.guard(tx)
            # Decided in the transaction that writes: two rolls on one result would buy twice.
            parlay = gather(tx, parlay_id, self._rules.mode)
            if parlay is None or halts.reason(tx) is not None:
                return ()
            limits = rules_now(tx, self._rules, parlay, now)
            decision = decide(parlay, markets, now=now, rules=limits)
            return carry_out(tx, parlay, decision, markets, rules=self._rules, now=now)

        return trade

    def _news(self, notes: Iterable[Note]) -> tuple[Note, ...]:
        """Leave out what was said before: what stands in the way is met again at every step."""
        fresh = []
        for note in notes:
            said = tuple(note.fields.values())
            if note.event != SKIPPED or said not in self._told:
                fresh.append(note)
            if note.event == SKIPPED:
                self._told.add(said)
        return tuple(fresh)


def _unsettled(parlays: Iterable[RollingParlay]) -> tuple[str, ...]:
    legs = (each for parlay in parlays for each in parlay.legs if each.paid is None)
    return tuple(sorted({each.leg.ticker for each in legs}))
