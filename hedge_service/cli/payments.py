"""`resolve-payment` and `payout`: what only a person decides about money."""

from __future__ import annotations

from contextlib import AsyncExitStack
from typing import TYPE_CHECKING

import click

from hedge_service.cli import ops
from hedge_service.cli.start import config_option, fail

if TYPE_CHECKING:
    from pathlib import Path

    from hedge_service.config import Config
    from hedge_service.flow.payment_resolving import Resolved

reason_option = click.option(
    "--reason", required=True, callback=ops.said, help="Why; kept with your name in the audit."
)


@click.command("resolve-payment")
@config_option
@click.argument("payment")
@click.option("--refund", is_flag=True, help="The money goes back; an open parlay of it is void.")
@click.option("--accept", is_flag=True, help="Sell its quote after all, or release its parlay.")
@reason_option
@ops.json_option
def resolve_payment(
    config_path: Path | None, payment: str, *, refund: bool, accept: bool, reason: str, as_json: bool
) -> None:
    """Decide about a parked PAYMENT, named by its event, payment intent, session or session digest.

    It is sold only when the whole price was paid, nothing of it went back, the quote is unsold and every
    leg's market is open now. A refund is asked of Stripe by the running service.

    \b
    Example: hedge-service resolve-payment evt_1A2b --refund --reason "paid twice"
    """  # noqa: D301 - click reads the control character
    if refund == accept:
        raise click.UsageError("Give either --refund or --accept.")
    config = ops.configured(config_path)
    from hedge_service.errors import CallerError  # noqa: PLC0415 - heavy imports only where they are used

    try:
        resolved = ops.attempted(lambda: _resolve(config, payment, accept=accept, reason=reason))
    except CallerError as error:
        fail(f"{error.error}. {error.details}", error.code)
    if as_json:
        ops.print_json(
            {
                "session": resolved.session,
                "outcome": resolved.outcome.value,
                "parlay_id": resolved.parlay_id,
            }
        )
    else:
        click.echo(f"payment {resolved.session}: {resolved.outcome.value.replace('_', ' ')}")


@click.command()
@config_option
@click.argument("user")
@click.option("--amount", required=True, help="Dollars, as 25.00.")
@click.option("--reference", required=True, callback=ops.said, help="The transfer's number: booked once.")
@reason_option
@ops.json_option
def payout(
    config_path: Path | None, user: str, *, amount: str, reference: str, reason: str, as_json: bool
) -> None:
    """Book winnings that were paid to USER outside this service, never more than the wallet holds.

    \b
    Example: hedge-service payout user_17_abc --amount 25.00 --reference wire-771 --reason "asked by mail"
    """  # noqa: D301 - click reads the control character
    from hedge_service.core.money import Money  # noqa: PLC0415
    from hedge_service.flow.paying_out import pay_out  # noqa: PLC0415
    from hedge_service.store.payouts import Overdrawn  # noqa: PLC0415

    config, by = ops.configured(config_path), ops.operator(reason)
    try:
        dollars = Money.of(amount)
        new, left = ops.write(
            config, lambda tx: pay_out(tx, user_id=user, amount=dollars, reference=reference, by=by)
        )
    except ValueError as error:
        raise click.UsageError(f"--amount: {error}") from None
    except Overdrawn as error:
        fail(str(error), "overdrawn")
    if as_json:
        ops.print_json({"reference": reference, "amount": str(dollars), "new": new, "wallet": str(left)})
    else:
        done = "booked" if new else "booked before, nothing changed"
        click.echo(f"payout {reference}: {done}; the wallet holds ${left}")


async def _resolve(config: Config, payment: str, *, accept: bool, reason: str) -> Resolved:
    from hedge_service.clock import SystemClock  # noqa: PLC0415
    from hedge_service.config import StripeMode  # noqa: PLC0415
    from hedge_service.flow.accepting import Accepting  # noqa: PLC0415
    from hedge_service.flow.payment_resolving import Resolving  # noqa: PLC0415
    from hedge_service.peers import open_exchange  # noqa: PLC0415

    clock = SystemClock()
    async with AsyncExitStack() as stack:
        database = await stack.enter_async_context(ops.opened(config))
        accepting = Accepting(
            database=database,
            exchange=await open_exchange(stack, config, clock),
            config=config,
            stripe_live=config.secrets.stripe_mode is StripeMode.LIVE,
            clock=clock,
        )
        resolving = Resolving(database=database, accepting=accepting)
        act = resolving.accept if accept else resolving.refund
        return await act(payment, ops.operator(reason))
