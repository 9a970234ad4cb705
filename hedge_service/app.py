"""Composition root: every collaborator is made here, once, and passed down."""

from __future__ import annotations

import asyncio
import secrets
from contextlib import AsyncExitStack
from dataclasses import dataclass
from itertools import count
from typing import TYPE_CHECKING, Any, TypedDict

from aiohttp import web

from hedge_service import __version__
from hedge_service.clients.payments import Payments
from hedge_service.config import Environment, RateSource
from hedge_service.config.addresses import is_loopback
from hedge_service.core.risk.cvar import load_solver
from hedge_service.crash import ignore
from hedge_service.flow.accounts import Accounts
from hedge_service.flow.checkout import Checkouts
from hedge_service.flow.gate import Gate
from hedge_service.flow.markets import MarketDesk
from hedge_service.flow.quoting import Quoting
from hedge_service.logs import handle_loop_error, listening
from hedge_service.loops import loops_of
from hedge_service.metering.meters import Meters
from hedge_service.metering.scrape import Figures
from hedge_service.peers import Common, Peers, adopt_limits, advisor_of, open_database, open_exchange, reveal
from hedge_service.store import identity, parlays
from hedge_service.web.guards import own_hosts
from hedge_service.web.keys import Doors, Facts
from hedge_service.web.ops.app import open_desk, ops_application
from hedge_service.web.ops.keys import Nudges
from hedge_service.web.ops.metrics import scraping_of
from hedge_service.web.routes import web_application
from hedge_service.web.runner import DoorRunner

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from datetime import datetime

    from sqlalchemy.engine import Connection

    from hedge_service.clients.advisor import Advisor
    from hedge_service.clock import Clock
    from hedge_service.config import Config
    from hedge_service.core.money import Money
    from hedge_service.crash import Probe
    from hedge_service.flow.intake import Intake
    from hedge_service.loops import Loops
    from hedge_service.web.ops.keys import Desk
    from hedge_service.web.ops.metrics import Scraping

# What may still be on the wire when the process is told to stop; the whole stop takes at most 15 s.
STOP_WIRE_S = 11.0
STOP_DOORS_S = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """A composed service, ready to be run."""

    config: Config
    doors: Doors
    desk: Desk
    scraping: Scraping
    loops: Loops
    gate: Gate
    advisor: Advisor
    log: Any


class _Selling(TypedDict):
    config: Config
    gate: Callable[[], Awaitable[None]]
    open_payout: Callable[[Connection, datetime], Money]


async def open_service(
    stack: AsyncExitStack, config: Config, *, clock: Clock, log: Any, meters: Meters, probe: Probe = ignore
) -> Service:
    """Open the database, migrate it, and compose everything on it; `stack` closes it all in reverse.

    Raises ConfigError when the database belongs to another environment, account or Stripe mode.
    """
    exchange = await open_exchange(stack, config, clock, probe=probe, meter=meters)
    peers = Peers(
        config=config,
        clock=clock,
        log=log,
        database=await open_database(stack, config, probe),
        exchange=exchange,
        payments=Payments(
            reveal(config.secrets.stripe_api_key), api_base=config.stripe.api_base, probe=probe
        ),
        advisor=advisor_of(config, clock),
    )
    stack.push_async_callback(peers.payments.close)
    stack.push_async_callback(peers.advisor.close)
    if config.kalshi.rate_limit.source is RateSource.ACCOUNT:
        await adopt_limits(exchange, config, log)
    return _compose(stack, peers, meters)


async def serve(
    config: Config, *, clock: Clock, stop: asyncio.Event, log: Any, probe: Probe = ignore
) -> None:
    """Serve until `stop` is set: stop taking, finish what is on the wire, give the lease up, close.

    Raises the error of a loop that died (as an ExceptionGroup).
    """
    asyncio.get_running_loop().set_exception_handler(handle_loop_error)
    meters = Meters()
    async with AsyncExitStack() as stack:
        # Before anything is started: what is counted is all that is logged from here on.
        stack.enter_context(listening(meters.heard))
        service = await open_service(stack, config, clock=clock, log=log, meters=meters, probe=probe)
        runner = DoorRunner(web_application(service.doors), shutdown_timeout_s=STOP_DOORS_S)
        await runner.setup()
        stack.push_async_callback(runner.cleanup)
        site = web.TCPSite(runner, config.service.host, config.service.port)
        await site.start()
        ports = {"port": runner.addresses[0][1], "ops_port": await _open_ops(stack, service)}
        log.info("service.started", **(config.describe() | ports | {"version": __version__}))
        # Without this the first quote would wait for the solver, and for the model's library, to be loaded.
        _warming = asyncio.get_running_loop().run_in_executor(None, _warm, service.advisor)
        await _run(service, site, stop)
    log.info("service.stopped")


