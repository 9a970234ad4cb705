"""A service in the test's own loop, a sandbox and an extension: everything but the operating system."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from hedge_service.app import serve
from hedge_service.clock import SystemClock
from hedge_service.config import load_config
from hedge_service.logs import Redactor, configure_logging, get_logger
from tests.empty_database import put_empty_database
from tests.system.events import Events, Line
from tests.system.extension import Extension
from tests.system.sandbox_stage import SandboxStage, open_sandbox

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping, Sequence
    from pathlib import Path

# Names without HEDGE_: free ports, real orders, no patience; a lease that a busy machine can keep.
KNOBS: Mapping[str, str] = {
    "SERVICE__PORT": "0",
    "OPS__PORT": "0",
    "KALSHI__DRY_RUN": "false",
    "KALSHI__LEASE_S": "20",
    "KALSHI__LOOKUP_MARGIN_S": "0",
    "KALSHI__ORDER_TIMEOUT_S": "5",
    "LIMITS__QUOTES_PER_MINUTE_PER_ADDRESS": "100000",
}


@dataclass
class Stage:
    """All that takes part, and the steps that most tests share."""

    sandbox: SandboxStage
    extension: Extension
    events: Events
    base: str

    async def sold(self, *tickers: str, stake: Any = 5, **changes: Any) -> str:
        """Save bets, quote and check out; give the session, not paid yet."""
        await self.extension.save(*tickers, **changes)
        return await self.extension.checked_out(await self.extension.quote(stake))

    async def bought(self, *tickers: str, stake: Any = 5, **changes: Any) -> str:
        """Do all that a user does, payment included; give the parlay's id once it is accepted."""
        session = await self.sold(*tickers, stake=stake, **changes)
        await self.sandbox.pay(session)
        return str((await self.events.one("payment.confirmed"))["parlay_id"])

    async def summary(self, parlay_id: str, **fields: object) -> Line:
        """Wait for the summary of a parlay's hedge."""
        return await self.events.one("hedge.summarized", parlay_id=parlay_id, **fields)

    async def post_webhook(self, payload: bytes, headers: Mapping[str, str]) -> tuple[int, Any]:
        """Post a webhook body as Stripe would: without an Origin."""
        async with self.sandbox.http.post(
            f"{self.base}/api/webhook", data=payload, headers=dict(headers)
        ) as reply:
            return reply.status, await reply.json()


def knobs_of(sandbox: SandboxStage, changes: Mapping[str, str]) -> dict[str, str]:
    """Give the whole environment of a service that uses this sandbox."""
    knobs = {f"HEDGE_{name}": value for name, value in {**KNOBS, **changes}.items()}
    return {**sandbox.environment, **knobs}


@asynccontextmanager
async def serving(
    sandbox: SandboxStage,
    folder: Path,
    changes: Mapping[str, str],
    *,
    ready: bool = True,
    leaving_out: Sequence[str] = (),
) -> AsyncIterator[Stage]:
    """Serve in this loop until the block ends; whatever a loop of the service raised comes out here.

    `ready`: wait until orders may be sent.
    """
    if not (folder / "hedge.db").exists():
        put_empty_database(folder / "hedge.db")
    # The default database stands in the working directory, which all tests share.
    database = {"DATABASE__URL": f"sqlite+aiosqlite:///{folder / 'hedge.db'}"}
    environ = knobs_of(sandbox, {**database, **changes})
    given = {name: value for name, value in environ.items() if name not in leaving_out}
    config = load_config(path=None, environ=given, cwd=folder)
    events, stop = Events(), asyncio.Event()
    logging = configure_logging(events, Redactor(config.secrets.values()), SystemClock().now)
    service = asyncio.create_task(serve(config, clock=SystemClock(), stop=stop, log=get_logger()))
    try:
        port = await _started(service, events)
        base = f"http://127.0.0.1:{port}"
        await sandbox.deliver_to(base)
        if ready:
            await events.one("exchange.reconciled")
        yield Stage(sandbox, Extension(sandbox.http, base), events, base)
    finally:
        stop.set()
        await service
        logging.restore()


@asynccontextmanager
async def open_stage(
    folder: Path,
    credentials: Mapping[str, str],
    changes: Mapping[str, str],
    **how: Any,
) -> AsyncIterator[Stage]:
    """Open a sandbox and serve on it."""
    async with (
        open_sandbox(credentials) as sandbox,
        serving(sandbox, folder, changes, **how) as stage,
    ):
        yield stage


async def _started(service: asyncio.Task[None], events: Events) -> int:
    said = asyncio.create_task(events.one("service.started"))
    await asyncio.wait({service, said}, return_when=asyncio.FIRST_COMPLETED)
    if not said.done():
        said.cancel()
        await service
    return int((await said)["port"])
