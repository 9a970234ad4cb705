"""A migrated database and the commands that work on it."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any, TypeVar

from click.testing import CliRunner

from hedge_service.cli import main
from hedge_service.core.orders import AttemptState
from hedge_service.store import journal
from hedge_service.store.db import Database
from hedge_service.store.schema import audit
from tests.empty_database import put_empty_database
from tests.store.parlay_samples import NOW, put_attempt, put_state

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from click.testing import Result
    from sqlalchemy.engine import Connection

    from hedge_service.core.journal import Attempt

T = TypeVar("T")
S = AttemptState


class Desk:
    """A migrated database and the commands that work on it."""

    def __init__(self, folder: Path, url: str | None = None) -> None:
        self.url = put_empty_database(folder / "hedge.db") if url is None else url

    def do(self, work: Callable[[Connection], T]) -> T:
        """Run a unit of work of the test's own."""

        async def run() -> T:
            async with Database(self.url) as database:
                return await database.write(work)

        return asyncio.run(run())

    def run(self, *arguments: str, url: str | None = None, **knobs: str) -> Result:
        environ = {f"HEDGE_{name}": value for name, value in knobs.items()}
        environ["HEDGE_DATABASE__URL"] = self.url if url is None else url
        return CliRunner().invoke(main, arguments, env=environ)

    def ok(self, *arguments: str, **knobs: str) -> str:
        result = self.run(*arguments, **knobs)
        assert result.exit_code == 0, result.output
        return result.output

    def json(self, *arguments: str) -> Any:
        return json.loads(self.ok(*arguments, "--json"))

    def audited(self) -> list[tuple[str, str, str, str]]:
        rows = self.do(lambda tx: tx.execute(audit.select().order_by(audit.c.id)).all())
        return [(row.actor, row.action, row.subject, row.reason) for row in rows]

    def park(self) -> Attempt:
        """Store an order of ten contracts at 67 cents whose outcome nobody knows."""

        def put(tx: Connection) -> Attempt:
            attempt = journal.sending(tx, put_attempt(tx), epoch=1, at=NOW)
            return put_state(tx, attempt, S.UNKNOWN, S.PARKED)

        return self.do(put)
