"""One sender per exchange account: a lease whose epoch only rises."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import bindparam, insert, select, update

from hedge_service.clock import instant, millis
from hedge_service.core.parlay import Mode
from hedge_service.store.prepared import Prepared
from hedge_service.store.schema import leases

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy.engine import Connection


class Deposed(Exception):  # noqa: N818 - says what has happened to the writer
    """Another process holds the lease; nothing of this unit of work was kept."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lease:
    """Who may send, in which epoch, until when, and when the exchange was read in that epoch."""

    account: str
    epoch: int
    holder: str
    expires_at: datetime
    reconciled_at: datetime | None

    def mode_at(self, now: datetime) -> Mode | None:
        """Give the mode of the process that holds it; None when it is over, or the name tells none."""
        told = self.holder.rpartition(":")[2]
        return Mode(told) if self.expires_at > now and told in set(Mode) else None


def holder_of(process: str, mode: Mode) -> str:
    """Name a process that would hold a lease, so that others see its mode."""
    return f"{process}:{mode.value}"


def read(tx: Connection, account: str) -> Lease | None:
    """Give the lease of an account, live or not."""
    row = tx.execute(select(leases).where(leases.c.account == account)).one_or_none()
    if row is None:
        return None
    return Lease(
        account=row.account,
        epoch=row.epoch,
        holder=row.holder,
        expires_at=instant(row.expires_ms),
        reconciled_at=None if row.reconciled_ms is None else instant(row.reconciled_ms),
    )


def take(tx: Connection, account: str, holder: str, *, now: datetime, until: datetime) -> int | None:
    """Take a free or expired lease and give its new epoch; None while another holds it."""
    held = read(tx, account)
    if held is not None and held.expires_at > now:
        return None
    epoch = 1 if held is None else held.epoch + 1
    fresh = {"epoch": epoch, "holder": holder, "expires_ms": millis(until), "reconciled_ms": None}
    if held is None:
        tx.execute(insert(leases).values(account=account, **fresh))
    else:
        tx.execute(update(leases).where(leases.c.account == account).values(**fresh))
    return epoch


def renew(tx: Connection, account: str, epoch: int, until: datetime) -> None:
    """Move the deadline. Raises Deposed when the epoch is no longer ours."""
    _update(tx, account, epoch, expires_ms=millis(until))


def reconciled(tx: Connection, account: str, epoch: int, at: datetime) -> None:
    """Record that this epoch has read the exchange. Raises Deposed when it is no longer ours."""
    _update(tx, account, epoch, reconciled_ms=millis(at))


def release(tx: Connection, account: str, epoch: int) -> None:
    """Let the next sender in at once, on a clean stop."""
    mine = (leases.c.account == account, leases.c.epoch == epoch)
    tx.execute(update(leases).where(*mine).values(expires_ms=0))


def guard(tx: Connection, account: str, epoch: int) -> None:
    """Refuse a write of a deposed sender. Raises Deposed."""
    if not _MINE.all(tx, {"account": account, "epoch": epoch}):
        raise Deposed(f"epoch {epoch} of {account} is over")


_MINE = Prepared(
    select(leases.c.epoch).where(
        leases.c.account == bindparam("account"), leases.c.epoch == bindparam("epoch")
    )
)


def _update(tx: Connection, account: str, epoch: int, **values: int) -> None:
    mine = (leases.c.account == account, leases.c.epoch == epoch)
    if tx.execute(update(leases).where(*mine).values(**values)).rowcount != 1:
        raise Deposed(f"epoch {epoch} of {account} is over")
