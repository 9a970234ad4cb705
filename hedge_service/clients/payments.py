"""Ask Stripe: sessions, events, charges, refunds. It decides nothing and knows no database."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, TypeVar

import aiohttp

from hedge_service.clients.payments_errors import failure_of, not_configured
from hedge_service.crash import ignore, unit_name
from hedge_service.wire.stripe import fields
from hedge_service.wire.stripe.events import StripeEvent, read_event
from hedge_service.wire.stripe.keys import StripeMode, key_mode
from hedge_service.wire.stripe.library import stripe
from hedge_service.wire.stripe.lists import read_page
from hedge_service.wire.stripe.refunds import Refund, charged_at, fee_kept, read_refund
from hedge_service.wire.stripe.sessions import CheckoutSession, NewSession, read_session, session_params

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
    from datetime import datetime

    from hedge_service.core.money import Money
    from hedge_service.crash import Probe

    Json = Mapping[str, Any]
    Lister = Callable[[Any], Awaitable[stripe.StripeObject]]

T = TypeVar("T")

PAGE_SIZE = 100
MAX_RETRIES = 2


class Payments:
    """A Stripe account behind one key.

    Every method raises PaymentsUnavailable (nothing was done), PaymentsRefused (Stripe said no) or, for
    those that write, PaymentsUnknown: call again with the same arguments, the idempotency key makes it safe.
    """

    def __init__(
        self, api_key: str | None, *, api_base: str = "", timeout_s: float = 10, probe: Probe = ignore
    ) -> None:
        """Take the secret key and, for a stand-in, its address without a path.

        `timeout_s` bounds one request with all its tries; each try gets half of it.
        """
        self.mode = key_mode(api_key) if api_key else StripeMode.UNKNOWN
        self._timeout_s = timeout_s
        self._probe = probe
        self._http = stripe.AIOHTTPClient(timeout=aiohttp.ClientTimeout(total=timeout_s / 2))
        self._client = _client(api_key, api_base, self._http) if api_key else None

    @property
    def configured(self) -> bool:
        """Say whether there is a key."""
        return self._client is not None

    async def close(self) -> None:
        """Close the connections."""
        await self._http.close_async()  # type: ignore[no-untyped-call]

    async def create_session(self, new: NewSession) -> CheckoutSession:
        """Open the one session of `new.reference`, which is also the idempotency key."""
        params = session_params(new)
        key = new.reference
        return await self._ask(
            lambda api: api.v1.checkout.sessions.create_async(params, {"idempotency_key": key}),
            read_session,
            write=True,
        )

    async def retrieve_session(self, session_id: str) -> CheckoutSession:
        """Read a session."""
        return await self._ask(lambda api: api.v1.checkout.sessions.retrieve_async(session_id), read_session)

    async def find_session(
        self, client_reference_id: str, *, created_since: datetime
    ) -> CheckoutSession | None:
        """Find the session of a reference among all made since; a paid one before any other.

        Stripe has no filter by reference, so every page is read.
        """
        params = {"created": {"gte": fields.seconds_of(created_since)}}
        pages = self._pages(lambda api: api.v1.checkout.sessions.list_async, params, read_session)
        found = [s async for s in pages if s.client_reference_id == client_reference_id]
        return max(found, key=lambda session: session.paid, default=None)

    async def expire_session(self, session_id: str) -> CheckoutSession:
        """Close an open session; refused by Stripe when it is complete or already expired."""
        return await self._ask(
            lambda api: api.v1.checkout.sessions.expire_async(session_id), read_session, write=True
        )

    async def list_events(self, types: Sequence[str], *, created_gte: datetime) -> tuple[StripeEvent, ...]:
        """Read all events of these types (at most 20) since a time, oldest first; Stripe keeps 30 days."""
        params = {"types": list(types), "created": {"gte": fields.seconds_of(created_gte)}}
        pages = self._pages(lambda api: api.v1.events.list_async, params, read_event)
        newest_first = [event async for event in pages]
        return tuple(reversed(newest_first))

    async def charge_created_of(self, payment_intent: str) -> datetime | None:
        """Give when a payment's money came, or None when no charge of it succeeded."""
        return await self._ask(
            lambda api: api.v1.payment_intents.retrieve_async(payment_intent, {"expand": ["latest_charge"]}),
            lambda intent: charged_at(fields.section(intent, "latest_charge")),
        )

    async def fee_of(self, payment_intent: str) -> Money | None:
        """Give what Stripe kept of a payment; None while it doesn't say, or says so in another currency."""
        expand = "latest_charge.balance_transaction"
        return await self._ask(
            lambda api: api.v1.payment_intents.retrieve_async(payment_intent, {"expand": [expand]}),
            lambda intent: fee_kept(fields.section(intent, "latest_charge")),
        )

    async def refund(self, payment_intent: str, amount_cents: int, *, idempotency_key: str) -> Refund:
        """Send money back, once for a key."""
        return await self._ask(
            lambda api: api.v1.refunds.create_async(
                {"payment_intent": payment_intent, "amount": amount_cents},
                {"idempotency_key": idempotency_key},
            ),
            read_refund,
            write=True,
        )

    async def refunds_of(self, payment_intent: str) -> tuple[Refund, ...]:
        """Read all refunds of a payment, whoever made them, newest first."""
        params = {"payment_intent": payment_intent}
        pages = self._pages(lambda api: api.v1.refunds.list_async, params, read_refund)
        return tuple([refund async for refund in pages])

    async def complete_sessions(self, *, created_gte: datetime) -> tuple[CheckoutSession, ...]:
        """Read all sessions made since a time that payers have completed, newest first."""
        params = {"status": "complete", "created": {"gte": fields.seconds_of(created_gte)}}
        pages = self._pages(lambda api: api.v1.checkout.sessions.list_async, params, read_session)
        return tuple([session async for session in pages])

    async def _pages(
        self, lister: Callable[[stripe.StripeClient], Lister], params: Json, read: Callable[[Json], T]
    ) -> AsyncIterator[T]:
        # Not the library's own paging: it takes an empty page for the last one, whatever has_more says.
        after: dict[str, str] = {}
        while True:
            query = {**params, **after, "limit": PAGE_SIZE}
            page = await self._ask(_sender(lister, query), lambda body: read_page(body, read))
            for item in page.items:
                yield item
            if page.next_after is None:
                return
            after = {"starting_after": page.next_after}

    async def _ask(
        self,
        send: Callable[[stripe.StripeClient], Awaitable[stripe.StripeObject]],
        read: Callable[[Json], T],
        *,
        write: bool = False,
    ) -> T:
        if self._client is None:
            raise not_configured()
        try:
            if write:
                self._probe(f"stripe.before_write:{unit_name(send)}")
            async with asyncio.timeout(self._timeout_s):
                answer = await send(self._client)
            if write:
                self._probe(f"stripe.after_reply:{unit_name(send)}")
            return read(answer.to_dict())
        except Exception as error:  # noqa: BLE001 - on odd answers the library raises whatever it stumbles on
            failure = failure_of(error, write=write)
        # Raised out here, so that no traceback of ours ends in Stripe's error, which carries whole bodies.
        raise failure


def _client(api_key: str, api_base: str, http: stripe.HTTPClient) -> stripe.StripeClient:
    # Else the library writes an id into the home directory and tells Stripe about this machine.
    stripe.enable_telemetry = False
    return stripe.StripeClient(
        api_key,
        http_client=http,
        base_addresses={"api": api_base.rstrip("/")} if api_base else {},
        max_network_retries=MAX_RETRIES,
    )


def _sender(
    lister: Callable[[stripe.StripeClient], Lister], query: Json
) -> Callable[[stripe.StripeClient], Awaitable[stripe.StripeObject]]:
    return lambda api: lister(api)(query)
