"""`parked` and `resolve`: the orders that only a person may end."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from hedge_service.cli import ops
from hedge_service.cli.amounts import CONTRACTS, DOLLARS, PRICE
from hedge_service.cli.parked_payments import parked_payment_body, parked_payments, show_parked_payment
from hedge_service.cli.start import config_option
from hedge_service.clock import SystemClock
from hedge_service.core.money import Money

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    from hedge_service.core.money import Count, Price
    from hedge_service.store.overview import ParkedOrder

OUTCOMES = ("filled", "absent")


@click.command()
@config_option
@ops.json_option
def parked(config_path: Path | None, *, as_json: bool) -> None:
    """List the orders whose outcome the exchange has not proved, and the payments that bought nothing.

    Each order is still looked up once a minute and ends by itself when the exchange shows it; each comes
    with what was tried, and how to end it; each payment with its refund, if one is due.

    \b
    Example: hedge-service parked
    """  # noqa: D301 - click reads the control character
    from hedge_service.store.overview import parked_orders  # noqa: PLC0415 - heavy imports where used

    found, paid = ops.read(ops.configured(config_path), lambda tx: (parked_orders(tx), parked_payments(tx)))
    now = SystemClock().now()
    if as_json:
        told = [parked_payment_body(one, now) for one in paid]
        ops.print_json({"parked": [_body(one) for one in found], "payments": told})
        return
    for one in found:
        _show(one, now)
    for payment in paid:
        show_parked_payment(payment, now)
    _count(len(found), len(paid))


def _count(orders: int, payments: int) -> None:
    told = [f"{count} parked {noun}" for count, noun in ((orders, "orders"), (payments, "payments")) if count]
    click.echo(", ".join(told) or "nothing is parked")


@click.command()
@click.argument("client_order_id", metavar="ID")
@click.option(
    "--as", "outcome", required=True, type=click.Choice(["filled", "absent"]), help="What it came to."
)
@click.option("--evidence", required=True, callback=ops.said, help="What you saw, and where.")
@click.option("--count", type=CONTRACTS, help="Contracts filled.")
@click.option("--price", type=PRICE, help="Average YES price in dollars, as the exchange shows it.")
@click.option("--fees", type=DOLLARS, help="Fees in dollars, all together. Default: 0.")
@click.option("--order-id", help="The exchange's id; its executions are then fetched and booked.")
@config_option
@ops.json_option
def resolve(
    client_order_id: str,
    outcome: str,
    evidence: str,
    config_path: Path | None,
    *,
    as_json: bool,
    **figures: Any,
) -> None:
    """End a parked order on your word: filled, with its figures, or absent (the exchange has no such order).

    \b
    Examples:
      hedge-service resolve hs-... --as absent --evidence "not among the account's orders, checked 12:05 UTC"
      hedge-service resolve hs-... --as filled --count 3 --price 0.67 --evidence "order page, 3 at 67 cents"
    """  # noqa: D301 - click reads the control character
    said = None
    if outcome == "filled":
        said = _filled(**figures)
    else:
        _refuse(**figures)
    from hedge_service.flow.parked_orders import resolve as act  # noqa: PLC0415

    config, by = ops.configured(config_path), ops.operator(evidence)
    most = config.hedging.max_attempts
    ended = ops.write(config, lambda tx: act(tx, client_order_id, said, by, max_attempts=most))
    if as_json:
        ops.print_json({"state": ended.state.value, "filled": str(ended.filled), "count": str(ended.count)})
        return
    click.echo(f"{client_order_id} is {ended.state.value}, {ended.filled} of {ended.count} filled")


def _filled(*, count: Count | None, price: Price | None, fees: Money | None, order_id: str | None) -> Any:
    from hedge_service.flow.parked_orders import SaidFilled  # noqa: PLC0415

    if count is None or price is None:
        raise click.UsageError("--as filled needs --count and --price")
    paid = Money.ZERO if fees is None else fees
    return SaidFilled(count=count, price=price, fees=paid, order_id=order_id)


def _refuse(**figures: object) -> None:
    given = [name for name, value in figures.items() if value is not None]
    if given:
        raise click.UsageError(f"--as absent takes no --{given[0].replace('_', '-')}")


def _body(one: ParkedOrder) -> dict[str, Any]:
    intent, attempt = one.intent, one.attempt
    return {
        "client_order_id": attempt.client_order_id,
        "parlay_id": intent.parlay_id,
        "leg": intent.leg,
        "ticker": intent.ticker,
        "side": intent.side.value,
        "count": str(attempt.count),
        "price": str(intent.price),
        "reserved_dollars": str(intent.max_cost),
        "first_sent_at": ops.moment(attempt.first_sent_at),
        "last_sent_at": ops.moment(attempt.last_sent_at),
        "sends": attempt.sends,
        "tried": [
            {"at": ops.moment(tried.at), "event": tried.event, "evidence": tried.evidence}
            for tried in one.tried
        ],
        "commands": {"filled": _command(one, "filled"), "absent": _command(one, "absent")},
    }


def _command(one: ParkedOrder, outcome: str) -> str:
    figures = ""
    if outcome == "filled":
        # Without the id an execution that shows later is taken for a further one, and booked again.
        figures = f' --count {one.attempt.count} --price {one.intent.price} --order-id "..."'
    return f'hedge-service resolve {one.attempt.client_order_id} --as {outcome}{figures} --evidence "..."'


def _show(one: ParkedOrder, now: datetime) -> None:
    intent, attempt = one.intent, one.attempt
    bought = f"{intent.side.value} {attempt.count} of {intent.ticker} at {intent.price} (YES)"
    sent = attempt.first_sent_at
    since = "" if sent is None else f", first sent {sent:%Y-%m-%d %H:%M:%S} UTC, {ops.age(now - sent)} ago"
    click.echo(f"{attempt.client_order_id}: {bought}{since}, parlay {intent.parlay_id}")
    for tried in one.tried:
        known = [(name, value) for name, value in tried.evidence.items() if value is not None and value != ""]
        why = ", ".join(f"{name} {value}" for name, value in known)
        click.echo(f"  {tried.at:%H:%M:%S} {tried.event}: {why}")
    click.echo(f"  the exchange has it:     {_command(one, 'filled')}")
    click.echo(f"  the exchange has it not: {_command(one, 'absent')}")
