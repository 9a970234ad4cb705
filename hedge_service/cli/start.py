"""How every command starts: the configuration, the log, and how wrong use ends."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import click

from hedge_service.clock import SystemClock
from hedge_service.errors import ConfigError
from hedge_service.failures import link

if TYPE_CHECKING:
    from hedge_service.config import Config

EXIT_FAILED = 1
EXIT_USAGE = 2
EXIT_FAULT = 70
EXIT_INTERRUPTED = 130

config_option = click.option(
    "--config",
    "config_path",
    type=click.Path(path_type=Path),
    help="Configuration file. Default: HEDGE_CONFIG, else ./config.toml if present.",
)


def load(path: Path | None, *, live: bool, keyless: bool = False) -> Config:
    """Load the configuration, or end with 2 and one readable line for each problem."""
    from hedge_service.config import load_config  # noqa: PLC0415

    try:
        return load_config(path=path, environ=os.environ, cwd=Path.cwd(), live=live, keyless=keyless)
    except ConfigError as error:
        refuse(error)


def refuse(error: ConfigError) -> NoReturn:
    """Tell each problem on standard error and end with 2."""
    for problem in error.problems:
        click.echo(f"hedge-service: {problem}", err=True)
    point_to(error.code)
    sys.exit(EXIT_USAGE)


def fail(message: str, code: str) -> NoReturn:
    """Tell what went wrong and where it is explained on standard error, and end with 1."""
    click.echo(f"hedge-service: {message}", err=True)
    point_to(code)
    sys.exit(EXIT_FAILED)


def wrong(message: str, code: str = "wrong_use") -> NoReturn:
    """Tell in one line what is wrong with what was typed, and where it is explained, and end with 2."""
    click.echo(f"hedge-service: {message}", err=True)
    point_to(code)
    sys.exit(EXIT_USAGE)


def point_to(code: str) -> None:
    """Say on standard error where a code is explained."""
    click.echo(f"hedge-service: see {link(code)}", err=True)


def logging_of(config: Config) -> Any:
    """Send events to standard output without any secret of the configuration."""
    from hedge_service.logs import Redactor, configure_logging, get_logger  # noqa: PLC0415

    configure_logging(sys.stdout, Redactor(config.secrets.values()), SystemClock().now)
    return get_logger()
