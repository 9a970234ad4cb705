"""`sandbox`."""

from __future__ import annotations

import asyncio
import errno
from pathlib import Path

import click

from hedge_service.cli.start import fail


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="Loopback only.")
@click.option("--port", default=4010, show_default=True, help="0 takes any free port.")
@click.option("--seed", type=int, help="Repeatable ids; use it with an empty database only.")
@click.option("--webhook-url", help="Where Stripe's webhooks go. Default: the service's usual address.")
@click.option(
    "--write-env",
    type=click.Path(path_type=Path),
    help="Write the environment a service needs against this sandbox (secrets included) to this file.",
)
def sandbox(host: str, port: int, seed: int | None, webhook_url: str | None, write_env: Path | None) -> None:
    """Serve stand-ins for Kalshi, Stripe and the model on loopback.

    \b
    Example: hedge-service sandbox --write-env .env
    and, in the same folder, hedge-service serve
    """  # noqa: D301 - click reads the control character
    from hedge_service.sandbox import credentials as made  # noqa: PLC0415
    from hedge_service.sandbox.server import run_sandbox  # noqa: PLC0415

    given = made.generate_credentials()

    def started(bound_host: str, bound_port: int) -> None:
        if write_env is not None:
            environment = made.service_environment(given, host=bound_host, port=bound_port)
            made.write_env_file(write_env, environment)

    try:
        asyncio.run(
            run_sandbox(
                stripe_key=given["STRIPE_API_KEY"],
                openai_key=given["OPENAI_API_KEY"],
                kalshi_keys=made.kalshi_keys_of(given),
                host=host,
                port=port,
                seed=seed,
                webhook_url=webhook_url or "http://127.0.0.1:4000/api/webhook",
                webhook_secret=given["STRIPE_WEBHOOK_SECRET"],
                on_started=started,
            )
        )
    except (ValueError, OSError) as error:
        if isinstance(error, OSError) and error.errno == errno.EADDRINUSE:
            fail(str(error), "port_in_use")
        raise click.UsageError(str(error)) from None
