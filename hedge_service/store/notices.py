"""LISTEN and NOTIFY: names told from process to process, on a connection of their own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import asyncpg

from hedge_service.store.units import StoreUnavailable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

CHANNEL = "hedge_service"
COMMAND_TIMEOUT_S = 5.0


class Notices:
    """One connection that listens and tells; opened at its first use, and anew when it was lost."""

    def __init__(self, arguments: Mapping[str, Any]) -> None:
        self._arguments = arguments
        self._connection: asyncpg.Connection[asyncpg.Record] | None = None
        self._take: Callable[[str], None] | None = None

    async def tell(self, names: Iterable[str]) -> None:
        """Tell every other process these names. Raises StoreUnavailable."""
        connection = await self._opened()
        try:
            for name in names:
                await connection.execute("SELECT pg_notify($1, $2)", CHANNEL, name)
        except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError) as error:
            await self.close()
            raise StoreUnavailable(str(error)) from error

    async def hear(self, take: Callable[[str], None]) -> None:
        """Listen, and give each name told by another process to `take`. Raises StoreUnavailable."""
        self._take = take
        await self._opened()

    async def close(self) -> None:
        """Close the connection."""
        connection, self._connection = self._connection, None
        if connection is not None:
            # Its session holds nothing: a polite end is not worth waiting for.
            connection.terminate()

    async def _opened(self) -> asyncpg.Connection[asyncpg.Record]:
        if self._connection is not None and not self._connection.is_closed():
            return self._connection
        try:
            made: asyncpg.Connection[asyncpg.Record]
            made = await asyncpg.connect(**self._arguments, command_timeout=COMMAND_TIMEOUT_S)
            await made.add_listener(CHANNEL, self._heard)
        except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError) as error:
            raise StoreUnavailable(str(error)) from error
        self._connection = made
        return made

    def _heard(self, connection: Any, pid: int, channel: str, name: object) -> None:
        del channel
        if self._take is not None and pid != connection.get_server_pid():
            self._take(str(name))
