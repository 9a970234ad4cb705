"""Everything the stand-in remembers, and how it makes ids and events."""

from __future__ import annotations

import random
import string
from copy import deepcopy
from typing import TYPE_CHECKING

from hedge_service.sandbox.stripe.shelf import Shelf

if TYPE_CHECKING:
    from collections.abc import Callable

    from hedge_service.sandbox.control import Clock, Json

API_VERSION = "2026-10-28.endive"
_ALPHABET = string.ascii_letters + string.digits
_ID_LENGTH = 24
_SESSION_ID_LENGTH = 58


class Books:
    """Hold one Stripe account's objects. Amounts are whole cents, times are whole epoch seconds."""

    def __init__(self, *, clock: Clock, seed: int, livemode: bool) -> None:
        self.livemode = livemode
        self.sessions = Shelf(
            "checkout.session", url="/v1/checkout/sessions", filters=("status", "payment_intent", "customer")
        )
        self.payment_intents = Shelf("payment_intent", url="/v1/payment_intents", filters=("customer",))
        self.charges = Shelf("charge", url="/v1/charges", filters=("payment_intent", "customer"))
        self.refunds = Shelf("refund", url="/v1/refunds", filters=("charge", "payment_intent"))
        self.disputes = Shelf("dispute", url="/v1/disputes", filters=("charge", "payment_intent"))
        self.balance_transactions = Shelf(
            "balance transaction", url="/v1/balance_transactions", filters=("source", "type")
        )
        self.events = Shelf("event", url="/v1/events")
        self.line_items: dict[str, list[Json]] = {}
        self.intent_data: dict[str, Json] = {}
        self.on_event: Callable[[Json], None] = lambda _: None
        self._clock = clock
        self._random = random.Random(seed)
        self.account_id = self.new_id("acct", length=16)

    def now(self) -> int:
        """Give the time in whole epoch seconds."""
        return int(self._clock())

    def new_id(self, prefix: str, *, length: int = _ID_LENGTH) -> str:
        """Make an id as `pi_...`."""
        return f"{prefix}_{''.join(self._random.choices(_ALPHABET, k=length))}"

    def new_session_id(self) -> str:
        """Make a Checkout Session id, which carries its mode."""
        return self.new_id("cs_live" if self.livemode else "cs_test", length=_SESSION_ID_LENGTH)

    def record(self, kind: str, item: Json, *, created: int | None = None, tell: bool = True) -> Json:
        """Make an event with a copy of the object as it is now; tell the courier unless asked not to.

        https://docs.stripe.com/api/events/object
        """
        event = self.events.add(
            {
                "id": self.new_id("evt"),
                "object": "event",
                "api_version": API_VERSION,
                "created": self.now() if created is None else created,
                "data": {"object": deepcopy(item)},
                "livemode": self.livemode,
                "pending_webhooks": 1,
                "request": {"id": None, "idempotency_key": None},
                "type": kind,
            }
        )
        if tell:
            self.on_event(event)
        return event
