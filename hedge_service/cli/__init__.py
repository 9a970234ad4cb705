"""The command line: every command, and what its exit codes mean."""

from __future__ import annotations

from typing import Any

import click

from hedge_service import __version__
from hedge_service.cli.backup import backup
from hedge_service.cli.check import check
from hedge_service.cli.demo import demo
from hedge_service.cli.explain import explain
from hedge_service.cli.exposure import exposure
from hedge_service.cli.halting import halt, resume
from hedge_service.cli.logs import logs
from hedge_service.cli.migrate import migrate
from hedge_service.cli.parked import parked, resolve
from hedge_service.cli.payments import payout, resolve_payment
from hedge_service.cli.plan import plan
from hedge_service.cli.reconcile import reconcile
from hedge_service.cli.rehedge import rehedge
from hedge_service.cli.replay import replay
from hedge_service.cli.report import report
from hedge_service.cli.sandbox import sandbox
from hedge_service.cli.serve import serve
from hedge_service.cli.simulate import simulate
from hedge_service.cli.start import EXIT_FAILED, EXIT_FAULT, EXIT_INTERRUPTED, EXIT_USAGE
from hedge_service.cli.status import status

EXIT_CODES = {
    0: "done",
    EXIT_FAILED: "failed",
    EXIT_USAGE: "wrong use or configuration",
    EXIT_FAULT: "a fault of ours",
    EXIT_INTERRUPTED: "broken off by Ctrl-C",
}


class Commands(click.Group):
    """The commands; one that is broken off says nothing more, and ends as the shell expects it."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command that was asked for."""
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            ctx.exit(EXIT_INTERRUPTED)


@click.group(
    cls=Commands,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog=f"Exit codes: {', '.join(f'{code} {meaning}' for code, meaning in EXIT_CODES.items())}.",
)
@click.version_option(__version__, prog_name="hedge-service")
def main() -> None:
    """Turn confirmed parlay payments into hedge orders on Kalshi."""


for command in (
    serve,
    sandbox,
    demo,
    check,
    migrate,
    backup,
    report,
    resolve_payment,
    payout,
    halt,
    resume,
    status,
    parked,
    resolve,
    rehedge,
    reconcile,
    exposure,
    replay,
    explain,
    logs,
    plan,
    simulate,
):
    main.add_command(command)
