"""The service as a process of its own: started, listened to, told to stop, killed."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from asyncio.subprocess import PIPE, Process
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Self

from tests.system.events import WITHIN_S, Events, Line
from tests.system.extension import Extension
from tests.system.sandbox_stage import SandboxStage, open_sandbox
from tests.system.stage import Stage, knobs_of

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

PROJECT = Path(__file__).parents[2]


@dataclass
class ServiceProcess:
    """One `hedge-service serve`."""

    process: Process
    events: Events
    errors: list[str] = field(default_factory=list)
    readers: list[asyncio.Task[None]] = field(default_factory=list)

    @property
    def output(self) -> str:
        """Everything it wrote, to both streams."""
        return self.events.text + "".join(self.errors)

    async def started(self) -> Line:
        """Wait until it answers calls; fails at once when it has ended instead."""
        said = asyncio.create_task(self.events.one("service.started"))
        end = asyncio.create_task(self.process.wait())
        await asyncio.wait({said, end}, return_when=asyncio.FIRST_COMPLETED)
        end.cancel()
        if not said.done():
            said.cancel()
            raise AssertionError(f"it ended with {self.process.returncode}:\n{self.output}")
        return await said

    async def ended(self, within_s: float = WITHIN_S) -> int:
        """Wait for its end and for all it wrote; give its exit status, minus the signal if killed."""
        async with asyncio.timeout(within_s):
            status = await self.process.wait()
            await asyncio.gather(*self.readers)
        return status

    async def told_to_stop(self, within_s: float = WITHIN_S) -> int:
        """Send SIGTERM and wait for the end."""
        self.process.send_signal(signal.SIGTERM)
        return await self.ended(within_s)

    async def killed(self) -> None:
        """Send SIGKILL and wait for the end."""
        self.process.kill()
        assert await self.ended() == -signal.SIGKILL


@dataclass
class ProcessDesk:
    """A sandbox in the test's loop, and services beside it that share a folder and so a database."""

    folder: Path
    sandbox: SandboxStage
    stack: AsyncExitStack

    @classmethod
    @asynccontextmanager
    async def opened(cls, folder: Path, credentials: Mapping[str, str]) -> AsyncIterator[Self]:
        async with open_sandbox(credentials) as sandbox, AsyncExitStack() as stack:
            yield cls(folder, sandbox, stack)

    async def run(self, environment: Mapping[str, str], *arguments: str) -> ServiceProcess:
        """Start `serve` with just this environment."""
        plain = {name: os.environ[name] for name in ("PATH", "HOME", "TMPDIR") if name in os.environ}
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "hedge_service", "serve", *arguments),
            cwd=self.folder,
            env={**plain, "PYTHONPATH": str(PROJECT), **environment},
            stdout=PIPE,
            stderr=PIPE,
        )
        self.stack.push_async_callback(_buried, process)
        service = ServiceProcess(process, Events())
        assert process.stdout is not None
        assert process.stderr is not None
        service.readers += [
            asyncio.create_task(_read(process.stdout, service.events.write)),
            asyncio.create_task(_read(process.stderr, service.errors.append)),
        ]
        return service

    async def start(self, **changes: str) -> tuple[ServiceProcess, Stage]:
        """Start a service on the sandbox and wait until it may send orders; webhooks go there from now on."""
        service = await self.run(knobs_of(self.sandbox, changes))
        port = (await service.started())["port"]
        await service.events.one("exchange.reconciled")
        base = f"http://127.0.0.1:{port}"
        await self.sandbox.deliver_to(base)
        extension = Extension(self.sandbox.http, base)
        return service, Stage(self.sandbox, extension, service.events, base)


async def _read(stream: asyncio.StreamReader, take: object) -> None:
    assert callable(take)
    while line := await stream.readline():
        take(line.decode())


async def _buried(process: Process) -> None:
    if process.returncode is None:
        process.kill()
    await process.wait()
