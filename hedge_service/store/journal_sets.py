"""The journal for many orders at a time: the rows that `journal` writes, in a statement for all of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import bindparam, func, insert, select, update

from hedge_service.clock import millis
from hedge_service.core.journal import reserved
from hedge_service.core.parlay import Mode
from hedge_service.store import journal
from hedge_service.store.prepared import Prepared
from hedge_service.store.rows import insert_each_if_absent, to_json
from hedge_service.store.schema import attempts, intents, order_events, parlays

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import datetime

    from sqlalchemy import BindParameter
    from sqlalchemy.engine import Connection

    from hedge_service.core.journal import Attempt, Intent

    Worked = tuple[Intent, tuple[Attempt, ...]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """One move of one attempt, from `before` to `after`, with the event that tells it."""

    before: Attempt
    after: Attempt
    event: str
    evidence: dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """An open intent with its attempts, and what its orders take from the parlay."""

    intent: Intent
    attempts: tuple[Attempt, ...]
    session_id: str
    mode: Mode


def load(tx: Connection, intent_ids: Sequence[str]) -> Mapping[str, Worked]:
    """Give intents with their attempts, in the order of their numbers."""
    found = {
        row.id: journal.intent_of(row)
        for some in _parts(intent_ids)
        for row in _INTENTS.all(tx, {"ids": some})
    }
    made: dict[str, list[Attempt]] = {intent_id: [] for intent_id in found}
    for some in _parts(intent_ids):
        for row in _ATTEMPTS_OF.all(tx, {"ids": some}):
            made[row.intent_id].append(journal.attempt_of(row))
    return {intent_id: (intent, tuple(made[intent_id])) for intent_id, intent in found.items()}


def work(tx: Connection, intent_ids: Sequence[str]) -> tuple[Work, ...]:
    """Give what a driver needs to begin with, for each of these intents."""
    worked = load(tx, intent_ids)
    of_whom = sorted({intent.parlay_id for intent, _ in worked.values()})
    owners = {row.id: row for some in _parts(of_whom) for row in _OWNERS.all(tx, {"ids": some})}
    return tuple(
        Work(
            intent=intent,
            attempts=made,
            session_id=owners[intent.parlay_id].session_id,
            mode=Mode(owners[intent.parlay_id].mode),
        )
        for intent, made in worked.values()
    )


def plan(tx: Connection, planned: Sequence[Attempt]) -> None:
    """Store planned attempts of open intents; the same id planned twice is one, as it was stored first."""
    if planned:
        ended = set(_ENDED.scalars(tx, {"ids": [attempt.intent_id for attempt in planned]}))
        rows = [journal.planned_row(one) for one in planned if one.intent_id not in ended]
        insert_each_if_absent(tx, attempts, rows)


def attempts_by_id(tx: Connection, client_order_ids: Sequence[str]) -> dict[str, Attempt]:
    """Give attempts as they are now, by id."""
    return {
        row.client_order_id: journal.attempt_of(row)
        for some in _parts(client_order_ids)
        for row in _ATTEMPTS.all(tx, {"ids": some})
    }


def record(tx: Connection, records: Sequence[Record], *, at: datetime, epoch: int | None = None) -> None:
    """Write moves and their events; each `before` was read in this very transaction.

    `epoch`: the sender's, for moves to SENDING; None leaves what is there.
    """
    if not records:
        return
    _MOVE.each(tx, [_columns(one.after) | {"new_epoch": epoch} for one in records])
    _TELL.each(tx, [_event(one, at) for one in records])


def end(tx: Connection, ended: Sequence[tuple[str, str]], at: datetime) -> None:
    """End intents, each with its reason; from now on only what they cost counts against the caps."""
    rows = [{"key": intent_id, "why": reason, "at": millis(at)} for intent_id, reason in ended]
    _END.each(tx, rows)
    worked = load(tx, [intent_id for intent_id, _ in ended])
    # A summary told just before this end says less than is true now, and no open intent recalls it.
    touched = sorted({intent.parlay_id for intent, _ in worked.values()})
    _CHANGED.each(tx, [{"key": parlay_id} for parlay_id in touched])
    kept = [{"key": intent.id, "kept": reserved(intent, made).micros} for intent, made in worked.values()]
    _RESERVE.each(tx, kept)


# Statements are made once: building one takes several times as long as running it.
_IDS: BindParameter[Any] = bindparam("ids", expanding=True)
_INTENTS = Prepared(select(intents).where(intents.c.id.in_(_IDS)))
_ENDED = Prepared(select(intents.c.id).where(intents.c.id.in_(_IDS), intents.c.ended_ms.is_not(None)))
_ATTEMPTS = Prepared(select(attempts).where(attempts.c.client_order_id.in_(_IDS)))
_ATTEMPTS_OF = Prepared(select(attempts).where(attempts.c.intent_id.in_(_IDS)).order_by(attempts.c.number))
_OWNERS = Prepared(select(parlays.c.id, parlays.c.session_id, parlays.c.mode).where(parlays.c.id.in_(_IDS)))
_TELL = Prepared(insert(order_events))
_END = Prepared(
    update(intents)
    .where(intents.c.id == bindparam("key"))
    .values(ended_ms=bindparam("at"), end_reason=bindparam("why"))
)
_CHANGED = Prepared(update(parlays).where(parlays.c.id == bindparam("key")).values(figures_changed=True))
_RESERVE = Prepared(
    update(intents).where(intents.c.id == bindparam("key")).values(reserved_micros=bindparam("kept"))
)
_NAMES = (
    *("state", "sends", "in_doubt", "clock_retried", "order_id", "fill_centis", "cost_micros", "fees_micros"),
    *("code", "first_sent_ms", "last_sent_ms", "ended_ms"),
)
_MOVE = Prepared(
    update(attempts)
    .where(attempts.c.client_order_id == bindparam("key"))
    .values(
        **{name: bindparam(f"new_{name}") for name in _NAMES},
        epoch=func.coalesce(bindparam("new_epoch"), attempts.c.epoch),
    )
)


def _columns(attempt: Attempt) -> dict[str, Any]:
    values = (
        *(attempt.state.value, attempt.sends, attempt.in_doubt, attempt.clock_retried, attempt.order_id),
        *(attempt.filled.centis, attempt.cost.micros, attempt.fees.micros, attempt.code),
        *(_maybe(at) for at in (attempt.first_sent_at, attempt.last_sent_at, attempt.ended_at)),
    )
    named = {f"new_{name}": value for name, value in zip(_NAMES, values, strict=True)}
    return named | {"key": attempt.client_order_id}


def _event(one: Record, at: datetime) -> dict[str, Any]:
    return {
        "client_order_id": one.before.client_order_id,
        "at_ms": millis(at),
        "event": one.event,
        "old_state": one.before.state.value,
        "new_state": one.after.state.value,
        "evidence": to_json(one.evidence),
    }


def _parts(ids: Sequence[str]) -> Iterator[Sequence[str]]:
    """Part ids, since a statement takes only so many values."""
    return (ids[start : start + journal.IDS_AT_ONCE] for start in range(0, len(ids), journal.IDS_AT_ONCE))


def _maybe(at: datetime | None) -> int | None:
    return None if at is None else millis(at)
