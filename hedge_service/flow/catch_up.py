"""Missed webhooks: Stripe's own lists against the inbox, so that no payment depends on a delivery."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any, Protocol

from hedge_service.clock import millis
from hedge_service.core.ids import CHECKOUT_PREFIX, missed_event_id
from hedge_service.errors import PeerError
from hedge_service.flow.accepting import checkout_of
from hedge_service.store import inbox, marks, payments
from hedge_service.wire.stripe import events
from hedge_service.wire.stripe.fields import BadObject

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence
    from datetime import datetime

    from sqlalchemy.engine import Connection

    from hedge_service.clock import Clock
    from hedge_service.core.inbox import NewEvent, StoredEvent
    from hedge_service.flow.sender import Sender
    from hedge_service.store.db import Database
    from hedge_service.wire.stripe.events import StripeEvent
    from hedge_service.wire.stripe.sessions import CheckoutSession

KEPT = timedelta(days=30)
"""How long Stripe lists events: https://docs.stripe.com/api/events"""

OVERLAP = timedelta(hours=1)
"""How far behind the last search the next one begins: Stripe's lists and clocks may lag."""

SESSION_LIFE = timedelta(days=1)
"""How long before its payment a session may have been made."""

MARK = "stripe_caught_up"


class StripeLists(Protocol):
    """What is asked of Stripe; every list is complete or an error (PeerError)."""

    @property
    def configured(self) -> bool:
        """Say whether there is a key."""

    async def list_events(self, types: Sequence[str], *, created_gte: datetime) -> tuple[StripeEvent, ...]:
        """Read all events of these types since a time, oldest first."""

    async def complete_sessions(self, *, created_gte: datetime) -> tuple[CheckoutSession, ...]:
        """Read all sessions made since a time that payers have completed."""

    async def charge_created_of(self, payment_intent: str) -> datetime | None:
        """Give when a payment's money came."""


class CatchUp:
    """Puts what Stripe knows and the inbox lacks into the inbox, where it is handled like any delivery.

    Each search goes back to the last one that ended well, less an hour; the first one to the 30 days that
    Stripe keeps events. `receive` puts an event into the inbox and says whether it is new.
    """

    def __init__(
        self,
        *,
        database: Database,
        lists: StripeLists,
        receive: Callable[[NewEvent], Awaitable[bool]],
        sender: Sender,
        every_s: float,
        clock: Clock,
        log: Any,
    ) -> None:
        self._database = database
        self._lists = lists
        self._receive = receive
        self._sender = sender
        self._every_s = every_s
        self._next = 0.0
        self._clock = clock
        self._log = log

    async def step(self) -> None:
        """Search when it is time; what Stripe can't tell now is searched for again the next time."""
        waiting = self._clock.monotonic() < self._next
        if waiting or not self._lists.configured or not self._sender.alive():
            return
        self._next = self._clock.monotonic() + self._every_s
        await self.search()

    async def search(self) -> None:
        """Search once, from where the last search began."""
        started = self._clock.now()
        since = await self._since(started)
        try:
            found = await self._missed_events(since) + await self._missed_sessions(since)
        except PeerError as error:
            self._log.warning("stripe.not_caught_up", **error.log_context())
            return
        await self._database.write(lambda tx: marks.put(tx, MARK, started))
        self._log.info("stripe.caught_up", since=since.isoformat(), recovered=found)

    async def _since(self, now: datetime) -> datetime:
        last = await self._database.read(lambda tx: marks.read(tx, MARK))
        oldest = now - KEPT
        return oldest if last is None else max(last - OVERLAP, oldest)

    async def _missed_events(self, since: datetime) -> int:
        listed = await self._lists.list_events(sorted(events.HANDLED_TYPES), created_gte=since)
        ours = await self._database.read(lambda tx: [event for event in listed if _may_be_ours(tx, event)])
        return await self._put([events.inbox_event(event) for event in ours])

    async def _missed_sessions(self, since: datetime) -> int:
        """Find paid sessions whose payment is not recorded, though no event tells of them (any more)."""
        listed = await self._lists.complete_sessions(created_gte=since - SESSION_LIFE)
        paid = [session for session in listed if session.paid]
        lacking = await self._database.read(lambda tx: _lacking(tx, paid))
        return await self._put([await self._as_event(session) for session in reversed(lacking)])

    async def _as_event(self, session: CheckoutSession) -> NewEvent:
        """Give the event that tells of a paid session, at the time when its charge was made."""
        intent = session.payment_intent
        charged = None if intent is None else await self._lists.charge_created_of(intent)
        at = self._clock.now() if charged is None else charged
        event_id = missed_event_id(session.id)
        return events.inbox_event(events.completed_event(session, event_id=event_id, created=at))

    async def _put(self, found: Sequence[NewEvent]) -> int:
        ids = [each.external_id for each in found]
        known = await self._database.read(lambda tx: inbox.known(tx, events.SOURCE, ids))
        missed = [event for event in found if event.external_id not in known]
        return sum([await self._recover(event) for event in missed])

    async def _recover(self, event: NewEvent) -> bool:
        new = await self._receive(event)
        if new:
            age = millis(self._clock.now()) - millis(event.created_at)
            self._log.warning("webhook.recovered", event_id=event.external_id, type=event.type, age_ms=age)
        return new


def _may_be_ours(tx: Connection, event: StripeEvent) -> bool:
    """Leave the sessions of others alone; whose a refund or dispute is shows only with its payment."""
    try:
        session = events.session_of(event)
    except BadObject:
        # Kept like one that was delivered: it is closed visibly, and holds up no other.
        return True
    return event.type not in events.SESSION_TYPES or (session is not None and _is_ours(tx, session))


def _is_ours(tx: Connection, session: CheckoutSession) -> bool:
    reference = session.client_reference_id
    named = reference is not None and reference.startswith(CHECKOUT_PREFIX)
    return named or checkout_of(tx, reference, session.id) is not None


def _lacking(tx: Connection, paid: Sequence[CheckoutSession]) -> list[CheckoutSession]:
    """Give the paid sessions of ours whose payment is neither recorded nor told of by a waiting event."""
    waiting = {_session_of(event) for event in inbox.unhandled(tx, events.FULFILLING)}
    return [
        session
        for session in paid
        if session.id not in waiting and _is_ours(tx, session) and payments.state_of(tx, session.id) is None
    ]


def _session_of(event: StoredEvent) -> str | None:
    try:
        session = events.session_of(events.parse_event(event.payload))
    except BadObject:
        return None
    return None if session is None else session.id
