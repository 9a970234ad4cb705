"""From an inbox row to an accepted parlay: gather, then decide and apply in one transaction."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Protocol

from hedge_service.core import acceptance, ids
from hedge_service.core.acceptance import PaidSession, ParkReason, PlanRules, park_reason
from hedge_service.core.journal import Intent
from hedge_service.core.money import Money
from hedge_service.core.orders import Purpose, TimeInForce
from hedge_service.core.parlay import CheckoutState, Mode
from hedge_service.core.plan import Caps
from hedge_service.errors import PeerError
from hedge_service.logs import digest
from hedge_service.store import bets, checkouts, inbox, journal, parlays, payments, quotes
from hedge_service.store.parlays import Parlay
from hedge_service.store.payments import Payment, PaymentState
from hedge_service.wire.stripe import events

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from sqlalchemy.engine import Connection

    from hedge_service.clock import Clock
    from hedge_service.config import Config
    from hedge_service.core.inbox import NewEvent, StoredEvent
    from hedge_service.core.market import Market
    from hedge_service.core.parlay import Checkout, Quote
    from hedge_service.core.plan import Plan, PlannedOrder
    from hedge_service.core.venue import MarketList
    from hedge_service.flow.runner import Nudge
    from hedge_service.store.db import Database

AT_ONCE = 32
FIRST_WAIT = timedelta(milliseconds=250)
LONGEST_WAIT = timedelta(seconds=30)


class MarketReads(Protocol):
    """The one exchange read that intake needs."""

    async def markets(self, tickers: tuple[str, ...]) -> MarketList:
        """Read these markets now."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Facts:
    """What deciding needs: the event's payment, what was sold, and the markets as they are."""

    event: StoredEvent
    paid: PaidSession
    checkout: Checkout | None
    quote: Quote | None
    markets: Mapping[str, Market]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Result:
    """What applying did, for the log; None stands for nothing new."""

    parlay: Parlay | None = None
    plan: Plan | None = None
    quote: Quote | None = None
    parked: ParkReason | None = None


