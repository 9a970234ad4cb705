"""A service on a sandbox, with a look into the service's books and the exchange's."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import TYPE_CHECKING, Any, TypeVar

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from hedge_service.core.money import Money
from hedge_service.core.report import ExchangeCash, Report, report
from hedge_service.sandbox.credentials import generate_credentials
from hedge_service.store import ledger, positions
from hedge_service.store import report as report_rows
from hedge_service.store.db import Database
from hedge_service.store.schema import fills
from tests.system.stage import Stage, open_stage

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable
    from pathlib import Path

    from sqlalchemy.engine import Connection

    from hedge_service.core.ledger import Account

T = TypeVar("T")
# An Ed25519 key is made and loaded at once.
_KEY = Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
CREDENTIALS = {**generate_credentials(), "KALSHI_DEMO_PRIVATE_KEY": _KEY.strip().replace("\n", "\\n")}
WITHIN_S = 60.0
SHARE, FIXED = Decimal("0.029"), Money.cents(30)


@dataclass
class MoneyStage:
    service: Stage
    database: Database
    opening_micros: int

    async def read(self, work: Callable[[Connection], T]) -> T:
        return await self.database.read(work)

    async def until(self, true: Callable[[], Awaitable[bool]]) -> None:
        """Wait until something holds in the books."""
        async with asyncio.timeout(WITHIN_S):
            while not await true():  # noqa: ASYNC110 - the books of another connection give no sign
                await asyncio.sleep(0.05)

    async def fills(self) -> list[dict[str, Any]]:
        return await self.read(lambda tx: [dict(row._mapping) for row in tx.execute(fills.select())])

    async def booked(self, count: int) -> list[dict[str, Any]]:
        """Wait until so many executions are booked."""

        async def enough() -> bool:
            return len(await self.fills()) >= count

        await self.until(enough)
        return await self.fills()

    async def balances(self) -> dict[Account, Money]:
        return await self.read(ledger.balances)

    @property
    def cash_change(self) -> Money:
        """Give what the exchange's own cash has changed by."""
        return Money(_cash(self.service) - self.opening_micros)

    def theirs(self) -> dict[str, int]:
        """Give the exchange's own positions in signed hundredths."""
        held = self.service.sandbox.sandbox.exchange.account(0).positions
        return {ticker: one.count for ticker, one in held.items() if one.count}

    async def ours(self) -> dict[str, int]:
        held = await self.read(positions.everything)
        return {
            ticker: one.count.centis if one.side == "yes" else -one.count.centis
            for ticker, one in held.items()
        }

    async def report(self) -> Report:
        """Make the report, compared with the exchange's own cash."""

        def gather(tx: Connection) -> tuple[Any, Money | None, Money]:
            books = report_rows.gather(tx, fee_share=SHARE, fee_fixed=FIXED)
            return books, report_rows.opening_cash(tx), report_rows.resting_cost(tx)

        books, opening, resting = await self.read(gather)
        assert opening is not None
        free = sum(
            self.service.sandbox.sandbox.exchange.available(self._account, shard) for shard in range(4)
        )
        return report(
            replace(books, exchange=ExchangeCash(opening=opening, now=Money(free), resting=resting))
        )

    @property
    def _account(self) -> Any:
        return self.service.sandbox.sandbox.exchange.account(0)


def _cash(service: Stage) -> int:
    return sum(service.sandbox.sandbox.exchange.account(0).cash.values())


@asynccontextmanager
async def open_money(folder: Path, **knobs: str) -> AsyncIterator[MoneyStage]:
    """Open a service that places orders on a sandbox; `knobs` as HEDGE_ variables without the prefix."""
    changes = {"KALSHI__RECONCILE_EVERY_S": "1", "KALSHI__SETTLE_EVERY_S": "0.2", **knobs}
    async with (
        open_stage(folder, CREDENTIALS, changes) as service,
        Database(f"sqlite+aiosqlite:///{folder / 'hedge.db'}") as database,
    ):
        yield MoneyStage(service, database, _cash(service))
