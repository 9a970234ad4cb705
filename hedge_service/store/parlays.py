"""Accepted parlays, their legs and their summaries."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import BindParameter, Row, bindparam, func, insert, select, text, union, update

from hedge_service.clock import instant, millis
from hedge_service.core.market import Side
from hedge_service.core.money import Money, Price
from hedge_service.core.parlay import CheckoutState, Mode
from hedge_service.core.settlement import ParlayState
from hedge_service.store import bets, claims
from hedge_service.store.prepared import Prepared
from hedge_service.store.rows import from_json, insert_if_absent, to_json
from hedge_service.store.schema import checkouts, intents, parlay_legs, parlays, quotes, summaries
from hedge_service.store.schema.sold import MAY_CHANGE

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy.engine import Connection

    from hedge_service.core.parlay import Bet, QuoteLeg


@dataclass(frozen=True, slots=True, kw_only=True)
class Parlay:
    """A paid parlay; the payout is owed if every leg wins."""

    id: str
    session_id: str
    quote_id: str
    user_id: str
    environment: str
    mode: Mode
    stake: Money
    payout: Money
    accepted_at: datetime
    state: str = "open"
    outcome: str | None = None
    revision: int = 0
    claimed_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ParlayLeg:
    """One leg of a parlay; `skip` says why it was not hedged, the rest how it stands at the exchange."""

    parlay_id: str
    leg: int
    bet: Bet
    skip: str | None
    market_status: str | None
    value_micros: int | None
    checked_at: datetime | None
    settled_at: datetime | None

    @property
    def paid(self) -> Price | None:
        """Give what a contract of the leg's side paid; None until its market is settled."""
        if self.settled_at is None or self.value_micros is None:
            return None
        value = Price(self.value_micros)
        return value if self.bet.side is Side.YES else value.complement


def put(tx: Connection, parlay: Parlay) -> bool:
    """Store a parlay; False when its session or its quote has one already."""
    values = {
        "id": parlay.id,
        "session_id": parlay.session_id,
        "quote_id": parlay.quote_id,
        "user_id": parlay.user_id,
        "environment": parlay.environment,
        "mode": parlay.mode.value,
        "stake_micros": parlay.stake.micros,
        "payout_micros": parlay.payout.micros,
        "state": parlay.state,
        "accepted_ms": millis(parlay.accepted_at),
    }
    return insert_if_absent(tx, parlays, values)


def put_leg(tx: Connection, parlay_id: str, leg: QuoteLeg, skip: str | None) -> None:
    """Store one leg as it was sold."""
    values = {
        "parlay_id": parlay_id,
        "leg": leg.leg,
        "ticker": leg.bet.ticker,
        "side": leg.bet.side.value,
        "bet": to_json(bets.as_json(leg.bet)),
        "ask_micros": leg.ask.micros,
        "amount_micros": leg.amount.micros,
        "skip": skip,
    }
    _PUT_LEG.run(tx, values | {"owner": parlay_id})


def get(tx: Connection, parlay_id: str) -> Parlay | None:
    """Find a parlay."""
    row = _BY_ID.one_or_none(tx, {"key": parlay_id})
    return None if row is None else _parlay(row)


def by_session(tx: Connection, session_id: str) -> Parlay | None:
    """Find the parlay of a checkout session."""
    row = _BY_SESSION.one_or_none(tx, {"key": session_id})
    return None if row is None else _parlay(row)


def of_user(tx: Connection, user_id: str) -> tuple[Parlay, ...]:
    """List a user's parlays, newest first."""
    return tuple(_parlay(row) for row in _OF_USER.all(tx, {"user": user_id}))


_BY_ID = Prepared(select(parlays).where(parlays.c.id == bindparam("key")))
_BY_SESSION = Prepared(select(parlays).where(parlays.c.session_id == bindparam("key")))
_PUT_LEG = Prepared(insert(parlay_legs).values(claim_micros=claims.of_leg(bindparam("owner"))))
_OF_USER = Prepared(
    select(parlays).where(parlays.c.user_id == bindparam("user")).order_by(parlays.c.accepted_ms.desc())
)


