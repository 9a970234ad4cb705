"""Contradictions: values that are each allowed but make no sense together."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hedge_service.config.addresses import DEMO_DOMAIN, PRODUCTION_DOMAIN, host_of, is_loopback, is_within
from hedge_service.config.model import Environment
from hedge_service.config.secrets import STRIPE_KEY, StripeMode, kalshi_prefix

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hedge_service.config.model import Kalshi, Limits, Settings
    from hedge_service.config.secrets import Secrets


def contradictions(settings: Settings, secrets: Secrets, *, live: bool, keyless: bool) -> Iterator[str]:
    """Tell each contradiction in one line; `keyless`: for a reader, who needs no keys to send orders."""
    if not keyless:
        yield from _keys_to_send(settings.kalshi, secrets)
    yield from _real_orders(settings.kalshi, live=live)
    yield from _right_exchange(settings.kalshi)
    yield from _same_money(settings.kalshi, secrets)
    yield from _windows(settings)
    yield from _caps(settings.limits)
    if settings.service.port == settings.ops.port != 0:
        yield f"ops.port: {settings.ops.port} is service.port too; allowed: one of its own, or 0 for any free"


def _keys_to_send(kalshi: Kalshi, secrets: Secrets) -> Iterator[str]:
    if kalshi.dry_run:
        return
    prefix = kalshi_prefix(kalshi.environment)
    if secrets.kalshi_api_key is None:
        yield f"kalshi.dry_run: false needs {prefix}API_KEY; allowed: give it, or dry_run = true"
    if secrets.kalshi_private_key is None:
        yield (
            f"kalshi.dry_run: false needs {prefix}PRIVATE_KEY or {prefix}PRIVATE_KEY_PATH; "
            "allowed: give one, or dry_run = true"
        )


def _real_orders(kalshi: Kalshi, *, live: bool) -> Iterator[str]:
    if kalshi.environment is Environment.PRODUCTION and not kalshi.dry_run and not live:
        yield (
            "kalshi.environment: production with dry_run = false spends real money; "
            "allowed: `serve --live`, or dry_run = true"
        )


def _right_exchange(kalshi: Kalshi) -> Iterator[str]:
    """Keep an environment's name true: the keys, the database and `--live` go by it."""
    host = host_of(kalshi.base_url)
    if kalshi.environment is Environment.SANDBOX:
        if not is_loopback(host):
            yield (
                "kalshi.base_url: the sandbox environment needs the sandbox's own address; "
                "allowed: http://127.0.0.1:PORT/trade-api/v2"
            )
    elif kalshi.environment is Environment.DEMO and is_within(host, PRODUCTION_DOMAIN):
        yield "kalshi.base_url: is the production exchange; allowed with environment = demo: any other"
    elif kalshi.environment is Environment.PRODUCTION and is_within(host, DEMO_DOMAIN):
        yield "kalshi.base_url: is the demo exchange; allowed with environment = production: any other"


def _same_money(kalshi: Kalshi, secrets: Secrets) -> Iterator[str]:
    """Keep real payments and real hedges together: one without the other is a loss or a fraud."""
    key = secrets.stripe_api_key
    if key is None or not key.get_secret_value().startswith(("sk_", "rk_")):
        return  # none, or no secret key at all, which is told already
    production = kalshi.environment is Environment.PRODUCTION
    if secrets.stripe_mode is StripeMode.LIVE and not production:
        yield (
            f"{STRIPE_KEY}: is a live key, but {kalshi.environment.value} hedges with play money; "
            "allowed: a test key (sk_test_..., rk_test_...)"
        )
    if secrets.stripe_mode is StripeMode.TEST and production:
        yield (
            f"{STRIPE_KEY}: is a test key, but production hedges with real money; "
            "allowed: a live key (sk_live_..., rk_live_...), or none"
        )


def _windows(settings: Settings) -> Iterator[str]:
    pricing = settings.pricing
    if pricing.quote_ttl_s > pricing.payment_window_s:
        yield (
            f"pricing.quote_ttl_s: {pricing.quote_ttl_s:g} is longer than payment_window_s; "
            f"allowed: at most {pricing.payment_window_s:g}"
        )


def _caps(limits: Limits) -> Iterator[str]:
    for smaller, larger in (
        ("max_order_dollars", "max_parlay_hedge_dollars"),
        ("max_parlay_hedge_dollars", "max_day_hedge_dollars"),
        ("max_stake_dollars", "max_payout_dollars"),
        ("max_payout_dollars", "max_open_payout_dollars"),
    ):
        low, high = getattr(limits, smaller), getattr(limits, larger)
        if low > high:
            yield f'limits.{smaller}: "{low}" is more than {larger}; allowed: at most "{high}"'
