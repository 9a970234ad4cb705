"""Stored quotes and the count of model calls."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

from sqlalchemy import Row, bindparam, func, insert, select

from hedge_service.clock import instant, millis
from hedge_service.core.money import Count, Money, Price
from hedge_service.core.parlay import Quote, QuoteLeg
from hedge_service.store import bets
from hedge_service.store.prepared import Prepared
from hedge_service.store.rows import from_json, to_json
from hedge_service.store.schema import model_calls, quote_legs, quotes

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy.engine import Connection


def put(tx: Connection, quote: Quote) -> None:
    """Store a quote with its legs."""
    tx.execute(insert(quotes).values(**_columns(quote)))
    for leg in quote.legs:
        tx.execute(insert(quote_legs).values(quote_id=quote.id, **_leg_columns(leg)))


def get(tx: Connection, quote_id: str) -> Quote | None:
    """Find a quote."""
    row = _QUOTE.one_or_none(tx, {"key": quote_id})
    if row is None:
        return None
    return _quote(row, tuple(_leg(leg) for leg in _LEGS.all(tx, {"key": quote_id})))


_QUOTE = Prepared(select(quotes).where(quotes.c.id == bindparam("key")))
_LEGS = Prepared(
    select(quote_legs).where(quote_legs.c.quote_id == bindparam("key")).order_by(quote_legs.c.leg)
)


def take_model_call(tx: Connection, fingerprint: str, at: datetime, *, since: datetime, most: int) -> bool:
    """Count one model call unless `most` were made since `since`; say whether it may be made."""
    made = select(func.count()).select_from(model_calls).where(model_calls.c.at_ms >= millis(since))
    if tx.execute(made).scalar_one() >= most:
        return False
    tx.execute(insert(model_calls).values(at_ms=millis(at), fingerprint=fingerprint))
    return True


def _columns(quote: Quote) -> dict[str, Any]:
    return {
        "id": quote.id,
        "fingerprint": quote.fingerprint,
        "user_id": quote.user_id,
        "environment": quote.environment,
        "stake_micros": quote.stake.micros,
        "payout_micros": quote.payout.micros,
        "probability": str(quote.probability),
        "product": str(quote.product),
        "strategy": quote.strategy,
        "created_ms": millis(quote.created_at),
        "expires_ms": millis(quote.expires_at),
        "body": to_json(quote.body),
        "advice": to_json(quote.advice),
    }


def _leg_columns(leg: QuoteLeg) -> dict[str, Any]:
    return {
        "leg": leg.leg,
        "ticker": leg.bet.ticker,
        "bet": to_json(bets.as_json(leg.bet)),
        "ask_micros": leg.ask.micros,
        "amount_micros": leg.amount.micros,
        "contracts_centis": leg.contracts.centis,
        "skip": leg.skip,
    }


def _quote(row: Row[Any], legs: tuple[QuoteLeg, ...]) -> Quote:
    return Quote(
        id=row.id,
        fingerprint=row.fingerprint,
        user_id=row.user_id,
        environment=row.environment,
        stake=Money(row.stake_micros),
        payout=Money(row.payout_micros),
        probability=Decimal(row.probability),
        product=Decimal(row.product),
        strategy=row.strategy,
        created_at=instant(row.created_ms),
        expires_at=instant(row.expires_ms),
        legs=legs,
        body=from_json(row.body),
        advice=from_json(row.advice),
    )


def _leg(row: Row[Any]) -> QuoteLeg:
    return QuoteLeg(
        leg=row.leg,
        bet=bets.from_json(from_json(row.bet)),
        ask=Price(row.ask_micros),
        amount=Money(row.amount_micros),
        contracts=Count(row.contracts_centis),
        skip=row.skip,
    )
