"""Open checkout sessions: closed at Stripe as soon as a payment could no longer be accepted."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Protocol

from hedge_service.clients.payments_errors import PaymentsRefused
from hedge_service.core.acceptance import OVER
from hedge_service.errors import PeerError
from hedge_service.logs import digest
from hedge_service.store import checkouts, halts
from hedge_service.wire.stripe.sessions import SessionStatus

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy.engine import Connection

    from hedge_service.clock import Clock
    from hedge_service.core.market import Market
    from hedge_service.core.parlay import Checkout
    from hedge_service.core.venue import MarketList
    from hedge_service.flow.sender import Sender
    from hedge_service.store.db import Database
    from hedge_service.wire.stripe.sessions import CheckoutSession

MARKETS_EVERY = timedelta(seconds=30)
FIRST_WAIT = timedelta(seconds=5)
LONGEST_WAIT = timedelta(minutes=10)
# How far Stripe's clock may be behind ours when a session is looked up by the time it was made.
LOOKUP_MARGIN = timedelta(minutes=5)
WINDOW_OVER, HALTED, MARKET_CLOSED = "window_over", "halted", "market_closed"


class SessionDoor(Protocol):
    """What is asked of Stripe; all raise PeerError."""

    async def expire_session(self, session_id: str) -> CheckoutSession:
        """Close an open session; refused when it is complete or already expired."""

    async def retrieve_session(self, session_id: str) -> CheckoutSession:
        """Read a session."""

    async def find_session(
        self, client_reference_id: str, *, created_since: datetime
    ) -> CheckoutSession | None:
        """Find the session of a reference."""


class MarketReads(Protocol):
    """The one exchange read that is needed."""

    async def markets(self, tickers: tuple[str, ...]) -> MarketList:
        """Read these markets now. Raises PeerError."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Unpaid:
    """A checkout that may still be paid, and the markets of its legs."""

    checkout: Checkout
    tickers: tuple[str, ...]


@dataclass(slots=True)
class _Wait:
    until: datetime
    wait: timedelta


class OpenSessions:
    """Expires sessions at the end of the payment window, on a halt, and when a leg's market closes.

    A session that turns out to be complete is left to its event, or to the search for missed ones.
    """

    def __init__(
        self,
        *,
        database: Database,
        payments: SessionDoor,
        reads: MarketReads,
        sender: Sender,
        clock: Clock,
        log: Any,
    ) -> None:
        self._database = database
        self._payments = payments
        self._reads = reads
        self._sender = sender
        self._clock = clock
        self._log = log
        self._waits: dict[str, _Wait] = {}
        self._markets: dict[str, Market] = {}
        self._markets_at: datetime | None = None

    async def step(self) -> None:
        """Close every session that should not be paid any more."""
        if not self._sender.alive():
            return
        unpaid, halted = await self._database.read(_unpaid)
        self._forget(unpaid)
        await self._read_markets(unpaid)
        for each in unpaid:
            reason = self._reason(each, halted=halted)
            if reason is not None and self._is_time(each.checkout.reference):
                await self._close(each.checkout, reason)

    def _reason(self, each: _Unpaid, *, halted: bool) -> str | None:
        now = self._clock.now()
        if now > each.checkout.window_ends_at:
            return WINDOW_OVER
        if halted:
            return HALTED
        known = (self._markets.get(ticker) for ticker in each.tickers)
        # A pause is no close: it may be over before the payment.
        over = any(
            market is not None and (market.status in OVER or market.close_time <= now) for market in known
        )
        return MARKET_CLOSED if over else None

    async def _read_markets(self, unpaid: tuple[_Unpaid, ...]) -> None:
        now = self._clock.now()
        wanted = {ticker for each in unpaid for ticker in each.tickers}
        fresh = self._markets_at is not None and now < self._markets_at + MARKETS_EVERY
        if not wanted or (fresh and wanted <= self._markets.keys()):
            return
        try:
            self._markets = dict((await self._reads.markets(tuple(sorted(wanted)))).found)
        except PeerError as error:
            self._log.warning("sessions.markets_unread", **error.log_context())
        self._markets_at = now

    async def _close(self, checkout: Checkout, reason: str) -> None:
        try:
            session = await self._closed(checkout)
        except PeerError as error:
            self._log.warning("session.not_expired", reference=checkout.reference, **error.log_context())
            self._postpone(checkout.reference)
            return
        if not _surely_closed(session, reason):
            self._postpone(checkout.reference)
            return
        await self._database.write(lambda tx: checkouts.closed(tx, checkout.reference))
        self._log.info(
            "session.expired",
            reference=checkout.reference,
            session=None if session is None else digest(session.id),
            reason=reason,
        )

    async def _closed(self, checkout: Checkout) -> CheckoutSession | None:
        """Close the session at Stripe and give it as it then stands; None: Stripe never made one."""
        session_id = checkout.session_id
        if session_id is None:
            since = checkout.created_at - LOOKUP_MARGIN
            found = await self._payments.find_session(checkout.reference, created_since=since)
            if found is None or found.status is not SessionStatus.OPEN:
                return found
            session_id = found.id
        try:
            return await self._payments.expire_session(session_id)
        except PaymentsRefused:
            return await self._payments.retrieve_session(session_id)

    def _is_time(self, reference: str) -> bool:
        waiting = self._waits.get(reference)
        return waiting is None or self._clock.now() >= waiting.until

    def _postpone(self, reference: str) -> None:
        last = self._waits.get(reference)
        wait = FIRST_WAIT if last is None else min(last.wait * 2, LONGEST_WAIT)
        self._waits[reference] = _Wait(self._clock.now() + wait, wait)

    def _forget(self, unpaid: tuple[_Unpaid, ...]) -> None:
        waiting = {each.checkout.reference for each in unpaid}
        self._waits = {reference: wait for reference, wait in self._waits.items() if reference in waiting}


def _surely_closed(session: CheckoutSession | None, reason: str) -> bool:
    """Say whether nothing can be paid any more; within the window Stripe may be making the session yet."""
    if session is None:
        return reason == WINDOW_OVER
    return session.status is SessionStatus.EXPIRED


def _unpaid(tx: Connection) -> tuple[tuple[_Unpaid, ...], bool]:
    tickers = checkouts.tickers_of_unpaid(tx)
    found = (_Unpaid(checkout=each, tickers=tickers.get(each.quote_id, ())) for each in checkouts.unpaid(tx))
    return tuple(found), halts.reason(tx) is not None
