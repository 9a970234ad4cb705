"""`hedge-service logs`: JSON lines for a person."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from hedge_service.cli import main

RECORDED = Path(__file__).parents[1] / "docs" / "recorded" / "sandbox.jsonl"
LINES = [json.loads(line) for line in RECORDED.read_text(encoding="utf-8").splitlines()]
COMMAND = (sys.executable, "-m", "hedge_service", "logs")
ESCAPE = "\x1b"


def show(*arguments: str, given: bytes | None = None) -> Result:
    done = CliRunner().invoke(main, ["logs", *arguments], input=given)
    assert done.exit_code == 0, done.output
    return done


def line(event: str, **fields: Any) -> bytes:
    head = {"timestamp": "2026-11-22T18:27:01.000250Z", "level": "info", "event": event}
    return json.dumps(head | fields).encode() + b"\n"


def parlay_with(outcome: str) -> str:
    return next(
        str(one["parlay_id"])
        for one in LINES
        if one["event"] == "hedge.summarized" and one["outcome"] == outcome
    )


def test_every_event_is_one_line_without_colour_where_no_terminal_is() -> None:
    shown = [text for text in show(str(RECORDED)).stdout.splitlines() if text[0] not in "╭│╰"]
    assert len(shown) == len(LINES)
    assert all(one["event"] in text for one, text in zip(LINES, shown, strict=True))
    assert ESCAPE not in "".join(shown)


def test_a_file_and_standard_input_show_the_same() -> None:
    assert show(str(RECORDED)).stdout == show(given=RECORDED.read_bytes()).stdout
    assert show(str(RECORDED)).stdout == show("-", given=RECORDED.read_bytes()).stdout


def test_a_quote_at_a_loss_says_so() -> None:
    quotes = [text for text in show(str(RECORDED)).stdout.splitlines() if "quote.created" in text]
    at_a_loss = [one for one in LINES if one["event"] == "quote.created" and one["edge_negative"]]
    assert 0 < len(at_a_loss) < len(quotes)
    assert sum("at an expected loss of $0.0" in text for text in quotes) == len(at_a_loss)


def test_a_summary_is_followed_by_a_box_of_the_whole_parlay() -> None:
    executed = parlay_with("executed")
    text = show(str(RECORDED), "--parlay", executed).stdout
    box = text[text.index("╭") : text.index("╯")]
    for part in (
        f"{executed}: executed, revision 1",
        "stake $5.00  planned 4  filled 4  unhedged 0  cost $2.47  fees $0.0653",
        "1 of 1 at $0.54 or less",
        "3 of 3 at $0.67 or less",
        "leg 1: no order, chance under 50 %",
        "owed if every leg hits: $30.96",
    ):
        assert part in box


def test_the_limit_of_an_order_on_no_is_shown_as_the_price_of_no() -> None:
    order = {"parlay_id": "par_1", "client_order_id": "hs-1", "side": "ask", "price": "0.1100", "count": "2"}
    summary = line("hedge.summarized", parlay_id="par_1", outcome="partial")
    text = show(given=line("order.sent", **order) + summary).stdout
    assert "0 of 2 at $0.89 or less" in text


def test_the_parlay_filter_follows_quote_checkout_webhook_orders_and_executions() -> None:
    parlay = parlay_with("executed")
    shown = [
        text.split()[3]
        for text in show(str(RECORDED), "--parlay", parlay).stdout.splitlines()
        if text[0] == "1"
    ]
    story = [
        *("quote.created", "checkout.created", "webhook.received", "payment.confirmed", "strategy.chosen"),
        *("order.sent", "order.accepted", "fill.booked", "hedge.summarized"),
    ]
    assert [event for event in shown if event in story] == sorted(
        (event for event in shown if event in story), key=story.index
    )
    assert set(story) <= set(shown)
    assert shown.count("hedge.summarized") == 1
    assert {"service.started", "lease.taken"}.isdisjoint(shown)


def test_the_parlay_filter_knows_its_intents_though_their_lines_name_no_parlay() -> None:
    moved = [one for one in LINES if one["event"] == "intent.moved_meanwhile"]
    if not moved:
        pytest.skip("the recorded run holds no such line")
    last = [one["parlay_id"] for one in LINES if one["event"] == "payment.confirmed"][-1]
    assert "intent.moved_meanwhile" in show(str(RECORDED), "--parlay", last).stdout


def test_only_lines_of_a_level_and_above_are_shown() -> None:
    given = line("a.told", level="info") + line("b.told", level="warning") + line("c.told", level="critical")
    text = show("--level", "warning", given=given + line("d.told", level="odd")).stdout
    assert [name in text for name in ("a.told", "b.told", "c.told", "d.told")] == [False, True, True, True]


@pytest.mark.parametrize(
    "broken",
    [
        b"Traceback (most recent call last):",
        b'{"event": "order.se',
        b"\xff\xfe",
        b"[1, 2]",
        b'{"level":"info"}',
        b"",
    ],
)
def test_a_line_that_is_no_event_is_shown_as_it_is_whatever_is_asked_for(broken: bytes) -> None:
    given = line("a.told") + broken + b"\n" + line("b.told")
    done = show("--parlay", "par_nobody", "--level", "critical", given=given)
    assert done.stdout_bytes == broken + b"\n"


def test_a_last_line_without_its_end_is_shown() -> None:
    assert "a.told" in show(given=line("a.told")[:-1]).stdout
    assert show(given=b"half").stdout == "half\n"


def test_fields_of_another_form_break_nothing() -> None:
    odd: dict[str, Any] = {
        "parlay_id": 7,
        "outcome": None,
        "cost_dollars": "much",
        "stake_dollars": [],
        "skips": "x",
        "leg": {},
    }
    given = b"".join(line(name, **odd) for name in ("hedge.summarized", "strategy.chosen", "order.sent"))
    assert show(given=given).stdout.count("hedge.summarized") == 1


def test_what_a_terminal_would_obey_is_spelt_out() -> None:
    text = show(given=line("a.told", reason=f"{ESCAPE}[2J\r\nfake line")).stdout
    assert ESCAPE not in text
    assert "\\x1b[2J\\r\\nfake line" in text


def test_a_line_that_wants_a_person_says_where_it_is_explained() -> None:
    text = show(given=line("payment.parked", level="error", docs="docs/errors.md#price_drift")).stdout
    assert text.rstrip().endswith("-> docs/errors.md#price_drift")


def test_colours_come_when_they_are_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm-256color")
    assert ESCAPE in show(given=line("a.told")).stdout


def test_a_file_that_is_not_there_is_named_with_what_to_do(tmp_path: Path) -> None:
    done = CliRunner().invoke(main, ["logs", str(tmp_path / "none.jsonl")])
    assert done.exit_code == 1
    assert "can't be read: No such file or directory" in done.stderr
    assert "see docs/errors.md#log_unreadable" in done.stderr


def test_a_reader_that_has_seen_enough_ends_it_without_a_word() -> None:
    with subprocess.Popen(
        COMMAND, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as run:
        assert run.stdin is not None
        assert run.stdout is not None
        assert run.stderr is not None
        run.stdin.write(line("a.told"))
        run.stdin.flush()
        assert b"a.told" in run.stdout.readline()  # as it comes: nothing waits in a buffer
        run.stdout.close()
        try:
            run.stdin.write(line("b.told") * 200)
            run.stdin.close()
        except BrokenPipeError:
            pass
        assert (run.wait(timeout=60), run.stderr.read()) == (0, b"")


def test_ctrl_c_ends_it_without_a_word() -> None:
    with subprocess.Popen(
        COMMAND, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as run:
        assert run.stdin is not None
        assert run.stdout is not None
        assert run.stderr is not None
        run.stdin.write(line("a.told"))
        run.stdin.flush()
        run.stdout.readline()
        os.kill(run.pid, signal.SIGINT)
        assert (run.wait(timeout=60), run.stderr.read()) == (130, b"")
