"""A halted SQLite database with content, an empty PostgreSQL database, and the command between them."""

from __future__ import annotations

import asyncio
import os
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from sqlalchemy import insert
from sqlalchemy.exc import DBAPIError

from hedge_service.core.inbox import NewEvent
from hedge_service.core.orders import AttemptState
from hedge_service.core.parlay import Mode
from hedge_service.store import bets, halts, identity, inbox, leases, moves
from hedge_service.store.db import Database
from hedge_service.store.schema import audit, ledger_postings
from tests.store.parlay_samples import NOW, new_bet
from tests.store.test_fills_store import accepted, executed, take

if TYPE_CHECKING:
    from collections.abc import Callable

    from click.testing import Result
    from sqlalchemy.engine import Connection

    from tests.cli.ops_desk import Desk

T = TypeVar("T")
PROJECT = Path(__file__).parents[2]
OWNER = {"environment": "sandbox", "account": "main", "subaccount": "0"}
MANY = 3_000
EVENT = NewEvent(source="stripe", external_id="evt_1", type="odd", created_at=NOW, payload=b"\x00\xff")
LOOK = {
    "at_ms": 1,
    "actor": "ann",
    "action": "look",
    "subject": "sänding",
    "reason": '\'tis "odd"',
    "details": "{}",
}


def put_content(tx: Connection) -> None:
    """Store a parlay with a filled order in the ledger, an event, and a bet that is deleted again."""
    identity.claim(tx, OWNER)
    take(tx, executed("trade-1"), accepted(tx, AttemptState.FILLED, "4"))
    inbox.put(tx, EVENT, NOW)
    last = bets.add(tx, new_bet("KXZ-1-LAST"), NOW)
    bets.remove(tx, last.user_id, last.id)
    epoch = leases.take(tx, "sandbox/main/0", leases.holder_of("old", Mode.LIVE), now=NOW, until=NOW)
    assert epoch == 1
    tx.execute(insert(audit), [LOOK] * MANY)
    halts.put(tx, halted=True, reason="to be moved", actor="ann", at=NOW)


@dataclass
class MoveStage:
    """Both sides and the command."""

    desk: Desk
    target: str

    @property
    def source(self) -> str:
        return self.desk.url

    @property
    def file(self) -> Path:
        return Path(self.source.removeprefix("sqlite+aiosqlite:///"))

    def migrate(self, *more: str, source: str | None = None, target: str | None = None) -> Result:
        """Run the command in this process."""
        given = ("--from", source or self.source, "--to", target or self.target, *more)
        return self.desk.run("migrate", *given)

    def process(self, *more: str, crash_at: str | None = None) -> int:
        """Run the real command; give its exit status, minus the signal that killed it."""
        plain = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
        armed = {} if crash_at is None else {"CRASH_AT": crash_at}
        given = ("migrate", "--from", self.source, "--to", self.target, *more)
        return subprocess.run(
            [sys.executable, "-m", "hedge_service", *given],
            env={**plain, **armed, "PYTHONPATH": str(PROJECT)},
            cwd=self.file.parent,
            check=False,
            capture_output=True,
        ).returncode

    def killed_at(self, point: str, *more: str) -> None:
        """Run the real command until it kills itself there."""
        assert self.process(*more, crash_at=point) == -signal.SIGKILL

    def there(self, work: Callable[[Connection], T]) -> T:
        """Run a unit of work in the target."""

        async def run() -> T:
            async with Database(self.target) as database:
                return await database.write(work)

        return asyncio.run(run())

    def able(self) -> tuple[bool, bool]:
        """Say of source and target whether a service could write there, and so send."""
        return self._source_able(), self.there(_able)

    def _source_able(self) -> bool:
        if self.desk.do(moves.closed) is not None:
            # The mark keeps those out who ask for it, the lock everybody else.
            with closing(sqlite3.connect(self.file)) as raw:
                try:
                    raw.execute("UPDATE leases SET epoch = epoch + 1")
                except sqlite3.IntegrityError:
                    return False
            raise AssertionError("the retired source took a write")
        return True


def _able(tx: Connection) -> bool:
    if moves.closed(tx) is not None:
        return False
    return bool(moves.marks(tx))  # without one it is empty: there is nothing to send


def unbalance(tx: Connection) -> None:
    """Lose money from the ledger."""
    tx.execute(ledger_postings.update().where(ledger_postings.c.id == 1).values(micros=1))


def writes(tx: Connection) -> bool:
    """Try to write a row; say whether the database took it."""
    try:
        with tx.begin_nested():
            tx.execute(insert(ledger_postings).values(set_id=1, account="cash", micros=0))
    except DBAPIError:
        return False
    return True
