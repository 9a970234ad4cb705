"""What comes together shares a unit of work, and nobody pays for another's fault."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from hedge_service.flow.batching import MOST_AT_ONCE, Batcher
from hedge_service.store.db import StoreUnavailable

if TYPE_CHECKING:
    from collections.abc import Sequence


class Pen:
    """Writes numbers; odd ones are refused, 13 breaks its batch, and `full` stops everything."""

    def __init__(self) -> None:
        self.batches: list[list[int]] = []
        self.begun, self.free = asyncio.Event(), asyncio.Event()
        self.free.set()
        self.full = False

    async def write(self, items: Sequence[int]) -> Sequence[int | Exception]:
        self.batches.append(list(items))
        self.begun.set()
        await self.free.wait()
        if self.full:
            raise StoreUnavailable("database or disk is full")
        if 13 in items:
            raise KeyError(13)
        return [ValueError(item) if item % 2 else item * 10 for item in items]


async def outcomes(batcher: Batcher[int, int], *items: int) -> list[object]:
    return list(await asyncio.gather(*(batcher.put(item) for item in items), return_exceptions=True))


async def test_what_comes_together_is_written_together_in_its_order() -> None:
    pen = Pen()
    assert await outcomes(Batcher(pen.write), 2, 4, 6) == [20, 40, 60]
    assert pen.batches == [[2, 4, 6]]


async def test_what_comes_while_a_batch_is_written_waits_and_shares_the_next() -> None:
    pen = Pen()
    pen.free.clear()
    batcher = Batcher(pen.write)
    first = asyncio.create_task(batcher.put(2))
    await pen.begun.wait()
    later = [asyncio.create_task(batcher.put(item)) for item in (4, 6)]
    await asyncio.sleep(0)
    pen.free.set()
    assert await asyncio.gather(first, *later) == [20, 40, 60]
    assert pen.batches == [[2], [4, 6]]


async def test_a_refusal_is_its_own_callers_alone() -> None:
    two, three, four = await outcomes(Batcher(Pen().write), 2, 3, 4)
    assert (two, four) == (20, 40)
    assert isinstance(three, ValueError)


async def test_an_item_that_breaks_its_batch_fails_no_other() -> None:
    pen = Pen()
    two, broken, four = await outcomes(Batcher(pen.write), 2, 13, 4)
    assert (two, four) == (20, 40)
    assert isinstance(broken, KeyError)
    assert pen.batches == [[2, 13, 4], [2], [13], [4]]


async def test_a_store_that_is_away_is_not_asked_again_for_each_item() -> None:
    pen = Pen()
    pen.full = True
    assert all(isinstance(one, StoreUnavailable) for one in await outcomes(Batcher(pen.write), 2, 4))
    assert pen.batches == [[2, 4]]


async def test_a_writer_that_forgets_an_item_leaves_nobody_waiting() -> None:
    async def forgetful(items: Sequence[int]) -> Sequence[int | Exception]:
        return [item * 10 for item in items[:1]]

    two, four = await outcomes(Batcher(forgetful), 2, 4)
    assert (two, four) == (20, 40)


async def test_a_batch_that_is_broken_off_leaves_nobody_waiting() -> None:
    pen = Pen()
    pen.free.clear()
    batcher = Batcher(pen.write)
    waiting = asyncio.create_task(batcher.put(2))
    await pen.begun.wait()
    assert batcher._task is not None
    batcher._task.cancel()
    with pytest.raises(StoreUnavailable):
        await waiting


async def test_a_batch_is_bounded() -> None:
    pen = Pen()
    many = range(0, 2 * (MOST_AT_ONCE + 1), 2)
    assert await outcomes(Batcher(pen.write), *many) == [item * 10 for item in many]
    assert [len(batch) for batch in pen.batches] == [MOST_AT_ONCE, 1]


async def test_a_caller_that_leaves_does_not_take_its_item_along() -> None:
    pen = Pen()
    pen.free.clear()
    batcher = Batcher(pen.write)
    leaver = asyncio.create_task(batcher.put(2))
    await pen.begun.wait()
    leaver.cancel()
    with pytest.raises(asyncio.CancelledError):
        await leaver
    stayer = asyncio.create_task(batcher.put(4))
    await asyncio.sleep(0)
    pen.free.set()
    assert await stayer == 40
    assert pen.batches == [[2], [4]]
