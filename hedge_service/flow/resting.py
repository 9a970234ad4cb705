"""Orders that rest: one list read for all of them, cancelled when their time is over."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any, Protocol

from hedge_service.core.orders import IllegalMove
from hedge_service.core.venue import VenueStatus
from hedge_service.errors import PeerError
from hedge_service.flow.order_log import order_fields
from hedge_service.store import journal
from hedge_service.store.leases import Deposed

if TYPE_CHECKING:
    from hedge_service.clock import Clock
    from hedge_service.core.journal import Attempt, Intent
    from hedge_service.core.venue import CancelResult, VenueOrder
    from hedge_service.flow.fills import Fills
    from hedge_service.flow.lookup import LookUps
    from hedge_service.flow.runner import Nudge
    from hedge_service.flow.sender import Sender
    from hedge_service.store.db import Database

# A cancel may be acknowledged before reads show it; only then is it worth another one.
CANCEL_AGAIN_S = 2.0


class RestingDoor(Protocol):
    """The exchange calls for resting orders."""

    async def orders(self, *, status: VenueStatus) -> list[VenueOrder]:
        """List live orders of a status, all pages."""

    async def cancel_order(self, order_id: str, market_ticker: str) -> CancelResult | None:
        """Cancel what rests of an order; None when the exchange has no such resting order."""


class Resting:
    """Follows resting orders until the exchange says that they have ended.

    A cancel's reply ends nothing here: what it leaves is read back, so that a lost or wrong one does no harm.
    """

    def __init__(
        self,
        *,
        database: Database,
        door: RestingDoor,
        lookups: LookUps,
        fills: Fills,
        sender: Sender,
        clock: Clock,
        rest_s: float,
        ended: Nudge,
        log: Any,
    ) -> None:
        self._database = database
        self._door = door
        self._lookups = lookups
        self._fills = fills
        self._sender = sender
        self._clock = clock
        self._rest = timedelta(seconds=rest_s)
        self._ended = ended
        self._log = log
        self._cancelled_at: dict[str, float] = {}

    async def step(self) -> None:
        """Read all resting orders at once and act on each; what can't be read is tried again."""
        if not self._sender.alive():
            return
        resting = await self._database.read(journal.resting)
        if not resting:
            self._cancelled_at.clear()
            return
        try:
            listed = await self._door.orders(status=VenueStatus.RESTING)
        except PeerError as error:
            self._log.warning("resting.unreadable", orders=len(resting), reason=error.code)
            return
        live = {order.order_id: order for order in listed}
        for intent, attempt in resting:
            await self._tend(intent, attempt, live)

    async def _tend(self, intent: Intent, attempt: Attempt, live: dict[str, VenueOrder]) -> None:
        order = None if attempt.order_id is None else live.get(attempt.order_id)
        try:
            if order is None:
                if await self._look(intent, attempt):
                    return
            elif order.fill_count > attempt.filled:
                await self._fills.of_order(order)
            if self._over(intent, attempt) and attempt.order_id is not None:
                await self._cancel(intent, attempt, attempt.order_id)
        except PeerError as error:
            self._log.warning("resting.unresolved", **order_fields(intent, attempt), reason=error.code)
        except (Deposed, IllegalMove) as error:
            self._log.warning("intent.moved_meanwhile", intent_id=intent.id, reason=str(error))

    async def _look(self, intent: Intent, attempt: Attempt) -> bool:
        """Read an order that is not listed as resting (ended, or not shown yet); say whether it has ended."""
        ended = await self._lookups.follow(intent, attempt)
        if ended:
            self._ended.set()
        return ended

    def _over(self, intent: Intent, attempt: Attempt) -> bool:
        since = attempt.planned_at if attempt.last_sent_at is None else attempt.last_sent_at
        return self._clock.now() >= min(since + self._rest, intent.expires_at)

    async def _cancel(self, intent: Intent, attempt: Attempt, order_id: str) -> None:
        now = self._clock.monotonic()
        if now < self._cancelled_at.get(order_id, -CANCEL_AGAIN_S) + CANCEL_AGAIN_S:
            return
        self._cancelled_at[order_id] = now
        done = await self._door.cancel_order(order_id, intent.ticker)
        reduced = None if done is None else str(done.reduced_by)
        self._log.info("order.cancel_sent", **order_fields(intent, attempt), reduced_by=reduced)
        # 404: cancelled, or filled meanwhile; the order itself says which.
        await self._look(intent, attempt)
