"""One service's way from paid session to orders, on a real database, with everything around it."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from hedge_service.clients.limiter import RateLimiter
from hedge_service.config import load_config
from hedge_service.core.pacing import tier_limits
from hedge_service.core.parlay import Mode
from hedge_service.flow.books import Books
from hedge_service.flow.dispatch import Dispatcher, OrderRules
from hedge_service.flow.fills import Fills
from hedge_service.flow.gate import Gate
from hedge_service.flow.intake import Intake
from hedge_service.flow.lookup import LookUps
from hedge_service.flow.reconcile import Reconciler
from hedge_service.flow.resting import Resting
from hedge_service.flow.runner import Nudge
from hedge_service.flow.sender import Sender
from hedge_service.flow.sending import Wire
from hedge_service.flow.start_up import StartUp
from hedge_service.flow.summarize import Summarizer
from hedge_service.store import halts, journal
from hedge_service.wire.kalshi.orders import create_bytes
from tests.empty_database import put_empty_database
from tests.flow.order_fakes import FakeExchange, Log, OpenLocks
from tests.flow.stage_clock import StageClock, Watched
from tests.store.parlay_samples import intent_of, put_parlay

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path

    from sqlalchemy.engine import Connection

    from hedge_service.config import Config
    from hedge_service.core.journal import Attempt, Intent
    from hedge_service.core.market import BookSide
    from hedge_service.core.orders import AttemptState

ACCOUNT = "demo/main/0"
LONG_LEASE_S = 100_000.0


class Process:
    """What one process runs around the shared database and exchange."""

    def __init__(self, stage: OrderStage, name: str, *, lease_s: float, dry_run: bool) -> None:
        common: dict[str, Any] = {"database": stage.database, "clock": stage.clock, "log": stage.log}
        kalshi, hedging = stage.config.kalshi, stage.config.hedging
        self.sender = Sender(account=ACCOUNT, holder=name, lease_s=lease_s, **common)
        self.books = Books(reads=stage.exchange, sender=self.sender, **common)
        self.start_up = StartUp(
            reads=stage.exchange, books=self.books, sender=self.sender, dry_run=dry_run, **common
        )
        self.limiter = RateLimiter(tier_limits("prestige"), stage.clock)
        self.changed = Nudge()
        self.lookups = LookUps(
            reads=stage.exchange,
            sender=self.sender,
            margin_s=kalshi.lookup_margin_s,
            resend_window_s=kalshi.resend_window_s,
            **common,
        )
        self.fills = Fills(
            reads=stage.exchange, sender=self.sender, sweep_every_s=kalshi.reconcile_every_s, **common
        )
        self.resting = Resting(
            door=stage.exchange,
            lookups=self.lookups,
            fills=self.fills,
            sender=self.sender,
            rest_s=hedging.rest_s,
            ended=self.changed,
            **common,
        )
        self.reconciler = Reconciler(
            reads=stage.exchange,
            quiet_s=kalshi.quiet_s,
            sender=self.sender,
            lookups=self.lookups,
            **common,
        )
        self.wire = Wire(door=stage.exchange, sender=self.sender, safety=OpenLocks(), subaccount=0, **common)
        self.dispatcher = Dispatcher(
            wire=self.wire,
            lookups=self.lookups,
            fills=self.fills,
            limiter=self.limiter,
            sender=self.sender,
            rules=OrderRules(
                dry_run=dry_run,
                subaccount=0,
                max_attempts=hedging.max_attempts,
                create_cost=lambda: 10,
                url="https://exchange.test/trade-api/v2/portfolio/events/orders",
                body=create_bytes,
            ),
            at_rest=self.changed,
            **common,
        )

    async def ready(self) -> None:
        """Take the lease and read the exchange."""
        await self.sender.step()
        await self.start_up.step()

    @property
    def drivers(self) -> tuple[asyncio.Task[None], ...]:
        return tuple(self.dispatcher._drivers.values())


class OrderStage:
    """A database, an exchange, a clock and a log, with one process that is ready to send."""

    def __init__(self, database: Watched, config: Config, clock: StageClock) -> None:
        self.database = database
        self.config = config
        self.clock = clock
        self.log = Log()
        self.exchange = FakeExchange(clock)
        self.arrived, self.planned = Nudge(), Nudge()
        common: dict[str, Any] = {"database": database, "clock": clock, "log": self.log}
        self.process = self.process_named("first")
        self.summarizer = Summarizer(sender=self.process.sender, **common)
        self.gate = Gate(database=database, clock=clock, account=ACCOUNT, dry_run=False)
        self.intake = Intake(
            exchange=self.exchange,
            config=config,
            stripe_live=False,
            arrived=self.arrived,
            planned=self.planned,
            **common,
        )
        self._parlays = 0

    def process_named(self, name: str, *, lease_s: float = LONG_LEASE_S, dry_run: bool = False) -> Process:
        return Process(self, name, lease_s=lease_s, dry_run=dry_run)

    async def intent(
        self,
        *legs: int,
        mode: Mode = Mode.LIVE,
        side: BookSide | None = None,
        contracts: str = "10",
        ttl_s: float = 120,
    ) -> Intent:
        """Store a parlay of this mode with an intent on each of these legs; give the first."""
        self._parlays += 1
        number, now = self._parlays, self.clock.now()

        def put(tx: Connection) -> Intent:
            parlay = put_parlay(tx, number, mode)
            made = [
                intent_of(parlay, leg=leg, contracts=contracts, created_at=now, ttl_s=ttl_s)
                for leg in legs or (1,)
            ]
            for each in made:
                journal.put_intent(tx, each if side is None else replace(each, side=side))
            return made[0]

        return await self.database.write(put)

    async def drive(self, process: Process | None = None) -> None:
        """Run the dispatcher until every open intent has ended."""
        runner = self.process if process is None else process
        await runner.dispatcher.step()
        await self.clock.until(self._all_ended)
        await self.clock.run(_ended(runner.drivers))

    async def until(self, intent: Intent, state: AttemptState, process: Process | None = None) -> None:
        """Run the dispatcher until the intent's newest attempt is in this state."""
        runner = self.process if process is None else process

        async def reached() -> bool:
            attempts = await self.attempts(intent)
            return bool(attempts) and attempts[-1].state is state

        await runner.dispatcher.step()
        await self.clock.until(reached)

    async def load(self, intent: Intent) -> Intent:
        return (await self.database.read(lambda tx: journal.load(tx, intent.id)))[0]

    async def attempts(self, intent: Intent) -> tuple[Attempt, ...]:
        return (await self.database.read(lambda tx: journal.load(tx, intent.id)))[1]

    async def only(self, intent: Intent) -> Attempt:
        (attempt,) = await self.attempts(intent)
        return attempt

    async def halt(self, reason: str | None = "look at this") -> None:
        now = self.clock.now()
        word = "resumed" if reason is None else reason
        await self.database.write(
            lambda tx: halts.put(tx, halted=reason is not None, reason=word, actor="ann", at=now)
        )

    async def halted(self) -> str | None:
        return await self.database.read(halts.reason)

    async def summarize(self) -> list[dict[str, Any]]:
        await self.summarizer.step()
        return self.log.named("hedge.summarized")

    async def _all_ended(self) -> bool:
        return not await self.database.read(lambda tx: journal.open_intents(tx, 1))


async def _ended(drivers: tuple[asyncio.Task[None], ...]) -> None:
    await asyncio.gather(*drivers)


@asynccontextmanager
async def open_order_stage(
    folder: Path, prepare: Callable[[OrderStage], None] | None = None, **variables: str
) -> AsyncIterator[OrderStage]:
    """Open a stage on a new database; `variables` override settings: `HEDGING__MAX_ATTEMPTS="3"`."""
    environ = {f"HEDGE_{name}": value for name, value in variables.items()}
    config = load_config(path=None, environ=environ, cwd=folder)
    clock = StageClock()
    async with Watched(put_empty_database(folder / "hedge.db")) as database:
        clock.database = database
        stage = OrderStage(database, config, clock)
        if prepare is not None:
            prepare(stage)
        await stage.process.ready()
        yield stage
        stage.exchange.hold.set()
        await stage.process.dispatcher.stop(5)
