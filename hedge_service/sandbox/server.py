"""The sandbox as one process on one loopback port.

Kalshi under `/trade-api/v2`, Stripe and the model under `/v1`, control under `/sandbox`.
"""

from __future__ import annotations

import asyncio
import ipaddress
import json
import secrets
import signal
import sys
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from aiohttp import web
from yarl import URL

from hedge_service.sandbox.control import STOPPING, Clock
from hedge_service.sandbox.exchange import Exchange, exchange_control_routes, exchange_routes
from hedge_service.sandbox.exchange.auth import ApiKey, public_key_of
from hedge_service.sandbox.model import ModelStandIn, model_control_routes, model_routes
from hedge_service.sandbox.stripe import (
    DeliverySettings,
    StripeStandIn,
    pay_routes,
    stripe_control_routes,
    stripe_routes,
)
from hedge_service.sandbox.stripe.control import check_webhook_url

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Mapping

    from aiohttp.typedefs import Handler

_MAX_BODY = 4 * 1024 * 1024
_MAX_LINE = 64 * 1024
_SHUTDOWN_S = 1.0
_ERRORS_FROM = 400


@dataclass(frozen=True, slots=True, kw_only=True)
class Sandbox:
    """The three stand-ins that one service talks to."""

    exchange: Exchange
    stripe: StripeStandIn
    model: ModelStandIn


def build_sandbox(
    *,
    stripe_key: str,
    openai_key: str,
    kalshi_keys: Mapping[str, str],
    webhook_url: str | None = None,
    webhook_secret: str = "",
    seed: int | None = None,
    latency_s: float = 0.0,
    clock: Clock = time.time,
    monotonic: Clock = time.monotonic,
) -> Sandbox:
    """Make the stand-ins with their keys; `kalshi_keys` is key id -> public key in PEM.

    Without a seed each run makes other ids, so that a database outlives a restart of the sandbox.
    Raises ValueError for a webhook address that is not on loopback and for a key that is not one.
    """
    if webhook_url is not None:
        check_webhook_url(webhook_url)
    chosen = secrets.randbits(32) if seed is None else seed
    exchange = Exchange(clock=clock, monotonic=monotonic, seed=chosen)
    exchange.settings.latency_s = latency_s
    for key_id, public_pem in kalshi_keys.items():
        exchange.keys.register(ApiKey(key_id=key_id, public_key=public_key_of(public_pem)))
    delivery = DeliverySettings(url=webhook_url, secret=webhook_secret)
    return Sandbox(
        exchange=exchange,
        stripe=StripeStandIn(api_key=stripe_key, clock=clock, seed=chosen, delivery=delivery),
        model=ModelStandIn(api_key=openai_key, clock=clock),
    )


def create_sandbox_app(sandbox: Sandbox) -> web.Application:
    """Put the three stand-ins and their control endpoints into one application."""
    app = web.Application(middlewares=[_plain_errors, _own_pages_only], client_max_size=_MAX_BODY)
    app[STOPPING] = asyncio.Event()
    app.router.add_get("/sandbox/health", _health)
    app.add_routes(exchange_routes(sandbox.exchange))
    app.add_routes(exchange_control_routes(sandbox.exchange))
    app.add_routes(model_routes(sandbox.model))
    app.add_routes(model_control_routes(sandbox.model))
    app.add_routes(pay_routes(sandbox.stripe))
    app.add_routes(stripe_control_routes(sandbox.stripe))
    app.add_routes(stripe_routes(sandbox.stripe))

    async def run_stripe(_: web.Application) -> AsyncIterator[None]:
        async with sandbox.stripe:
            yield

    async def end_hangs(_: web.Application) -> None:
        app[STOPPING].set()
        sandbox.exchange.close()

    app.cleanup_ctx.append(run_stripe)
    app.on_shutdown.append(end_hangs)
    return app


async def run_sandbox(
    *,
    stripe_key: str,
    openai_key: str,
    kalshi_keys: Mapping[str, str],
    host: str = "127.0.0.1",
    port: int = 0,
    seed: int | None = None,
    webhook_url: str | None = None,
    webhook_secret: str = "",
    latency_s: float = 0.0,
    on_started: Callable[[str, int], None] | None = None,
) -> None:
    """Serve the sandbox until SIGTERM or SIGINT; port 0 takes a free one.

    Calls `on_started(host, port)` and then prints one line of JSON, once calls are answered.
    Raises ValueError for a host that is not loopback.
    """
    bound = loopback_host(host)
    sandbox = build_sandbox(
        stripe_key=stripe_key,
        openai_key=openai_key,
        kalshi_keys=kalshi_keys,
        webhook_url=webhook_url,
        webhook_secret=webhook_secret,
        seed=seed,
        latency_s=latency_s,
    )
    await serve_sandbox(sandbox, host=bound, port=port, on_started=on_started)


async def serve_sandbox(
    sandbox: Sandbox, *, host: str, port: int, on_started: Callable[[str, int], None] | None = None
) -> None:
    """Serve these stand-ins until SIGTERM or SIGINT."""
    stop = _stop_on_signals()
    runner = web.AppRunner(
        create_sandbox_app(sandbox),
        access_log=None,
        max_line_size=_MAX_LINE,
        max_field_size=_MAX_LINE,
        shutdown_timeout=_SHUTDOWN_S,
    )
    await runner.setup()
    try:
        await web.TCPSite(runner, loopback_host(host), port).start()
        bound_host, bound_port = runner.addresses[0][:2]
        if on_started is not None:
            on_started(bound_host, bound_port)
        _announce(bound_host, bound_port)
        await stop.wait()
    finally:
        await runner.cleanup()


def loopback_host(host: str) -> str:
    """Give the address to bind. Raises ValueError unless it is this machine's loopback."""
    if host == "localhost":
        return "127.0.0.1"
    try:
        is_loopback = ipaddress.ip_address(host).is_loopback
    except ValueError:
        is_loopback = False
    if not is_loopback:
        raise ValueError(f"the sandbox listens on loopback only, not on {host!r}")
    return host


def _announce(host: str, port: int) -> None:
    sys.stdout.write(json.dumps({"event": "sandbox.started", "host": host, "port": port}) + "\n")
    sys.stdout.flush()


def _stop_on_signals() -> asyncio.Event:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for name in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(name, stop.set)
    return stop


async def _health(_: web.Request) -> web.Response:
    return web.json_response({"status": "ok"})


@web.middleware
async def _plain_errors(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Say in JSON what aiohttp says in plain text: unknown paths, wrong methods, bodies too large."""
    try:
        return await handler(request)
    except web.HTTPException as error:
        if error.status < _ERRORS_FROM or error.content_type == "application/json":
            raise
        return web.json_response({"error": error.reason}, status=error.status)


@web.middleware
async def _own_pages_only(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Keep web pages from driving the control endpoints: only the pay page posts here."""
    origin = request.headers.get("Origin")
    if origin is not None and request.path.startswith("/sandbox/") and URL(origin).authority != request.host:
        return web.json_response({"error": "Other pages may not use the sandbox"}, status=403)
    return await handler(request)
