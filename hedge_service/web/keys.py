"""What handlers work with: collaborators and facts, under typed keys."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from aiohttp import web

if TYPE_CHECKING:
    from collections.abc import Callable

    from hedge_service.clock import Clock
    from hedge_service.core.history import PurchaseView
    from hedge_service.core.inbox import NewEvent
    from hedge_service.core.market import Market
    from hedge_service.core.money import Money
    from hedge_service.core.parlay import AskedCheckout, AskedQuote, Checkout, Quote
    from hedge_service.core.venue import Event
    from hedge_service.store.db import Database


class Markets(Protocol):
    """The exchange as the extension sees it."""

    async def page(self, asked: str) -> Event:
        """Give what a market page shows. Raises NotFound, PeerError."""

    async def confirm(self, ticker: str) -> Market:
        """Give the market of a ticker before a bet on it is saved. Raises BadRequest, PeerError."""


class Quoting(Protocol):
    """Prices parlays."""

    async def quote(self, asked: AskedQuote, *, address: str) -> Quote:
        """Price and store a quote for a client at this address. Raises HedgeError."""


class Checkouts(Protocol):
    """Opens payments."""

    async def open(self, asked: AskedCheckout) -> Checkout:
        """Open the checkout of a stored quote. Raises HedgeError."""


class Accounts(Protocol):
    """What users bought, won and hold."""

    async def history(self, user_id: str) -> tuple[PurchaseView, ...]:
        """List a user's parlays."""

    async def purchases(self, user_id: str) -> tuple[PurchaseView, ...]:
        """List a user's purchases, void ones included."""

    async def claim(self, session_id: str) -> Money:
        """Credit a won parlay once. Raises NotFound, BadRequest."""

    async def wallet(self, user_id: str) -> Money:
        """Give a user's balance."""


class Intake(Protocol):
    """Keeps verified events."""

    async def receive(self, event: NewEvent) -> bool:
        """Keep an event durably; say whether it is new."""


class Readiness(Protocol):
    """Knows whether the service may do its work."""

    async def problems(self) -> tuple[str, ...]:
        """Name what is in the way; nothing when ready."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """Constants of this process that handlers need; `webhook_secret` None: the webhook is closed.

    `bet_environment` is what a bet without one gets; `hosts` are the names we answer to (see guards.py).
    """

    version: str
    mode: str
    environment: str
    bet_environment: str
    webhook_secret: str | None
    webhook_tolerance_s: int
    hosts: frozenset[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Doors:
    """All that the public listener is made of; `new_id` gives request ids."""

    database: Database
    clock: Clock
    new_id: Callable[[], str]
    markets: Markets
    quoting: Quoting
    checkouts: Checkouts
    accounts: Accounts
    intake: Intake
    readiness: Readiness
    facts: Facts


DOORS: web.AppKey[Doors] = web.AppKey("doors", Doors)
