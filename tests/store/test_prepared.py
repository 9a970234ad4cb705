from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import bindparam, case, func, insert, literal, select, update
from sqlalchemy.exc import IntegrityError

from hedge_service.store.prepared import Prepared
from hedge_service.store.schema import halts, positions

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy.engine import Connection

    from hedge_service.store.db import Database

PUT = Prepared(insert(positions))
OF = Prepared(
    select(positions)
    .where(positions.c.ticker.in_(bindparam("tickers", expanding=True)), positions.c.side.in_(["yes", "no"]))
    .order_by(positions.c.ticker)
)
ADD = Prepared(update(positions).where(positions.c.ticker == bindparam("key")))


def held(ticker: str, count: int = 100, side: str = "yes") -> dict[str, Any]:
    return {"ticker": ticker, "side": side, "count_centis": count, "cost_micros": 5}


async def listed(database: Database, tickers: Sequence[str]) -> list[tuple[str, int]]:
    rows = await database.read(lambda tx: OF.all(tx, {"tickers": tickers}))
    return [(row.ticker, row.count_centis) for row in rows]


@pytest.mark.parametrize("count", [0, 1, 2, 3, 5, 8])
async def test_a_list_of_any_length_finds_just_its_own(database: Database, count: int) -> None:
    names = [f"T{number}" for number in range(9)]
    await database.write(lambda tx: PUT.each(tx, [held(name) for name in names]))
    assert await listed(database, names[:count]) == [(name, 100) for name in names[:count]]


async def test_the_names_of_the_values_make_the_statement(database: Database) -> None:
    def work(tx: Connection) -> tuple[int, int, int]:
        PUT.run(tx, held("A"))
        one = ADD.run(tx, {"key": "A", "count_centis": 7})
        two = ADD.run(tx, {"key": "A", "count_centis": 8, "cost_micros": 9})
        return one, two, ADD.run(tx, {"key": "B", "cost_micros": 1})

    assert await database.write(work) == (1, 1, 0)
    row = await database.read(lambda tx: OF.one(tx, {"tickers": ["A"]}))
    assert (row.count_centis, row.cost_micros) == (8, 9)


async def test_values_are_read_by_their_types_on_every_database(database: Database) -> None:
    put, newest = Prepared(insert(halts)), Prepared(select(halts.c.halted, halts.c.reason))
    row = {"at_ms": 1, "halted": True, "reason": "r", "actor": "a"}
    await database.write(lambda tx: put.run(tx, row))
    assert (await database.read(newest.one)).halted is True


async def test_a_row_gives_columns_by_name_and_by_place(database: Database) -> None:
    told = Prepared(
        select(literal(3).label("first"), func.count().label("rows"), func.max(case((halts.c.id > 0, 1))))
    )
    row = await database.read(told.one)
    assert (row.first, row[0], row.rows, row[2]) == (3, 3, 0, None)
    assert await database.read(told.scalar) == 3


async def test_a_constraint_is_said_as_sqlalchemy_says_it_and_fails_its_unit_alone(
    database: Database,
) -> None:
    await database.write(lambda tx: PUT.run(tx, held("A")))
    with pytest.raises(IntegrityError):
        await database.write(lambda tx: PUT.each(tx, [held("B"), held("A")]))
    assert await listed(database, ["A", "B"]) == [("A", 100)]


async def test_more_rows_than_one_are_no_answer_where_one_is_asked_for(database: Database) -> None:
    await database.write(lambda tx: PUT.each(tx, [held("A"), held("B")]))
    with pytest.raises(LookupError):
        await database.read(lambda tx: OF.one(tx, {"tickers": ["A", "B"]}))
    with pytest.raises(LookupError):
        await database.read(lambda tx: OF.one_or_none(tx, {"tickers": ["A", "B"]}))
    with pytest.raises(LookupError):
        await database.read(lambda tx: OF.one(tx, {"tickers": ["C"]}))
    assert await database.read(lambda tx: OF.one_or_none(tx, {"tickers": ["C"]})) is None
