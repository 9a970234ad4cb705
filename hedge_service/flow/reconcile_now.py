"""An operator's comparison with the exchange: at once, complete, looked at twice, and audited."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hedge_service.store import audit

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from sqlalchemy.engine import Connection

    from hedge_service.flow.operating import Operator
    from hedge_service.flow.reconcile import Reconciler, Report
    from hedge_service.store.db import Database

SECOND_LOOK_S = 2.0
"""A difference counts when two looks show it; what is compared is quiet, so the second may follow soon."""


async def reconcile_now(
    database: Database, reconciler: Reconciler, by: Operator, sleep: Callable[[float], Awaitable[None]]
) -> Report | None:
    """Reconcile; None while the books are not open. Raises PeerError when any page is missing."""
    report = await reconciler.run()
    if report is not None and report.outcome.differences and not report.outcome.mismatch:
        await sleep(SECOND_LOOK_S)
        report = await reconciler.run()
    word = "books_not_open" if report is None else report.outcome.result.value

    def note(tx: Connection) -> None:
        audit.put(
            tx,
            actor=by.name,
            action="reconcile",
            subject="exchange",
            reason=by.reason,
            at=by.at,
            details={"result": word},
        )

    await database.write(note)
    return report
