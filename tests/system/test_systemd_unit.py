"""The unit file is one that systemd takes."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

UNIT = Path(__file__).parents[2] / "ops/systemd/hedge-service.service"


def verify(tmp_path: Path, *changes: tuple[str, str]) -> subprocess.CompletedProcess[str]:
    tool = shutil.which("systemd-analyze")
    if tool is None:
        pytest.skip("systemd-analyze is not installed")
    text = UNIT.read_text(encoding="utf-8")
    for old, new in (("/opt/hedge-service/.venv/bin/hedge-service", sys.executable), *changes):
        assert old in text
        text = text.replace(old, new)
    unit = tmp_path / UNIT.name
    unit.write_text(text, encoding="utf-8")
    command = [tool, "verify", "--man=no", str(unit)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_systemd_takes_the_unit(tmp_path: Path) -> None:
    done = verify(tmp_path)
    if "Failed to" in done.stderr and "manager" in done.stderr:
        pytest.skip("systemd-analyze can't work here")
    assert (done.returncode, done.stderr) == (0, "")


def test_a_misspelt_line_would_be_noticed(tmp_path: Path) -> None:
    done = verify(tmp_path, ("ProtectSystem=strict", "ProtectSystm=strict"))
    assert "ProtectSystm" in done.stderr


def test_it_stops_later_than_the_service_promises_to_and_restarts_no_wrong_configuration() -> None:
    lines = dict(re.findall(r"^(\w+)=(.*)$", UNIT.read_text(encoding="utf-8"), re.MULTILINE))
    assert int(lines["TimeoutStopSec"]) > 15
    assert lines["RestartPreventExitStatus"] == "2"
    assert "--live" not in lines["ExecStart"]
