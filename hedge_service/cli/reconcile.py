"""`reconcile`: our books against the exchange's, now."""

from __future__ import annotations

import sys
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Any

import click

from hedge_service.cli import ops
from hedge_service.cli.start import EXIT_FAILED, config_option, fail
from hedge_service.clock import SystemClock

if TYPE_CHECKING:
    from pathlib import Path

    from hedge_service.config import Config
    from hedge_service.flow.reconcile import Report


@click.command()
@click.option("--reason", default="asked for", callback=ops.said, show_default=True, help="Why; kept.")
@config_option
@ops.json_option
def reconcile(config_path: Path | None, reason: str, *, as_json: bool) -> None:
    """Compare orders, executions, positions and settlements with the exchange; a mismatch halts sending.

    Everything is read, archives included. What differs is looked at twice. Ends with 1 when anything differs.

    \b
    Example: hedge-service reconcile
    """  # noqa: D301 - click reads the control character
    config = ops.configured(config_path)
    report: Report | None = ops.attempted(lambda: _run(config, reason))
    if report is None:
        fail("the books are not open yet: no live service has read the exchange", "books_not_open")
    if as_json:
        ops.print_json(_body(report))
    else:
        _show(report)
    if report.outcome.differences:
        sys.exit(EXIT_FAILED)


async def _run(config: Config, reason: str) -> Report | None:
    from hedge_service.flow.reconcile import Reconciler  # noqa: PLC0415
    from hedge_service.flow.reconcile_now import reconcile_now  # noqa: PLC0415
    from hedge_service.logs import Redactor, configure_logging, get_logger  # noqa: PLC0415
    from hedge_service.peers import open_exchange  # noqa: PLC0415 - heavy imports only where they are used

    clock = SystemClock()
    # Standard output is the answer's.
    configure_logging(sys.stderr, Redactor(config.secrets.values()), clock.now)
    async with AsyncExitStack() as stack:
        database = await stack.enter_async_context(ops.opened(config))
        reconciler = Reconciler(
            database=database,
            reads=await open_exchange(stack, config, clock),
            clock=clock,
            quiet_s=config.kalshi.quiet_s,
            log=get_logger(),
        )
        return await reconcile_now(database, reconciler, ops.operator(reason), clock.sleep)


def _body(report: Report) -> dict[str, Any]:
    from hedge_service.web.ops import bodies  # noqa: PLC0415 - the page tells the same

    return bodies.reconciliation(report)


def _show(report: Report) -> None:
    read = _body(report)["read"]
    click.echo(", ".join(f"{count} {name.replace('_', ' ')}" for name, count in read.items()))
    for one in report.outcome.differences:
        click.echo(f"{'MISMATCH' if one in report.outcome.mismatch else 'differs'}: {one.sentence()}")
    for client_order_id in report.comparison.found:
        click.echo(f"in doubt here, held by the exchange: {client_order_id} (a running service books it)")
    click.echo(report.outcome.result.value)
