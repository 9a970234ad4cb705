"""What quoting and checkout need of several tables at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import func, select, tuple_, update

from hedge_service.core.legs import SavedParlay
from hedge_service.core.parlay import CheckoutState
from hedge_service.store import bets as saved
from hedge_service.store.rows import from_json, to_json
from hedge_service.store.schema import bets, checkouts, quote_legs, quotes

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from sqlalchemy import ColumnElement
    from sqlalchemy.engine import Connection

    from hedge_service.core.parlay import AskedLeg, Bet

MOST_USERS = 200


def candidates(tx: Connection, asked: Sequence[AskedLeg], user_id: str | None) -> tuple[SavedParlay, ...]:
    """List the saved bets that a quote request may mean, user by user.

    Without a user: of everybody who saved enough bets of these names, those with the fewest bets in all
    first, so that the users whose bets are exactly the set asked for are never cut off by others.
    """
    if user_id is not None:
        own = saved.of_user(tx, user_id)
        return (SavedParlay(user_id=user_id, total=len(own), bets=own),)
    totals = _totals(tx, asked)
    rows = tx.execute(select(bets).where(_named(asked), bets.c.user_id.in_(list(totals))).order_by(bets.c.id))
    found: dict[str, list[Bet]] = {user: [] for user in totals}
    for row in rows:
        found[row.user_id].append(saved.from_json(dict(row._mapping)))  # noqa: SLF001 - SQLAlchemy's public name
    return tuple(
        SavedParlay(user_id=user, total=totals[user], bets=tuple(own)) for user, own in found.items()
    )


def bind(tx: Connection, quote_id: str, user_id: str, own: Iterable[Bet]) -> None:
    """Give a quote to the user who checks it out, its legs carrying that user's own saved bets.

    A quote that several users' bets serve alike belongs to nobody before.
    """
    tx.execute(update(quotes).where(quotes.c.id == quote_id).values(user_id=user_id))
    by_outcome = {(bet.ticker, bet.side): bet for bet in own}
    for row in tx.execute(select(quote_legs).where(quote_legs.c.quote_id == quote_id)).all():
        sold = saved.from_json(from_json(row.bet))
        bet = by_outcome[sold.ticker, sold.side]
        same = (quote_legs.c.quote_id == quote_id, quote_legs.c.leg == row.leg)
        tx.execute(update(quote_legs).where(*same).values(bet=to_json(saved.as_json(bet))))


def refused(tx: Connection, reference: str) -> None:
    """Record that Stripe refused to open a session; a checkout that has one stays where it is."""
    same = (checkouts.c.reference == reference, checkouts.c.state == CheckoutState.PENDING.value)
    tx.execute(update(checkouts).where(*same).values(state=CheckoutState.FAILED.value))


def _totals(tx: Connection, asked: Sequence[AskedLeg]) -> dict[str, int]:
    holders = (
        select(bets.c.user_id)
        .where(_named(asked))
        .group_by(bets.c.user_id)
        .having(func.count() >= len(asked))
    )
    total = func.count().label("total")
    counted = (
        select(bets.c.user_id, total)
        .where(bets.c.user_id.in_(holders))
        .group_by(bets.c.user_id)
        .order_by(total, bets.c.user_id)
        .limit(MOST_USERS)
    )
    return {row.user_id: row.total for row in tx.execute(counted)}


def _named(asked: Sequence[AskedLeg]) -> ColumnElement[bool]:
    names = {(leg.market_title, leg.option_label) for leg in asked}
    return tuple_(bets.c.market_title, bets.c.option_label).in_(sorted(names))
