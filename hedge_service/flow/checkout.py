"""Checkouts: the stored quote decides, a row is written first, then Stripe opens the one session."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Protocol

from hedge_service.clients.payments_errors import PaymentsRefused
from hedge_service.clock import instant, millis
from hedge_service.core.ids import checkout_reference
from hedge_service.core.parlay import Checkout, CheckoutState
from hedge_service.errors import NotReady
from hedge_service.flow.exposure import check_exposure
from hedge_service.flow.refusals import check_environment, check_open_payout
from hedge_service.flow.selling import check_echo, check_known, check_own_bets, quote_again
from hedge_service.flow.sharing import SingleFlight
from hedge_service.logs import digest
from hedge_service.store import bets, checkouts, offers, quotes
from hedge_service.wire.stripe.keys import StripeMode
from hedge_service.wire.stripe.sessions import NewSession

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from datetime import datetime

    from sqlalchemy.engine import Connection

    from hedge_service.clock import Clock
    from hedge_service.config import Config
    from hedge_service.core.money import Money
    from hedge_service.core.parlay import AskedCheckout, Quote
    from hedge_service.store.db import Database
    from hedge_service.wire.stripe.sessions import CheckoutSession

# Stripe refuses a session that lives less than 30 minutes from its own receipt of the request.
EXPIRY_MARGIN_S = 60
# How far Stripe's clock may be behind ours when a session is looked up by the time it was made.
LOOKUP_MARGIN = timedelta(minutes=5)


class Payments(Protocol):
    """What a checkout needs of Stripe; both calls raise PeerError."""

    @property
    def configured(self) -> bool:
        """Say whether there is a key."""

    @property
    def mode(self) -> StripeMode:
        """Say whether the key moves real money."""

    async def create_session(self, new: NewSession) -> CheckoutSession:
        """Open the one session of a reference."""

    async def find_session(
        self, client_reference_id: str, *, created_since: datetime
    ) -> CheckoutSession | None:
        """Find the session of a reference."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Begun:
    """A checkout's row; `fresh` when it was written just now, so that Stripe can't know it yet."""

    checkout: Checkout
    quote: Quote
    fresh: bool


