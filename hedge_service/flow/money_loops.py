"""The loops that keep money straight with Stripe, and hedges with results: refunds, sales, rolls."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Protocol

from hedge_service.config.model import OnUnhedged
from hedge_service.flow.catch_up import CatchUp, StripeLists
from hedge_service.flow.refunds import RefundDoor, Refunds
from hedge_service.flow.rolling import Rolling
from hedge_service.flow.rolling_books import RollingRules
from hedge_service.flow.runner import Nudge
from hedge_service.flow.sessions import OpenSessions, SessionDoor
from hedge_service.flow.unhedged import UnhedgedParlays
from hedge_service.flow.unwinding import Unwinding, UnwindRules

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from hedge_service.clock import Clock
    from hedge_service.config import Config
    from hedge_service.core.inbox import NewEvent
    from hedge_service.flow.sender import Sender
    from hedge_service.flow.unwinding import MarketReads
    from hedge_service.store.db import Database

    Loop = tuple[str, Callable[[], Awaitable[object]], Nudge, float]

REFUNDS_POLL_S = 1.0
SESSIONS_POLL_S = 5.0
HEDGES_POLL_S = 2.0
# How soon after the lease is taken the first search for missed webhooks begins.
FIRST_SEARCH_POLL_S = 1.0


class StripeDoor(RefundDoor, SessionDoor, StripeLists, Protocol):
    """All that these loops ask of Stripe."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MoneyLoops:
    """The loops, each with how often it looks."""

    refunds: Refunds
    sessions: OpenSessions
    unhedged: UnhedgedParlays
    unwinding: Unwinding
    rolling: Rolling
    rolling_every_s: float
    catch_up: CatchUp

    def loops(self) -> tuple[Loop, ...]:
        """Give name, step, nudge and poll interval of each."""
        return (
            ("refunds", self.refunds.step, Nudge(), REFUNDS_POLL_S),
            ("sessions", self.sessions.step, Nudge(), SESSIONS_POLL_S),
            ("unhedged", self.unhedged.step, Nudge(), HEDGES_POLL_S),
            ("unwinding", self.unwinding.step, Nudge(), HEDGES_POLL_S),
            ("rolling", self.rolling.step, Nudge(), self.rolling_every_s),
            ("catch_up", self.catch_up.step, Nudge(), FIRST_SEARCH_POLL_S),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Around:
    """What the loops stand on; `receive` puts an event into the inbox, `planned` wakes the dispatcher."""

    database: Database
    payments: StripeDoor
    reads: MarketReads
    sender: Sender
    config: Config
    receive: Callable[[NewEvent], Awaitable[bool]]
    planned: Nudge
    clock: Clock
    log: Any


def money_loops(around: Around) -> MoneyLoops:
    """Make the loops as the configuration says."""
    config = around.config
    database, sender, clock, log = around.database, around.sender, around.clock, around.log
    return MoneyLoops(
        refunds=Refunds(database=database, payments=around.payments, sender=sender, clock=clock, log=log),
        sessions=OpenSessions(
            database=database,
            payments=around.payments,
            reads=around.reads,
            sender=sender,
            clock=clock,
            log=log,
        ),
        unhedged=UnhedgedParlays(
            database=database,
            reads=around.reads,
            sender=sender,
            refund=config.hedging.on_unhedged is OnUnhedged.REFUND,
            clock=clock,
            log=log,
        ),
        unwinding=Unwinding(
            database=database,
            reads=around.reads,
            sender=sender,
            rules=_unwind_rules(config),
            planned=around.planned,
            clock=clock,
            log=log,
        ),
        rolling=Rolling(
            database=database,
            reads=around.reads,
            sender=sender,
            rules=RollingRules.of(config),
            planned=around.planned,
            clock=clock,
            log=log,
        ),
        # Results are news only once settlement has seen them.
        rolling_every_s=config.kalshi.settle_every_s,
        catch_up=CatchUp(
            database=database,
            lists=around.payments,
            receive=around.receive,
            sender=sender,
            every_s=config.stripe.catch_up_every_s,
            clock=clock,
            log=log,
        ),
    )


def _unwind_rules(config: Config) -> UnwindRules:
    return UnwindRules(
        enabled=config.hedging.unwind_on_refund and not config.kalshi.dry_run,
        max_slippage=config.hedging.max_slippage,
        ttl=timedelta(seconds=config.hedging.intent_ttl_s),
    )
