"""Paid parlays, a real exchange on a socket that a test settles, and the loop that settles them here."""

from __future__ import annotations

from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from cryptography.hazmat.primitives import serialization
from sqlalchemy import select

from hedge_service.clients.kalshi.client import KalshiClient
from hedge_service.clients.kalshi.signer import Signer
from hedge_service.clients.kalshi.transport import Transport
from hedge_service.clients.limiter import RateLimiter
from hedge_service.clock import EPOCH
from hedge_service.core.market import Side
from hedge_service.core.pacing import tier_limits
from hedge_service.core.settlement import VoidRule
from hedge_service.flow.accounts import Accounts
from hedge_service.flow.sender import Sender
from hedge_service.flow.settle import Settler
from hedge_service.flow.settled_cash import SettledCash
from hedge_service.store import bets, checkouts, fills, ledger, parlays, payments, quotes
from hedge_service.store.db import Database
from hedge_service.store.payments import Payment, PaymentState
from hedge_service.store.schema import metadata
from tests.empty_database import put_empty_database
from tests.flow.order_fakes import Log
from tests.sandbox.exchange_stage import KEY_ID
from tests.sandbox.exchange_stage import Stage as ExchangeStage
from tests.sandbox.exchange_stage import open_stage as open_exchange
from tests.store.parlay_samples import USER, checkout_of, new_bet, parlay_of, quote_of

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from datetime import datetime
    from pathlib import Path

    from sqlalchemy.engine import Connection

    from hedge_service.core.ledger import Account
    from hedge_service.core.money import Money
    from hedge_service.store.parlays import Parlay, ParlayLeg

ACCOUNT = "sandbox/main/0"
QUIET_S = 10.0


@dataclass
class SteadyClock:
    """The exchange's own clock, so that nobody's signature is stale."""

    exchange: ExchangeStage

    def now(self) -> datetime:
        return EPOCH + timedelta(seconds=self.exchange.clock())

    def monotonic(self) -> float:
        return self.exchange.clock.monotonic()

    async def sleep(self, seconds: float) -> None:
        self.exchange.clock.forward(seconds)


@dataclass
class SettleStage:
    exchange: ExchangeStage
    client: KalshiClient
    database: Database
    clock: SteadyClock
    log: Log
    sender: Sender
    cash_before: int
    sold: int = 0

    def __post_init__(self) -> None:
        self.settler = self.process()

    def process(
        self, *, database: Database | None = None, rule: VoidRule = VoidRule.REFUND, **changes: Any
    ) -> Settler:
        """Make a settling loop, on this database or another handle of it."""
        common: dict[str, Any] = {
            "database": self.database if database is None else database,
            "clock": self.clock,
            "log": self.log,
            "sender": self.sender,
        } | changes
        cash = SettledCash(**({"reads": self.client} | common), quiet_s=QUIET_S)
        return Settler(**({"reads": self.client} | common), cash=cash, void_rule=rule)

    @property
    def accounts(self) -> Accounts:
        return Accounts(database=self.database, clock=self.clock, log=self.log)

    async def parlay(self, *legs: str, no: tuple[str, ...] = ()) -> Parlay:
        """Have a parlay paid for: tickers backed with YES, and those with NO."""
        self.sold += 1
        number = self.sold

        def put(tx: Connection) -> Parlay:
            asked = [new_bet(ticker) for ticker in legs]
            asked += [replace(new_bet(ticker), side=Side.NO) for ticker in no]
            quote = quote_of(number, tuple(bets.add(tx, bet, self.clock.now()) for bet in asked))
            quotes.put(tx, quote)
            checkouts.begin(tx, checkout_of(quote, number))
            parlay = parlay_of(quote, number)
            parlays.put(tx, parlay)
            for leg in quote.legs:
                parlays.put_leg(tx, parlay.id, leg, None)
            payments.put(tx, _payment(parlay), self.clock.now())
            bets.remove_these(tx, USER, [leg.bet.id for leg in quote.legs])
            return parlay

        return await self.database.write(put)

    async def buy(self, ticker: str, **terms: Any) -> None:
        """Trade at the exchange, and book it."""
        await self.exchange.created(ticker=ticker, **terms)
        await self.book_fills()

    async def book_fills(self) -> None:
        """Book every fill that the exchange tells of and that is not booked."""
        listed = await self.client.fills()
        now = self.clock.now()
        await self.database.write(lambda tx: [fills.book(tx, fill, None, now) for fill in listed])

    async def settle(
        self, ticker: str, result: str, value: str | None = None, status: str = "finalized"
    ) -> None:
        """Have the exchange give a market a result."""
        await self.exchange.control(
            "/settle", ticker=ticker, status=status, result=result, settlement_value_dollars=value
        )

    async def state(self, parlay: Parlay) -> str:
        found = await self.database.read(lambda tx: parlays.get(tx, parlay.id))
        assert found is not None
        return found.state

    async def legs(self, parlay: Parlay) -> tuple[ParlayLeg, ...]:
        return await self.database.read(lambda tx: parlays.legs(tx, parlay.id))

    async def balances(self) -> dict[Account, Money]:
        return await self.database.read(ledger.balances)

    def cash_change(self) -> int:
        """Give how the exchange's own cash has changed since the start, in micros."""
        return sum(self.exchange.exchange.account(0).cash.values()) - self.cash_before

    async def rows(self) -> dict[str, list[tuple[Any, ...]]]:
        """Give every row there is."""
        return await self.database.read(
            lambda tx: {
                table.name: sorted(map(tuple, tx.execute(select(table))), key=str)
                for table in metadata.sorted_tables
            }
        )


def _payment(parlay: Parlay) -> Payment:
    return Payment(
        session_id=parlay.session_id,
        quote_id=parlay.quote_id,
        event_id=f"evt_{parlay.session_id}",
        payment_intent=f"pi_{parlay.session_id}",
        amount_cents=parlay.stake.to_cents(),
        currency="usd",
        paid_at=parlay.accepted_at,
        state=PaymentState.ACCEPTED,
    )


@asynccontextmanager
async def open_settle_stage(folder: Path) -> AsyncIterator[SettleStage]:
    """Open an exchange, a database and a settling loop that holds the lease."""
    async with (
        open_exchange() as exchange,
        Database(put_empty_database(folder / "hedge.db")) as database,
    ):
        clock, log, transport = SteadyClock(exchange), Log(), Transport()
        client = _client(exchange, clock, transport)
        sender = Sender(database=database, clock=clock, account=ACCOUNT, holder="first", lease_s=1e6, log=log)
        await sender.step()
        cash = sum(exchange.exchange.account(0).cash.values())
        try:
            yield SettleStage(exchange, client, database, clock, log, sender, cash)
        finally:
            await transport.close()


def _client(exchange: ExchangeStage, clock: SteadyClock, transport: Transport) -> KalshiClient:
    pem = exchange.key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()
    return KalshiClient(
        base_url=str(exchange.base.with_path("/trade-api/v2")),
        signer=Signer(key_id=KEY_ID, pem=pem),
        transport=transport,
        limiter=RateLimiter(tier_limits("prestige"), clock),
        clock=clock,
    )
