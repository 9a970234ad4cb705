"""Statements on SQLite are compiled once, however many connections they come to."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import literal, select
from sqlalchemy.dialects.sqlite.base import SQLiteCompiler

from hedge_service.store.db import Database
from hedge_service.store.schema import halts
from tests.empty_database import put_empty_database

if TYPE_CHECKING:
    from pathlib import Path

    import pytest
    from sqlalchemy.engine import Connection


async def test_a_statement_is_compiled_once_for_all_connections(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    compiled: list[str] = []
    original = SQLiteCompiler.visit_select

    def counted(self: SQLiteCompiler, *given: object, **how: object) -> str:
        text: str = original(self, *given, **how)  # type: ignore[no-untyped-call]
        compiled.append(text)
        return text

    monkeypatch.setattr(SQLiteCompiler, "visit_select", counted)

    def once(tx: Connection) -> int:
        return len(tx.execute(select(halts.c.halted, literal(1).label("only_in_this_test"))).all())

    for name in ("one.db", "two.db"):
        async with Database(put_empty_database(tmp_path / name)) as database:
            await database.write(once)
            await database.read(once)
    assert len([text for text in compiled if "only_in_this_test" in text]) == 1
