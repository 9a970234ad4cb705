"""One send of one attempt: journal SENDING, then the bytes, then what came of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from hedge_service.core.journal import moved, sent
from hedge_service.core.market import BookSide
from hedge_service.core.money import Money
from hedge_service.core.orders import (
    Accepted,
    AttemptState,
    ClockExpired,
    IllegalMove,
    Refused,
    Throttled,
    Unproved,
    Unsent,
    settle_reply,
)
from hedge_service.flow.batching import Batcher
from hedge_service.flow.order_log import EVENTS, order_fields, tell_outcome
from hedge_service.flow.safety import Barred, ImpossibleCount, Waiting
from hedge_service.store import halts, journal_sets
from hedge_service.store.journal_sets import Record

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

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


class Locks(Protocol):
    """The second locks in one transaction."""

    def check(self, intent: Intent, attempts: tuple[Attempt, ...], attempt: Attempt) -> None:
        """Let a send through. Raises Waiting, Barred or ImpossibleCount."""


class SecondLocks(Protocol):
    """What is checked in the transaction that journals sends."""

    def opened(self, tx: Connection) -> Locks:
        """Give the locks as they stand in this transaction."""


@dataclass(frozen=True, slots=True)
class Copy:
    """One copy that is to be sent, as its driver saw its attempt."""

    intent: Intent
    attempt: Attempt


@dataclass(frozen=True, slots=True)
class Answered:
    """One copy whose send is over, and what it came to."""

    intent: Intent
    attempt: Attempt
    reply: Reply
    move: Move


class Wire:
    """Sends attempts. Everything from SENDING to the stored outcome belongs to one unbroken task.

    Copies that are to go out together are journaled together, and so are their outcomes.
    """

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
        self._begins: Batcher[Copy, Attempt] = Batcher(self._write_begins)
        self._settles: Batcher[Answered, Attempt] = Batcher(self._write_settles)

    async def send(self, intent: Intent, attempt: Attempt, grant: Grant) -> Attempt:
        """Send one copy under a limiter's grant and store what came of it.

        Raises Halted, Waiting and Barred before anything is sent (the attempt is then stored as planned),
        IllegalMove and Deposed when another epoch was here, StoreUnavailable when the journal can't be
        written.
        """
        try:
            sending = await self._begins.put(Copy(intent, attempt))
        except ImpossibleCount as error:
            await self._halt(intent, str(error))
            raise Halted(str(error)) from error
        started = self._clock.monotonic()
        reply = await self._transmit(intent, sending, grant)
        latency_ms = round((self._clock.monotonic() - started) * 1000)
        move = settle_reply(
            reply, count=sending.count, in_doubt=sending.in_doubt, clock_retried=sending.clock_retried
        )
        settled = await self._settles.put(Answered(intent, sending, reply, move))
        tell_outcome(self._log, intent, settled, reply, latency_ms)
        return settled

    async def _halt(self, intent: Intent, reason: str) -> None:
        now = self._clock.now()

        def halt(tx: Connection) -> None:
            if halts.reason(tx) is None:
                halts.put(tx, halted=True, reason=reason, actor="second locks", at=now)

        await self._database.write(halt)
        self._log.error("sending.halted", parlay_id=intent.parlay_id, reason=reason)

    async def _write_begins(self, copies: Sequence[Copy]) -> Sequence[Attempt | Exception]:
        return await self._database.write(self._begin(copies))

    async def _write_settles(self, answered: Sequence[Answered]) -> Sequence[Attempt | Exception]:
        return await self._database.write(self._settle(answered))

    def _begin(self, copies: Sequence[Copy]) -> Callable[[Connection], list[Attempt | Exception]]:
        now = self._clock.now()

        def begin(tx: Connection) -> list[Attempt | Exception]:
            epoch = self._sender.guard(tx)
            journal_sets.plan(
                tx, [one.attempt for one in copies if one.attempt.state is AttemptState.PLANNED]
            )
            reason = halts.reason(tx)
            if reason is not None:
                return [Halted(reason) for _ in copies]
            stored = journal_sets.load(tx, [copy.intent.id for copy in copies])
            locks = self._safety.opened(tx)
            tried = [_tried(copy, stored[copy.intent.id], locks, now, epoch) for copy in copies]
            records = [one for one in tried if isinstance(one, Record)]
            journal_sets.record(tx, records, at=now, epoch=epoch)
            return [one.after if isinstance(one, Record) else one for one in tried]

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

    def _settle(self, answered: Sequence[Answered]) -> Callable[[Connection], list[Attempt | Exception]]:
        now = self._clock.now()

        def settle(tx: Connection) -> list[Attempt | Exception]:
            self._sender.guard(tx)
            stored = journal_sets.attempts_by_id(tx, [one.attempt.client_order_id for one in answered])
            told = [_told(one, stored[one.attempt.client_order_id], now) for one in answered]
            journal_sets.record(tx, [one for one in told if isinstance(one, Record)], at=now)
            return [one.after if isinstance(one, Record) else one for one in told]

        return settle


def _tried(
    copy: Copy, stored: tuple[Intent, tuple[Attempt, ...]], locks: Locks, now: datetime, epoch: int
) -> Record | Exception:
    """Give the move of one copy to SENDING, or why it may not go out."""
    intent, attempts = stored
    if intent.ended_at is not None:
        # Another epoch has ended it, and its cash may be promised to others.
        return IllegalMove(copy.attempt.state, AttemptState.SENDING)
    if now >= intent.expires_at:
        # A parlay voided or decided while this order stood in the limiter's line buys nothing more.
        return Halted("the intent's time is over")
    try:
        before = _as_seen(copy.attempt, attempts, AttemptState.SENDING)
        locks.check(intent, attempts, before)
        after = sent(before, now)
    except (Waiting, Barred, ImpossibleCount, IllegalMove) as error:
        return error
    evidence = {"send": after.sends, "epoch": epoch}
    return Record(before=before, after=after, event="order.sending", evidence=evidence)


def _told(one: Answered, stored: Attempt, now: datetime) -> Record | Exception:
    """Give the move that a reply makes, or IllegalMove when the attempt has moved meanwhile."""
    evidence, changes = _record(one)
    try:
        before = _as_seen(one.attempt, (stored,), one.move.state)
        after = moved(before, one.move.state, now, **changes)
    except IllegalMove as error:
        return error
    return Record(before=before, after=after, event=EVENTS[one.move.state], evidence=evidence)


def _as_seen(seen: Attempt, stored: tuple[Attempt, ...], state: AttemptState) -> Attempt:
    """Give the stored attempt. Raises IllegalMove when it has moved since its driver saw it."""
    row = next(one for one in stored if one.client_order_id == seen.client_order_id)
    # The number of sends tells SENDING from a later SENDING of the same id.
    if (row.state, row.sends) != (seen.state, seen.sends):
        raise IllegalMove(row.state, state)
    return row


def _record(one: Answered) -> tuple[dict[str, Any], dict[str, Any]]:
    """Give the journal's evidence and what changes in the attempt."""
    reply, move = one.reply, one.move
    evidence: dict[str, Any] = {"reply": type(reply).__name__.lower(), "send": one.attempt.sends}
    changes: dict[str, Any] = {"code": move.code if move.code != "" else None}
    if move.state is AttemptState.PLANNED:
        # No copy exists: the resend window, counted from the first copy that may, has not begun.
        changes["first_sent_at"] = None
    match reply:
        case Accepted():
            return evidence | {"order_id": reply.order_id}, changes | _bought(one.intent, reply)
        case Unproved():
            said = {"status": reply.status, "reason": reply.reason, "code": reply.code}
            return evidence | said, changes | {"in_doubt": True}
        case Refused():
            return evidence | {"status": reply.status, "code": reply.code}, changes
        case ClockExpired():
            return evidence, changes | {"clock_retried": True}
        case Throttled() | Unsent():
            return evidence | {"code": move.code}, changes


def _bought(intent: Intent, reply: Accepted) -> dict[str, Any]:
    """Give what the reply says was bought; the average price is the YES price on both sides."""
    cost = Money.ZERO
    if reply.average_fill_price is not None:
        price = reply.average_fill_price
        cost = (price if intent.side is BookSide.BID else price.complement).times(reply.fill_count)
    fees = Money.ZERO if reply.fees is None else reply.fees
    return {"order_id": reply.order_id, "filled": reply.fill_count, "cost": cost, "fees": fees}
