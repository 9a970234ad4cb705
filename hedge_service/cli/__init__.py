"""The command line. Exit codes: 0 done, 1 failed, 2 wrong use or configuration, 70 a fault of ours."""

from __future__ import annotations

import click

from hedge_service import __version__
from hedge_service.cli.backup import backup
from hedge_service.cli.check import check
from hedge_service.cli.demo import demo
from hedge_service.cli.explain import explain
from hedge_service.cli.exposure import exposure
from hedge_service.cli.halting import halt, resume
from hedge_service.cli.logs import logs
from hedge_service.cli.parked import parked, resolve
from hedge_service.cli.payments import payout, resolve_payment
from hedge_service.cli.plan import plan
from hedge_service.cli.reconcile import reconcile
from hedge_service.cli.rehedge import rehedge
from hedge_service.cli.replay import replay
from hedge_service.cli.report import report
from hedge_service.cli.sandbox import sandbox
from hedge_service.cli.serve import migrate, serve
from hedge_service.cli.simulate import simulate
from hedge_service.cli.status import status


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
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
