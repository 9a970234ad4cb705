"""Named points at which a test kills the process: before and after every commit and every write to a peer.

A point is passed to a probe; the default probe does nothing. Only a service on the sandbox can be armed, by
`CRASH_AT=<point>` or `CRASH_AT=<point>#<n>` for the n-th time the point is reached. `CRASH_AT=freeze:<point>`
stops the process there until somebody lets it go on, as a machine that is paused; `CRASH_AT=record:<path>`
writes each point that is reached to a file instead.
"""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping

VARIABLE = "CRASH_AT"
RECORD = "record:"
FREEZE = "freeze:"


class Probe(Protocol):
    """Is told each point as it is reached."""

    def __call__(self, point: str) -> None:
        """Take note, or kill the process."""


def ignore(point: str) -> None:
    """Do nothing: the probe of every real run."""
    del point


def before_commit(unit: str) -> str:
    """Name the point at which a unit of work is done but not committed."""
    return f"commit.before:{unit}"


def after_commit(unit: str) -> str:
    """Name the point at which a unit of work is durable but its caller does not know yet."""
    return f"commit.after:{unit}"


def unit_name(work: object) -> str:
    """Name a unit of work after the function that makes it, nested functions and lambdas left out."""
    name: str = getattr(work, "__qualname__", type(work).__qualname__)
    return name.partition(".<locals>")[0]


PEER_POINTS = (
    "exchange.before_write:POST",
    "exchange.after_write:POST",
    "exchange.after_reply:POST",
    # A cancel has no body, so that nothing is reached after its headers and before its reply.
    "exchange.before_write:DELETE",
    "exchange.after_reply:DELETE",
    "stripe.before_write:Payments.create_session",
    "stripe.after_reply:Payments.create_session",
    "stripe.before_write:Payments.expire_session",
    "stripe.after_reply:Payments.expire_session",
    "stripe.before_write:Payments.refund",
    "stripe.after_reply:Payments.refund",
)


class Killer:
    """Kills the process, as the power cord does, when a point is reached for the n-th time.

    With SIGSTOP instead it stands still until SIGCONT, and goes on as if nothing had happened.
    """

    def __init__(self, point: str, *, time: int = 1, by: signal.Signals = signal.SIGKILL) -> None:
        self._point = point
        self._left = time
        self._signal = by

    def __call__(self, point: str) -> None:
        """Take note of a point; at the chosen one this is the last thing the process does (for now)."""
        if point != self._point:
            return
        self._left -= 1
        if self._left == 0:
            os.kill(os.getpid(), self._signal)


class Recorder:
    """Writes each point to a file when it is reached for the first time."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._seen: set[str] = set()

    def __call__(self, point: str) -> None:
        """Take note of a point."""
        if point not in self._seen:
            self._seen.add(point)
            with self._path.open("a") as file:
                file.write(f"{point}\n")


def armed(environ: Mapping[str, str]) -> Probe:
    """Give the probe that the environment asks for. Raises ValueError for a count that is no number."""
    asked = environ.get(VARIABLE)
    if asked is None:
        return ignore
    if asked.startswith(RECORD):
        return Recorder(Path(asked.removeprefix(RECORD)))
    by = signal.SIGSTOP if asked.startswith(FREEZE) else signal.SIGKILL
    point, _, time = asked.removeprefix(FREEZE).partition("#")
    return Killer(point, time=int(time) if time else 1, by=by)
