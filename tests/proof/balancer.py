"""A load balancer: takes connections on one port and hands each to one of the processes that live."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

CHUNK = 65_536


@dataclass
class Balancer:
    """The ports behind it, in turn; one that does not answer is passed over."""

    ports: list[int] = field(default_factory=list)
    turn: int = 0
    taken: set[asyncio.Task[None]] = field(default_factory=set)

    async def take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Carry one connection to its end."""
        task = asyncio.current_task()
        assert task is not None
        self.taken.add(task)
        try:
            await self._carry(reader, writer)
        finally:
            self.taken.discard(task)
            writer.close()

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for _ in range(len(self.ports)):
            self.turn += 1
            port = self.ports[self.turn % len(self.ports)]
            try:
                there = await asyncio.open_connection("127.0.0.1", port)
            except OSError:
                continue
            # Either side's end is the whole connection's: no half of it may wait for the other.
            ways = {
                asyncio.create_task(_copy(reader, there[1])),
                asyncio.create_task(_copy(there[0], writer)),
            }
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
            for way in ways:
                way.cancel()
            there[1].close()
            return


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while data := await reader.read(CHUNK):
            writer.write(data)
            await writer.drain()
    except OSError:
        return


@asynccontextmanager
async def balancing(port: int) -> AsyncIterator[Balancer]:
    """Listen until the block ends."""
    balancer = Balancer()
    server = await asyncio.start_server(balancer.take, "127.0.0.1", port)
    try:
        yield balancer
    finally:
        server.close()
        for task in balancer.taken:
            task.cancel()
        await asyncio.gather(*balancer.taken, return_exceptions=True)