def legs(tx: Connection, parlay_id: str) -> tuple[ParlayLeg, ...]:
    """List a parlay's legs in order."""
    return tuple(_leg(row) for row in _LEGS.all(tx, {"parlay": parlay_id}))


def legs_of_user(tx: Connection, user_id: str) -> dict[str, tuple[ParlayLeg, ...]]:
    """Give the legs of all parlays of a user, by parlay."""
    found: dict[str, list[ParlayLeg]] = defaultdict(list)
    for row in _LEGS_OF_USER.all(tx, {"user": user_id}):
        found[row.parlay_id].append(_leg(row))
    return {parlay_id: tuple(legs) for parlay_id, legs in found.items()}


_LEGS = Prepared(
    select(parlay_legs).where(parlay_legs.c.parlay_id == bindparam("parlay")).order_by(parlay_legs.c.leg)
)
_LEGS_OF_USER = Prepared(
    select(parlay_legs)
    .join(parlays, parlays.c.id == parlay_legs.c.parlay_id)
    .where(parlays.c.user_id == bindparam("user"))
    .order_by(parlay_legs.c.parlay_id, parlay_legs.c.leg)
)


def claim(tx: Connection, parlay_id: str, at: datetime) -> bool:
    """Mark a won parlay claimed; False when it was already. The row decides between two claims at once."""
    unclaimed = (parlays.c.id == parlay_id, parlays.c.state == "won", parlays.c.claimed_ms.is_(None))
    return tx.execute(update(parlays).where(*unclaimed).values(claimed_ms=millis(at))).rowcount == 1


def voided(tx: Connection, parlay_id: str, seen: ParlayState) -> bool:
    """Make a parlay void that stands as the caller saw it and is not claimed; False when it does not."""
    unclaimed = (parlays.c.id == parlay_id, parlays.c.state == seen.value, parlays.c.claimed_ms.is_(None))
    if tx.execute(update(parlays).where(*unclaimed).values(state=ParlayState.VOID.value)).rowcount != 1:
        return False
    claims.release(tx, parlay_id)
    return True


def claimed(tx: Connection, user_id: str) -> Money:
    """Add up what a user has claimed."""
    total = select(func.coalesce(func.sum(parlays.c.payout_micros), 0))
    mine = total.where(parlays.c.user_id == user_id, parlays.c.claimed_ms.is_not(None))
    return Money(int(tx.execute(mine).scalar_one()))


def owed(tx: Connection) -> Money:
    """Add up what is owed if every open parlay wins."""
    return Money(int(_OWED.scalar(tx)))


_OWED = Prepared(select(func.coalesce(func.sum(parlays.c.payout_micros), 0)).where(parlays.c.state == "open"))


def open_payout(tx: Connection, now: datetime) -> Money:
    """Add up what is owed if every open parlay wins, open checkouts included (any may still be paid)."""
    open_states = (CheckoutState.PENDING.value, CheckoutState.OPEN.value)
    may_be_paid = (
        select(func.coalesce(func.sum(quotes.c.payout_micros), 0))
        .join(checkouts, checkouts.c.quote_id == quotes.c.id)
        .where(checkouts.c.state.in_(open_states), checkouts.c.session_expires_ms > millis(now))
    )
    return owed(tx) + Money(int(tx.execute(may_be_paid).scalar_one()))


def summarized(
    tx: Connection, parlay_id: str, figures: dict[str, Any], outcome: str, at: datetime
) -> int | None:
    """Keep a summary as the next revision; None when it says what the last one said."""
    row = _LAST.one_or_none(tx, {"key": parlay_id})
    _UNCHANGED.run(tx, {"key": parlay_id})
    if row is not None and from_json(row.figures) == figures:
        return None
    revision: int = 1 if row is None else row.revision + 1
    values = {"revision": revision, "figures": to_json(figures), "made_ms": millis(at)}
    _REVISE.run(tx, {"parlay_id": parlay_id, **values})
    _CURRENT.run(tx, {"key": parlay_id, "outcome": outcome, "revision": revision})
    return revision


