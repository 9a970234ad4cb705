"""One paid session: gather what was sold and how the markets stand, then decide and apply at once."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Protocol

from hedge_service.core import acceptance, ids
from hedge_service.core.acceptance import PaidSession, ParkReason, PlanRules, SaleRules, park_reason
from hedge_service.core.hedging import Strategy
from hedge_service.core.journal import Intent
from hedge_service.core.ledger import payment_parked, stake_received
from hedge_service.core.money import Money
from hedge_service.core.money_back import GOES_BACK
from hedge_service.core.orders import Purpose, TimeInForce
from hedge_service.core.parlay import CheckoutState, Mode
from hedge_service.core.plan import Caps
from hedge_service.core.rolling import drift_reserve
from hedge_service.flow.charges import known_trouble, settle_charge
from hedge_service.flow.exposure import passed_when_paid
from hedge_service.store import (
    bets,
    checkouts,
    claims,
    inbox,
    journal,
    ledger,
    parlays,
    payments,
    quotes,
    refunds,
)
from hedge_service.store.parlays import Parlay
from hedge_service.store.payments import Payment, PaymentState
from hedge_service.wire.advice_record import fees_of

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from sqlalchemy.engine import Connection

    from hedge_service.clock import Clock
    from hedge_service.config import Config
    from hedge_service.core.inbox import StoredEvent
    from hedge_service.core.market import Market
    from hedge_service.core.parlay import Checkout, Quote
    from hedge_service.core.plan import Plan, PlannedOrder
    from hedge_service.core.venue import MarketList
    from hedge_service.flow.notes import Note
    from hedge_service.store.db import Database


class MarketReads(Protocol):
    """The one exchange read that accepting needs."""

    async def markets(self, tickers: tuple[str, ...]) -> MarketList:
        """Read these markets now."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What deciding needs: the event's payment, what was sold, and the markets as they are."""

    event: StoredEvent
    paid: PaidSession
    checkout: Checkout | None
    quote: Quote | None
    markets: Mapping[str, Market]

    @property
    def sale(self) -> Sale:
        """Give what is to be sold."""
        return Sale(
            session_id=self.paid.session_id, checkout=self.checkout, quote=self.quote, markets=self.markets
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Sale:
    """A paid quote, and the markets as they are now."""

    session_id: str
    checkout: Checkout | None
    quote: Quote | None
    markets: Mapping[str, Market]


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What applying did, for the log; None stands for nothing new."""

    parlay: Parlay | None = None
    plan: Plan | None = None
    quote: Quote | None = None
    parked: ParkReason | None = None
    notes: tuple[Note, ...] = ()

    @property
    def word(self) -> str:
        """Give what the inbox keeps as the event's result."""
        if self.parked is not None:
            return f"parked:{self.parked.value}"
        return "duplicate" if self.parlay is None else "accepted"


class Accepting:
    """Turns one paid session into a parlay with intents, or into a parked payment."""

    def __init__(
        self, *, database: Database, exchange: MarketReads, config: Config, stripe_live: bool, clock: Clock
    ) -> None:
        self._database = database
        self._exchange = exchange
        self._config = config
        self._stripe_live = stripe_live
        self._clock = clock

    async def gather(self, event: StoredEvent, paid: PaidSession) -> Facts:
        """Read what deciding needs: one database read, one market read. Raises PeerError."""
        checkout, quote = await self._database.read(lambda tx: _sold(tx, paid))
        markets = await self.markets_of(quote)
        return Facts(event=event, paid=paid, checkout=checkout, quote=quote, markets=markets)

    def apply(self, tx: Connection, facts: Facts) -> Result:
        """Decide, and store parlay, intents and payment with the event's mark: all or nothing."""
        now = self._clock.now()
        if not inbox.is_open(tx, facts.event.id):
            return Result()
        result = self._accept(tx, facts, now)
        inbox.handled(tx, facts.event.id, result.word, now)
        return result

    async def markets_of(self, quote: Quote | None) -> Mapping[str, Market]:
        """Read the markets of a quote's legs now. Raises PeerError."""
        if quote is None:
            return {}
        found = await self._exchange.markets(tuple(leg.bet.ticker for leg in quote.legs))
        return found.found

    def _accept(self, tx: Connection, facts: Facts, now: datetime) -> Result:
        paid = facts.paid
        if payments.state_of(tx, paid.session_id) is not None:
            return Result()
        reason = self._reason(tx, facts)
        result = Result(parked=reason) if reason is not None else self.sell(tx, facts.sale, now)
        payments.put(tx, _payment(facts, result.parked), now)
        self._book(tx, paid, result.parlay, now)
        if result.parked is not None:
            _park(tx, facts, result.parked, now)
        if paid.payment_intent is None:
            return result
        # Refunds and disputes may have been told before the payment itself.
        return replace(result, notes=settle_charge(tx, paid.payment_intent, now, news=True))

    def _reason(self, tx: Connection, facts: Facts) -> ParkReason | None:
        reason = park_reason(facts.paid, facts.checkout, stripe_live=self._stripe_live, markets=facts.markets)
        reason = known_trouble(tx, facts.paid.payment_intent) if reason is None else reason
        if reason is not None or facts.quote is None:
            return reason
        rules = SaleRules(
            max_drift=self._config.pricing.max_price_drift,
            open_payout=self._config.limits.max_open_payout_dollars,
        )
        cap = passed_when_paid(tx, facts.quote, self._config.limits)
        return acceptance.refusal(facts.quote, facts.markets, owed=parlays.owed(tx), rules=rules, cap=cap)

    def sell(self, tx: Connection, sale: Sale, now: datetime) -> Result:
        """Store the parlay of a paid quote with its intents; refused when the quote has one already."""
        if sale.quote is None or sale.checkout is None:
            return Result(parked=ParkReason.UNKNOWN_SESSION)
        parlay = self._parlay(sale.session_id, sale.quote, now)
        if not parlays.put(tx, parlay):
            return Result(parked=ParkReason.QUOTE_ALREADY_SOLD)
        plan = self._plan(tx, sale.quote, sale.markets, now)
        self._store(tx, parlay, sale.quote, plan, now)
        checkouts.moved(tx, sale.checkout.reference, CheckoutState.PAID, session_id=sale.session_id)
        return Result(parlay=parlay, plan=plan, quote=sale.quote)

    def _book(self, tx: Connection, paid: PaidSession, parlay: Parlay | None, now: datetime) -> None:
        """Book the money: a parlay's stake, or what waits for a person; the books hold one currency only."""
        currency = "" if paid.currency is None else paid.currency.lower()
        if not paid.amount_cents or currency != self._config.stripe.currency.value:
            return
        amount = Money.cents(paid.amount_cents)
        entry = (
            payment_parked(session_id=paid.session_id, amount=amount)
            if parlay is None
            else stake_received(session_id=paid.session_id, parlay_id=parlay.id, stake=amount)
        )
        ledger.post(tx, entry, now)

    def _plan(self, tx: Connection, quote: Quote, markets: Mapping[str, Market], now: datetime) -> Plan:
        limits = self._config.limits
        midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
        left = limits.max_day_hedge_dollars - journal.reserved_since(tx, midnight)
        caps = Caps(
            order=limits.max_order_dollars,
            parlay=max(limits.max_parlay_hedge_dollars - self._reserve(quote), Money.ZERO),
            day_left=max(left, Money.ZERO),
        )
        slippage = self._config.hedging.max_slippage
        rules = PlanRules(max_slippage=slippage, caps=caps, fees=fees_of(quote))
        return acceptance.plan_for(quote, markets, now=now, rules=rules)

    def _reserve(self, quote: Quote) -> Money:
        """Give what the first leg of a rolling hedge leaves under the parlay's cap, for prices that move."""
        if quote.strategy != Strategy.ROLLING.value:
            return Money.ZERO
        return drift_reserve(quote.payout, self._config.hedging.drift_reserve)

    def _store(self, tx: Connection, parlay: Parlay, quote: Quote, plan: Plan, now: datetime) -> None:
        skips = {skip.leg: skip.reason.value for skip in plan.skips}
        for leg in quote.legs:
            parlays.put_leg(tx, parlay.id, leg, skips.get(leg.leg))
        claims.date_parlay(tx, parlay.id, [leg.bet.ticker for leg in quote.legs])
        for order in plan.orders:
            journal.put_intent(tx, self._intent(parlay, order, now))
        bets.remove_these(tx, parlay.user_id, [leg.bet.id for leg in quote.legs])

    def _parlay(self, session_id: str, quote: Quote, now: datetime) -> Parlay:
        return Parlay(
            id=ids.parlay_id(session_id),
            session_id=session_id,
            quote_id=quote.id,
            user_id=quote.user_id,
            environment=quote.environment,
            mode=Mode.DRY_RUN if self._config.kalshi.dry_run else Mode.LIVE,
            stake=quote.stake,
            payout=quote.payout,
            accepted_at=now,
        )

    def _intent(self, parlay: Parlay, order: PlannedOrder, now: datetime) -> Intent:
        purpose, sequence = Purpose.HEDGE, 1
        return Intent(
            id=ids.intent_id(parlay=parlay.id, leg=order.leg, purpose=purpose, sequence=sequence),
            parlay_id=parlay.id,
            leg=order.leg,
            purpose=purpose,
            sequence=sequence,
            ticker=order.ticker,
            side=order.side,
            count=order.count,
            price=order.price,
            max_cost=order.max_cost,
            time_in_force=TimeInForce(self._config.hedging.time_in_force.value),
            reduce_only=False,
            created_at=now,
            expires_at=now + timedelta(seconds=self._config.hedging.intent_ttl_s),
        )


def checkout_of(tx: Connection, reference: str | None, session_id: str) -> Checkout | None:
    """Find what a session sold; the reference works even when Stripe's answer to the opening was lost."""
    found = None if reference is None else checkouts.by_reference(tx, reference)
    return checkouts.by_session(tx, session_id) if found is None else found


def _sold(tx: Connection, paid: PaidSession) -> tuple[Checkout | None, Quote | None]:
    checkout = checkout_of(tx, paid.reference, paid.session_id)
    return checkout, None if checkout is None else quotes.get(tx, checkout.quote_id)


def _park(tx: Connection, facts: Facts, reason: ParkReason, now: datetime) -> None:
    """Let a payment that bought nothing reserve nothing, and owe it back where nobody need be asked."""
    session_id, checkout = facts.paid.session_id, facts.checkout
    if checkout is not None and checkout.session_id in (None, session_id):
        checkouts.moved(tx, checkout.reference, CheckoutState.PAID, session_id=session_id)
    if reason in GOES_BACK:
        refunds.due(tx, session_id, parlay_id=None, reason=reason.value, at=now)


def _payment(facts: Facts, reason: ParkReason | None) -> Payment:
    paid = facts.paid
    return Payment(
        session_id=paid.session_id,
        quote_id=None if facts.quote is None else facts.quote.id,
        event_id=facts.event.external_id,
        payment_intent=paid.payment_intent,
        amount_cents=0 if paid.amount_cents is None else paid.amount_cents,
        currency="" if paid.currency is None else paid.currency,
        paid_at=paid.paid_at,
        state=PaymentState.ACCEPTED if reason is None else PaymentState.PARKED,
        reason=None if reason is None else reason.value,
    )
