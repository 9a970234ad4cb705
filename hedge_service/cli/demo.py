"""`demo`: the whole flow on one machine, checked."""

from __future__ import annotations

import io
import json
import sys

import click

EXIT_FAILED = 1


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object at the end and nothing else.")
@click.option("--keep", is_flag=True, help="Keep the folder with the databases and event logs.")
@click.option(
    "--set",
    "given",
    multiple=True,
    metavar="HEDGE_SECTION__KEY=VALUE",
    help="Give the demo's service another setting; what is expected stays that of the defaults.",
)
def demo(*, as_json: bool, keep: bool, given: tuple[str, ...]) -> None:
    """Show the whole flow on this machine: a dry run, then orders on the sandbox's exchange.

    Exits 0 only if everything that is expected held, else 1.

    \b
    Example: hedge-service demo --set HEDGE_HEDGING__STRATEGY=delta
    """  # noqa: D301 - click reads the control character
    from hedge_service.demo.run import read_settings, run_demo  # noqa: PLC0415 - as the other commands
    from hedge_service.demo.table import Screen  # noqa: PLC0415

    try:
        settings = read_settings(given)
    except ValueError as error:
        raise click.UsageError(str(error)) from None
    result = run_demo(Screen(io.StringIO() if as_json else sys.stdout), settings=settings, keep=keep)
    if as_json:
        click.echo(json.dumps(result.wire(), indent=2, default=str))
    sys.exit(0 if result.held else EXIT_FAILED)
