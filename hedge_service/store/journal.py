"""The journal: intents, attempts, and every event that moved one. Append-only in what it says happened."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import BindParameter, Row, bindparam, func, insert, select, update

from hedge_service.clock import instant, millis
from hedge_service.core import orders
from hedge_service.core.journal import Attempt, Intent, reserved
from hedge_service.core.market import BookSide
from hedge_service.core.money import Count, Money, Price
from hedge_service.core.orders import AttemptState, Purpose, TimeInForce
from hedge_service.store.prepared import Prepared
from hedge_service.store.rows import to_json
from hedge_service.store.schema import attempts, intents, order_events

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy.engine import Connection

IDS_AT_ONCE = 1_000


def put_intent(tx: Connection, intent: Intent) -> None:
    """Store an intent; its whole cost counts against the caps until it ends."""
    values = {
        "id": intent.id,
        "parlay_id": intent.parlay_id,
        "leg": intent.leg,
        "purpose": intent.purpose.value,
        "sequence": intent.sequence,
        "ticker": intent.ticker,
        "side": intent.side.value,
        "count_centis": intent.count.centis,
        "price_micros": intent.price.micros,
        "max_cost_micros": intent.max_cost.micros,
        "time_in_force": intent.time_in_force.value,
        "reduce_only": intent.reduce_only,
        "created_ms": millis(intent.created_at),
        "expires_ms": millis(intent.expires_at),
        "reserved_micros": intent.max_cost.micros,
    }
    _PUT.run(tx, values)


def open_intents(tx: Connection, limit: int) -> tuple[str, ...]:
    """List the ids of intents that have not ended, those with the most time left first."""
    # Parked orders stay open for long; however many there are, they don't stand before new ones.
    return tuple(_OPEN.scalars(tx, {"most": limit}))


def open_tickers(tx: Connection) -> tuple[str, ...]:
    """List the markets of intents that have not ended."""
    return tuple(_OPEN_TICKERS.scalars(tx))


def under_way(tx: Connection) -> tuple[tuple[Intent, Attempt], ...]:
    """List attempts that may still take cash: in doubt or resting."""
    rows = _UNDER_WAY.all(tx)
    named = sorted({row.intent_id for row in rows})
    made = {
        row.id: intent_of(row)
        for start in range(0, len(named), IDS_AT_ONCE)
        for row in _INTENTS.all(tx, {"ids": named[start : start + IDS_AT_ONCE]})
    }
    return tuple((made[row.intent_id], attempt_of(row)) for row in rows)


def taken_since(tx: Connection, since: datetime) -> dict[str, Money]:
    """Add up by market what ended orders took that were sent since `since`: no balance of then shows it."""
    rows = _TAKEN_SINCE.all(tx, {"since": millis(since)})
    return {row.ticker: Money(int(row.micros)) for row in rows}


def load(tx: Connection, intent_id: str) -> tuple[Intent, tuple[Attempt, ...]]:
    """Give an intent and its attempts, in order."""
    row = _INTENT.one(tx, {"key": intent_id})
    return intent_of(row), _attempts_of(tx, intent_id)


def of_parlay(tx: Connection, parlay_id: str) -> tuple[tuple[Intent, tuple[Attempt, ...]], ...]:
    """Give a parlay's intents with their attempts."""
    rows = _OF_PARLAY.all(tx, {"key": parlay_id})
    made: dict[str, list[Attempt]] = {row.id: [] for row in rows}
    for row in _ATTEMPTS_OF_PARLAY.all(tx, {"key": parlay_id}):
        made[row.intent_id].append(attempt_of(row))
    return tuple((intent_of(row), tuple(made[row.id])) for row in rows)


def planned_row(attempt: Attempt) -> dict[str, Any]:
    """Give the columns of an attempt that is planned."""
    return {
        "client_order_id": attempt.client_order_id,
        "intent_id": attempt.intent_id,
        "number": attempt.number,
        "count_centis": attempt.count.centis,
        "state": AttemptState.PLANNED.value,
        "body": attempt.body,
        "planned_ms": millis(attempt.planned_at),
    }


def get(tx: Connection, client_order_id: str) -> Attempt:
    """Give an attempt."""
    return attempt_of(_ATTEMPT.one(tx, {"key": client_order_id}))


def attempt_with_intent(tx: Connection, client_order_id: str) -> tuple[Intent, Attempt]:
    """Give an attempt with the intent it belongs to."""
    attempt = get(tx, client_order_id)
    return load(tx, attempt.intent_id)[0], attempt


