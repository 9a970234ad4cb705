"""From the door to a decision: events are kept, handled once, and tried again while a peer is away."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import timedelta
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Protocol

from hedge_service.core.acceptance import PaidSession
from hedge_service.core.parlay import CheckoutState
from hedge_service.errors import PeerError
from hedge_service.flow.accepting import Accepting, checkout_of
from hedge_service.flow.batching import Batcher
from hedge_service.flow.payment_log import tell_payment
from hedge_service.store import checkouts, inbox
from hedge_service.store.db import Lane
from hedge_service.wire.stripe import events
from hedge_service.wire.stripe.fields import BadObject

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import datetime

    from sqlalchemy.engine import Connection

    from hedge_service.clock import Clock
    from hedge_service.config import Config
    from hedge_service.core.inbox import NewEvent, StoredEvent
    from hedge_service.flow.accepting import MarketReads
    from hedge_service.flow.runner import Nudge
    from hedge_service.store.db import Database
    from hedge_service.wire.stripe.events import StripeEvent
    from hedge_service.wire.stripe.sessions import CheckoutSession

AT_ONCE = 32
FIRST_WAIT = timedelta(milliseconds=250)
LONGEST_WAIT = timedelta(seconds=30)


_STATES = {events.EXPIRED: CheckoutState.EXPIRED, events.ASYNC_FAILED: CheckoutState.FAILED}


@dataclass(frozen=True, slots=True)
class _Closed:
    """An event that is done with, and where its session's checkout goes."""

    event_id: int
    result: str
    session: CheckoutSession | None
    state: CheckoutState | None


class EventHandler(Protocol):
    """Handles events of other kinds than sessions, their mark in the inbox included."""

    async def handle(self, event: StoredEvent, told: StripeEvent) -> None:
        """Handle one event, once. Raises PeerError (it is tried again) and BadObject (it is unreadable)."""


