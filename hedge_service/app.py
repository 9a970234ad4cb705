"""Composition root: every collaborator is made here, once, and passed down."""

from __future__ import annotations

import asyncio
import os
import secrets
import socket
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypedDict

from aiohttp import web

from hedge_service import __version__
from hedge_service.clients.advisor import Advisor
from hedge_service.clients.kalshi.client import KalshiClient
from hedge_service.clients.kalshi.signer import Signer
from hedge_service.clients.kalshi.transport import Transport
from hedge_service.clients.limiter import RateLimiter
from hedge_service.clients.payments import Payments
from hedge_service.config import Environment, RateSource, StripeMode
from hedge_service.core.pacing import tier_limits
from hedge_service.core.settlement import VoidRule
from hedge_service.crash import ignore
from hedge_service.errors import ConfigError, PeerError
from hedge_service.flow.accounts import Accounts
from hedge_service.flow.books import Books
from hedge_service.flow.charge_events import ChargeEvents
from hedge_service.flow.checkout import Checkouts
from hedge_service.flow.dispatch import Dispatcher, OrderRules
from hedge_service.flow.fills import Fills
from hedge_service.flow.gate import Gate
from hedge_service.flow.intake import Intake
from hedge_service.flow.lookup import LookUps
from hedge_service.flow.markets import MarketDesk
from hedge_service.flow.money_loops import Around, MoneyLoops, money_loops
from hedge_service.flow.payment_fees import PaymentFees
from hedge_service.flow.quoting import Quoting
from hedge_service.flow.reconcile import Reconciler
from hedge_service.flow.resting import Resting
from hedge_service.flow.runner import Nudge, run_loop
from hedge_service.flow.safety import Safety
from hedge_service.flow.sender import Sender
from hedge_service.flow.sending import Wire
from hedge_service.flow.settle import Settler
from hedge_service.flow.settled_cash import SettledCash
from hedge_service.flow.snapshots import Snapshots
from hedge_service.flow.start_up import StartUp
from hedge_service.flow.summarize import Summarizer
from hedge_service.logs import handle_loop_error
from hedge_service.store import identity, migrate, parlays
from hedge_service.store.db import Database
from hedge_service.web.guards import own_hosts
from hedge_service.web.keys import Doors, Facts
from hedge_service.web.routes import web_application
from hedge_service.web.runner import DoorRunner
from hedge_service.wire.kalshi.orders import create_bytes
from hedge_service.wire.stripe.events import DISPUTE_TYPES, REFUND_TYPES

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from datetime import datetime

    from sqlalchemy.engine import Connection

    from hedge_service.clock import Clock
    from hedge_service.config import Config
    from hedge_service.core.money import Money
    from hedge_service.crash import Probe

