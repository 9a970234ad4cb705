"""What open parlays claim: written when one is sold, emptied in the transaction that ends it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import bindparam, func, select, update

from hedge_service.core.settlement import ParlayState
from hedge_service.store.prepared import Prepared
from hedge_service.store.schema import market_facts, parlay_legs, parlays

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sqlalchemy import BindParameter, ScalarSelect
    from sqlalchemy.engine import Connection


def of_leg(parlay_id: str | BindParameter[str]) -> ScalarSelect[int]:
    """Give what a leg claims: its parlay's payout, nothing once that has ended."""
    still_open = (parlays.c.id == parlay_id, parlays.c.state == ParlayState.OPEN.value)
    return select(parlays.c.payout_micros).where(*still_open).scalar_subquery()


def release(tx: Connection, parlay_id: str) -> None:
    """Empty the claims of a parlay that has ended."""
    tx.execute(update(parlay_legs).where(parlay_legs.c.parlay_id == parlay_id).values(claim_micros=None))


def date_parlay(tx: Connection, parlay_id: str, tickers: Iterable[str]) -> None:
    """Record when the last leg of a parlay is expected to expire, as far as that is known."""
    _DATE.run(tx, {"key": parlay_id, "tickers": sorted(set(tickers))})


_LAST = select(func.max(market_facts.c.expires_ms)).where(
    market_facts.c.ticker.in_(bindparam("tickers", expanding=True))
)
_DATE = Prepared(
    update(parlays).where(parlays.c.id == bindparam("key")).values(ends_ms=_LAST.scalar_subquery())
)
