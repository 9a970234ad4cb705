"""Selling, intake and the money loops around a Stripe stand-in on a socket, asked by Stripe's library."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from aiohttp import web
from aiohttp.test_utils import TestServer

from hedge_service.clients.payments import Payments
from hedge_service.core.settlement import ParlayState
from hedge_service.flow.accepting import Accepting
from hedge_service.flow.accounts import Accounts
from hedge_service.flow.charge_events import ChargeEvents
from hedge_service.flow.checkout import Checkouts
from hedge_service.flow.intake import Intake
from hedge_service.flow.money_loops import Around, money_loops
from hedge_service.flow.payment_resolving import Resolving
from hedge_service.flow.runner import Nudge
from hedge_service.flow.sender import Sender
from hedge_service.sandbox.control import STOPPING
from hedge_service.sandbox.stripe import DeliverySettings, StripeStandIn, stripe_routes
from hedge_service.sandbox.stripe.faults import Fault, FaultKind
from hedge_service.sandbox.stripe.params import Params
from hedge_service.sandbox.stripe.payments import PayMethod, pay_session
from hedge_service.sandbox.stripe.refunds import close_dispute, create_refund, open_dispute
from hedge_service.store import halts, ledger, parlays, payments, refunds, results
from hedge_service.wire.stripe.events import DISPUTE_TYPES, REFUND_TYPES, inbox_event, read_event
from tests.flow.order_fakes import Log
from tests.flow.selling_stage import ANN, Stage, open_stage

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable
    from pathlib import Path

    from hedge_service.core.ledger import Account
    from hedge_service.core.money import Money
    from hedge_service.core.parlay import Checkout, Quote
    from hedge_service.store.parlays import Parlay
    from hedge_service.store.payments import Payment
    from hedge_service.store.refunds import DueRefund

KEY = "sk_test_sandbox"
ACCOUNT = "demo/main/0"
Json = dict[str, Any]


class BackStage:
    """One service with a Stripe account; events arrive only when a test delivers them."""

    def __init__(self, selling: Stage, standin: StripeStandIn, client: Payments) -> None:
        self.selling = selling
        self.standin = standin
        self.client = client
        self.clock = selling.clock
        self.database = selling.database
        self.log = Log()
        common: dict[str, Any] = {"database": self.database, "clock": self.clock, "log": self.log}
        self.sender = Sender(account=ACCOUNT, holder="first", lease_s=1e6, **common)
        self.accounts = Accounts(**common)
        self.checkouts = Checkouts(
            config=selling.config,
            payments=client,
            gate=selling.gate,
            open_payout=parlays.open_payout,
            **common,
        )
        self.intake = Intake(
            exchange=selling.exchange,
            config=selling.config,
            stripe_live=False,
            arrived=Nudge(),
            planned=Nudge(),
            handlers=dict.fromkeys(REFUND_TYPES | DISPUTE_TYPES, ChargeEvents(payments=client, **common)),
            **common,
        )
        self.loops = money_loops(
            Around(
                payments=client,
                reads=selling.exchange,
                sender=self.sender,
                config=selling.config,
                receive=self.intake.receive,
                planned=Nudge(),
                **common,
            )
        )
        accepting = Accepting(
            database=self.database,
            exchange=selling.exchange,
            config=selling.config,
            stripe_live=False,
            clock=self.clock,
        )
        self.resolving = Resolving(database=self.database, accepting=accepting)

    @property
    def books(self) -> Any:
        return self.standin.books

    async def checkout(self, stake: str = "5") -> tuple[Quote, Checkout]:
        """Save the classic bets, quote them and open a session at Stripe."""
        await self.selling.classic()
        quote = await self.selling.quote(stake=stake)
        self.selling.checkouts = self.checkouts
        return quote, await self.selling.open(quote)

    def pay(self, checkout: Checkout) -> Json:
        """Have the payer pay; give the event that says so."""
        assert checkout.session_id is not None
        return dict(pay_session(self.books, checkout.session_id, PayMethod.CARD))

    def charge(self, checkout: Checkout) -> Json:
        """Give the charge of a paid session."""
        session = self.books.sessions.get(checkout.session_id)
        intent = self.books.payment_intents.get(session["payment_intent"])
        return dict(self.books.charges.get(intent["latest_charge"]))

    def give_back(self, checkout: Checkout, cents: int | None = None) -> Json:
        """Refund as from the dashboard; give the `charge.refunded` event."""
        asked = {"charge": self.charge(checkout)["id"]} | ({} if cents is None else {"amount": str(cents)})
        create_refund(self.books, Params(asked))
        return self.newest("charge.refunded")

    def fail_refund(self, checkout: Checkout) -> Json:
        """Let the newest refund fail at the payer's bank; give the `refund.failed` event."""
        refund = self.books.refunds.newest_first()[0]
        charge = self.books.charges.get(self.charge(checkout)["id"])
        charge["amount_refunded"] -= refund["amount"]
        charge["refunded"] = False
        refund["status"] = "failed"
        return dict(self.books.record("refund.failed", refund))

    def dispute(self, checkout: Checkout) -> Json:
        """Have the payer's bank dispute the payment; give the event."""
        return dict(open_dispute(self.books, self.charge(checkout)["id"]))

    def close_dispute(self, opened: Json, *, won: bool) -> Json:
        return dict(close_dispute(self.books, opened["data"]["object"]["id"], won=won))

    def newest(self, kind: str) -> Json:
        return next(dict(event) for event in self.books.events.newest_first() if event["type"] == kind)

    def fault(self, kind: FaultKind, path: str, *, after: bool = False, count: int = 1) -> None:
        self.standin.faults.add(Fault(kind=kind, count=count, after=after, method="POST", path=path))

    async def deliver(self, *events: Json, handle: bool = True) -> None:
        """Put events into the inbox as the door does, and handle them."""
        for event in events:
            await self.intake.receive(inbox_event(read_event(event)))
        if handle:
            await self.intake.step()

    async def sold(self, stake: str = "5") -> tuple[Checkout, Parlay]:
        """Have a parlay paid for and accepted."""
        _, checkout = await self.checkout(stake)
        await self.deliver(self.pay(checkout))
        parlay = await self.parlay(checkout)
        assert parlay is not None
        return checkout, parlay

    async def end(self, parlay: Parlay, state: ParlayState) -> None:
        """Give a parlay its result, booked."""
        from hedge_service.core import ledger as books

        now = self.clock.now()
        entry = (
            books.parlay_won(parlay_id=parlay.id, stake=parlay.stake, payout=parlay.payout)
            if state is ParlayState.WON
            else books.parlay_lost(parlay_id=parlay.id, stake=parlay.stake)
        )
        await self.database.write(
            lambda tx: (results.decide(tx, parlay.id, state), ledger.post(tx, entry, now))
        )

    async def parlay(self, checkout: Checkout) -> Parlay | None:
        return await self.database.read(lambda tx: parlays.by_session(tx, str(checkout.session_id)))

    async def payment(self, checkout: Checkout) -> Payment:
        found = await self.database.read(lambda tx: payments.get(tx, str(checkout.session_id)))
        assert found is not None
        return found

    async def due(self, checkout: Checkout) -> DueRefund | None:
        return await self.database.read(lambda tx: refunds.get(tx, str(checkout.session_id)))

    async def balances(self) -> dict[Account, Money]:
        found = await self.database.read(ledger.balances)
        return {account: money for account, money in found.items() if money}

    async def halt(self, reason: str | None = "look at this") -> None:
        now = self.clock.now()
        word = "resumed" if reason is None else reason
        await self.database.write(
            lambda tx: halts.put(tx, halted=reason is not None, reason=word, actor="ann", at=now)
        )

    def asked(self, path: str, method: str = "POST") -> list[Json]:
        """Give the requests that Stripe has seen."""
        seen = self.standin.requests
        return [each for each in seen if (each["method"], each["path"]) == (method, path)]


def user() -> str:
    return ANN


def kinds(events: Iterable[Json]) -> list[str]:
    return [event["type"] for event in events]


@asynccontextmanager
async def open_back_stage(folder: Path, **variables: str) -> AsyncIterator[BackStage]:
    """Open a stage on a new database; `variables` override settings."""
    async with open_stage(folder, **variables) as selling:
        clock = selling.clock

        def seconds() -> float:
            return (clock.now() - datetime(1970, 1, 1, tzinfo=UTC)).total_seconds()

        delivery = DeliverySettings(auto=False)
        standin = StripeStandIn(api_key=KEY, clock=seconds, seed=7, delivery=delivery)
        app = web.Application()
        app[STOPPING] = asyncio.Event()
        app.add_routes(stripe_routes(standin))

        async def stop(_: web.Application) -> None:
            app[STOPPING].set()

        app.on_shutdown.append(stop)
        async with standin, TestServer(app) as server:
            client = Payments(KEY, api_base=str(server.make_url("")).rstrip("/"), timeout_s=2)
            stage = BackStage(selling, standin, client)
            await stage.sender.step()
            yield stage
            await stage.checkouts.close()
            await client.close()
