"""Finding a quote, and the parlay it became, by any name that a person has at hand."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import select

from hedge_service.logs import digest
from hedge_service.store import ops_drill, quotes
from hedge_service.store.schema import checkouts, parlays

if TYPE_CHECKING:
    from sqlalchemy.engine import Connection

    from hedge_service.core.parlay import Quote
    from hedge_service.store.ops_drill import Drilled


@dataclass(frozen=True, slots=True, kw_only=True)
class Explained:
    """A stored quote, and all that came of it; `parlay` is None while it is not paid for."""

    quote: Quote
    parlay: Drilled | None


def find(tx: Connection, name: str) -> Explained | None:
    """Find by a parlay's id, a quote's, or the digest of a checkout session as the log tells it."""
    quote_id = tx.execute(select(parlays.c.quote_id).where(parlays.c.id == name)).scalar()
    if quote_id is None:
        quote_id = _of_session(tx, name)
    quote = quotes.get(tx, name if quote_id is None else quote_id)
    if quote is None:
        return None
    sold = tx.execute(select(parlays.c.id).where(parlays.c.quote_id == quote.id)).scalar()
    return Explained(quote=quote, parlay=None if sold is None else ops_drill.drilled(tx, sold))


def _of_session(tx: Connection, name: str) -> str | None:
    """Find a session by its digest: the id itself, which lets in, is kept out of shells and their history."""
    if re.fullmatch("[0-9a-f]{12}", name) is None:
        return None
    opened = select(checkouts.c.session_id, checkouts.c.quote_id).where(checkouts.c.session_id.is_not(None))
    rows = tx.execute(opened.order_by(checkouts.c.created_ms.desc()))
    return next((row.quote_id for row in rows if digest(row.session_id) == name), None)
