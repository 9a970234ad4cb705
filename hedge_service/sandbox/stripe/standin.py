"""The stand-in as one object: books, webhooks, faults and idempotency keys of one account."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING, Self

from hedge_service.sandbox.stripe.books import Books
from hedge_service.sandbox.stripe.delivery import Courier, DeliverySettings
from hedge_service.sandbox.stripe.faults import Faults
from hedge_service.sandbox.stripe.idempotency import IdempotencyKeys
from hedge_service.sandbox.stripe.sessions import expire_due_sessions

if TYPE_CHECKING:
    from hedge_service.sandbox.control import Clock, Json

LIVE_PREFIXES = ("sk_live_", "rk_live_")
_EXPIRY_CHECK_S = 1.0


class StripeStandIn:
    """One Stripe account on loopback; the key's prefix decides whether its objects are live.

    Use it as an async context manager, so that deliveries and expiry run and end with it.
    """

    def __init__(
        self, *, api_key: str, clock: Clock, seed: int = 0, delivery: DeliverySettings | None = None
    ) -> None:
        self.api_key = api_key
        self.books = Books(clock=clock, seed=seed, livemode=api_key.startswith(LIVE_PREFIXES))
        self.courier = Courier(DeliverySettings() if delivery is None else delivery, clock=clock)
        self.faults = Faults()
        self.keys = IdempotencyKeys(clock=clock)
        self.requests: list[Json] = []
        self._expiry: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        self.books.on_event = self.courier.notify
        self._expiry = asyncio.get_running_loop().create_task(self._expire_sessions())
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._expiry is not None:
            self._expiry.cancel()
            with suppress(asyncio.CancelledError):
                await self._expiry
        await self.courier.close()

    async def _expire_sessions(self) -> None:
        while True:
            expire_due_sessions(self.books)
            await asyncio.sleep(_EXPIRY_CHECK_S)

    def state(self) -> Json:
        """Give everything the stand-in holds, each list with the newest first, and the requests it saw."""
        books = self.books
        return {
            "livemode": books.livemode,
            "sessions": books.sessions.newest_first(),
            "payment_intents": books.payment_intents.newest_first(),
            "charges": books.charges.newest_first(),
            "refunds": books.refunds.newest_first(),
            "disputes": books.disputes.newest_first(),
            "balance_transactions": books.balance_transactions.newest_first(),
            "events": books.events.newest_first(),
            "faults": self.faults.shown(),
            "requests": self.requests,
        }
