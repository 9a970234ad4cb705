"""One send of one attempt: journal SENDING, then the bytes, then what came of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from hedge_service.core.market import BookSide
from hedge_service.core.money import Money
from hedge_service.core.orders import (
    Accepted,
    AttemptState,
    ClockExpired,
    Refused,
    Throttled,
    Unproved,
    Unsent,
    settle_reply,
)
from hedge_service.flow.order_log import EVENTS, order_fields, tell_outcome
from hedge_service.flow.safety import ImpossibleCount
from hedge_service.store import halts, journal

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy.engine import Connection

    from hedge_service.clients.limiter import Grant
    from hedge_service.clock import Clock
    from hedge_service.core.journal import Attempt, Intent
    from hedge_service.core.orders import Move, Order, Reply
    from hedge_service.flow.sender import Sender
    from hedge_service.store.db import Database


class Halted(Exception):  # noqa: N818 - says what the service is
    """Sending is halted; the message is the reason given."""


class LeaseOver(Exception):  # noqa: N818 - says what has happened
    """The lease ran out before the first byte: nothing is written."""


class OrderDoor(Protocol):
    """The one exchange call that places orders."""

    async def create_order(self, order: Order, body: bytes, *, on_written: Callable[[], None]) -> Reply:
        """Send one copy; `on_written` is called just before its first byte, and stops it by raising."""


class SecondLocks(Protocol):
    """What is checked in the transaction that journals a send."""

    def check(self, tx: Connection, intent: Intent, attempt: Attempt) -> None:
        """Let a send through. Raises Waiting, Barred or ImpossibleCount."""


class Wire:
    """Sends attempts. Everything from SENDING to the stored outcome belongs to one unbroken task."""

    def __init__(
        self,
        *,
        database: Database,
        door: OrderDoor,
        sender: Sender,
        safety: SecondLocks,
        clock: Clock,
        subaccount: int,
        log: Any,
    ) -> None:
        self._database = database
        self._door = door
        self._sender = sender
        self._safety = safety
        self._clock = clock
        self._subaccount = subaccount
        self._log = log

    async def send(self, intent: Intent, attempt: Attempt, grant: Grant) -> Attempt:
        """Send one copy under a limiter's grant and store what came of it.

        Raises Halted, Waiting, Barred and Deposed before anything is written, StoreUnavailable when the
        journal can't be.
        """
        try:
            sending = await self._database.write(self._begin(intent, attempt))
        except ImpossibleCount as error:
            await self._halt(intent, str(error))
            raise Halted(str(error)) from error
        started = self._clock.monotonic()
        reply = await self._transmit(intent, sending, grant)
        latency_ms = round((self._clock.monotonic() - started) * 1000)
        move = settle_reply(
            reply, count=sending.count, in_doubt=sending.in_doubt, clock_retried=sending.clock_retried
        )
        settled = await self._database.write(self._settle(intent, sending, reply, move))
        tell_outcome(self._log, intent, settled, reply, latency_ms)
        return settled

    async def _halt(self, intent: Intent, reason: str) -> None:
        now = self._clock.now()

        def halt(tx: Connection) -> None:
            if halts.reason(tx) is None:
                halts.put(tx, halted=True, reason=reason, actor="second locks", at=now)

        await self._database.write(halt)
        self._log.error("sending.halted", parlay_id=intent.parlay_id, reason=reason)

    def _begin(self, intent: Intent, attempt: Attempt) -> Callable[[Connection], Attempt]:
        now = self._clock.now()

        def begin(tx: Connection) -> Attempt:
            epoch = self._sender.guard(tx)
            reason = halts.reason(tx)
            if reason is not None:
                raise Halted(reason)
            # A parlay voided or decided while this order stood in the limiter's line buys nothing more.
            if journal.is_over(tx, intent.id, now):
                raise Halted("the intent's time is over")
            self._safety.check(tx, intent, attempt)
            return journal.sending(tx, attempt, epoch=epoch, at=now)

        return begin

    async def _transmit(self, intent: Intent, attempt: Attempt, grant: Grant) -> Reply:
        def on_written() -> None:
            # Asked here, as late as our own code can: a process may still freeze between this line and the
            # write, which is why a successor looks up before it resends, and resends only the same id.
            if not self._sender.may_send():
                raise LeaseOver
            grant.written()
            self._log.info("order.sent", **order_fields(intent, attempt))

        order = intent.order(attempt.client_order_id, attempt.count, self._subaccount)
        try:
            return await self._door.create_order(order, attempt.body, on_written=on_written)
        except LeaseOver:
            return Unsent(reason="lease_over")

    def _settle(
        self, intent: Intent, attempt: Attempt, reply: Reply, move: Move
    ) -> Callable[[Connection], Attempt]:
        now = self._clock.now()
        evidence, changes = _record(intent, attempt, reply, move)

        def settle(tx: Connection) -> Attempt:
            self._sender.guard(tx)
            return journal.moved(
                tx, attempt, move.state, at=now, event=EVENTS[move.state], evidence=evidence, **changes
            )

        return settle


def _record(
    intent: Intent, attempt: Attempt, reply: Reply, move: Move
) -> tuple[dict[str, Any], dict[str, object]]:
    """Give the journal's evidence and the columns that change."""
    evidence: dict[str, Any] = {"reply": type(reply).__name__.lower(), "send": attempt.sends}
    changes: dict[str, object] = {"code": move.code if move.code != "" else None}
    if move.state is AttemptState.PLANNED:
        # No copy exists: the resend window, counted from the first copy that may, has not begun.
        changes["first_sent_ms"] = None
    match reply:
        case Accepted():
            return evidence | {"order_id": reply.order_id}, changes | _bought(intent, reply)
        case Unproved():
            said = {"status": reply.status, "reason": reply.reason, "code": reply.code}
            return evidence | said, changes | {"in_doubt": True}
        case Refused():
            return evidence | {"status": reply.status, "code": reply.code}, changes
        case ClockExpired():
            return evidence, changes | {"clock_retried": True}
        case Throttled() | Unsent():
            return evidence | {"code": move.code}, changes


def _bought(intent: Intent, reply: Accepted) -> dict[str, object]:
    """Give what the reply says was bought, in columns; the average price is the YES price on both sides."""
    cost = Money.ZERO
    if reply.average_fill_price is not None:
        price = reply.average_fill_price
        cost = (price if intent.side is BookSide.BID else price.complement).times(reply.fill_count)
    fees = Money.ZERO if reply.fees is None else reply.fees
    return {
        "order_id": reply.order_id,
        "fill_centis": reply.fill_count.centis,
        "cost_micros": cost.micros,
        "fees_micros": fees.micros,
    }
