"""The loops of one process: what each is made of, what wakes it."""

from __future__ import annotations

import os
import secrets
import socket
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from hedge_service.config import StripeMode
from hedge_service.core.parlay import Mode
from hedge_service.core.settlement import VoidRule
from hedge_service.flow.books import Books
from hedge_service.flow.charge_events import ChargeEvents
from hedge_service.flow.dispatch import Dispatcher, OrderRules
from hedge_service.flow.fills import Fills
from hedge_service.flow.halt_watch import HaltWatch
from hedge_service.flow.intake import Intake
from hedge_service.flow.lookup import LookUps
from hedge_service.flow.money_loops import Around, MoneyLoops, money_loops
from hedge_service.flow.pacing import Pace
from hedge_service.flow.payment_fees import PaymentFees
from hedge_service.flow.reconcile import Reconciler
from hedge_service.flow.relay import Relay
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
from hedge_service.store import leases
from hedge_service.wire.kalshi.orders import create_bytes
from hedge_service.wire.stripe.events import DISPUTE_TYPES, REFUND_TYPES

if TYPE_CHECKING:
    import asyncio

    from hedge_service.peers import Common, Peers

POLL_S = 1.0


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
    halt_watch: HaltWatch
    settle_every_s: float
    snapshots: Snapshots
    reconciler: Reconciler
    money: MoneyLoops
    relay: Relay
    pace: Pace
    arrived: Nudge
    planned: Nudge
    changed: Nudge
    at_rest: Nudge
    executed: Nudge

    def tasks(self, group: asyncio.TaskGroup, log: Any) -> None:
        """Start every loop; one that dies takes the group, and so the process, down."""
        rows = (
            ("lease", self.sender.step, Nudge(), self.sender.renew_every_s),
            ("start_up", self.start_up.step, Nudge(), POLL_S / 4),
            ("intake", self.intake.step, self.arrived, POLL_S),
            ("dispatch", self.dispatcher.step, self.planned, POLL_S / 4),
            ("summary", self.summarizer.step, self.at_rest, POLL_S),
            ("fills", self.fills.step, self.executed, POLL_S),
            ("resting", self.resting.step, Nudge(), POLL_S),
            ("payment_fees", self.payment_fees.step, Nudge(), POLL_S),
            ("halts", self.halt_watch.step, Nudge(), POLL_S),
            ("settle", self.settler.step, Nudge(), self.settle_every_s),
            ("reconcile", self.reconciler.step, Nudge(), POLL_S),
            ("relay", self.relay.step, self.relay.pending, POLL_S),
            ("pace", self.pace.step, Nudge(), POLL_S / 4),
            *self.snapshots.loops(),
            *self.money.loops(),
        )
        for name, step, nudge, poll_s in rows:
            group.create_task(run_loop(name, step, nudge=nudge, poll_s=poll_s, log=log), name=f"loop.{name}")


def loops_of(peers: Peers, account: str) -> Loops:
    """Compose every loop on its peers."""
    common: Common = {"database": peers.database, "clock": peers.clock, "log": peers.log}
    holder = _holder(dry_run=peers.config.kalshi.dry_run)
    sender = Sender(account=account, holder=holder, lease_s=peers.config.kalshi.lease_s, **common)
    relay = Relay(database=peers.database, sender=sender)
    # A driver books the executions of its own order; only what happens elsewhere wakes the loop for them.
    arrived, at_rest, executed = Nudge(), Nudge(), Nudge()
    planned, changed = relay.nudge("planned"), relay.nudge("changed", at_rest, executed)
    lookups, fills = _lookups(peers, sender), _fills(peers, sender)
    snapshots = Snapshots(reads=peers.exchange, sender=sender, dry_run=peers.config.kalshi.dry_run, **common)
    intake = _intake(peers, holder, snapshots, arrived, planned)
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
        dispatcher=_dispatcher(peers, sender, snapshots, lookups, fills, at_rest),
        summarizer=Summarizer(sender=sender, **common),
        fills=fills,
        resting=_resting(peers, sender, lookups, fills, changed),
        payment_fees=PaymentFees(reads=peers.payments, sender=sender, **common),
        halt_watch=HaltWatch(database=peers.database, log=peers.log),
        at_rest=at_rest,
        executed=executed,
        settler=_settler(peers, sender),
        settle_every_s=peers.config.kalshi.settle_every_s,
        snapshots=snapshots,
        reconciler=_reconciler(peers, sender, lookups),
        money=_money(peers, sender, snapshots, intake, planned),
        relay=relay,
        pace=Pace(
            limiter=peers.exchange.limiter,
            sender=sender,
            processes=peers.config.kalshi.rate_limit.processes,
        ),
        arrived=arrived,
        planned=planned,
        changed=changed,
    )


def _intake(peers: Peers, holder: str, snapshots: Snapshots, arrived: Nudge, planned: Nudge) -> Intake:
    common: Common = {"database": peers.database, "clock": peers.clock, "log": peers.log}
    charge_events = ChargeEvents(payments=peers.payments, **common)
    return Intake(
        # What accepting reads of the markets serves the sends that follow it.
        exchange=snapshots,
        config=peers.config,
        stripe_live=peers.config.secrets.stripe_mode is StripeMode.LIVE,
        arrived=arrived,
        planned=planned,
        holder=holder,
        # A dead process's events are free when its lease is.
        claim_s=peers.config.kalshi.lease_s,
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
    peers: Peers, sender: Sender, snapshots: Snapshots, lookups: LookUps, fills: Fills, at_rest: Nudge
) -> Dispatcher:
    config, kalshi, exchange = peers.config, peers.config.kalshi, peers.exchange
    common: Common = {"database": peers.database, "clock": peers.clock, "log": peers.log}
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
        at_rest=at_rest,
        **common,
    )


def _settler(peers: Peers, sender: Sender) -> Settler:
    common: Common = {"database": peers.database, "clock": peers.clock, "log": peers.log}
    quiet_s = peers.config.kalshi.quiet_s
    return Settler(
        reads=peers.exchange,
        cash=SettledCash(reads=peers.exchange, sender=sender, quiet_s=quiet_s, **common),
        sender=sender,
        void_rule=VoidRule(peers.config.pricing.void_leg.value),
        **common,
    )


def _holder(*, dry_run: bool) -> str:
    mode = Mode.DRY_RUN if dry_run else Mode.LIVE
    return leases.holder_of(f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(4)}", mode)
