"""The command line. Exit codes: 0 done, 1 failed, 2 wrong use or configuration, 70 a fault of ours."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import click

from hedge_service import __version__
from hedge_service.clock import SystemClock
from hedge_service.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from hedge_service.config import Config

EXIT_FAILED = 1
EXIT_USAGE = 2
EXIT_FAULT = 70

config_option = click.option(
    "--config",
    "config_path",
    type=click.Path(path_type=Path),
    help="Configuration file. Default: HEDGE_CONFIG, else ./config.toml if present.",
)


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="hedge-service")
def main() -> None:
    """Turn confirmed parlay payments into hedge orders on Kalshi."""


@main.command()
@config_option
@click.option("--live", is_flag=True, help="Consent to real orders; needed on production without dry run.")
def serve(config_path: Path | None, *, live: bool) -> None:
    r"""Serve the extension, Stripe's webhooks and the hedging until told to stop.

    Events go to standard output, one JSON object a line. SIGTERM and SIGINT stop cleanly within 15 s.

    \b
    Example: hedge-service serve --config config.toml
    """
    config = _load(config_path, live=live)
    log = _logging(config)
    from hedge_service.app import serve as run  # noqa: PLC0415 - heavy imports only where they are used

    _until_stopped(lambda stop: run(config, clock=SystemClock(), stop=stop, log=log), log)


@main.command()
@config_option
def migrate(config_path: Path | None) -> None:
    """Bring the database to this version's schema (serve does it, too)."""
    config = _load(config_path, live=False)
    from hedge_service.store import migrate as migrations  # noqa: PLC0415
    from hedge_service.store.db import Database  # noqa: PLC0415

    async def run() -> tuple[str | None, str]:
        async with Database(config.database.url) as database:
            return await database.write(migrations.upgrade)

    before, after = asyncio.run(run())
    click.echo(f"database: {before or 'empty'} -> {after}")


@main.command()
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
    r"""Serve stand-ins for Kalshi, Stripe and the model on loopback.

    \b
    Example: hedge-service sandbox --write-env .env
    and, in the same folder, hedge-service serve
    """
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
        raise click.UsageError(str(error)) from None


def _load(path: Path | None, *, live: bool) -> Config:
    from hedge_service.config import load_config  # noqa: PLC0415

    try:
        return load_config(path=path, environ=os.environ, cwd=Path.cwd(), live=live)
    except ConfigError as error:
        _refuse(error)


def _refuse(error: ConfigError) -> NoReturn:
    for problem in error.problems:
        click.echo(f"hedge-service: {problem}", err=True)
    sys.exit(EXIT_USAGE)


def _logging(config: Config) -> Any:
    from hedge_service.logs import Redactor, configure_logging, get_logger  # noqa: PLC0415

    configure_logging(sys.stdout, Redactor(config.secrets.values()), SystemClock().now)
    return get_logger()


def _until_stopped(run: Callable[[asyncio.Event], Coroutine[Any, Any, None]], log: Any) -> None:
    """Run until a signal or a fault; a fault is told on the log and ends with 70."""
    import uvloop  # noqa: PLC0415 - only servers need it

    async def supervised() -> None:
        stop = asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, stop.set)
        await run(stop)

    try:
        uvloop.run(supervised())
    except ConfigError as error:
        _refuse(error)
    except OSError as error:
        log.critical("service.failed", reason=str(error))
        click.echo(f"hedge-service: {error}", err=True)
        sys.exit(EXIT_FAILED)
    except BaseException:
        log.critical("service.failed", exc_info=True)
        sys.exit(EXIT_FAULT)
