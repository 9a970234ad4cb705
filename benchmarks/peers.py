"""The official SDK as a peer, in an environment of its own: it needs Python 3.13."""

from __future__ import annotations

import os
import shutil
import subprocess
from contextlib import contextmanager
from typing import TYPE_CHECKING

from benchmarks.processes import PROJECT, inherited, worker

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from benchmarks.processes import Worker
    from benchmarks.stage import Stage

FOLDER = PROJECT / ".bench" / "peers"
# A pin, so that two runs compare with the same peer.
PACKAGES = ("kalshi_python_async==3.34.0", "uvloop>=0.23")
ASK_VERSION = "import sys; raise SystemExit(sys.version_info[:2] < (3, 13))"
SET_UP_S = 600


class NoPeer(Exception):  # noqa: N818 - says what there is not
    """The peer can't be run here; the message says why."""


@contextmanager
def sdk(stage: Stage, say: Callable[[str], None]) -> Iterator[Worker]:
    """Run the SDK's client. Raises NoPeer before anything is started."""
    python = str(_environment(say))
    arguments = (stage.base, str(stage.pem_file))
    with worker("benchmarks.floors.sdk", *arguments, folder=stage.folder, python=(python,)) as started:
        started.line_json()
        yield started


def _environment(say: Callable[[str], None]) -> str:
    """Give the peers' Python; made when it is missing."""
    python = FOLDER / "bin" / "python"
    if not (FOLDER / ".installed").exists():
        say("making an environment for the official SDK in .bench/")
        _run((*_interpreter(), "-m", "venv", str(FOLDER)), "no environment could be made")
        _run((str(python), "-m", "pip", "install", "--quiet", *PACKAGES), "the SDK could not be installed")
        (FOLDER / ".installed").touch()
    return str(python)


def _interpreter() -> tuple[str, ...]:
    for name in (os.environ.get("BENCH_PYTHON", ""), "python3.14", "python3.13", "python3"):
        found = shutil.which(name) if name else None
        if found and _answers((found,), {}):
            return (found,)
    pyenv = shutil.which("pyenv")
    listed = "" if pyenv is None else _output((pyenv, "versions", "--bare"))
    for version in listed.split():
        if version.startswith(("3.13", "3.14")):
            return (f"{_output((str(pyenv), 'root')).strip()}/versions/{version}/bin/python3",)
    raise NoPeer("needs Python 3.13, which was not found; BENCH_PYTHON names one")


def _answers(command: tuple[str, ...], environ: dict[str, str]) -> bool:
    done = subprocess.run(  # noqa: S603 - an interpreter on the path
        (*command, "-c", ASK_VERSION), env={**inherited(), **environ}, capture_output=True, check=False
    )
    return done.returncode == 0


def _output(command: tuple[str, ...]) -> str:
    return subprocess.run(command, capture_output=True, check=False, text=True).stdout  # noqa: S603 - pyenv


def _run(command: tuple[str, ...], failure: str) -> None:
    try:
        subprocess.run(command, check=True, capture_output=True, timeout=SET_UP_S)  # noqa: S603 - as above
    except (subprocess.SubprocessError, OSError) as error:
        raise NoPeer(f"{failure}: {type(error).__name__}") from error
