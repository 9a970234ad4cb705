"""The ledger: posting sets, once per cause, never changed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import bindparam, func, insert, select

from hedge_service.clock import millis
from hedge_service.core.ledger import Account, Posting
from hedge_service.core.money import Money
from hedge_service.store.prepared import Prepared
from hedge_service.store.rows import insert_if_absent
from hedge_service.store.schema import ledger_postings, ledger_sets

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy.engine import Connection

    from hedge_service.core.ledger import PostingSet


_SET_ID = Prepared(select(ledger_sets.c.id).where(ledger_sets.c.cause == bindparam("cause")))
_LINES = Prepared(insert(ledger_postings))


def post(tx: Connection, entry: PostingSet, at: datetime) -> bool:
    """Book a set in the transaction of its event; False when its cause is booked already."""
    values = {
        "cause": entry.cause,
        "kind": entry.kind,
        "parlay_id": entry.parlay_id,
        "ticker": entry.ticker,
        "at_ms": millis(at),
    }
    if not insert_if_absent(tx, ledger_sets, values):
        return False
    set_id = _SET_ID.one(tx, {"cause": entry.cause}).id
    rows = [
        {"set_id": set_id, "account": line.account.value, "micros": line.micros} for line in entry.postings
    ]
    _LINES.each(tx, rows)
    return True


def balances(tx: Connection) -> dict[Account, Money]:
    """Add up every account; debits positive."""
    total = func.coalesce(func.sum(ledger_postings.c.micros), 0)
    rows = tx.execute(select(ledger_postings.c.account, total).group_by(ledger_postings.c.account))
    found = {Account(account): Money(int(micros)) for account, micros in rows}
    return {account: found.get(account, Money.ZERO) for account in Account}


def of_parlay(tx: Connection, parlay_id: str) -> dict[Account, Money]:
    """Add up a parlay's own postings by account."""
    rows = tx.execute(
        select(ledger_postings.c.account, func.sum(ledger_postings.c.micros))
        .join(ledger_sets, ledger_sets.c.id == ledger_postings.c.set_id)
        .where(ledger_sets.c.parlay_id == parlay_id)
        .group_by(ledger_postings.c.account)
    )
    return {Account(account): Money(int(micros)) for account, micros in rows}


def booked(tx: Connection, cause: str) -> tuple[Posting, ...]:
    """Give the lines booked for a cause; none when it is not booked."""
    rows = _BOOKED.all(tx, {"cause": cause})
    return tuple(Posting(Account(account), int(micros)) for account, micros in rows)


_BOOKED = Prepared(
    select(ledger_postings.c.account, ledger_postings.c.micros)
    .join(ledger_sets, ledger_sets.c.id == ledger_postings.c.set_id)
    .where(ledger_sets.c.cause == bindparam("cause"))
    .order_by(ledger_postings.c.id)
)
