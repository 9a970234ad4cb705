"""Statements made once, and run without SQLAlchemy's execution where that costs more than the statement.

On SQLite a statement takes a few microseconds, and what SQLAlchemy does around one some fifty
(docs/decisions/0031). So a statement of the hot paths is compiled once and handed to the driver itself, on
the same connection, within the same transaction. Elsewhere SQLAlchemy runs it, and both give the same rows.
"""

from __future__ import annotations

import sqlite3
from collections import namedtuple
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import BindParameter
from sqlalchemy.exc import DBAPIError
from sqlalchemy.sql.visitors import iterate

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from sqlalchemy import Dialect
    from sqlalchemy.engine import Connection

Values = Mapping[str, Any]
NOTHING: Values = {}
MOST_FILLED = 16_384


@dataclass(frozen=True, slots=True)
class _Given:
    """Stands for a value, or one element of a list, while its statement is compiled."""

    name: str
    place: int | None = None

    def taker(self) -> Callable[[Values], Any]:
        """Give what takes it out of the values."""
        name, place = self.name, self.place
        if place is None:
            return lambda values: values[name]

        def element(values: Values) -> Any:
            given = values[name]
            return given[place] if place < len(given) else given[-1] if given else None

        return element


class Prepared:
    """A statement that is made once and run with values, by the names of its parameters.

    A list (`bindparam(..., expanding=True)`) is filled up with its last value to a power of two, so that
    few forms of a statement are compiled; so no statement may ask what is NOT in one. What the database
    refuses is raised as SQLAlchemy's errors, whoever ran the statement.
    """

    def __init__(self, statement: Any) -> None:
        self._statement = statement
        found = iterate(statement)
        self._lists = tuple(
            sorted(
                {
                    each.key
                    for each in found
                    if isinstance(each, BindParameter) and each.expanding and each.required
                }
            )
        )
        self._forms: dict[tuple[object, ...], _Form] = {}

    def all(self, tx: Connection, values: Values = NOTHING) -> Sequence[Any]:
        """Give the rows; a row's columns are its attributes."""
        raw = driver(tx)
        if raw is None:
            return tx.execute(self._statement, values).all()
        return self._form(tx, values).rows(raw, values)

    def one(self, tx: Connection, values: Values = NOTHING) -> Any:
        """Give the only row. Raises LookupError when there is not exactly one."""
        found = self.all(tx, values)
        if len(found) != 1:
            raise LookupError(f"{len(found)} rows where one is")
        return found[0]

    def one_or_none(self, tx: Connection, values: Values = NOTHING) -> Any:
        """Give the only row, or None."""
        found = self.all(tx, values)
        if len(found) > 1:
            raise LookupError(f"{len(found)} rows where one or none is")
        return found[0] if found else None

    def scalars(self, tx: Connection, values: Values = NOTHING) -> list[Any]:
        """Give the first column of each row."""
        return [row[0] for row in self.all(tx, values)]

    def scalar(self, tx: Connection, values: Values = NOTHING) -> Any:
        """Give the first column of the first row, or None."""
        found = self.all(tx, values)
        return found[0][0] if found else None

    def run(self, tx: Connection, values: Values = NOTHING) -> int:
        """Write; give the number of rows it matched."""
        raw = driver(tx)
        if raw is None:
            return int(tx.execute(self._statement, values).rowcount)
        return self._form(tx, values).run(raw, values)

    def each(self, tx: Connection, rows: Sequence[Values]) -> None:
        """Write once for each of these values, all of the same names."""
        if not rows:
            return
        raw = driver(tx)
        if raw is None:
            tx.execute(self._statement, list(rows))
        else:
            self._form(tx, rows[0]).run_each(raw, rows)

    def _form(self, tx: Connection, values: Values) -> _Form:
        lengths = {name: _room(len(values[name])) for name in self._lists}
        key = (*lengths.values(), *values)
        form = self._forms.get(key)
        if form is None:
            given = {
                name: [_Given(name, place) for place in range(lengths[name])]
                if name in lengths
                else _Given(name)
                for name in values
            }
            # Two threads that compile the same form at once make it twice, and keep one.
            form = self._forms[key] = _Form(self._statement, tx.dialect, given)
        return form


class _Form:
    """A statement's text for one set of names and lengths, and how its values come to their places."""

    def __init__(self, statement: Any, dialect: Dialect, given: Values) -> None:
        reads = getattr(statement, "is_select", False)
        compiled: Any = statement.compile(dialect=dialect, column_keys=None if reads else list(given))
        whole = compiled.construct_expanded_state(given)
        self._sql = whole.statement
        self._take = [_taker(value) for value in whole.positional_parameters or ()]
        columns = _columns(statement)
        row: Any = namedtuple("Row", [key for key, _ in columns], rename=True)  # type: ignore[misc]  # noqa: PYI024
        self._make: Callable[[Iterable[Any]], Any] = row._make
        found = ((place, kind.result_processor(dialect, None)) for place, (_, kind) in enumerate(columns))
        self._read = [(place, process) for place, process in found if process is not None]

    def rows(self, raw: sqlite3.Connection, values: Values) -> list[Any]:
        with said(self._sql):
            plain = raw.execute(self._sql, self._placed(values)).fetchall()
        make = self._make
        return [make(row if not self._read else self._processed(row)) for row in plain]

    def run(self, raw: sqlite3.Connection, values: Values) -> int:
        with said(self._sql):
            return raw.execute(self._sql, self._placed(values)).rowcount

    def run_each(self, raw: sqlite3.Connection, rows: Sequence[Values]) -> None:
        with said(self._sql):
            raw.executemany(self._sql, [self._placed(values) for values in rows])

    def _placed(self, values: Values) -> list[Any]:
        return [take(values) for take in self._take]

    def _processed(self, row: tuple[Any, ...]) -> list[Any]:
        read = list(row)
        for place, process in self._read:
            read[place] = process(read[place])
        return read


class said:  # noqa: N801 - used as a statement
    """Gives the driver's errors the names that SQLAlchemy gives them."""

    __slots__ = ("_sql",)

    def __init__(self, sql: str) -> None:
        self._sql = sql

    def __enter__(self) -> None:
        """Begin."""

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        """Raise the error as SQLAlchemy's."""
        if isinstance(error, sqlite3.Error):
            raise DBAPIError.instance(self._sql, None, error, sqlite3.Error) from error


def driver(tx: Connection) -> sqlite3.Connection | None:
    """Give the driver's own connection on SQLite, None elsewhere."""
    raw: Any = tx.connection.dbapi_connection
    if not isinstance(raw, sqlite3.Connection):
        return None
    if not tx.in_transaction():
        # As SQLAlchemy does before its first statement.
        tx.begin()
    return raw


def say(tx: Connection, sql: str) -> None:
    """Say a word of the transaction's own, a savepoint for one."""
    raw = driver(tx)
    if raw is None:
        tx.exec_driver_sql(sql)
        return
    with said(sql):
        raw.execute(sql)


def _taker(value: Any) -> Callable[[Values], Any]:
    return value.taker() if isinstance(value, _Given) else lambda _: value


def _room(length: int) -> int:
    # SQLite takes 32,766 values by default.
    return max(length, min(1 << max(length - 1, 0).bit_length(), MOST_FILLED))


def _columns(statement: Any) -> list[tuple[str, Any]]:
    if not getattr(statement, "is_select", False):
        return []
    return [(column.key or "", column.type) for column in statement.selected_columns]