_KEY: BindParameter[str] = bindparam("key")
_LAST = Prepared(
    select(summaries.c.revision, summaries.c.figures)
    .where(summaries.c.parlay_id == _KEY)
    .order_by(summaries.c.revision.desc())
    .limit(1)
)
_UNCHANGED = Prepared(update(parlays).where(parlays.c.id == _KEY).values(figures_changed=False))
_REVISE = Prepared(insert(summaries))
_CURRENT = Prepared(update(parlays).where(parlays.c.id == _KEY))


def unsettled(tx: Connection, limit: int, after: str = "") -> tuple[str, ...]:
    """List parlays whose summary may still change: none yet, an unknown, an open intent, a late fill.

    In pages by id, `after` being the last one of the page before: parked orders stay for long, and must not
    keep younger parlays from being seen.
    """
    return tuple(_UNSETTLED.scalars(tx, {"after": after, "most": limit}))


_WORKING = select(intents.c.parlay_id.label("id")).where(intents.c.ended_ms.is_(None))
_MAY_CHANGE = union(select(parlays.c.id).where(text(MAY_CHANGE)), _WORKING).subquery()
_UNSETTLED = Prepared(
    select(_MAY_CHANGE.c.id)
    .where(_MAY_CHANGE.c.id > bindparam("after"))
    .order_by(_MAY_CHANGE.c.id)
    .limit(bindparam("most"))
)


def unemitted(tx: Connection, limit: int) -> tuple[tuple[Parlay, int, dict[str, Any], datetime], ...]:
    """List summaries whose log line is not known to be out, oldest first."""
    rows = _UNEMITTED.all(tx, {"most": limit})
    return tuple((_parlay(row), row[0], from_json(row.figures), instant(row.made_ms)) for row in rows)


def emitted(tx: Connection, parlay_id: str, revision: int, at: datetime) -> None:
    """Record that a summary's log line is out."""
    _EMIT.run(tx, {"key": parlay_id, "number": revision, "emitted_ms": millis(at)})


_UNEMITTED = Prepared(
    select(summaries.c.revision.label("made"), summaries.c.figures, summaries.c.made_ms, parlays)
    .join(parlays, parlays.c.id == summaries.c.parlay_id)
    .where(summaries.c.emitted_ms.is_(None))
    .order_by(summaries.c.made_ms, summaries.c.revision)
    .limit(bindparam("most"))
)
_EMIT = Prepared(
    update(summaries).where(summaries.c.parlay_id == _KEY, summaries.c.revision == bindparam("number"))
)


def _parlay(row: Row[Any]) -> Parlay:
    return Parlay(
        id=row.id,
        session_id=row.session_id,
        quote_id=row.quote_id,
        user_id=row.user_id,
        environment=row.environment,
        mode=Mode(row.mode),
        stake=Money(row.stake_micros),
        payout=Money(row.payout_micros),
        accepted_at=instant(row.accepted_ms),
        state=row.state,
        outcome=row.outcome,
        revision=row.revision,
        claimed_at=None if row.claimed_ms is None else instant(row.claimed_ms),
    )


def _leg(row: Row[Any]) -> ParlayLeg:
    return ParlayLeg(
        parlay_id=row.parlay_id,
        leg=row.leg,
        bet=bets.from_json(from_json(row.bet)),
        skip=row.skip,
        market_status=row.market_status,
        value_micros=row.value_micros,
        checked_at=None if row.checked_ms is None else instant(row.checked_ms),
        settled_at=None if row.settled_ms is None else instant(row.settled_ms),
    )
