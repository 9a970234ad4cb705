"""Everything that the report is made of, read in one snapshot."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import func, select

from hedge_service.clock import instant
from hedge_service.core.fees import payment_fee
from hedge_service.core.ledger import Account
from hedge_service.core.market import BookSide
from hedge_service.core.money import Count, Money, Price
from hedge_service.core.orders import AttemptState
from hedge_service.core.report import Books, LedgerLine, SoldParlay
from hedge_service.store import books, positions
from hedge_service.store.market_events import market_events
from hedge_service.store.schema import (
    attempts,
    intents,
    ledger_postings,
    ledger_sets,
    parlays,
    payments,
    payouts,
)

if TYPE_CHECKING:
    from decimal import Decimal

    from sqlalchemy.engine import Connection


def gather(tx: Connection, *, fee_share: Decimal, fee_fixed: Money) -> Books:
    """Read the books; the two rates estimate a payment's fee until Stripe has told it."""
    held = positions.everything(tx).values()
    return Books(
        parlays=_parlays(tx, fee_share, fee_fixed),
        markets=market_events(tx),
        ledger=_ledger(tx),
        positions_at_cost=sum((position.cost for position in held), Money.ZERO),
        wallets=_claimed(tx) - _paid_out(tx),
    )


def opening_cash(tx: Connection) -> Money | None:
    """Give the exchange account's cash when the books began; None when they have not."""
    opening = books.opening(tx)
    return None if opening is None else opening.cash


def resting_cost(tx: Connection) -> Money:
    """Add up what the exchange holds back for our resting orders: the rest of each at its limit."""
    rest = attempts.c.count_centis - attempts.c.fill_centis
    rows = tx.execute(
        select(intents.c.side, intents.c.price_micros, rest.label("rest"))
        .join(attempts, attempts.c.intent_id == intents.c.id)
        .where(attempts.c.state == AttemptState.RESTING.value)
    )
    return sum((_limit(row.side, row.price_micros).times(Count(row.rest)) for row in rows), Money.ZERO)


def _limit(side: str, yes_price_micros: int) -> Price:
    price = Price(yes_price_micros)
    return price if BookSide(side) is BookSide.BID else price.complement


def _parlays(tx: Connection, share: Decimal, fixed: Money) -> tuple[SoldParlay, ...]:
    unknown = select(payments.c.session_id).where(payments.c.fee_cents.is_(None))
    waiting = set(tx.execute(unknown).scalars())
    rows = tx.execute(select(parlays).order_by(parlays.c.accepted_ms, parlays.c.id))
    return tuple(
        SoldParlay(
            id=row.id,
            accepted_at=instant(row.accepted_ms),
            mode=row.mode,
            state=row.state,
            hedge=row.outcome,
            stake=Money(row.stake_micros),
            payout=Money(row.payout_micros),
            fee_estimate=payment_fee(Money(row.stake_micros), share=share, fixed=fixed)
            if row.session_id in waiting
            else Money.ZERO,
        )
        for row in rows
    )


def _ledger(tx: Connection) -> tuple[LedgerLine, ...]:
    keys = (ledger_sets.c.parlay_id, ledger_sets.c.kind, ledger_postings.c.account)
    total = func.sum(ledger_postings.c.micros).label("micros")
    joined = select(*keys, total).join(ledger_sets, ledger_sets.c.id == ledger_postings.c.set_id)
    return tuple(
        LedgerLine(
            parlay_id=row.parlay_id,
            kind=row.kind,
            account=Account(row.account),
            amount=Money(int(row.micros)),
        )
        for row in tx.execute(joined.group_by(*keys))
    )


def _claimed(tx: Connection) -> Money:
    total = select(func.coalesce(func.sum(parlays.c.payout_micros), 0))
    return Money(int(tx.execute(total.where(parlays.c.claimed_ms.is_not(None))).scalar_one()))


def _paid_out(tx: Connection) -> Money:
    return Money(int(tx.execute(select(func.coalesce(func.sum(payouts.c.amount_micros), 0))).scalar_one()))
