"""`check`: everything that should be right before going live."""

from __future__ import annotations

import asyncio
import sys
from typing import TYPE_CHECKING

import click

from hedge_service.cli import ops
from hedge_service.cli.start import EXIT_FAILED, config_option
from hedge_service.clock import SystemClock

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from hedge_service.checks.findings import Finding
    from hedge_service.config import Config

COLOURS = {"pass": "green", "warn": "yellow", "fail": "bold red"}


@click.command()
@config_option
@ops.json_option
def check(config_path: Path | None, *, as_json: bool) -> None:
    """Check everything before going live: configuration, database, exchange, payments, model, doors.

    It sends no order and changes nothing, but for one marked event in the inbox of a service that runs: a
    webhook signed as Stripe signs it. The model is asked one question.

    Ends with 0 when nothing fails (warnings do not count), 1 when something does, 2 for a wrong
    configuration.

    \b
    Examples:
      hedge-service check
      hedge-service check --config config.toml --json
    """  # noqa: D301 - click reads the control character
    findings = _run(ops.configured(config_path), quiet=as_json)
    worst = any(one.verdict == "fail" for one in findings)
    if as_json:
        ops.print_json({"ok": not worst, "checks": [one.as_json() for one in findings]})
    else:
        _show(findings)
    sys.exit(EXIT_FAILED if worst else 0)


def _run(config: Config, *, quiet: bool) -> Sequence[Finding]:
    from rich.console import Console  # noqa: PLC0415 - heavy imports only where they are used

    from hedge_service.checks.run import run_checks  # noqa: PLC0415

    work = run_checks(config, SystemClock())
    console = Console(stderr=True)
    if quiet or not console.is_terminal:
        return asyncio.run(work)
    with console.status("Checking"):
        return asyncio.run(work)


def _show(findings: Sequence[Finding]) -> None:
    from rich.console import Console  # noqa: PLC0415 - only for people
    from rich.table import Table  # noqa: PLC0415
    from rich.text import Text  # noqa: PLC0415

    table = Table("check", "", "found", "what to do", show_lines=False)
    for one in findings:
        # As Text: what was found may hold signs that rich would read as markup.
        verdict = Text(one.verdict.value, style=COLOURS[one.verdict.value])
        table.add_row(Text(one.check), verdict, Text(one.found), Text(one.todo))
    Console(highlight=False).print(table)
    counts = {word: sum(one.verdict == word for one in findings) for word in COLOURS}
    click.echo(", ".join(f"{count} {word}" for word, count in counts.items()))
