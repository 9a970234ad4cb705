"""A halted service's database moved to PostgreSQL, and back before the first write there.

The source is locked against every other writer from before the first row is read until it is retired. After
no commit of either side can both send; where neither can, running it again goes on from there.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from hedge_service.core.moving import Digest, differences
from hedge_service.crash import ignore
from hedge_service.store import audit, halts, move_source, moves
from hedge_service.store.move_figures import TABLES, counted, figures
from hedge_service.store.moves import ARRIVED, ARRIVING, MOVE, MOVED_TO, MoveRefused

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from sqlalchemy import Table
    from sqlalchemy.engine import Connection

    from hedge_service.core.moving import Figures
    from hedge_service.crash import Probe
    from hedge_service.flow.operating import Operator
    from hedge_service.store.move_target import Target

POINT_EVERY = 1_000

POINTS = (
    "move.named",
    "move.claimed",
    "move.copying",
    "move.filled",
    "move.verified",
    "move.retiring",
    "move.retired",
    "move.opened",
)
"""Where a move can be cut off, in order; `move.copying` is passed again and again."""
BACK_POINTS = ("back.closed", "back.reopening", "back.reopened")


class Told(Protocol):
    """Hears how far a long step has got."""

    def __call__(self, step: str, done: int, whole: int) -> None:
        """Take note of `done` rows of `whole`."""


def untold(step: str, done: int, whole: int) -> None:
    """Take no note."""
    del step, done, whole


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """Both sides as they were compared, and where they differ."""

    source: Figures
    target: Figures
    differences: tuple[str, ...]


class Differs(Exception):  # noqa: N818 - says what was found
    """The two sides are not equal: nothing was opened or closed."""

    def __init__(self, compared: Compared) -> None:
        super().__init__("; ".join(compared.differences))
        self.compared = compared


class Moving:
    """Moves one SQLite file into one PostgreSQL database. Raises MoveRefused, Closed and Differs."""

    def __init__(
        self,
        *,
        source: Path,
        target: Target,
        by: Operator,
        new_id: Callable[[], str],
        probe: Probe = ignore,
        told: Told = untold,
    ) -> None:
        self._source = source
        self._target = target
        self._by = by
        self._new_id = new_id
        self._probe = probe
        self._told = told

    async def move(self) -> Compared | None:
        """Move everything, or finish what was cut off; None: it was finished before."""
        with move_source.locked(self._source) as tx:
            move_source.check_version(tx)
            marks = moves.marks(tx)
            if MOVED_TO not in marks:
                marks[MOVE] = self._named(tx, marks)
        if MOVED_TO in marks:
            return await self._finish(marks)
        self._probe("move.named")
        await self._target.claim(marks[MOVE])
        self._probe("move.claimed")
        compared = await self._copied(marks[MOVE])
        self._probe("move.retired")
        await self._open(marks[MOVE])
        return compared

    async def back(self) -> None:
        """Close the target, if nothing was written there since the move, and only then reopen the source."""
        with move_source.locked(self._source) as tx:
            move_source.check_version(tx)
            marks = moves.marks(tx)
            if MOVED_TO not in marks:
                raise MoveRefused("the source is not retired: there is no move to undo", code="not_allowed")
            ours = self._read(tx)

            def check(theirs: Figures) -> None:
                _compare(ours, theirs)

            await self._target.close(marks[MOVE], check)
            self._probe("back.closed")
            move_source.reopen(tx)
            self._record(tx, f"moved back from {self._target.address}")
            self._probe("back.reopening")
        self._probe("back.reopened")

    def _named(self, tx: Connection, marks: dict[str, str]) -> str:
        """Check the source and give its move a name that outlives this process."""
        moves.refuse(tx)
        move_source.check_quiet(tx, self._by.at)
        if MOVE not in marks:
            moves.put(tx, MOVE, self._new_id())
        return moves.marks(tx)[MOVE]

    async def _copied(self, move: str) -> Compared:
        """Copy, compare and retire while nobody else can write to the source."""
        with move_source.locked(self._source) as tx:
            moves.refuse(tx)
            move_source.check_quiet(tx, self._by.at)
            move_source.check_sound(tx)
            # Before the copy, so that both sides hold it and the target arrives halted.
            self._record(tx, f"moved to {self._target.address}")
            ours = await self._fill(tx, move)
            self._probe("move.filled")
            compared = _compare(ours, await self._target.figures())
            self._probe("move.verified")
            move_source.retire(tx, self._target.address)
            self._probe("move.retiring")
        return compared

    async def _fill(self, tx: Connection, move: str) -> Figures:
        digests = {table.name: Digest() for table in TABLES}
        counting = self._counting(tx, "copied")

        def rows(table: Table) -> Iterator[tuple[Any, ...]]:
            return digests[table.name].through(counting(move_source.rows(tx, table)))

        last_ids = move_source.last_ids(tx)
        await self._target.fill(move, rows, last_ids)
        return figures(tx, {name: digest.value() for name, digest in digests.items()}, last_ids)

    async def _finish(self, marks: dict[str, str]) -> Compared | None:
        """Go on with a move whose source is retired."""
        theirs = await self._target.marks()
        if theirs.get(ARRIVED) == marks[MOVE]:
            return None
        if theirs.get(ARRIVING) != marks[MOVE]:
            raise MoveRefused(
                f"the source was moved to {marks[MOVED_TO]} and is retired; this target holds no such move",
                code="database_moved",
            )
        with move_source.locked(self._source) as tx:
            ours = self._read(tx)
        compared = _compare(ours, await self._target.figures())
        await self._open(marks[MOVE])
        return compared

    async def _open(self, move: str) -> None:
        await self._target.open(move)
        self._probe("move.opened")

    def _read(self, tx: Connection) -> Figures:
        digests = {}
        counting = self._counting(tx, "read")
        for table in TABLES:
            digest = Digest()
            for row in counting(move_source.rows(tx, table)):
                digest.add(row)
            digests[table.name] = digest.value()
        return figures(tx, digests, move_source.last_ids(tx))

    def _counting(
        self, tx: Connection, step: str
    ) -> Callable[[Iterator[tuple[Any, ...]]], Iterator[tuple[Any, ...]]]:
        whole, done = sum(counted(tx).values()), 0

        def counting(rows: Iterator[tuple[Any, ...]]) -> Iterator[tuple[Any, ...]]:
            nonlocal done
            for row in rows:
                yield row
                done += 1
                if done % POINT_EVERY == 0:
                    self._told(step, done, whole)
                    self._probe("move.copying")

        return counting

    def _record(self, tx: Connection, what: str) -> None:
        by = self._by
        halts.put(tx, halted=True, reason=f"{what}; resume when ready", actor=by.name, at=by.at)
        audit.put(tx, actor=by.name, action="move", subject="database", reason=what, at=by.at)


def _compare(source: Figures, target: Figures) -> Compared:
    """Give both sides, equal. Raises Differs."""
    compared = Compared(source=source, target=target, differences=differences(source, target))
    if compared.differences:
        raise Differs(compared)
    return compared
