"""The demo command itself, as a person or CI runs it: real processes from end to end."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from hedge_service.cli.start import EXIT_INTERRUPTED
from hedge_service.demo.expectations import broken_off
from hedge_service.demo.lines import money, number, sentence
from hedge_service.demo.record import Mode
from hedge_service.demo.run import DemoResult, RunResult, read_settings
from hedge_service.logs.events import EVENTS, check

if TYPE_CHECKING:
    from pathlib import Path

COMMAND = (sys.executable, "-m", "hedge_service", "demo")
ORDERED = {"KXNBAGAME-26NOV29BOSNYK-BOS": "1.00", "KXHIGHNY-26NOV29-T60": "3.00"}


def environment(tmp_path: Path) -> dict[str, str]:
    """Give a caller's environment full of settings and secrets that the demo must not pass on."""
    return {
        "PATH": os.environ["PATH"],
        "PYTHONIOENCODING": "utf-8",
        "TMPDIR": str(tmp_path),
        "HEDGE_KALSHI__ENVIRONMENT": "production",
        "HEDGE_HEDGING__STRATEGY": "delta",
        "STRIPE_API_KEY": "sk_live_of_the_caller",
    }


def run(tmp_path: Path, *options: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*COMMAND, *options],
        env=environment(tmp_path),
        cwd=tmp_path,
        capture_output=True,
        encoding="utf-8",
        timeout=200,
        check=False,
    )


def test_the_demo_holds_and_says_so_as_json(tmp_path: Path) -> None:
    """Every line of both services' logs is as its event is declared."""
    done = run(tmp_path, "--json", "--keep")
    told: dict[str, Any] = json.loads(done.stdout)
    missed = [one for each in told["runs"] for one in each["expectations"] if not one["held"]]
    assert (done.returncode, told["ok"], missed, done.stderr) == (0, True, [], "")
    dry, live = told["runs"]
    assert (dry["mode"], dry["outcome"], dry["payout_dollars"]) == ("dry_run", "dry_run", "30.96")
    assert (dry["create_requests"], dry["exchange_orders"]) == (0, [])
    assert (live["mode"], live["outcome"], live["payout_dollars"]) == ("live", "executed", "30.96")
    assert live["create_requests"] == 2
    assert {order["ticker"]: order["fill_count_fp"] for order in live["exchange_orders"]} == ORDERED
    assert {order["ticker"]: order["fill_count"] for order in live["orders"]} == ORDERED
    assert (dry["exit_code"], live["exit_code"]) == (0, 0)
    kept = next(tmp_path.glob("hedge-demo-*"))
    assert {"dry-run.db", "live.db"} <= {path.name for path in kept.iterdir()}
    assert not (kept / ".env").exists()
    lines = [
        line for name in ("dry-run", "live") for line in (kept / f"{name}.jsonl").read_text().splitlines()
    ]
    assert len(lines) > 30
    assert [wrong for line in lines for wrong in check(json.loads(line), EVENTS)] == []


def test_an_expectation_that_does_not_hold_is_shown_and_ends_with_1(tmp_path: Path) -> None:
    """Without a hedging strategy nothing is bought, which is not what the demo promises."""
    done = run(tmp_path, "--set", "HEDGE_HEDGING__STRATEGY=none")
    assert done.returncode == 1
    assert re.search(r"✗ leg 2 is hedged with 1 contract, leg 3 with 3 *\n +seen: \{\}", done.stdout)
    assert "✓ both quotes pay $30.96 for $5" in done.stdout
    assert "\x1b" not in done.stdout
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("number_of_signal", [signal.SIGINT, signal.SIGTERM])
def test_a_demo_broken_off_leaves_no_process_and_no_folder(tmp_path: Path, number_of_signal: int) -> None:
    with subprocess.Popen(
        COMMAND, env=environment(tmp_path), cwd=tmp_path, stdout=subprocess.PIPE, encoding="utf-8"
    ) as demo:
        assert demo.stdout is not None
        started = next(line for line in demo.stdout if "service.started  " in line)
        demo.send_signal(number_of_signal)
        assert "service.stopped" in demo.stdout.read()
        assert demo.wait(timeout=60) == EXIT_INTERRUPTED
    port = re.search(r"127\.0\.0\.1:(\d+)", started)
    assert port is not None
    with socket.socket() as caller:
        assert caller.connect_ex(("127.0.0.1", int(port[1]))) != 0
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "text", ["HEDGE_KALSHI__DRY_RUN=true", "STRIPE_API_KEY=sk_live_1", "HEDGE_SERVICE__PORT"]
)
def test_settings_that_would_make_it_another_demo_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match=text.split("=", maxsplit=1)[0]):
        read_settings([text])


def test_a_run_that_breaks_off_fails_the_demo() -> None:
    broken = RunResult(mode=Mode.LIVE, record=None, expectations=(broken_off("no answer"),))
    result = DemoResult(runs=[broken], took_s=1.0)
    assert not result.held
    assert result.wire()["runs"][0]["expectations"][0]["seen"] == "no answer"


def test_figures_are_written_for_people() -> None:
    assert [money(text) for text in ("0.5400", "0.017500", "5", "10.00")] == [
        "$0.54",
        "$0.0175",
        "$5.00",
        "$10.00",
    ]
    assert [number(text) for text in ("3.00", "0.00", "10.00", "0.25")] == ["3", "0", "10", "0.25"]


def test_an_event_of_another_shape_is_shown_by_its_fields() -> None:
    assert sentence({"event": "hedge.summarized", "outcome": "executed"}) == "outcome=executed"
    assert sentence({"event": "market.closed", "ticker": "KX-1", "level": "info"}) == "ticker=KX-1"
