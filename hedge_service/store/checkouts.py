"""Pending payments: one checkout per quote, written before Stripe is asked."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

from sqlalchemy import BindParameter, Row, bindparam, select, update

from hedge_service.clock import instant, millis
from hedge_service.core.parlay import Checkout, CheckoutState
from hedge_service.store.prepared import Prepared
from hedge_service.store.rows import insert_if_absent
from hedge_service.store.schema import checkouts, quote_legs

if TYPE_CHECKING:
    from sqlalchemy.engine import Connection

    from hedge_service.core.parlay import Quote


def begin(tx: Connection, checkout: Checkout) -> Checkout:
    """Write a pending checkout, or give the one that the quote already has (its parameters win)."""
    insert_if_absent(tx, checkouts, _columns(checkout))
    return _checkout(_BY_QUOTE.one(tx, {"key": checkout.quote_id}))


def opened(tx: Connection, reference: str, *, session_id: str, url: str | None) -> Checkout:
    """Record the session that Stripe made; a checkout that went further stays where it is."""
    where = (checkouts.c.reference == reference, checkouts.c.state == CheckoutState.PENDING.value)
    values = {"session_id": session_id, "url": url, "state": CheckoutState.OPEN.value}
    tx.execute(update(checkouts).where(*where).values(**values))
    return _checkout(_BY_REFERENCE.one(tx, {"key": reference}))


def moved(tx: Connection, reference: str, state: CheckoutState, *, session_id: str) -> None:
    """Move a checkout that is not paid to `state` and remember its session."""
    _MOVE.run(tx, {"key": reference, "to": state.value, "session": session_id})


def by_reference(tx: Connection, reference: str) -> Checkout | None:
    """Find the checkout that a Stripe session's client_reference_id names."""
    return _maybe(tx, _BY_REFERENCE, reference)


def by_session(tx: Connection, session_id: str) -> Checkout | None:
    """Find the checkout of a Stripe session."""
    return _maybe(tx, _BY_SESSION, session_id)


def of_quote(tx: Connection, quote: Quote) -> Checkout | None:
    """Find the checkout of a quote."""
    return _maybe(tx, _BY_QUOTE, quote.id)


def unpaid(tx: Connection) -> tuple[Checkout, ...]:
    """List checkouts whose session may still be paid, oldest first."""
    return tuple(_checkout(row) for row in _UNPAID.all(tx))


def tickers_of_unpaid(tx: Connection) -> dict[str, tuple[str, ...]]:
    """Give the markets of each quote whose session may still be paid, by quote, in the order of its legs."""
    found: dict[str, list[str]] = defaultdict(list)
    for quote_id, ticker in _TICKERS.all(tx):
        found[quote_id].append(ticker)
    return {quote_id: tuple(tickers) for quote_id, tickers in found.items()}


def closed(tx: Connection, reference: str) -> None:
    """Record that a session can't be paid any more; a paid one stays paid."""
    open_states = (CheckoutState.PENDING.value, CheckoutState.OPEN.value)
    where = (checkouts.c.reference == reference, checkouts.c.state.in_(open_states))
    tx.execute(update(checkouts).where(*where).values(state=CheckoutState.EXPIRED.value))


_KEY: BindParameter[str] = bindparam("key")
_BY_REFERENCE = Prepared(select(checkouts).where(checkouts.c.reference == _KEY))
_BY_SESSION = Prepared(select(checkouts).where(checkouts.c.session_id == _KEY))
_BY_QUOTE = Prepared(select(checkouts).where(checkouts.c.quote_id == _KEY))
_MAY_BE_PAID = checkouts.c.state.in_((CheckoutState.PENDING.value, CheckoutState.OPEN.value))
_UNPAID = Prepared(select(checkouts).where(_MAY_BE_PAID).order_by(checkouts.c.created_ms))
_TICKERS = Prepared(
    select(quote_legs.c.quote_id, quote_legs.c.ticker)
    .join(checkouts, checkouts.c.quote_id == quote_legs.c.quote_id)
    .where(_MAY_BE_PAID)
    .order_by(quote_legs.c.quote_id, quote_legs.c.leg)
)
_MOVE = Prepared(
    update(checkouts)
    .where(checkouts.c.reference == _KEY, checkouts.c.state != CheckoutState.PAID.value)
    .values(state=bindparam("to"), session_id=bindparam("session"))
)


def _maybe(tx: Connection, found: Prepared, key: str) -> Checkout | None:
    row = found.one_or_none(tx, {"key": key})
    return None if row is None else _checkout(row)


def _columns(checkout: Checkout) -> dict[str, Any]:
    return {
        "reference": checkout.reference,
        "quote_id": checkout.quote_id,
        "user_id": checkout.user_id,
        "environment": checkout.environment,
        "amount_cents": checkout.amount_cents,
        "currency": checkout.currency,
        "state": checkout.state.value,
        "created_ms": millis(checkout.created_at),
        "window_ends_ms": millis(checkout.window_ends_at),
        "session_expires_ms": millis(checkout.session_expires_at),
        "session_id": checkout.session_id,
        "url": checkout.url,
    }


def _checkout(row: Row[Any]) -> Checkout:
    return Checkout(
        reference=row.reference,
        quote_id=row.quote_id,
        user_id=row.user_id,
        environment=row.environment,
        amount_cents=row.amount_cents,
        currency=row.currency,
        state=CheckoutState(row.state),
        created_at=instant(row.created_ms),
        window_ends_at=instant(row.window_ends_ms),
        session_expires_at=instant(row.session_expires_ms),
        session_id=row.session_id,
        url=row.url,
    )
