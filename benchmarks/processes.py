"""Start the processes of a run, talk to them in JSON lines, and end every one of them.

Client, stand-in and what is measured never share a process. A controlled process ends by itself when its
standard input does, so that none outlives a run that was killed.
"""

from __future__ import annotations

import json
import os
import select
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

PROJECT = Path(__file__).parents[1]
STOP_S = 16.0
ANSWER_S = 900.0
# No HEDGE_* variable and no secret of the caller's goes along.
INHERITED = ("PATH", "HOME", "LANG", "LC_ALL", "LD_LIBRARY_PATH", "TMPDIR", "TZ", "PYENV_ROOT")


class BenchError(Exception):
    """A run that can't go on; the message says why."""


class Process:
    """A child process and its end."""

    def __init__(
        self,
        name: str,
        command: Sequence[str],
        *,
        folder: Path,
        environ: Mapping[str, str],
        stdout: int | IO[bytes] = subprocess.PIPE,
    ) -> None:
        self.name = name
        self._errors = folder / f"{name}.stderr"
        with self._errors.open("ab") as errors:
            # A session of its own: Ctrl-C reaches the run alone, which ends its processes in order.
            self.popen = subprocess.Popen(  # noqa: S603 - our own programs
                list(command),
                cwd=folder,
                env={**inherited(), **environ},
                stdin=subprocess.PIPE,
                stdout=stdout,
                stderr=errors,
                start_new_session=True,
            )

    def line(self, within_s: float = ANSWER_S) -> bytes:
        """Give the next line it writes. Raises BenchError when none comes."""
        assert self.popen.stdout is not None
        ready, _, _ = select.select([self.popen.stdout], [], [], within_s)
        line = self.popen.stdout.readline() if ready else b""
        if not line:
            raise BenchError(f"{self.name} gave no answer\n{self.last_words()}")
        return line

    def last_words(self) -> str:
        """Give the end of what it said on standard error."""
        return self._errors.read_text(errors="replace")[-3_000:]

    def stop(self) -> None:
        """End it by SIGTERM, by SIGKILL if it does not obey."""
        if self.popen.stdin is not None:
            self.popen.stdin.close()
        if self.popen.poll() is None:
            self.popen.terminate()
        try:
            self.popen.wait(STOP_S)
        except subprocess.TimeoutExpired:
            pass
        finally:
            # Reached on a second Ctrl-C, too.
            if self.popen.poll() is None:
                self.popen.kill()
                self.popen.wait()
            if self.popen.stdout is not None:
                self.popen.stdout.close()


class Worker(Process):
    """A controlled process: a command in, one answer out."""

    def line_json(self) -> Any:
        """Give its next line, read as JSON."""
        return json.loads(self.line())

    def ask(self, do: str, **arguments: Any) -> Any:
        """Give the answer to one command. Raises BenchError when it fails."""
        assert self.popen.stdin is not None
        self.popen.stdin.write(json.dumps({"do": do, **arguments}).encode() + b"\n")
        self.popen.stdin.flush()
        answer = self.line_json()
        if isinstance(answer, dict) and "failed" in answer:
            raise BenchError(f"{self.name}: {do} failed\n{answer['failed']}")
        return answer


def inherited() -> dict[str, str]:
    """Give the variables that a Python process may need to start."""
    return {name: os.environ[name] for name in INHERITED if name in os.environ}


@contextmanager
def worker(
    module: str,
    *arguments: str,
    folder: Path,
    environ: Mapping[str, str] | None = None,
    python: Sequence[str] = (sys.executable,),
) -> Iterator[Worker]:
    """Run a controlled module of this package; it is ended when the block is left."""
    variables = {"PYTHONPATH": str(PROJECT), **(environ or {})}
    name = module.rpartition(".")[2]
    started = Worker(name, (*python, "-m", module, *arguments), folder=folder, environ=variables)
    try:
        yield started
    finally:
        started.stop()
