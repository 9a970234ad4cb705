"""`rehedge`: try again for what a parlay's plan did not buy."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from hedge_service.cli import ops
from hedge_service.cli.start import EXIT_FAILED, config_option

if TYPE_CHECKING:
    from pathlib import Path

    from hedge_service.flow.rehedging import Rehedged


@click.command()
@click.argument("parlay_id", metavar="PARLAY")
@click.option("--reason", default="asked for", callback=ops.said, show_default=True, help="Why; kept.")
@config_option
@ops.json_option
def rehedge(parlay_id: str, reason: str, config_path: Path | None, *, as_json: bool) -> None:
    """Make new orders for what is unhedged of an open parlay, within the plan's limit prices and the caps.

    The running service sends them. Ends with 1 when there is nothing to be ordered.

    \b
    Example: hedge-service rehedge par_0123456789abcdef0123456789abcdef
    """  # noqa: D301 - click reads the control character
    from hedge_service.flow.rehedging import rehedge_parlay  # noqa: PLC0415 - heavy imports where used

    config, by = ops.configured(config_path), ops.operator(reason)
    made = ops.write(config, lambda tx: rehedge_parlay(tx, parlay_id, config, by))
    if as_json:
        ops.print_json(_body(made))
    else:
        _show(made)
    if not made.intents:
        raise SystemExit(EXIT_FAILED)


def _body(made: Rehedged) -> dict[str, Any]:
    orders = [
        {
            "leg": intent.leg,
            "ticker": intent.ticker,
            "side": intent.side.value,
            "count": str(intent.count),
            "price": str(intent.price),
            "most_dollars": str(intent.max_cost),
        }
        for intent in made.intents
    ]
    return {"orders": orders, "skips": {str(leg): why.value for leg, why in made.skips.items()}}


def _show(made: Rehedged) -> None:
    for intent in made.intents:
        what = f"{intent.side.value} {intent.count} of {intent.ticker} at {intent.price}"
        click.echo(f"leg {intent.leg}: {what}, at most ${intent.max_cost}")
    for leg, why in made.skips.items():
        click.echo(f"leg {leg}: no order ({why.value})")