class Intake:
    """Keeps verified events and turns confirmed payments into parlays with intents."""

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
    ) -> None:
        self._database = database
        self._exchange = exchange
        self._config = config
        self._stripe_live = stripe_live
        self._clock = clock
        self._log = log
        self._arrived = arrived
        self._planned = planned

    async def receive(self, event: NewEvent) -> bool:
        """Keep an event durably and wake the loop; say whether it is new. A duplicate wakes open work."""
        now = self._clock.now()

        def put(tx: Connection) -> bool:
            new = inbox.put(tx, event, now)
            if not new:
                inbox.woken(tx, event.source, event.external_id)
            return new

        new = await self._database.write(put)
        self._arrived.set()
        return new

    async def step(self) -> None:
        """Handle every event that is due."""
        while waiting := await self._due():
            await asyncio.gather(*(self._handle(event) for event in waiting))

    async def _due(self) -> tuple[StoredEvent, ...]:
        now = self._clock.now()
        return await self._database.read(lambda tx: inbox.due(tx, now, AT_ONCE))

    async def _handle(self, event: StoredEvent) -> None:
        try:
            facts = await self._gather(event)
        except PeerError as error:
            await self._postpone(event, error.code)
            return
        except ValueError as error:
            # Verified bytes that we can't read stay in the inbox, visible, and are not retried for ever.
            await self._close(event, "unreadable")
            self._log.error("webhook.unreadable", event_id=event.external_id, reason=str(error))
            return
        if facts is None:
            return
        result = await self._database.write(lambda tx: self._apply(tx, facts))
        self._tell(facts, result)

    async def _gather(self, event: StoredEvent) -> _Facts | None:
        stripe_event = events.parse_event(event.payload)
        session = events.session_of(stripe_event)
        if session is None or stripe_event.type not in events.FULFILLING or not session.paid:
            await self._close_session_event(event, stripe_event.type, session)
            return None
        paid = PaidSession(
            session_id=session.id,
            reference=session.client_reference_id,
            amount_cents=session.amount_total,
            currency=session.currency,
            payment_intent=session.payment_intent,
            livemode=session.livemode,
            paid_at=event.created_at,
        )
        checkout, quote = await self._database.read(lambda tx: _sold(tx, paid))
        markets = await self._markets(quote)
        return _Facts(event=event, paid=paid, checkout=checkout, quote=quote, markets=markets)

    async def _markets(self, quote: Quote | None) -> Mapping[str, Market]:
        if quote is None:
            return {}
        found = await self._exchange.markets(tuple(leg.bet.ticker for leg in quote.legs))
        return found.found

    def _apply(self, tx: Connection, facts: _Facts) -> _Result:
        now = self._clock.now()
        if not inbox.is_open(tx, facts.event.id):
            return _Result()
        result = self._accept(tx, facts, now)
        inbox.handled(tx, facts.event.id, _word(result), now)
        return result

    def _accept(self, tx: Connection, facts: _Facts, now: datetime) -> _Result:
        if payments.state_of(tx, facts.paid.session_id) is not None:
            return _Result()
        reason = park_reason(facts.paid, facts.checkout, stripe_live=self._stripe_live, markets=facts.markets)
        parlay = None if facts.quote is None else self._parlay(facts.paid, facts.quote, now)
        if reason is None and (parlay is None or not parlays.put(tx, parlay)):
            reason = ParkReason.QUOTE_ALREADY_SOLD
        payments.put(tx, _payment(facts, reason), now)
        if reason is not None or parlay is None or facts.quote is None or facts.checkout is None:
            return _Result(parked=reason)
        plan = self._plan(tx, facts.quote, facts.markets, now)
        self._store(tx, parlay, facts.quote, plan, now)
        checkouts.moved(tx, facts.checkout.reference, CheckoutState.PAID, session_id=facts.paid.session_id)
        return _Result(parlay=parlay, plan=plan, quote=facts.quote)

    def _plan(self, tx: Connection, quote: Quote, markets: Mapping[str, Market], now: datetime) -> Plan:
        limits = self._config.limits
        midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
        left = limits.max_day_hedge_dollars - journal.reserved_since(tx, midnight)
        caps = Caps(
            order=limits.max_order_dollars,
            parlay=limits.max_parlay_hedge_dollars,
            day_left=max(left, Money.ZERO),
        )
        rules = PlanRules(max_slippage=self._config.hedging.max_slippage, caps=caps)
        return acceptance.plan_for(quote, markets, now=now, rules=rules)

    def _store(self, tx: Connection, parlay: Parlay, quote: Quote, plan: Plan, now: datetime) -> None:
        skips = {skip.leg: skip.reason.value for skip in plan.skips}
        for leg in quote.legs:
            parlays.put_leg(tx, parlay.id, leg, skips.get(leg.leg))
        for order in plan.orders:
            journal.put_intent(tx, self._intent(parlay, order, now))
        bets.remove_these(tx, parlay.user_id, [leg.bet.id for leg in quote.legs])

    def _parlay(self, paid: PaidSession, quote: Quote, now: datetime) -> Parlay:
        return Parlay(
            id=ids.parlay_id(paid.session_id),
            session_id=paid.session_id,
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
            time_in_force=TimeInForce.IMMEDIATE_OR_CANCEL,
            reduce_only=False,
            created_at=now,
            expires_at=now + timedelta(seconds=self._config.hedging.intent_ttl_s),
        )

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

    async def _close(self, event: StoredEvent, result: str) -> None:
        now = self._clock.now()
        await self._database.write(lambda tx: inbox.handled(tx, event.id, result, now))

    async def _close_session_event(self, event: StoredEvent, kind: str, session: Any) -> None:
        now = self._clock.now()
        state = {events.EXPIRED: CheckoutState.EXPIRED, events.ASYNC_FAILED: CheckoutState.FAILED}.get(kind)

        def close(tx: Connection) -> None:
            checkout = None if session is None else _checkout_of(tx, session.client_reference_id, session.id)
            if checkout is not None and state is not None:
                checkouts.moved(tx, checkout.reference, state, session_id=session.id)
            inbox.handled(tx, event.id, "noted", now)

        await self._database.write(close)

    def _tell(self, facts: _Facts, result: _Result) -> None:
        paid = facts.paid
        session = digest(paid.session_id)
        if result.parked is not None:
            self._log.error(
                "payment.parked",
                session=session,
                event_id=facts.event.external_id,
                reason=result.parked.value,
                amount_cents=paid.amount_cents,
                currency=paid.currency,
            )
        if result.parlay is None or result.plan is None or result.quote is None:
            return
        parlay, plan = result.parlay, result.plan
        log = self._log.bind(parlay_id=parlay.id)
        log.info(
            "payment.confirmed",
            session=session,
            event_id=facts.event.external_id,
            quote_id=parlay.quote_id,
            stake_dollars=str(parlay.stake),
            payout_dollars=str(parlay.payout),
            legs_cleared=len(result.quote.legs),
        )
        log.info(
            "strategy.chosen",
            strategy=result.quote.strategy,
            orders=len(plan.orders),
            contracts=str(plan.contracts),
            max_cost_dollars=str(plan.max_cost),
            skips=[
                {"leg": skip.leg, "ticker": skip.ticker, "reason": skip.reason.value} for skip in plan.skips
            ],
        )
        self._planned.set()


def _sold(tx: Connection, paid: PaidSession) -> tuple[Checkout | None, Quote | None]:
    checkout = _checkout_of(tx, paid.reference, paid.session_id)
    return checkout, None if checkout is None else quotes.get(tx, checkout.quote_id)


def _checkout_of(tx: Connection, reference: str | None, session_id: str) -> Checkout | None:
    # The reference works even when Stripe's answer to the opening call was lost.
    found = None if reference is None else checkouts.by_reference(tx, reference)
    return checkouts.by_session(tx, session_id) if found is None else found


def _payment(facts: _Facts, reason: ParkReason | None) -> Payment:
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


def _word(result: _Result) -> str:
    if result.parked is not None:
        return f"parked:{result.parked.value}"
    return "duplicate" if result.parlay is None else "accepted"