class Intake:
    """Keeps verified events and turns confirmed payments into parlays with intents.

    `handlers`: who handles events of other types; an event that nobody handles is noted. `holder` names the
    process: what it takes in is its own to handle for `claim_s`, so that others don't do it at the same time.
    """

    def __init__(
        self,
        *,
        database: Database,
        exchange: MarketReads,
        config: Config,
        stripe_live: bool,
        clock: Clock,
        log: Any,
        arrived: Nudge,
        planned: Nudge,
        holder: str = "intake",
        claim_s: float = 5.0,
        handlers: Mapping[str, EventHandler] = MappingProxyType({}),
    ) -> None:
        self._accepting = Accepting(
            database=database, exchange=exchange, config=config, stripe_live=stripe_live, clock=clock
        )
        self._database = database
        self._clock = clock
        self._log = log
        self._arrived = arrived
        self._planned = planned
        self._handlers = handlers
        self._holder = holder
        self._claim_for = timedelta(seconds=claim_s)
        self._received: Batcher[NewEvent, bool] = Batcher(self._write_received)
        self._closed: Batcher[_Closed, None] = Batcher(self._write_closed)

    async def receive(self, event: NewEvent) -> bool:
        """Keep an event durably and wake the loop; say whether it is new. A duplicate wakes open work."""
        new = await self._received.put(event)
        self._arrived.set()
        return new

    async def _write_received(self, events: Sequence[NewEvent]) -> Sequence[bool]:
        # Open: the unique key decides which delivery is the first, and waking twice is waking once.
        return await self._database.write(self._put(events), Lane.OPEN)

    def _put(self, events: Sequence[NewEvent]) -> Callable[[Connection], list[bool]]:
        now = self._clock.now()
        claim = self._claim(now)

        def put(tx: Connection) -> list[bool]:
            new = inbox.put_each(tx, events, now, claim)
            told = zip(events, new, strict=True)
            again = {(event.source, event.external_id) for event, is_new in told if not is_new}
            # In one order everywhere, for the reason that `put_each` has.
            for source, external_id in sorted(again):
                inbox.woken(tx, source, external_id)
            return new

        return put

    async def step(self) -> None:
        """Handle every event that is due."""
        while waiting := await self._due():
            await asyncio.gather(*(self._handle(event) for event in waiting))

    async def release(self) -> None:
        """Leave what is not handled to other processes, on a clean stop."""
        await self._database.write(lambda tx: inbox.unclaim(tx, self._holder))

    async def _due(self) -> tuple[StoredEvent, ...]:
        now, holder = self._clock.now(), self._holder

        def mine(tx: Connection) -> tuple[tuple[StoredEvent, ...], bool]:
            return inbox.due(tx, now, AT_ONCE, holder), inbox.any_free(tx, now)

        events, more = await self._database.read(mine)
        return events if events or not more else await self._claimed(now)

    async def _claimed(self, now: datetime) -> tuple[StoredEvent, ...]:
        """Claim events that another process has postponed, or left behind when it died."""
        claim = self._claim(now)

        def take(tx: Connection) -> tuple[StoredEvent, ...]:
            inbox.claim_free(tx, claim, now, AT_ONCE)
            return inbox.due(tx, now, AT_ONCE, claim.holder)

        # Open: the rows' own locks decide who takes which.
        return await self._database.write(take, Lane.OPEN)

    def _claim(self, now: datetime) -> inbox.Claim:
        return inbox.Claim(holder=self._holder, until=now + self._claim_for)

    async def _handle(self, event: StoredEvent) -> None:
        try:
            await self._act_on(event, events.parse_event(event.payload))
        except PeerError as error:
            await self._postpone(event, error.code)
        except BadObject as error:
            # Verified bytes that we can't read stay in the inbox, visible, and are not retried for ever.
            await self._close(event, "unreadable")
            self._log.error("webhook.unreadable", event_id=event.external_id, reason=str(error))

    async def _act_on(self, event: StoredEvent, told: StripeEvent) -> None:
        handler = self._handlers.get(told.type)
        session = events.session_of(told)
        if handler is not None:
            await handler.handle(event, told)
        elif session is None or told.type not in events.FULFILLING or not session.paid:
            await self._close(event, "noted", session, told.type)
        else:
            await self._fulfil(event, _paid(session, event.created_at))

    async def _fulfil(self, event: StoredEvent, paid: PaidSession) -> None:
        facts = await self._accepting.gather(event, paid)
        result = await self._database.write(lambda tx: self._accepting.apply(tx, facts))
        tell_payment(self._log, facts, result)
        if result.parlay is not None:
            self._planned.set()

    async def _postpone(self, event: StoredEvent, reason: str) -> None:
        wait = min(FIRST_WAIT * 2 ** min(event.tries, 16), LONGEST_WAIT)
        until = self._clock.now() + wait
        await self._database.write(lambda tx: inbox.postponed(tx, event.id, until=until, reason=reason))
        self._log.warning(
            "webhook.postponed",
            event_id=event.external_id,
            code=reason,
            tries=event.tries + 1,
            wait_s=str(wait.total_seconds()),
        )

    async def _close(
        self, event: StoredEvent, result: str, session: CheckoutSession | None = None, kind: str = ""
    ) -> None:
        state = _STATES.get(kind) if session is not None else None
        await self._closed.put(_Closed(event.id, result, session, state))

    async def _write_closed(self, ended: Sequence[_Closed]) -> Sequence[None]:
        now = self._clock.now()

        def close(tx: Connection) -> None:
            for one in ended:
                _move_checkout(tx, one)
            inbox.handled_each(tx, [(one.event_id, one.result) for one in ended], now)

        await self._database.write(close)
        return [None] * len(ended)


def _move_checkout(tx: Connection, one: _Closed) -> None:
    """Let a checkout go the way that Stripe tells of its session."""
    if one.session is None or one.state is None:
        return
    checkout = checkout_of(tx, one.session.client_reference_id, one.session.id)
    if checkout is not None:
        checkouts.moved(tx, checkout.reference, one.state, session_id=one.session.id)


def _paid(session: CheckoutSession, at: datetime) -> PaidSession:
    return PaidSession(
        session_id=session.id,
        reference=session.client_reference_id,
        amount_cents=session.amount_total,
        currency=session.currency,
        payment_intent=session.payment_intent,
        livemode=session.livemode,
        paid_at=at,
    )
