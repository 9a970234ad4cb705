"""`halt` and `resume`: the kill switch."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from hedge_service.cli import ops
from hedge_service.cli.start import config_option

if TYPE_CHECKING:
    from pathlib import Path

reason_option = click.option(
    "--reason", required=True, callback=ops.said, help="Why; kept with your name in the audit."
)


@click.command()
@config_option
@reason_option
@ops.json_option
def halt(config_path: Path | None, reason: str, *, as_json: bool) -> None:
    """Stop sending orders, at once and across restarts, until `resume`.

    Quotes and checkouts answer 503 meanwhile; look-ups, cancels, settlement and claims go on.

    \b
    Example: hedge-service halt --reason "exchange acts up"
    """  # noqa: D301 - click reads the control character
    from hedge_service.flow import operating  # noqa: PLC0415 - heavy imports only where they are used

    by = ops.operator(reason)
    before = ops.write(ops.configured(config_path), lambda tx: operating.halt(tx, by))
    if as_json:
        ops.print_json({"halted": True, "before": before})
        return
    click.echo("sending is halted" if before is None else f"sending stays halted; before: {before}")


@click.command()
@config_option
@reason_option
@ops.json_option
def resume(config_path: Path | None, reason: str, *, as_json: bool) -> None:
    """Send orders again, and accept what the halt was for.

    Every difference between our books and the exchange's that was a mismatch since the halt is accepted, by
    id and figure, and printed; `status` shows them beforehand. A new difference halts again.

    \b
    Example: hedge-service resume --reason "the two orders were sent by hand, checked with Ann"
    """  # noqa: D301 - click reads the control character
    from hedge_service.flow import operating  # noqa: PLC0415

    by = ops.operator(reason)
    resumed = ops.write(ops.configured(config_path), lambda tx: operating.resume(tx, by))
    if as_json:
        accepted = [one.sentence() for one in resumed.acknowledged]
        ops.print_json({"halted": False, "was": resumed.was, "accepted": accepted})
        return
    if resumed.was is None:
        click.echo("sending was not halted")
        return
    click.echo(f"sending is resumed; it was halted: {resumed.was}")
    for one in resumed.acknowledged:
        click.echo(f"accepted: {one.sentence()}")
