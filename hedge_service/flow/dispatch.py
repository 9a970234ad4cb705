"""From intents to orders: one driver per open intent, so that no leg waits for another."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from hedge_service.core import ids
from hedge_service.core.journal import (
    Attempt,
    Begin,
    End,
    GiveUp,
    LookUp,
    Send,
    Track,
    UnknownStep,
    next_step,
)
from hedge_service.core.orders import AttemptState, IllegalMove
from hedge_service.core.parlay import Mode
from hedge_service.errors import PeerError
from hedge_service.flow.batching import Batcher
from hedge_service.flow.order_log import order_fields
from hedge_service.flow.safety import Barred, Waiting
from hedge_service.flow.sending import Halted
from hedge_service.store import journal, journal_sets
from hedge_service.store.db import StoreUnavailable
from hedge_service.store.leases import Deposed

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Sequence
    from datetime import datetime

    from sqlalchemy.engine import Connection

    from hedge_service.clients.limiter import RateLimiter
    from hedge_service.clock import Clock
    from hedge_service.core.journal import EndReason, Intent, Step
    from hedge_service.core.orders import Order
    from hedge_service.flow.fills import Fills
    from hedge_service.flow.lookup import LookUps
    from hedge_service.flow.runner import Nudge
    from hedge_service.flow.sender import Sender
    from hedge_service.flow.sending import Wire
    from hedge_service.store.db import Database
    from hedge_service.store.journal_sets import Work

MOST_DRIVERS = 1_000
FIRST_WAIT_S = 0.25
LONGEST_WAIT_S = 5.0
PARKED_WAIT_S = 60.0
RESTING_WAIT_S = 0.5


@dataclass(frozen=True, slots=True)
class Taken:
    """A step that was taken: how long to wait now, and where that is all, what it made, moved or ended."""

    wait_s: float
    attempt: Attempt | None = None
    ended_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderRules:
    """What the dispatcher needs of the configuration; `url` is where creates go, for dry runs."""

    dry_run: bool
    subaccount: int
    max_attempts: int
    create_cost: Callable[[], int]
    url: str
    body: Callable[[Order], bytes]


class Dispatcher:
    """Drives every open intent to its end, one step of the table at a time."""

    def __init__(
        self,
        *,
        database: Database,
        wire: Wire,
        lookups: LookUps,
        fills: Fills,
        limiter: RateLimiter,
        sender: Sender,
        clock: Clock,
        rules: OrderRules,
        at_rest: Nudge,
        log: Any,
    ) -> None:
        self._database = database
        self._wire = wire
        self._lookups = lookups
        self._fills = fills
        self._limiter = limiter
        self._sender = sender
        self._clock = clock
        self._rules = rules
        self._at_rest = at_rest
        self._log = log
        self._drivers: dict[str, asyncio.Task[None]] = {}
        self._parked: set[str] = set()
        self._on_the_wire: set[asyncio.Task[Any]] = set()
        self._ends: Batcher[tuple[str, str], datetime] = Batcher(self._write_ends)
        self._stopping = False
        # What an order waits for, so that one never sent can say more than that its time is over.
        self._waited_for: dict[str, str] = {}

    async def step(self) -> None:
        """Start a driver for every open intent that has none; a failed driver is told and raised."""
        if self._stopping:
            return
        self._collect()
        if not self._sender.may_send():
            return
        driven = frozenset(self._drivers)
        # Parked orders stay for long and do next to nothing: they take no place from those that are sent.
        places = MOST_DRIVERS - len(driven - self._parked)
        for work in await self._database.read(lambda tx: _undriven(tx, driven, places)):
            task = asyncio.create_task(self._drive(work), name=f"drive.{work.intent.id}")
            self._drivers[work.intent.id] = task

    async def stop(self, within_s: float) -> None:
        """Start no new send, and let those on the wire end, for at most `within_s`."""
        self._stopping = True
        drivers = tuple(self._drivers.values())
        for task in drivers:
            task.cancel()
        if self._on_the_wire:
            await asyncio.wait(self._on_the_wire, timeout=within_s)
        # A send that did not end in time is left in SENDING: the successor looks it up.
        late = (*drivers, *self._on_the_wire)
        for task in late:
            task.cancel()
        await asyncio.gather(*late, return_exceptions=True)
        self._drivers.clear()

    def _collect(self) -> None:
        for intent_id, task in list(self._drivers.items()):
            if task.done():
                del self._drivers[intent_id]
                self._parked.discard(intent_id)
                if not task.cancelled():
                    task.result()

    async def _drive(self, work: Work) -> None:
        """Take steps until the intent has ended, the lease is lost or the process stops."""
        wait_s = FIRST_WAIT_S
        while self._sender.epoch is not None and work.intent.ended_at is None:
            step = next_step(
                work.intent, work.attempts, now=self._clock.now(), max_attempts=self._rules.max_attempts
            )
            taken = await self._take(step, work, wait_s)
            before, work = work, await self._after(work, taken)
            self._note_parked(work)
            if work != before and work.intent.at_rest(work.attempts):
                # Only what is at rest is summarized: to wake that loop earlier delays the send.
                self._at_rest.set()
            if taken.wait_s > 0:
                await self._clock.sleep(taken.wait_s)
            again = _standing(work.attempts) == _standing(before.attempts)
            wait_s = _longer(taken.wait_s) if again else FIRST_WAIT_S

    def _note_parked(self, work: Work) -> None:
        if work.attempts and work.attempts[-1].state is AttemptState.PARKED:
            self._parked.add(work.intent.id)
        else:
            self._parked.discard(work.intent.id)

    async def _after(self, work: Work, taken: Taken) -> Work:
        """Give the work as it is after a step: from what the step wrote, else from the journal."""
        if taken.attempt is not None:
            return replace(work, attempts=_with(work.attempts, taken.attempt))
        if taken.ended_at is not None:
            return replace(work, intent=replace(work.intent, ended_at=taken.ended_at))
        intent, stored = await self._database.read(lambda tx: journal.load(tx, work.intent.id))
        return replace(work, intent=intent, attempts=_with_planned(stored, work.attempts))

    async def _take(self, step: Step, work: Work, wait_s: float) -> Taken:
        """Take one step; give how long to wait before the next one."""
        intent = work.intent
        try:
            return await self._act(step, work, wait_s)
        except (Deposed, IllegalMove) as error:
            # The row has moved under us: another epoch's work, or ours before a lost lease. Read it anew.
            self._log.warning("intent.moved_meanwhile", intent_id=intent.id, reason=str(error))
            return Taken(max(wait_s, FIRST_WAIT_S))
        except (Halted, Waiting, Barred, StoreUnavailable, PeerError) as error:
            if isinstance(error, Waiting):
                self._waited_for[intent.id] = error.reason.value
            self._log.warning(
                "intent.waiting", parlay_id=intent.parlay_id, ticker=intent.ticker, reason=str(error)
            )
            return Taken(max(wait_s, FIRST_WAIT_S))

    async def _act(self, step: Step, work: Work, wait_s: float) -> Taken:
        intent = work.intent
        match step:
            case Begin():
                return Taken(0, await self._begin(step, work))
            case Send(attempt=attempt):
                return await self._send(work, attempt, wait_s)
            case GiveUp(attempt=attempt, reason=reason):
                await self._not_sent(intent, attempt, self._waited_for.pop(intent.id, reason))
                return Taken(0)
            case LookUp(attempt=attempt):
                return Taken(await self._look_up(intent, attempt, wait_s))
            case Track():
                # Resting orders are followed all together (flow.resting); their rows tell this driver.
                return Taken(RESTING_WAIT_S)
            case End(reason=reason):
                return Taken(0, ended_at=await self._end(work, reason))

    async def _begin(self, step: Begin, work: Work) -> Attempt:
        intent = work.intent
        if step.not_before is not None and (early := step.not_before - self._clock.now()).total_seconds() > 0:
            await self._clock.sleep(early.total_seconds())
        order_id = ids.client_order_id(
            session_id=work.session_id,
            leg=intent.leg,
            purpose=intent.purpose.value,
            sequence=intent.sequence,
            attempt=step.number,
        )
        order = intent.order(order_id, step.count, self._rules.subaccount)
        # Stored in the transaction of what becomes of it: until then nothing of it can be on the wire.
        return Attempt(
            client_order_id=order_id,
            intent_id=intent.id,
            number=step.number,
            count=step.count,
            state=AttemptState.PLANNED,
            body=self._rules.body(order),
            planned_at=self._clock.now(),
        )

    async def _send(self, work: Work, attempt: Attempt, wait_s: float) -> Taken:
        intent = work.intent
        if work.mode is Mode.DRY_RUN:
            await self._dry_run(intent, attempt)
            return Taken(0)
        if self._rules.dry_run:
            await self._not_sent(intent, attempt, "service_in_dry_run")
            return Taken(0)
        try:
            after = await self._put_on_the_wire(intent, attempt)
        except Barred as barred:
            self._waited_for.pop(intent.id, None)
            await self._not_sent(intent, attempt, barred.reason.value, barred.detail)
            return Taken(0)
        self._waited_for.pop(intent.id, None)
        again = after.state is AttemptState.PLANNED and after.code != "header_timestamp_expired"
        # Of an order that is filled whole nothing more can become known that changes what follows.
        known = after if after.state is AttemptState.FILLED or after is attempt else None
        return Taken(wait_s if again else 0, known)

    async def _put_on_the_wire(self, intent: Intent, attempt: Attempt) -> Attempt:
        async with self._limiter.write.acquire(self._rules.create_cost()) as grant:
            if self._clock.now() >= intent.expires_at:
                # The wait in line outlived the intent; the next step says what becomes of it.
                return attempt
            return await self._unbroken(self._wire.send(intent, attempt, grant))

    async def _unbroken(self, work: Coroutine[Any, Any, Attempt]) -> Attempt:
        # A cancelled driver leaves the send to its own end, with its grant; `stop` waits for it.
        task = asyncio.create_task(work)
        self._on_the_wire.add(task)
        task.add_done_callback(self._on_the_wire.discard)
        try:
            return await asyncio.shield(task)
        except asyncio.CancelledError:
            # The grant stays held until the send has ended: its bytes may still be to come.
            await asyncio.wait({task})
            raise

    async def _look_up(self, intent: Intent, attempt: Attempt, wait_s: float) -> float:
        if attempt.state is AttemptState.SENDING:
            # Only this driver sends for the intent, and it is here: the outcome of its send was not stored.
            await self._lookups.doubt(intent, attempt)
            return 0
        step = await self._lookups.resolve(intent, attempt)
        if step is UnknownStep.RESEND and not self._rules.dry_run:
            after = await self._put_on_the_wire(intent, attempt)
            return wait_s if after.state is AttemptState.UNKNOWN else 0
        if attempt.state is AttemptState.PARKED:
            return PARKED_WAIT_S
        return 0 if step is None else wait_s

    async def _dry_run(self, intent: Intent, attempt: Attempt) -> None:
        done = await self._ended(attempt, AttemptState.DRY_RUN, "order.dry_run", None)
        self._log.info(
            "order.dry_run",
            **order_fields(intent, done),
            method="POST",
            url=self._rules.url,
            body=attempt.body.decode(),
        )

    async def _not_sent(
        self, intent: Intent, attempt: Attempt, reason: str, detail: str | None = None
    ) -> None:
        done = await self._ended(attempt, AttemptState.NOT_SENT, "order.not_sent", reason, detail)
        said = {} if detail is None else {"detail": detail}
        self._log.warning("order.not_sent", **order_fields(intent, done), reason=reason, **said)

    async def _ended(
        self,
        attempt: Attempt,
        state: AttemptState,
        event: str,
        code: str | None,
        detail: str | None = None,
    ) -> Attempt:
        now = self._clock.now()
        evidence = {"reason": code} | ({} if detail is None else {"detail": detail})

        def end(tx: Connection) -> Attempt:
            self._sender.guard(tx)
            if journal.load(tx, attempt.intent_id)[0].ended_at is not None:
                raise IllegalMove(attempt.state, state)
            journal_sets.plan(tx, [attempt])
            return journal.moved(tx, attempt, state, at=now, event=event, evidence=evidence, code=code)

        return await self._database.write(end)

    async def _end(self, work: Work, reason: EndReason) -> datetime:
        if any(attempt.filled for attempt in work.attempts):
            # The summary follows the end: with the executions booked its figures are exact from the first.
            await self._fills.of_intent(work.intent.id)
        return await self._ends.put((work.intent.id, reason.value))

    async def _write_ends(self, ended: Sequence[tuple[str, str]]) -> Sequence[datetime]:
        now = self._clock.now()
        await self._database.write(self._ending(ended, now))
        return [now] * len(ended)

    def _ending(self, ended: Sequence[tuple[str, str]], now: datetime) -> Callable[[Connection], None]:
        def end(tx: Connection) -> None:
            self._sender.guard(tx)
            journal_sets.end(tx, ended, now)

        return end


def _undriven(tx: Connection, driven: frozenset[str], places: int) -> tuple[Work, ...]:
    if places <= 0:
        return ()
    found = [one for one in journal.open_intents(tx, len(driven) + places) if one not in driven]
    return journal_sets.work(tx, found[:places])


def _with(attempts: tuple[Attempt, ...], after: Attempt) -> tuple[Attempt, ...]:
    return (*(one for one in attempts if one.client_order_id != after.client_order_id), after)


def _with_planned(stored: tuple[Attempt, ...], known: tuple[Attempt, ...]) -> tuple[Attempt, ...]:
    """Keep what is planned and could not be stored yet, so that its waits and its end are an order's."""
    last = known[-1] if known else None
    if last is None or last.state is not AttemptState.PLANNED:
        return stored
    return stored if any(one.number >= last.number for one in stored) else (*stored, last)


def _standing(attempts: tuple[Attempt, ...]) -> tuple[tuple[int, AttemptState], ...]:
    """Give what must change for a driver to be getting on; a further send alone is none."""
    return tuple((attempt.number, attempt.state) for attempt in attempts)


def _longer(wait_s: float) -> float:
    return min(max(wait_s, FIRST_WAIT_S) * 2, LONGEST_WAIT_S)
