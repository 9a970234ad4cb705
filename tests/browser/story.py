"""A service on the sandbox with something of everything to look at: won, lost, open, in doubt and parked."""

from __future__ import annotations

from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from tests.system.extension import BOS, BTC, HOT, LA, SEA, USER, WARM, Extension
from tests.system.stage import open_stage

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping
    from pathlib import Path

    from tests.system.stage import Stage

TOKEN = "anns-own-secret-2026"
KNOBS = {
    "OPS_TOKEN": f"ann:{TOKEN}",
    "KALSHI__SETTLE_EVERY_S": "0.2",
    "KALSHI__QUIET_S": "0",
    "KALSHI__RESEND_WINDOW_S": "0.5",
    "KALSHI__RECONCILE_EVERY_S": "1",
    "LIMITS__MAX_OPEN_PAYOUT_DOLLARS": "400",
    "LIMITS__MAX_PAYOUT_DOLLARS": "400",
    "LIMITS__MAX_PARLAY_HEDGE_DOLLARS": "60",
    "LIMITS__MAX_ORDER_DOLLARS": "60",
    "LIMITS__MAX_DAY_HEDGE_DOLLARS": "60",
    "LIMITS__MAX_MARKET_EXPOSURE_DOLLARS": "300",
}
REASONS = {
    "bands": "The default is close to the best tail of all plans and costs least.",
    "cvar": "It has the smallest mean loss in the worst cases for a modest outlay.",
    "min_variance": "It narrows the results most, and the stake covers its cost.",
    "none": "The payout is small beside the stake; a hedge would cost more than it saves.",
}
NYY = "KXMLBGAME-26NOV29NYYLAD-NYY"


@dataclass(frozen=True)
class Story:
    """The run, and where its operators' page is."""

    stage: Stage
    ops: str

    async def buy(self, user: int, *tickers: str, stake: Any = 5) -> str:
        """Sell a parlay to a user of its own; give its id once it is accepted."""
        extension = Extension(self.stage.sandbox.http, self.stage.base, user=f"{USER[:-2]}{user:02}")
        session = await replace(self.stage, extension=extension).sold(*tickers, stake=stake)
        event = await self.stage.sandbox.pay(session)
        accepted = await self.stage.events.one("payment.confirmed", event_id=event)
        return str(accepted["parlay_id"])

    async def advise(self, plan: str) -> None:
        """Have the model choose a plan from now on."""
        answer = {
            "correlations": [],
            "summary": "The legs are of different events on the same day.",
            "risk_assessment": "The largest loss is the payout less the hedges, if all legs hit.",
            "confidence_level": "medium",
            "plan": {"plan_id": plan, "reason": REASONS[plan]},
        }
        await self.stage.sandbox.control("model/script", default={"answer": answer})

    async def park(self, user: int, ticker: str, *others: str) -> str:
        """Sell a parlay whose order the exchange never answers; give the order's id once it is parked."""
        kind, route = "service_unavailable_before_accept", "POST /portfolio/events/orders"
        await self.stage.sandbox.fault(kind, ticker=ticker, times=None, route=route)
        await self.buy(user, ticker, *others)
        parked = await self.stage.events.one("order.parked")
        await self.stage.sandbox.control("exchange/faults", "DELETE")
        return str(parked["client_order_id"])

    async def settle(self, ticker: str, result: str) -> None:
        """Have the exchange give a market its result."""
        await self.stage.sandbox.control("exchange/settle", ticker=ticker, status="finalized", result=result)


@asynccontextmanager
async def telling(
    folder: Path, credentials: Mapping[str, str], changes: Mapping[str, str] | None = None
) -> AsyncIterator[Story]:
    """Open a service with an operators' page."""
    knobs = KNOBS if changes is None else {**KNOBS, **changes}
    async with open_stage(folder, credentials, knobs) as stage:
        started = await stage.events.one("service.started")
        yield Story(stage, f"http://127.0.0.1:{started['ops_port']}")


async def tell(story: Story) -> str:
    """Play it: eight parlays, four of which have ended; give the id of the order that is parked."""
    stage, ended = story.stage, []
    sold: tuple[tuple[str, int, tuple[str, ...]], ...] = (
        ("cvar", 5, (NYY, SEA)),
        ("min_variance", 8, (NYY, BOS, WARM)),
        ("none", 12, (NYY, HOT)),
    )
    for user, (plan, stake, legs) in enumerate(sold, start=1):
        await story.advise(plan)
        ended.append(await story.buy(user, *legs, stake=stake))
    for parlay in ended:
        await stage.summary(parlay)
    await story.settle(NYY, "no")
    for parlay in ended:
        await stage.events.one("parlay.lost", parlay_id=parlay)
    await story.advise("bands")
    won = await story.buy(4, LA, stake=4)
    await stage.summary(won)
    await story.settle(LA, "yes")
    await stage.events.one("parlay.won", parlay_id=won)
    for user, tickers in enumerate(((BOS, WARM), (BTC, WARM), (BOS, BTC, WARM)), start=5):
        await stage.summary(await story.buy(user, *tickers, stake=6))
    return await story.park(8, WARM, BOS)
