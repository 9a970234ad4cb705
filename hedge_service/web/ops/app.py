"""The operators' listener put together."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aiohttp import web

from hedge_service import __version__
from hedge_service.config import StripeMode
from hedge_service.flow.accepting import Accepting
from hedge_service.flow.payment_resolving import Resolving
from hedge_service.flow.reconcile import Reconciler
from hedge_service.store.identity import account_name
from hedge_service.web.ops import doors, guards, live, pages, render
from hedge_service.web.ops.access import Door, Sessions, Tokens
from hedge_service.web.ops.keys import DESK, Desk
from hedge_service.web.ops.live import WATCH, Watch
from hedge_service.web.ops.metrics import METRICS, SCRAPING, metrics
from hedge_service.web.ops.middleware import MIDDLEWARES
from hedge_service.web.ops.recent import Recent

if TYPE_CHECKING:
    from collections.abc import Callable

    from hedge_service.clients.kalshi.client import KalshiClient
    from hedge_service.clock import Clock
    from hedge_service.config import Config
    from hedge_service.store.db import Database
    from hedge_service.web.keys import Readiness
    from hedge_service.web.ops.keys import Nudges
    from hedge_service.web.ops.metrics import Scraping


def ops_application(desk: Desk, scraping: Scraping | None = None) -> web.Application:
    """Make the application of the operators' listener; `scraping` None: without figures for monitoring."""
    app = web.Application(middlewares=MIDDLEWARES, client_max_size=doors.MAX_BODY_BYTES)
    app[DESK] = desk
    app[WATCH] = Watch(desk)
    app.on_shutdown.append(live.stop)
    app.add_routes([*pages.routes(), *doors.routes()])
    if scraping is not None:
        app[SCRAPING] = scraping
        app.add_routes([web.get(METRICS, metrics, allow_head=False)])
    return app


def open_desk(
    *,
    config: Config,
    database: Database,
    clock: Clock,
    log: Any,
    exchange: KalshiClient,
    readiness: Readiness,
    nudges: Nudges,
    new_id: Callable[[], str],
    new_secret: Callable[[], str],
) -> Desk:
    """Compose what the operators' listener works with. `new_secret` gives unguessable text of 256 bits."""
    tokens = Tokens(config.secrets.ops_tokens)
    accepting = Accepting(
        database=database,
        exchange=exchange,
        config=config,
        stripe_live=config.secrets.stripe_mode is StripeMode.LIVE,
        clock=clock,
    )
    return Desk(
        config=config,
        exchange=exchange,
        database=database,
        clock=clock,
        log=log,
        account=account_name(config),
        version=__version__,
        new_id=new_id,
        readiness=readiness,
        resolving=Resolving(database=database, accepting=accepting),
        reconciler=Reconciler(
            database=database, reads=exchange, clock=clock, quiet_s=config.kalshi.quiet_s, log=log
        ),
        nudges=nudges,
        tokens=tokens,
        login=Door(tokens, clock),
        bearer=Door(tokens, clock),
        sessions=Sessions(clock, new_secret),
        hosts=guards.own_hosts(config.ops.host, config.ops.public_url),
        templates=render.environment(),
        recent=Recent(clock),
    )
