"""The kill switch and what a database belongs to."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hedge_service.store import halts
from hedge_service.store.db import Database
from tests.store.parlay_samples import NOW

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy.engine import Connection


def say(reason: str, *, halted: bool) -> Callable[[Connection], None]:
    return lambda tx: halts.put(tx, halted=halted, reason=reason, actor="ann", at=NOW)


async def test_sending_is_not_halted_until_somebody_says_so(database: Database) -> None:
    assert await database.read(halts.reason) is None


async def test_the_newest_word_decides_even_within_one_millisecond(database: Database) -> None:
    await database.write(say("look at the fills", halted=True))
    assert await database.read(halts.reason) == "look at the fills"
    await database.write(say("looked", halted=False))
    assert await database.read(halts.reason) is None
    await database.write(say("again", halted=True))
    assert await database.read(halts.reason) == "again"


async def test_a_halt_survives_a_restart(database: Database, url: str) -> None:
    await database.write(say("stop", halted=True))
    await database.close()
    async with Database(url) as reopened:
        assert await reopened.read(halts.reason) == "stop"
