"""Bets, quotes, checkouts and parlays: the values that flow from a click to an accepted parlay."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime
    from decimal import Decimal

    from hedge_service.core.market import Side
    from hedge_service.core.money import Count, Money, Price


@dataclass(frozen=True, slots=True, kw_only=True)
class NewBet:
    """A leg that a user wants saved; texts are already cleaned, the ticker is confirmed by the exchange.

    `prob` is what the page showed (percent): a display value, never a price to trust.
    """

    user_id: str
    market_id: str
    market_title: str
    market_url: str
    image_url: str | None
    option_id: str
    option_label: str
    prob: Decimal
    ticker: str
    event_ticker: str
    side: Side
    environment: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Bet(NewBet):
    """A saved leg."""

    id: int


@dataclass(frozen=True, slots=True, kw_only=True)
class QuoteLeg:
    """One leg of a quote: the bet, what it cost to back when quoted, and the hedge the strategy chose.

    `amount` is the hedge in dollars, `contracts` the same in lots at `ask`; `skip`: why contracts are zero.
    """

    leg: int
    bet: Bet
    ask: Price
    amount: Money
    contracts: Count
    skip: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Quote:
    """The server's own priced offer; it alone decides what a checkout sells.

    `probability` is q, the joint probability the price was made from; `product` the naive product.
    `body` is the quote exactly as it was sent; `advice` the record of the model's part.
    """

    id: str
    fingerprint: str
    user_id: str
    environment: str
    stake: Money
    payout: Money
    probability: Decimal
    product: Decimal
    strategy: str
    created_at: datetime
    expires_at: datetime
    legs: tuple[QuoteLeg, ...]
    body: Mapping[str, Any]
    advice: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class AskedLeg:
    """A leg as a quote request names it; only newer clients send the last three."""

    market_title: str
    option_label: str
    bet_id: int | None = None
    ticker: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AskedQuote:
    """A quote request after parsing: legs in the order shown, a stake in whole cents."""

    legs: tuple[AskedLeg, ...]
    stake: Money
    user_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AskedCheckout:
    """A checkout request after parsing; `quote` is what the client echoes, compared and never used."""

    user_id: str
    stake: Money
    bet_ids: tuple[int, ...]
    quote: Mapping[str, Any]
    environment: str | None


class CheckoutState(StrEnum):
    """Where a checkout stands: written before Stripe is asked, open once Stripe answered."""

    PENDING = "pending"
    OPEN = "open"
    PAID = "paid"
    EXPIRED = "expired"
    FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkout:
    """The one Stripe Checkout Session of a quote.

    `reference` is Stripe's client_reference_id and our idempotency key. `session_expires_at` is sent
    unchanged with every try, since Stripe refuses a key that comes back with other parameters.
    `window_ends_at`: a payment made later is not accepted.
    """

    reference: str
    quote_id: str
    user_id: str
    environment: str
    amount_cents: int
    currency: str
    state: CheckoutState
    created_at: datetime
    window_ends_at: datetime
    session_expires_at: datetime
    session_id: str | None = None
    url: str | None = None


class Mode(StrEnum):
    """Whether a parlay's orders are sent; fixed when it is accepted, never changed later."""

    DRY_RUN = "dry_run"
    LIVE = "live"


class HedgeOutcome(StrEnum):
    """How the hedge of a parlay stands, in the order in which the words are tried."""

    DRY_RUN = "dry_run"
    UNKNOWN = "unknown"
    SKIPPED = "skipped"
    EXECUTED = "executed"
    PARTIAL = "partial"
    FAILED = "failed"
