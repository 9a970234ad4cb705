"""A database moved to another: what of it is counted, summed and hashed, and where two sides differ."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping


@dataclass(frozen=True, slots=True, kw_only=True)
class TableFigures:
    """One table: rows, the sum of each column of money or contracts, the highest id given, the digest."""

    rows: int
    sums: Mapping[str, int]
    last_id: int | None
    digest: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """What is compared of a database: its tables, the ledger's accounts, and what must be empty."""

    tables: Mapping[str, TableFigures]
    accounts: Mapping[str, int]
    unbalanced: tuple[str, ...]
    """Causes of ledger sets whose postings don't sum to zero."""
    orphans: tuple[str, ...]
    """Foreign keys that point to nothing, as table.column."""


class Digest:
    """Hashes rows in the order of their keys; equal only for equal values of equal types."""

    def __init__(self) -> None:
        self._hash = sha256()

    def through(self, rows: Iterable[tuple[Any, ...]]) -> Iterator[tuple[Any, ...]]:
        """Pass rows on, hashing each."""
        for row in rows:
            self.add(row)
            yield row

    def add(self, row: tuple[Any, ...]) -> None:
        """Hash one row of int, str, bytes, bool and None: the spelling of no two such rows is alike."""
        self._hash.update(repr(row).encode("utf-8", "surrogatepass"))

    def value(self) -> str:
        """Give the digest of what was added."""
        return self._hash.hexdigest()


def differences(source: Figures, target: Figures) -> tuple[str, ...]:
    """Say in one sentence each where the target is not the source, or is not sound; empty when it is."""
    told = [
        f"the ledger set of {cause} does not sum to zero"
        for cause in (*source.unbalanced, *target.unbalanced)
    ]
    told += [f"{key} points to rows that are not there" for key in (*source.orphans, *target.orphans)]
    if source.accounts != target.accounts:
        told.append("the balances of the ledger's accounts differ")
    if sum(target.accounts.values()) != 0:
        told.append("the ledger does not sum to zero")
    if source.tables.keys() != target.tables.keys():
        told.append("the two sides have different tables")
    for name in source.tables.keys() & target.tables.keys():
        told += _of_table(name, source.tables[name], target.tables[name])
    return tuple(sorted(set(told)))


def _of_table(name: str, source: TableFigures, target: TableFigures) -> Iterator[str]:
    if source.rows != target.rows:
        yield f"{name}: {source.rows} rows in the source, {target.rows} in the target"
    for column, value in source.sums.items():
        if target.sums.get(column) != value:
            yield f"{name}.{column}: sums to {value} in the source, {target.sums.get(column)} in the target"
    if source.digest != target.digest:
        yield f"{name}: the contents differ"
    if source.last_id is not None and (target.last_id is None or target.last_id < source.last_id):
        yield f"{name}: the target would give ids again that the source has given"