class Checkouts:
    """Opens the one Stripe Checkout Session of a quote.

    `gate` raises while nothing may be sold; `open_payout` adds up what is owed if every open parlay wins,
    open checkouts included.
    """

    def __init__(
        self,
        *,
        config: Config,
        database: Database,
        payments: Payments,
        clock: Clock,
        gate: Callable[[], Awaitable[None]],
        open_payout: Callable[[Connection, datetime], Money],
        log: Any,
    ) -> None:
        self._config = config
        self._database = database
        self._payments = payments
        self._clock = clock
        self._gate = gate
        self._open_payout = open_payout
        self._log = log
        self._flights: SingleFlight[Checkout] = SingleFlight()

    async def open(self, asked: AskedCheckout) -> Checkout:
        """Give the quote's open session, opening it if need be; its `session_id` and `url` are set.

        Raises BadRequest (environment), Conflict (the quote can't be sold: quote again), NotReady, PeerError
        (Stripe; asking again is safe) and StoreUnavailable.
        """
        self._check_keys()
        if asked.environment is not None:
            check_environment({asked.environment}, self._config.kalshi.environment)
        await self._gate()
        now = instant(millis(self._clock.now()))
        begun = await self._database.write(lambda tx: self._begin(tx, asked, now))
        if begun.checkout.state is CheckoutState.OPEN:
            return begun.checkout
        return await self._flights.run(begun.checkout.reference, lambda: self._ask(begun, now))

    async def close(self) -> None:
        """Wait for the calls under way."""
        await self._flights.close()

    def _check_keys(self) -> None:
        if not self._payments.configured:
            raise NotReady(
                "Payments are not configured",
                "Nothing was charged. The operator has to set STRIPE_API_KEY.",
                code="payments_not_configured",
            )
        if self._config.kalshi.dry_run and self._payments.mode is not StripeMode.TEST:
            raise NotReady(
                "Payments are closed",
                "Nothing was charged. The service sends no orders (dry run), so it takes no real money.",
                code="live_key_in_dry_run",
            )

    def _begin(self, tx: Connection, asked: AskedCheckout, now: datetime) -> _Begun:
        """Check the request against the stored quote and write its row, in one transaction."""
        quote = _stored_quote(tx, asked)
        check_echo(quote, asked)
        known = checkouts.of_quote(tx, quote)
        if known is not None:
            check_known(known, asked, now)
        elif now >= quote.expires_at:
            raise quote_again("The quote has expired", "quote_expired")
        own = check_own_bets(quote, asked.bet_ids, bets.of_user(tx, asked.user_id))
        check_environment({bet.environment for bet in own}, self._config.kalshi.environment)
        if known is not None:
            return _Begun(checkout=known, quote=quote, fresh=False)
        check_open_payout(self._open_payout(tx, now), quote.payout, self._config.limits)
        check_exposure(tx, quote, self._config.limits, now)
        offers.bind(tx, quote.id, asked.user_id, own)
        begun = checkouts.begin(tx, self._pending(quote, asked.user_id, now))
        return _Begun(checkout=begun, quote=quote, fresh=True)

    def _pending(self, quote: Quote, user_id: str, now: datetime) -> Checkout:
        window = timedelta(seconds=self._config.pricing.payment_window_s)
        return Checkout(
            reference=checkout_reference(quote.id),
            quote_id=quote.id,
            user_id=user_id,
            environment=quote.environment,
            amount_cents=quote.stake.to_cents(),
            currency=self._config.stripe.currency.value,
            state=CheckoutState.PENDING,
            created_at=now,
            window_ends_at=now + window,
            session_expires_at=now + window + timedelta(seconds=EXPIRY_MARGIN_S),
        )

    async def _ask(self, begun: _Begun, now: datetime) -> Checkout:
        """Open the session, or find the one that a lost reply told of."""
        if not begun.fresh and now >= begun.quote.expires_at:
            session = await self._find(begun.checkout)
        else:
            session = await self._create(begun)
        if session is None:
            raise quote_again("The quote has expired", "quote_expired")
        return await self._opened(begun.checkout, session)

    async def _create(self, begun: _Begun) -> CheckoutSession:
        try:
            return await self._payments.create_session(self._session(begun))
        except PaymentsRefused as refusal:
            # A refused repetition says nothing about the first copy, which may have opened the session.
            session = None if begun.fresh else await self._find(begun.checkout)
            if session is None:
                await self._refused(begun.checkout, refusal)
                raise
            return session

    def _session(self, begun: _Begun) -> NewSession:
        """Give the same parameters at every try: Stripe refuses the key with others."""
        checkout = begun.checkout
        return NewSession(
            quote_id=checkout.quote_id,
            reference=checkout.reference,
            environment=checkout.environment,
            legs=len(begun.quote.legs),
            amount_cents=checkout.amount_cents,
            currency=checkout.currency,
            expires_at=checkout.session_expires_at,
            public_url=self._config.service.public_url,
        )

    async def _find(self, checkout: Checkout) -> CheckoutSession | None:
        since = checkout.created_at - LOOKUP_MARGIN
        return await self._payments.find_session(checkout.reference, created_since=since)

    async def _opened(self, checkout: Checkout, session: CheckoutSession) -> Checkout:
        opened = await self._database.write(
            lambda tx: checkouts.opened(tx, checkout.reference, session_id=session.id, url=session.url)
        )
        if opened.state is not CheckoutState.OPEN or opened.url is None:
            raise quote_again("The checkout is closed", "checkout_closed")
        self._log.info("checkout.created", **_fields(opened), session=digest(session.id))
        return opened

    async def _refused(self, checkout: Checkout, refusal: PaymentsRefused) -> None:
        await self._database.write(lambda tx: offers.refused(tx, checkout.reference))
        self._log.warning("checkout.refused", **_fields(checkout), **refusal.log_context())


def _stored_quote(tx: Connection, asked: AskedCheckout) -> Quote:
    quote_id = asked.quote.get("quoteId")
    quote = quotes.get(tx, quote_id) if isinstance(quote_id, str) else None
    if quote is None:
        raise quote_again("The quote is not known", "quote_unknown")
    return quote


def _fields(checkout: Checkout) -> dict[str, Any]:
    return {
        "quote_id": checkout.quote_id,
        "reference": checkout.reference,
        "amount_cents": checkout.amount_cents,
        "currency": checkout.currency,
        "user": digest(checkout.user_id),
    }
