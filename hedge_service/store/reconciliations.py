"""What each reconciliation found, and which differences people have accepted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import func, insert, select

from hedge_service.clock import instant, millis
from hedge_service.core.reconcile_views import Difference, Kind, Result
from hedge_service.store.rows import from_json, insert_if_absent, to_json
from hedge_service.store.schema import acknowledgements, halts, reconciliations

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from sqlalchemy.engine import Connection

    from hedge_service.core.reconcile_views import Outcome


def put(tx: Connection, outcome: Outcome, at: datetime) -> None:
    """Record a reconciliation with every difference, and which of them are a mismatch."""
    mismatch = set(outcome.mismatch)
    rows = [_as_json(one) | {"mismatch": one in mismatch} for one in outcome.differences]
    values = {"at_ms": millis(at), "result": outcome.result.value, "differences": to_json(rows)}
    tx.execute(insert(reconciliations).values(**values))


def last(tx: Connection) -> tuple[datetime, Result, tuple[Difference, ...]] | None:
    """Give when the last reconciliation was, what it came to and what differed; None before the first."""
    newest = select(reconciliations).order_by(reconciliations.c.id.desc()).limit(1)
    row = tx.execute(newest).one_or_none()
    if row is None:
        return None
    return instant(row.at_ms), Result(row.result), tuple(_read(one) for one in from_json(row.differences))


def acknowledged(tx: Connection) -> frozenset[tuple[Kind, str, str]]:
    """Give the keys of all differences that people have accepted."""
    rows = tx.execute(select(acknowledgements))
    return frozenset((Kind(row.kind), row.subject, row.figure) for row in rows)


def acknowledge(
    tx: Connection, differences: Iterable[Difference], *, actor: str, reason: str, at: datetime
) -> tuple[Difference, ...]:
    """Accept differences; give those that were not accepted before."""
    given = {"at_ms": millis(at), "actor": actor, "reason": reason}
    return tuple(one for one in differences if insert_if_absent(tx, acknowledgements, given | _key(one)))


def open_mismatches(tx: Connection) -> tuple[Difference, ...]:
    """Give every difference that was a mismatch since sending was last resumed, each once."""
    resumed = select(func.coalesce(func.max(halts.c.id), 0)).where(halts.c.halted.is_(False))
    first = select(func.min(halts.c.at_ms)).where(halts.c.id > resumed.scalar_subquery())
    since = tx.execute(first).scalar()
    if since is None:
        return ()
    found = select(reconciliations.c.differences).where(
        reconciliations.c.at_ms >= since, reconciliations.c.result == Result.MISMATCH.value
    )
    rows: list[dict[str, Any]] = [one for text in tx.execute(found).scalars() for one in from_json(text)]
    newest = {(one["kind"], one["subject"]): one for one in rows if one["mismatch"]}
    return tuple(sorted(_read(one) for one in newest.values()))


def _key(one: Difference) -> dict[str, str]:
    return {"kind": one.kind.value, "subject": one.subject, "figure": one.figure}


def _as_json(one: Difference) -> dict[str, Any]:
    return {**_key(one), "ours": one.ours, "theirs": one.theirs}


def _read(one: dict[str, Any]) -> Difference:
    return Difference(
        kind=Kind(one["kind"]),
        subject=one["subject"],
        ours=one["ours"],
        theirs=one["theirs"],
        figure=one["figure"],
    )
