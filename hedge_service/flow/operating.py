"""What operators may do to sending: halt it, and resume it with their eyes open. Plain transactions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from hedge_service.store import audit, halts, reconciliations

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy.engine import Connection

    from hedge_service.core.reconcile_views import Difference


@dataclass(frozen=True, slots=True, kw_only=True)
class Operator:
    """Who acts, when and why; kept in the audit."""

    name: str
    reason: str
    at: datetime


class NotAllowed(Exception):  # noqa: N818 - says what the act is
    """The act can't be done as things stand; the message is for the person."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Resumed:
    """Why sending had been halted (None: it was not), and what was accepted with it."""

    was: str | None
    acknowledged: tuple[Difference, ...]


def halt(tx: Connection, by: Operator) -> str | None:
    """Halt sending; give the reason of a halt that stood before."""
    before = halts.reason(tx)
    halts.put(tx, halted=True, reason=by.reason, actor=by.name, at=by.at)
    audit.put(tx, actor=by.name, action="halt", subject="sending", reason=by.reason, at=by.at)
    return before


def resume(tx: Connection, by: Operator) -> Resumed:
    """Resume sending and accept, one by one, every difference that was a mismatch since the halt.

    Orders and trades that are not ours are accepted by id, other differences with their figures: a later
    reconciliation halts again only for what is new.
    """
    was = halts.reason(tx)
    if was is None:
        return Resumed(was=None, acknowledged=())
    mismatches = reconciliations.open_mismatches(tx)
    accepted = reconciliations.acknowledge(tx, mismatches, actor=by.name, reason=by.reason, at=by.at)
    halts.put(tx, halted=False, reason=by.reason, actor=by.name, at=by.at)
    details = {"was": was, "acknowledged": [one.sentence() for one in accepted]}
    audit.put(
        tx, actor=by.name, action="resume", subject="sending", reason=by.reason, at=by.at, details=details
    )
    return Resumed(was=was, acknowledged=accepted)
