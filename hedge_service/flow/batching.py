"""Batches: what comes together, or while a batch is being written, shares one unit of work."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Generic, TypeVar

from hedge_service.store.db import StoreUnavailable

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

Item = TypeVar("Item")
Outcome = TypeVar("Outcome")
MOST_AT_ONCE = 200


class Batcher(Generic[Item, Outcome]):
    """Hands items to `write` in the order in which they came, one batch after the other.

    `write` gives an outcome for each item, or the exception that the item's caller gets.
    """

    def __init__(self, write: Callable[[Sequence[Item]], Awaitable[Sequence[Outcome | Exception]]]) -> None:
        self._write = write
        self._waiting: list[tuple[Item, asyncio.Future[Outcome]]] = []
        self._task: asyncio.Task[None] | None = None

    async def put(self, item: Item) -> Outcome:
        """Give the item's outcome once its batch is committed. Raises what `write` has for it, or raises.

        A cancelled caller leaves the item to its batch: its effect may be there.
        """
        turn: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()
        self._waiting.append((item, turn))
        if self._task is None:
            self._task = asyncio.create_task(self._run(), name="batch")
        return await asyncio.shield(turn)

    async def _run(self) -> None:
        try:
            while self._waiting:
                batch, self._waiting = self._waiting[:MOST_AT_ONCE], self._waiting[MOST_AT_ONCE:]
                try:
                    outcomes = await self._outcomes([item for item, _ in batch])
                    for (_, turn), outcome in zip(batch, outcomes, strict=True):
                        _answer(turn, outcome)
                finally:
                    # Whatever went wrong, nobody waits for ever; what is answered stays as it is.
                    for _, turn in batch:
                        _answer(turn, StoreUnavailable("the batch was broken off"))
        finally:
            self._task = None

    async def _outcomes(self, items: Sequence[Item]) -> Sequence[Outcome | Exception]:
        try:
            outcomes = await self._write(items)
            if len(outcomes) != len(items):
                raise RuntimeError(f"{len(outcomes)} outcomes for {len(items)} items")  # noqa: TRY301
        except StoreUnavailable as error:
            return [error] * len(items)
        except Exception as error:  # noqa: BLE001 - handed to the callers it belongs to
            if len(items) == 1:
                return [error]
        else:
            return outcomes
        # One item must not fail the others: each gets a unit of work of its own.
        return [outcome for item in items for outcome in await self._outcomes([item])]


def _answer(turn: asyncio.Future[Outcome], outcome: Outcome | Exception) -> None:
    if turn.done():
        return
    if isinstance(outcome, Exception):
        turn.set_exception(outcome)
        # A cancelled caller no longer listens; the error is not "never retrieved" by negligence.
        turn.exception()
    else:
        turn.set_result(outcome)
