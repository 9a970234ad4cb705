"""Parlays as operators look for them: by state, or by anything that one of them is known by."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from sqlalchemy import or_, select

from hedge_service.logs import digest
from hedge_service.store import parlays
from hedge_service.store.ops_paging import Cursor, Page, page_of, past
from hedge_service.store.schema import attempts, intents, parlay_legs
from hedge_service.store.schema import parlays as rows

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import ColumnElement
    from sqlalchemy.engine import Connection

    from hedge_service.store.parlays import Parlay

IDS_AT_ONCE = 1_000


def listed(
    tx: Connection,
    *,
    limit: int,
    after: Cursor | None = None,
    state: str | None = None,
    hedge: str | None = None,
    named: str | None = None,
) -> Page[Parlay]:
    """List parlays, newest first; `named`: by parlay, session, quote, order, exchange's order or ticker.

    A session may be named by its digest, too, as logs and pages show it.
    """
    found = select(rows.c.id, rows.c.accepted_ms)
    if after is not None:
        found = found.where(past(rows.c.accepted_ms, rows.c.id, after, newest_first=True))
    if state is not None:
        found = found.where(rows.c.state == state)
    if hedge is not None:
        found = found.where(rows.c.outcome == hedge)
    if named is not None:
        found = found.where(_named(_undigested(tx, named)))
    ordered = found.order_by(rows.c.accepted_ms.desc(), rows.c.id.desc()).limit(limit + 1)
    read = tx.execute(ordered).all()
    page = page_of(read, limit, lambda row: Cursor(row.accepted_ms, row.id), lambda row: str(row.id))
    return Page(tuple(one for one in (parlays.get(tx, each) for each in page.items) if one), page.next)


def _named(name: str) -> ColumnElement[bool]:
    own = (rows.c.id == name, rows.c.session_id == name, rows.c.quote_id == name)
    ordered = (
        select(intents.c.parlay_id)
        .join(attempts, attempts.c.intent_id == intents.c.id)
        .where(or_(attempts.c.client_order_id == name, attempts.c.order_id == name))
    )
    legged = select(parlay_legs.c.parlay_id).where(parlay_legs.c.ticker == name)
    return or_(*own, rows.c.id.in_(ordered), rows.c.id.in_(legged))


def _undigested(tx: Connection, name: str) -> str:
    """Give the session of which this is the digest; the name itself when there is none."""
    if re.fullmatch("[0-9a-f]{12}", name) is None:
        return name
    return next((session for session in _sessions(tx) if digest(session) == name), name)


def _sessions(tx: Connection) -> Iterator[str]:
    """Give every session that became a parlay, some at a time."""
    last = ""
    while True:
        some = select(rows.c.session_id).where(rows.c.session_id > last).order_by(rows.c.session_id)
        sessions = tx.execute(some.limit(IDS_AT_ONCE)).scalars().all()
        yield from sessions
        if len(sessions) < IDS_AT_ONCE:
            return
        last = sessions[-1]


def user_named(tx: Connection, name: str) -> str | None:
    """Find the user whom an operator names by id or by the digest that logs and pages show."""
    itself = select(rows.c.user_id).where(rows.c.user_id == name).limit(1)
    if tx.execute(itself).scalar() is not None:
        return name
    return next((user for user in _winners(tx) if digest(user) == name), None)


def _winners(tx: Connection) -> Iterator[str]:
    """Give the users who have claimed something, some at a time."""
    last = ""
    while True:
        some = select(rows.c.user_id).where(rows.c.claimed_ms.is_not(None), rows.c.user_id > last).distinct()
        users = tx.execute(some.order_by(rows.c.user_id).limit(IDS_AT_ONCE)).scalars().all()
        yield from users
        if len(users) < IDS_AT_ONCE:
            return
        last = users[-1]
