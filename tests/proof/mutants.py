"""Put known defects back, one by one, and see that the tests notice: `python -m tests.proof.mutants`.

Everything happens in copies of the tree; the working tree is never touched.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from queue import SimpleQueue
from typing import TYPE_CHECKING

from tests.proof.defects import DEFECTS

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from tests.proof.defects import Defect

PROJECT = Path(__file__).parents[2]
BOUND_S = 180
FAILED = 1
# A defect that can't even run is caught by the interpreter, not by a test.
NO_TEST = re.compile(r"SyntaxError|IndentationError|NameError|ImportError|ModuleNotFoundError")
FAILURE = re.compile(r"^FAILED (\S+?)(?: - (.*))?$", re.MULTILINE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What the tests said to one defect; `by` is the test that failed, None when none did as it should."""

    defect: Defect
    by: str | None
    said: str


def copy_tree(target: Path) -> Path:
    """Copy what git tracks or would track, and nothing else."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=PROJECT,
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    for name in filter(None, listed.split("\0")):
        if (PROJECT / name).is_file():
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(PROJECT / name, target / name)
    return target


def edited(text: str, old: str, new: str) -> str:
    """Put a defect into a text. Raises ValueError unless the place is there exactly once."""
    if text.count(old) != 1:
        raise ValueError(f"{text.count(old)} times in the file: {old.strip()[:60]!r}")
    return text.replace(old, new)


def judge(defect: Defect, tree: Path) -> Verdict:
    """Run a defect's tests in a copy that has it, and mend the copy again."""
    saved = {edit.file: (tree / edit.file).read_text() for edit in defect.edits}
    try:
        for edit in defect.edits:
            file = tree / edit.file
            file.write_text(edited(file.read_text(), edit.old, edit.new))
        status, output = run_tests(tree, defect.tests)
    except subprocess.TimeoutExpired:
        return Verdict(defect=defect, by=None, said=f"no end within {BOUND_S} s")
    finally:
        for name, text in saved.items():
            (tree / name).write_text(text)
    return _verdict(defect, status, output)


def _verdict(defect: Defect, status: int, output: str) -> Verdict:
    failure = FAILURE.search(output)
    if status != FAILED or failure is None:
        return Verdict(defect=defect, by=None, said=output.strip().splitlines()[-1] if output.strip() else "")
    reason = failure[2] or ""
    return Verdict(defect=defect, by=None if NO_TEST.search(reason) else failure[1], said=reason)


def run_tests(tree: Path, tests: Iterable[str], *more: str) -> tuple[int, str]:
    """Run test files in a copy, in one process, up to the first failure."""
    command = [sys.executable, "-m", "pytest", "-x", "-q", "-n", "0", "-rf", "--timeout", "60", *more, *tests]
    environ = {**os.environ, "PYTHONPATH": str(tree), "PYTHONDONTWRITEBYTECODE": "1", "COLUMNS": "250"}
    done = subprocess.run(
        command, cwd=tree, env=environ, capture_output=True, text=True, timeout=BOUND_S, check=False
    )
    return done.returncode, done.stdout + done.stderr


def judge_all(defects: Sequence[Defect], jobs: int) -> list[Verdict]:
    """Judge defects, `jobs` at a time, each in a copy of its own."""
    with tempfile.TemporaryDirectory() as folder:
        trees: SimpleQueue[Path] = SimpleQueue()
        for number in range(jobs):
            trees.put(copy_tree(Path(folder) / str(number)))
        _check_untouched(defects, trees.get(), trees)

        def work(defect: Defect) -> Verdict:
            tree = trees.get()
            try:
                verdict = judge(defect, tree)
            finally:
                trees.put(tree)
            print(f"  {'caught' if verdict.by else 'SURVIVED'}: {defect.name}", flush=True)
            return verdict

        with ThreadPoolExecutor(jobs) as pool:
            return list(pool.map(work, defects))


def _check_untouched(defects: Sequence[Defect], tree: Path, trees: SimpleQueue[Path]) -> None:
    # A test that fails without the defect, too, proves nothing.
    files = sorted({name for defect in defects for name in defect.tests})
    status, output = run_tests(tree, files, "-n", "2")
    trees.put(tree)
    if status != 0:
        sys.exit(f"without any defect the tests fail already:\n{output[-3000:]}")


def main() -> int:
    """Judge all defects and print a table; 1 when a defect survives."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", metavar="WORDS", help="defects whose name holds these words")
    parser.add_argument("--jobs", type=int, default=2)
    given = parser.parse_args()
    chosen = [defect for defect in DEFECTS if given.only is None or given.only in defect.name]
    if not chosen:
        parser.error("no defect has such a name")
    began = time.monotonic()
    verdicts = judge_all(chosen, given.jobs)
    width = max(len(defect.name) for defect in chosen)
    for verdict in verdicts:
        print(f"{verdict.defect.name:{width}}  {verdict.by or 'SURVIVED: ' + verdict.said}")
    survived = sum(verdict.by is None for verdict in verdicts)
    print(f"{len(verdicts) - survived} of {len(verdicts)} caught in {time.monotonic() - began:.0f} s")
    return 1 if survived else 0


if __name__ == "__main__":
    sys.exit(main())