def moved(
    tx: Connection,
    attempt: Attempt,
    state: AttemptState,
    *,
    at: datetime,
    event: str,
    evidence: dict[str, Any],
    **changes: object,
) -> Attempt:
    """Move an attempt from the state the caller saw, and append the event.

    Raises IllegalMove when the table does not hold the move, or the row has moved meanwhile.
    """
    orders.move(attempt.state, state)
    ended = {"ended_ms": millis(at)} if state.ended else {}
    # The number of sends tells SENDING from a later SENDING of the same id.
    seen = (
        attempts.c.client_order_id == attempt.client_order_id,
        attempts.c.state == attempt.state.value,
        attempts.c.sends == attempt.sends,
    )
    values = {"state": state.value} | ended | changes
    if tx.execute(update(attempts).where(*seen).values(**values)).rowcount != 1:
        raise orders.IllegalMove(get(tx, attempt.client_order_id).state, state)
    _append(tx, attempt.client_order_id, at, event, attempt.state, state, evidence)
    return get(tx, attempt.client_order_id)


def inherit(tx: Connection, at: datetime) -> int:
    """Turn what a former sender left in SENDING into unknown; give how many there were."""
    left = tx.execute(select(attempts).where(attempts.c.state == AttemptState.SENDING.value)).all()
    for row in left:
        doubted(tx, attempt_of(row), at=at, reason="inherited")
    return len(left)


def doubted(tx: Connection, attempt: Attempt, *, at: datetime, reason: str) -> Attempt:
    """Turn an attempt in SENDING, whose outcome nobody will store any more, into an unknown one."""
    return moved(
        tx,
        attempt,
        AttemptState.UNKNOWN,
        at=at,
        event="order.unknown",
        evidence={"reason": reason, "send": attempt.sends},
        in_doubt=True,
        code=reason,
    )


def noted(
    tx: Connection,
    client_order_id: str,
    state: AttemptState,
    *,
    at: datetime,
    event: str,
    evidence: dict[str, Any],
) -> None:
    """Append an event that moves nothing."""
    _append(tx, client_order_id, at, event, state, state, evidence)


def resting(tx: Connection) -> tuple[tuple[Intent, Attempt], ...]:
    """List orders that rest at the exchange, with their intents."""
    rows = tx.execute(select(attempts).where(attempts.c.state == AttemptState.RESTING.value)).all()
    found = select(intents).where(intents.c.id.in_(sorted({row.intent_id for row in rows})))
    owners = {row.id: intent_of(row) for row in tx.execute(found)}
    return tuple((owners[row.intent_id], attempt_of(row)) for row in rows)


_RESERVE = Prepared(
    update(intents).where(intents.c.id == bindparam("key")).values(reserved_micros=bindparam("kept"))
)


def reserve_again(tx: Connection, intent_id: str) -> None:
    """Work out anew what an intent counts against the caps, after its figures changed."""
    intent, made = load(tx, intent_id)
    kept = reserved(intent, made).micros
    _RESERVE.run(tx, {"key": intent_id, "kept": kept})


def is_over(tx: Connection, intent_id: str, at: datetime) -> bool:
    """Say whether an intent's time to send is over, by its row as it is now."""
    late = select(intents.c.id).where(intents.c.id == intent_id, intents.c.expires_ms <= millis(at))
    return tx.execute(late).one_or_none() is not None


def expire_hedges(tx: Connection, parlay_id: str, at: datetime) -> None:
    """Let nothing more be bought for a parlay: its open intents are over, except those that sell."""
    buying = (
        intents.c.parlay_id == parlay_id,
        intents.c.purpose != Purpose.UNWIND.value,
        intents.c.ended_ms.is_(None),
        intents.c.expires_ms > millis(at),
    )
    tx.execute(update(intents).where(*buying).values(expires_ms=millis(at)))


def reserved_since(tx: Connection, since: datetime) -> Money:
    """Add up what intents made since `since` count against the day's cap; selling again is not hedging."""
    return Money(int(_RESERVED.scalar(tx, {"since": millis(since)})))


def known_orders(tx: Connection, client_order_ids: list[str]) -> set[str]:
    """Give those ids that the journal holds; asked in parts, since a statement takes only so many values."""
    held: set[str] = set()
    for start in range(0, len(client_order_ids), IDS_AT_ONCE):
        some = client_order_ids[start : start + IDS_AT_ONCE]
        found = select(attempts.c.client_order_id).where(attempts.c.client_order_id.in_(some))
        held.update(tx.execute(found).scalars())
    return held