POLL_S = 1.0
# What may still be on the wire when the process is told to stop; the whole stop takes at most 15 s.
STOP_WIRE_S = 11.0
STOP_DOORS_S = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Loops:
    """The loops of one process, by name, each with what wakes it."""

    sender: Sender
    start_up: StartUp
    intake: Intake
    dispatcher: Dispatcher
    summarizer: Summarizer
    settler: Settler
    fills: Fills
    resting: Resting
    payment_fees: PaymentFees
    settle_every_s: float
    snapshots: Snapshots
    reconciler: Reconciler
    money: MoneyLoops
    arrived: Nudge
    planned: Nudge
    changed: Nudge
    executed: Nudge

    def tasks(self, group: asyncio.TaskGroup, log: Any) -> None:
        """Start every loop; one that dies takes the group, and so the process, down."""
        rows = (
            ("lease", self.sender.step, Nudge(), self.sender.renew_every_s),
            ("start_up", self.start_up.step, Nudge(), POLL_S / 4),
            ("intake", self.intake.step, self.arrived, POLL_S),
            ("dispatch", self.dispatcher.step, self.planned, POLL_S / 4),
            ("summary", self.summarizer.step, self.changed, POLL_S),
            ("fills", self.fills.step, self.executed, POLL_S),
            ("resting", self.resting.step, Nudge(), POLL_S),
            ("payment_fees", self.payment_fees.step, Nudge(), POLL_S),
            ("settle", self.settler.step, Nudge(), self.settle_every_s),
            ("reconcile", self.reconciler.step, Nudge(), POLL_S),
            *self.snapshots.loops(),
            *self.money.loops(),
        )
        for name, step, nudge, poll_s in rows:
            group.create_task(run_loop(name, step, nudge=nudge, poll_s=poll_s, log=log), name=f"loop.{name}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """A composed service, ready to be run."""

    config: Config
    doors: Doors
    loops: Loops
    gate: Gate
    log: Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Peers:
    """What every part stands on: facts, time, the log, and who is talked to."""

    config: Config
    clock: Clock
    log: Any
    database: Database
    exchange: KalshiClient
    payments: Payments
    advisor: Advisor


class _Common(TypedDict):
    database: Database
    clock: Clock
    log: Any


class _Selling(TypedDict):
    config: Config
    gate: Callable[[], Awaitable[None]]
    open_payout: Callable[[Connection, datetime], Money]


async def open_service(
    stack: AsyncExitStack, config: Config, *, clock: Clock, log: Any, probe: Probe = ignore
) -> Service:
    """Open the database, migrate it, and compose everything on it; `stack` closes it all in reverse.

    Raises ConfigError when the database belongs to another environment, account or Stripe mode.
    """
    exchange = await open_exchange(stack, config, clock, probe=probe)
    peers = Peers(
        config=config,
        clock=clock,
        log=log,
        database=await _open_database(stack, config, probe),
        exchange=exchange,
        payments=Payments(
            _reveal(config.secrets.stripe_api_key), api_base=config.stripe.api_base, probe=probe
        ),
        advisor=_advisor(config, clock),
    )
    stack.push_async_callback(peers.payments.close)
    stack.push_async_callback(peers.advisor.close)
    if config.kalshi.rate_limit.source is RateSource.ACCOUNT:
        await _adopt_limits(exchange, config, log)
    return _compose(stack, peers)


async def serve(
    config: Config, *, clock: Clock, stop: asyncio.Event, log: Any, probe: Probe = ignore
) -> None:
    """Serve until `stop` is set: stop taking, finish what is on the wire, give the lease up, close.

    Raises the error of a loop that died (as an ExceptionGroup).
    """
    asyncio.get_running_loop().set_exception_handler(handle_loop_error)
    async with AsyncExitStack() as stack:
        service = await open_service(stack, config, clock=clock, log=log, probe=probe)
        runner = DoorRunner(web_application(service.doors), shutdown_timeout_s=STOP_DOORS_S)
        await runner.setup()
        stack.push_async_callback(runner.cleanup)
        site = web.TCPSite(runner, config.service.host, config.service.port)
        await site.start()
        port = runner.addresses[0][1]
        log.info("service.started", **(config.describe() | {"port": port, "version": __version__}))
        await _run(service, site, stop)
    log.info("service.stopped")


async def _run(service: Service, site: web.TCPSite, stop: asyncio.Event) -> None:
    async with asyncio.TaskGroup() as group:
        service.loops.tasks(group, service.log)
        loops = list(group._tasks)  # noqa: SLF001 - TaskGroup has no public way to end its tasks
        await stop.wait()
        service.log.info("service.stopping")
        service.gate.stopping = True
        await site.stop()
        await service.loops.dispatcher.stop(STOP_WIRE_S)
        for task in loops:
            task.cancel()
    await service.loops.summarizer.step()
    await service.loops.sender.release()


async def _open_database(stack: AsyncExitStack, config: Config, probe: Probe) -> Database:
    database = await stack.enter_async_context(Database(config.database.url, probe=probe))
    await database.write(migrate.upgrade)
    wrong = await database.write(lambda tx: identity.claim(tx, identity.facts_of(config)))
    if wrong:
        raise ConfigError(
            tuple(
                f"the database belongs to {name} {stored!r}, not {wanted!r}: use another [database] url"
                for name, (stored, wanted) in wrong.items()
            )
        )
    return database


async def open_exchange(
    stack: AsyncExitStack, config: Config, clock: Clock, *, probe: Probe = ignore
) -> KalshiClient:
    """Open a client of the configured exchange account; `stack` closes it."""
    transport = Transport(probe=probe)
    stack.push_async_callback(transport.close)
    return KalshiClient(
        base_url=config.kalshi.api_url,
        signer=_signer(stack, config),
        transport=transport,
        limiter=RateLimiter(tier_limits(config.kalshi.rate_limit.tier.value), clock),
        clock=clock,
        subaccount=config.kalshi.subaccount,
        order_timeout_s=config.kalshi.order_timeout_s,
    )


def _signer(stack: AsyncExitStack, config: Config) -> Signer | None:
    key_id, pem = _reveal(config.secrets.kalshi_api_key), _reveal(config.secrets.kalshi_private_key)
    if key_id is None or pem is None:
        return None
    signer = Signer(key_id=key_id, pem=pem)
    stack.callback(signer.close)
    return signer


async def _adopt_limits(exchange: KalshiClient, config: Config, log: Any) -> None:
    try:
        limits = await exchange.adopt_limits()
    except PeerError as error:
        tier = config.kalshi.rate_limit.tier.value
        log.warning("limits.assumed", tier=tier, code=error.code, reason="the account's own can't be read")
    else:
        log.info("limits.adopted", tier=limits.tier, write_per_s=limits.write.refill_rate)


def _advisor(config: Config, clock: Clock) -> Advisor:
    return Advisor(
        _reveal(config.secrets.openai_api_key),
        model=config.openai.model,
        timeout_s=config.openai.timeout_s,
        monotonic=clock.monotonic,
        base_url=config.openai.base_url,
        enabled=config.openai.enabled,
    )


def _compose(stack: AsyncExitStack, peers: Peers) -> Service:
    config, kalshi = peers.config, peers.config.kalshi
    account = identity.account_name(config)
    loops = _loops(peers, account)
    gate = Gate(
        database=peers.database,
        clock=peers.clock,
        account=account,
        dry_run=kalshi.dry_run,
        paused=loops.snapshots.paused,
    )
    doors = _doors(stack, peers, gate, loops.intake)
    return Service(config=config, doors=doors, loops=loops, gate=gate, log=peers.log)


def _doors(stack: AsyncExitStack, peers: Peers, gate: Gate, intake: Intake) -> Doors:
    common: _Common = {"database": peers.database, "clock": peers.clock, "log": peers.log}
    selling: _Selling = {"config": peers.config, "gate": gate.admit, "open_payout": parlays.open_payout}
    quoting = Quoting(exchange=peers.exchange, advisor=peers.advisor, new_id=new_id, **selling, **common)
    checkouts = Checkouts(payments=peers.payments, **selling, **common)
    desk = MarketDesk(peers.exchange, peers.clock)
    for close in (quoting.close, checkouts.close, desk.close):
        stack.push_async_callback(close)
    return Doors(
        database=peers.database,
        clock=peers.clock,
        new_id=new_id,
        markets=desk,
        quoting=quoting,
        checkouts=checkouts,
        accounts=Accounts(**common),
        intake=intake,
        readiness=gate,
        facts=_facts(peers.config),
    )


def _loops(peers: Peers, account: str) -> Loops:
    common: _Common = {"database": peers.database, "clock": peers.clock, "log": peers.log}
    arrived, planned, executed = Nudge(), Nudge(), Nudge()
    changed = Nudge(executed)
    sender = Sender(account=account, holder=_holder(), lease_s=peers.config.kalshi.lease_s, **common)
    lookups, fills = _lookups(peers, sender), _fills(peers, sender)
    snapshots = Snapshots(reads=peers.exchange, sender=sender, dry_run=peers.config.kalshi.dry_run, **common)
    intake = _intake(peers, snapshots, arrived, planned)
    return Loops(
        sender=sender,
        start_up=StartUp(
            reads=peers.exchange,
            books=Books(reads=peers.exchange, sender=sender, **common),
            sender=sender,
            dry_run=peers.config.kalshi.dry_run,
            **common,
        ),
        intake=intake,
        dispatcher=_dispatcher(peers, sender, snapshots, lookups, fills, changed),
        summarizer=Summarizer(**common),
        fills=fills,
        resting=_resting(peers, sender, lookups, fills, changed),
        payment_fees=PaymentFees(reads=peers.payments, sender=sender, **common),
        executed=executed,
        settler=_settler(peers, sender),
        settle_every_s=peers.config.kalshi.settle_every_s,
        snapshots=snapshots,
        reconciler=_reconciler(peers, sender, lookups),
        money=_money(peers, sender, snapshots, intake, planned),
        arrived=arrived,
        planned=planned,
        changed=changed,
    )


def _intake(peers: Peers, snapshots: Snapshots, arrived: Nudge, planned: Nudge) -> Intake:
    common: _Common = {"database": peers.database, "clock": peers.clock, "log": peers.log}
    charge_events = ChargeEvents(payments=peers.payments, **common)
    return Intake(
        # What accepting reads of the markets serves the sends that follow it.
        exchange=snapshots,
        config=peers.config,
        stripe_live=peers.config.secrets.stripe_mode is StripeMode.LIVE,
        arrived=arrived,
        planned=planned,
        handlers=dict.fromkeys(REFUND_TYPES | DISPUTE_TYPES, charge_events),
        **common,
    )


def _money(peers: Peers, sender: Sender, snapshots: Snapshots, intake: Intake, planned: Nudge) -> MoneyLoops:
    return money_loops(
        Around(
            database=peers.database,
            payments=peers.payments,
            reads=snapshots,
            sender=sender,
            config=peers.config,
            receive=intake.receive,
            planned=planned,
            clock=peers.clock,
            log=peers.log,
        )
    )


def _lookups(peers: Peers, sender: Sender) -> LookUps:
    kalshi = peers.config.kalshi
    return LookUps(
        database=peers.database,
        reads=peers.exchange,
        sender=sender,
        clock=peers.clock,
        margin_s=kalshi.lookup_margin_s,
        resend_window_s=kalshi.resend_window_s,
        log=peers.log,
    )


def _fills(peers: Peers, sender: Sender) -> Fills:
    return Fills(
        database=peers.database,
        reads=peers.exchange,
        sender=sender,
        clock=peers.clock,
        # More often than the books are compared with the exchange, so that others' trades are booked by then.
        sweep_every_s=peers.config.kalshi.reconcile_every_s / 4,
        log=peers.log,
    )


def _resting(peers: Peers, sender: Sender, lookups: LookUps, fills: Fills, ended: Nudge) -> Resting:
    return Resting(
        database=peers.database,
        door=peers.exchange,
        lookups=lookups,
        fills=fills,
        sender=sender,
        clock=peers.clock,
        rest_s=peers.config.hedging.rest_s,
        ended=ended,
        log=peers.log,
    )


def _reconciler(peers: Peers, sender: Sender, lookups: LookUps) -> Reconciler:
    kalshi = peers.config.kalshi
    return Reconciler(
        database=peers.database,
        reads=peers.exchange,
        sender=None if kalshi.dry_run else sender,
        lookups=lookups,
        clock=peers.clock,
        quiet_s=kalshi.quiet_s,
        every_s=kalshi.reconcile_every_s,
        log=peers.log,
    )


def _dispatcher(
    peers: Peers, sender: Sender, snapshots: Snapshots, lookups: LookUps, fills: Fills, changed: Nudge
) -> Dispatcher:
    config, kalshi, exchange = peers.config, peers.config.kalshi, peers.exchange
    common: _Common = {"database": peers.database, "clock": peers.clock, "log": peers.log}
    return Dispatcher(
        wire=Wire(
            door=exchange,
            sender=sender,
            safety=Safety(snapshots=snapshots, clock=peers.clock, max_attempts=config.hedging.max_attempts),
            subaccount=kalshi.subaccount,
            **common,
        ),
        lookups=lookups,
        fills=fills,
        limiter=exchange.limiter,
        sender=sender,
        rules=OrderRules(
            dry_run=kalshi.dry_run,
            subaccount=kalshi.subaccount,
            max_attempts=config.hedging.max_attempts,
            create_cost=lambda: exchange.create_cost,
            url=exchange.create_url,
            body=create_bytes,
        ),
        changed=changed,
        **common,
    )


def _settler(peers: Peers, sender: Sender) -> Settler:
    common: _Common = {"database": peers.database, "clock": peers.clock, "log": peers.log}
    quiet_s = peers.config.kalshi.quiet_s
    return Settler(
        reads=peers.exchange,
        cash=SettledCash(reads=peers.exchange, sender=sender, quiet_s=quiet_s, **common),
        sender=sender,
        void_rule=VoidRule(peers.config.pricing.void_leg.value),
        **common,
    )


def _holder() -> str:
    return f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(4)}"


def _facts(config: Config) -> Facts:
    environment = config.kalshi.environment
    return Facts(
        version=__version__,
        mode=config.mode.value,
        environment=environment.value,
        bet_environment="production" if environment is Environment.PRODUCTION else "demo",
        webhook_secret=_reveal(config.secrets.stripe_webhook_secret),
        webhook_tolerance_s=int(config.stripe.webhook_tolerance_s),
        hosts=own_hosts(config.service.public_url),
    )


def new_id() -> str:
    """Give an unguessable id of 128 random bits."""
    return secrets.token_hex(16)


def _reveal(secret: Any) -> str | None:
    return None if secret is None else secret.get_secret_value()
