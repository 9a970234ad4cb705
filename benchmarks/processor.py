"""Processor time of processes, from /proc: nearly independent of what else the machine does meanwhile."""

from __future__ import annotations

import os
from pathlib import Path

PROC = Path("/proc")
TICKS_PER_S = os.sysconf("SC_CLK_TCK")
# After the name in brackets, which may hold anything: state, parent, and from the twelfth on user and system
# time of its own and of its ended children (man 5 proc_pid_stat).
PARENT, TIMES = 1, slice(11, 15)


def spent_s(pid: int) -> float:
    """Give the processor seconds of a process and of its children, the ended ones included."""
    found = [_stat(file) for file in PROC.glob("[0-9]*/stat")]
    mine = [fields for number, fields in found if number == pid or fields[PARENT : PARENT + 1] == [str(pid)]]
    return sum(int(ticks) for fields in mine for ticks in fields[TIMES]) / TICKS_PER_S


def _stat(file: Path) -> tuple[int, list[str]]:
    """Give a process's number and the fields after its name; none when it has just ended."""
    try:
        return int(file.parent.name), file.read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return int(file.parent.name), []
