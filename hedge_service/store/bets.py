"""Saved bets."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

from sqlalchemy import Row, bindparam, delete, select, tuple_

from hedge_service.clock import millis
from hedge_service.core.market import Side
from hedge_service.core.parlay import Bet
from hedge_service.store.prepared import Prepared
from hedge_service.store.rows import insert_if_absent
from hedge_service.store.schema import bets

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable
    from datetime import datetime

    from sqlalchemy.engine import Connection

    from hedge_service.core.parlay import NewBet


def add(tx: Connection, bet: NewBet, at: datetime) -> Bet:
    """Save a bet; a bet of the same user, ticker and side is one bet, and the saved one is given."""
    insert_if_absent(tx, bets, _columns(bet) | {"added_ms": millis(at)})
    same = (bets.c.user_id == bet.user_id, bets.c.ticker == bet.ticker, bets.c.side == bet.side)
    return _bet(tx.execute(select(bets).where(*same)).one())


def of_user(tx: Connection, user_id: str) -> tuple[Bet, ...]:
    """List a user's bets in the order added."""
    return tuple(_bet(row) for row in _OF_USER.all(tx, {"user": user_id}))


_OF_USER = Prepared(select(bets).where(bets.c.user_id == bindparam("user")).order_by(bets.c.id))


def like(tx: Connection, options: Collection[tuple[str, str]], limit: int) -> tuple[Bet, ...]:
    """List bets whose (market title, option label) is one of `options`, newest first, at most `limit`."""
    named = tuple_(bets.c.market_title, bets.c.option_label).in_(list(options))
    rows = tx.execute(select(bets).where(named).order_by(bets.c.id.desc()).limit(limit))
    return tuple(_bet(row) for row in rows)


def remove(tx: Connection, user_id: str, bet_id: int) -> None:
    """Delete one bet of a user, if it is there."""
    tx.execute(delete(bets).where(bets.c.user_id == user_id, bets.c.id == bet_id))


def remove_all(tx: Connection, user_id: str) -> None:
    """Delete every bet of a user."""
    tx.execute(delete(bets).where(bets.c.user_id == user_id))


def remove_these(tx: Connection, user_id: str, bet_ids: Iterable[int]) -> None:
    """Delete just these bets of a user; bets added since stay."""
    _REMOVE_THESE.run(tx, {"user": user_id, "ids": list(bet_ids)})


_REMOVE_THESE = Prepared(
    delete(bets).where(bets.c.user_id == bindparam("user"), bets.c.id.in_(bindparam("ids", expanding=True)))
)


FIELDS = (
    "user_id",
    "market_id",
    "market_title",
    "market_url",
    "image_url",
    "option_id",
    "option_label",
    "ticker",
    "event_ticker",
    "environment",
)


def as_json(bet: Bet) -> dict[str, Any]:
    """Give a bet as plain JSON values, for rows that keep a copy of it."""
    values = {name: getattr(bet, name) for name in FIELDS}
    return values | {"id": bet.id, "prob": str(bet.prob), "side": bet.side.value}


def from_json(values: dict[str, Any]) -> Bet:
    """Read a bet back from such a copy."""
    plain = {name: values[name] for name in FIELDS}
    return Bet(**plain, id=values["id"], prob=Decimal(values["prob"]), side=Side(values["side"]))


def _columns(bet: NewBet) -> dict[str, Any]:
    return {name: getattr(bet, name) for name in FIELDS} | {"prob": str(bet.prob), "side": bet.side.value}


def _bet(row: Row[Any]) -> Bet:
    return Bet(
        **{name: getattr(row, name) for name in FIELDS},
        id=row.id,
        prob=Decimal(row.prob),
        side=Side(row.side),
    )