def _warm(advisor: Advisor) -> None:
    """Load what takes a while: first what every quote needs, since every quote sizes all plans."""
    load_solver()
    advisor.warm()


async def _open_ops(stack: AsyncExitStack, service: Service) -> int:
    """Open the operators' listener on an address of its own; give its port."""
    ops = service.config.ops
    runner = DoorRunner(ops_application(service.desk, service.scraping), shutdown_timeout_s=STOP_DOORS_S)
    await runner.setup()
    stack.push_async_callback(runner.cleanup)
    await web.TCPSite(runner, ops.host, ops.port).start()
    if not service.desk.tokens:
        service.log.warning("operators.closed", reason="HEDGE_OPS_TOKEN is not set")
    elif not is_loopback(ops.host):
        # The token crosses the network in the clear unless a proxy encrypts it.
        service.log.warning("operators.exposed", host=ops.host, reason="not on loopback")
    port: int = runner.addresses[0][1]
    return port


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
    await service.loops.intake.release()
    await service.loops.sender.release()


def _compose(stack: AsyncExitStack, peers: Peers, meters: Meters) -> Service:
    config, kalshi = peers.config, peers.config.kalshi
    account = identity.account_name(config)
    loops = loops_of(peers, account)
    gate = Gate(
        database=peers.database,
        clock=peers.clock,
        account=account,
        dry_run=kalshi.dry_run,
        paused=loops.snapshots.paused,
    )
    doors = _doors(stack, peers, gate, loops.intake)
    desk = _desk(peers, gate, loops)
    scraping = _scraping(peers, loops, meters, account)
    return Service(
        config=config,
        doors=doors,
        desk=desk,
        scraping=scraping,
        loops=loops,
        gate=gate,
        advisor=peers.advisor,
        log=peers.log,
    )


def _doors(stack: AsyncExitStack, peers: Peers, gate: Gate, intake: Intake) -> Doors:
    common: Common = {"database": peers.database, "clock": peers.clock, "log": peers.log}
    selling: _Selling = {"config": peers.config, "gate": gate.admit, "open_payout": parlays.open_payout}
    quoting = Quoting(exchange=peers.exchange, advisor=peers.advisor, new_id=new_id, **selling, **common)
    checkouts = Checkouts(payments=peers.payments, **selling, **common)
    desk = MarketDesk(peers.exchange, peers.clock)
    for close in (quoting.close, checkouts.close, desk.close):
        stack.push_async_callback(close)
    return Doors(
        database=peers.database,
        clock=peers.clock,
        new_id=request_ids(),
        markets=desk,
        quoting=quoting,
        checkouts=checkouts,
        accounts=Accounts(**common),
        intake=intake,
        readiness=gate,
        facts=_facts(peers.config),
    )


def _desk(peers: Peers, gate: Gate, loops: Loops) -> Desk:
    return open_desk(
        config=peers.config,
        database=peers.database,
        clock=peers.clock,
        log=peers.log,
        exchange=peers.exchange,
        readiness=gate,
        nudges=Nudges(arrived=loops.arrived, planned=loops.planned, changed=loops.changed),
        new_id=request_ids(),
        new_secret=secrets.token_urlsafe,
    )


def _scraping(peers: Peers, loops: Loops, meters: Meters, account: str) -> Scraping:
    config = peers.config
    figures = Figures(
        meters=meters,
        database=peers.database,
        limiter=peers.exchange.limiter,
        sender=loops.sender,
        clock=peers.clock,
        account=account,
        limits=config.limits,
        facts={
            "version": __version__,
            "mode": config.mode.value,
            "environment": config.kalshi.environment.value,
            "account": account,
            "strategy": config.hedging.strategy.value,
        },
    )
    return scraping_of(figures, config, peers.clock)


def _facts(config: Config) -> Facts:
    environment = config.kalshi.environment
    return Facts(
        version=__version__,
        mode=config.mode.value,
        environment=environment.value,
        bet_environment="production" if environment is Environment.PRODUCTION else "demo",
        webhook_secret=reveal(config.secrets.stripe_webhook_secret),
        webhook_tolerance_s=int(config.stripe.webhook_tolerance_s),
        hosts=own_hosts(config.service.public_url),
    )


def request_ids() -> Callable[[], str]:
    """Give what names requests: nobody must guess them, so a random start and a number each will do."""
    start, numbers = secrets.token_hex(8), count(1)
    return lambda: f"{start}{next(numbers):016x}"


def new_id() -> str:
    """Give an unguessable id of 128 random bits."""
    return secrets.token_hex(16)
