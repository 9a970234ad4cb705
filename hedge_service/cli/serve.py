"""`serve`."""

from __future__ import annotations

import asyncio
import errno
import os
import signal
import sys
from typing import TYPE_CHECKING, Any

import click

from hedge_service.cli.start import EXIT_FAULT, config_option, fail, load, logging_of, refuse
from hedge_service.clock import SystemClock
from hedge_service.collector import loading
from hedge_service.crash import armed, ignore
from hedge_service.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine
    from pathlib import Path


@click.command()
@config_option
@click.option("--live", is_flag=True, help="Consent to real orders; needed on production without dry run.")
def serve(config_path: Path | None, *, live: bool) -> None:
    """Serve the extension, Stripe's webhooks and the hedging until told to stop.

    Events go to standard output, one JSON object a line. SIGTERM and SIGINT stop cleanly within 15 s.

    \b
    Example: hedge-service serve --config config.toml
    """  # noqa: D301 - click reads the control character
    config = load(config_path, live=live)
    log = logging_of(config)
    # Heavy imports only where they are used.
    with loading():
        from hedge_service.app import serve as run  # noqa: PLC0415
        from hedge_service.config import Environment  # noqa: PLC0415

    # A kill switch for tests has no business near real money.
    on_sandbox = config.kalshi.environment is Environment.SANDBOX
    probe = armed(os.environ) if on_sandbox else ignore
    _until_stopped(lambda stop: run(config, clock=SystemClock(), stop=stop, log=log, probe=probe), log)


def _until_stopped(run: Callable[[asyncio.Event], Coroutine[Any, Any, None]], log: Any) -> None:
    """Run until a signal or a fault; a fault is told on the log and ends with 70."""
    import uvloop  # noqa: PLC0415 - only servers need it

    from hedge_service.store.db import StoreUnavailable  # noqa: PLC0415

    async def supervised() -> None:
        stop = asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, stop.set)
        await run(stop)

    try:
        uvloop.run(supervised())
    except ConfigError as error:
        refuse(error)
    except StoreUnavailable as error:
        log.critical("service.failed", reason=str(error), code="store_unavailable")
        fail(f"the database can't be used: {error}", "store_unavailable")
    except OSError as error:
        code = "port_in_use" if error.errno == errno.EADDRINUSE else "service_failed"
        log.critical("service.failed", reason=str(error), code=code)
        fail(str(error), code)
    except BaseException:
        log.critical("service.failed", exc_info=True)
        sys.exit(EXIT_FAULT)
