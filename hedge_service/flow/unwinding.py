"""Selling down the hedge of void parlays: intents for the dispatcher, which sends them like any others."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from hedge_service.core.unwinding import selling_intent, unsold
from hedge_service.errors import PeerError
from hedge_service.store import halts, hedged, journal
from hedge_service.store.leases import Deposed

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import timedelta
    from decimal import Decimal

    from sqlalchemy.engine import Connection

    from hedge_service.clock import Clock
    from hedge_service.core.journal import Intent
    from hedge_service.core.market import Market
    from hedge_service.core.unwinding import Unsold
    from hedge_service.core.venue import MarketList
    from hedge_service.flow.runner import Nudge
    from hedge_service.flow.sender import Sender
    from hedge_service.store.db import Database

# Those tried in vain stay listed until their market ends, and must not keep others from being seen.
AT_ONCE = 1_000


class MarketReads(Protocol):
    """The one exchange read that is needed."""

    async def markets(self, tickers: tuple[str, ...]) -> MarketList:
        """Read these markets now. Raises PeerError."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UnwindRules:
    """What the configuration says: `enabled` (unwind_on_refund, and not in dry run), and the limits."""

    enabled: bool
    max_slippage: Decimal
    ttl: timedelta


class Unwinding:
    """Plans the sale of what void parlays still hold; nothing is planned while sending is halted."""

    def __init__(
        self,
        *,
        database: Database,
        reads: MarketReads,
        sender: Sender,
        rules: UnwindRules,
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

    async def step(self) -> None:
        """Plan the sale of every leg that can be sold now."""
        if not self._rules.enabled or not self._sender.may_send():
            return
        held = await self._database.read(self._held)
        if not held:
            return
        try:
            listed = await self._reads.markets(tuple({each.ticker for each in held}))
            for each in held:
                if each.ticker in listed.found:
                    await self._plan(each, listed.found[each.ticker])
        except PeerError as error:
            self._log.warning("unwind.waiting", **error.log_context())
        except Deposed as error:
            self._log.warning("unwind.left", reason=str(error))

    def _held(self, tx: Connection) -> tuple[Unsold, ...]:
        now = self._clock.now()
        if halts.reason(tx) is not None:
            return ()
        ids = hedged.unsold(tx, AT_ONCE)
        return tuple(each for found in ids for each in unsold(journal.of_parlay(tx, found), now=now))

    async def _plan(self, held: Unsold, market: Market) -> None:
        rules = self._rules
        intent = selling_intent(
            held, market, now=self._clock.now(), max_slippage=rules.max_slippage, ttl=rules.ttl
        )
        if intent is None or not await self._database.write(self._planning(held, intent)):
            return
        self._planned.set()
        self._log.info(
            "unwind.planned",
            parlay_id=held.parlay_id,
            ticker=held.ticker,
            leg=held.leg,
            contracts=str(held.count),
            price=str(intent.price),
            sequence=held.sequence,
        )

    def _planning(self, held: Unsold, intent: Intent) -> Callable[[Connection], bool]:
        now = self._clock.now()

        def plan(tx: Connection) -> bool:
            self._sender.guard(tx)
            # Seen again in the transaction that writes: two plans for the same contracts sell them twice.
            if held not in unsold(journal.of_parlay(tx, held.parlay_id), now=now):
                return False
            journal.put_intent(tx, intent)
            return True

        return plan
