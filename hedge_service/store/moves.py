"""Marks beside a database's identity that close it: it was moved elsewhere, or is not whole yet.

A closed database is refused by `serve` and by every command that writes. Its marks are its own: they are
neither copied nor compared.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import delete, insert, inspect, select

from hedge_service.store.schema import identity

if TYPE_CHECKING:
    from sqlalchemy.engine import Connection

MOVE = "move_id"
"""In a source: the name of its move, by which a target knows it again."""
MOVED_TO = "moved_to"
"""In a source: retired; where its successor is."""
ARRIVING = "move_arriving"
"""In a target: the name of a move that is not finished."""
ARRIVED = "move_arrived"
"""In a target: the name of the move that filled it."""
MARKS = frozenset({MOVE, MOVED_TO, ARRIVING, ARRIVED})


class Closed(Exception):  # noqa: N818 - says what the database is
    """The database must not be written to; the message says why and what to do, `code` names it."""

    def __init__(self, message: str, *, code: str) -> None:
        super().__init__(message)
        self.code = code


class MoveRefused(Exception):  # noqa: N818 - says what became of the move
    """The move can't be made as things stand; the message says why and what to do, `code` names it."""

    def __init__(self, message: str, *, code: str) -> None:
        super().__init__(message)
        self.code = code


def marks(tx: Connection) -> dict[str, str]:
    """Give the marks of a database; an empty one has none."""
    if not inspect(tx).has_table(identity.name):
        return {}
    rows = tx.execute(select(identity).where(identity.c.name.in_(sorted(MARKS))))
    return {row.name: row.value for row in rows}


def put(tx: Connection, name: str, value: str) -> None:
    """Set a mark."""
    clear(tx, name)
    tx.execute(insert(identity).values(name=name, value=value))


def clear(tx: Connection, name: str) -> None:
    """Remove a mark."""
    tx.execute(delete(identity).where(identity.c.name == name))


def closed(tx: Connection) -> Closed | None:
    """Give why nothing may be written to a database, or None for an open one."""
    found = marks(tx)
    if MOVED_TO in found:
        return Closed(
            f"the database was moved to {found[MOVED_TO]} and is retired; use that one", code="database_moved"
        )
    if ARRIVING in found:
        return Closed(
            "a move into this database is not finished; run the same `hedge-service migrate` again",
            code="move_unfinished",
        )
    return None


def refuse(tx: Connection) -> None:
    """Let an open database pass. Raises Closed."""
    why = closed(tx)
    if why is not None:
        raise why