def _append(
    tx: Connection,
    client_order_id: str,
    at: datetime,
    event: str,
    old: AttemptState,
    new: AttemptState,
    evidence: dict[str, Any],
) -> None:
    values = {
        "client_order_id": client_order_id,
        "at_ms": millis(at),
        "event": event,
        "old_state": old.value,
        "new_state": new.value,
        "evidence": to_json(evidence),
    }
    _TELL.run(tx, values)


def _attempts_of(tx: Connection, intent_id: str) -> tuple[Attempt, ...]:
    return tuple(attempt_of(row) for row in _ATTEMPTS.all(tx, {"key": intent_id}))


_KEY: BindParameter[str] = bindparam("key")
_IS_OPEN = intents.c.ended_ms.is_(None)
_WORKING = [state.value for state in AttemptState if state.in_doubt] + [AttemptState.RESTING.value]
_PUT, _TELL = Prepared(insert(intents)), Prepared(insert(order_events))
_OPEN = Prepared(
    select(intents.c.id).where(_IS_OPEN).order_by(intents.c.expires_ms.desc()).limit(bindparam("most"))
)
_OPEN_TICKERS = Prepared(select(intents.c.ticker).where(_IS_OPEN).distinct().order_by(intents.c.ticker))
_UNDER_WAY = Prepared(select(attempts).where(attempts.c.state.in_(_WORKING)))
_TAKEN_SINCE = Prepared(
    select(intents.c.ticker, func.sum(attempts.c.cost_micros + attempts.c.fees_micros).label("micros"))
    .join(intents, intents.c.id == attempts.c.intent_id)
    .where(
        attempts.c.last_sent_ms >= bindparam("since"),
        attempts.c.state.in_([AttemptState.FILLED.value, AttemptState.CANCELLED.value]),
        intents.c.reduce_only.is_(False),
    )
    .group_by(intents.c.ticker)
)
_INTENT = Prepared(select(intents).where(intents.c.id == _KEY))
_INTENTS = Prepared(select(intents).where(intents.c.id.in_(bindparam("ids", expanding=True))))
_OF_PARLAY = Prepared(
    select(intents).where(intents.c.parlay_id == _KEY).order_by(intents.c.leg, intents.c.sequence)
)
_ATTEMPT = Prepared(select(attempts).where(attempts.c.client_order_id == _KEY))
_ATTEMPTS = Prepared(select(attempts).where(attempts.c.intent_id == _KEY).order_by(attempts.c.number))
_ATTEMPTS_OF_PARLAY = Prepared(
    select(attempts)
    .join(intents, intents.c.id == attempts.c.intent_id)
    .where(intents.c.parlay_id == _KEY)
    .order_by(attempts.c.number)
)
_RESERVED = Prepared(
    select(func.coalesce(func.sum(intents.c.reserved_micros), 0)).where(
        intents.c.created_ms >= bindparam("since"), intents.c.purpose != Purpose.UNWIND.value
    )
)


def intent_of(row: Row[Any]) -> Intent:
    """Give the intent that a row of `intents` holds."""
    return Intent(
        id=row.id,
        parlay_id=row.parlay_id,
        leg=row.leg,
        purpose=Purpose(row.purpose),
        sequence=row.sequence,
        ticker=row.ticker,
        side=BookSide(row.side),
        count=Count(row.count_centis),
        price=Price(row.price_micros),
        max_cost=Money(row.max_cost_micros),
        time_in_force=TimeInForce(row.time_in_force),
        reduce_only=row.reduce_only,
        created_at=instant(row.created_ms),
        expires_at=instant(row.expires_ms),
        ended_at=_maybe(row.ended_ms),
        end_reason=row.end_reason,
    )


def attempt_of(row: Row[Any]) -> Attempt:
    """Give the attempt that a row of `attempts` holds."""
    return Attempt(
        client_order_id=row.client_order_id,
        intent_id=row.intent_id,
        number=row.number,
        count=Count(row.count_centis),
        state=AttemptState(row.state),
        body=row.body,
        planned_at=instant(row.planned_ms),
        sends=row.sends,
        in_doubt=row.in_doubt,
        clock_retried=row.clock_retried,
        order_id=row.order_id,
        filled=Count(row.fill_centis),
        cost=Money(row.cost_micros),
        fees=Money(row.fees_micros),
        code=row.code,
        first_sent_at=_maybe(row.first_sent_ms),
        last_sent_at=_maybe(row.last_sent_ms),
        ended_at=_maybe(row.ended_ms),
    )


def _maybe(ms: int | None) -> datetime | None:
    return None if ms is None else instant(ms)
