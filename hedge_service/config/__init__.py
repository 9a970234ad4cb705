"""The configuration: frozen, validated, and its secrets never printed."""

from hedge_service.config.load import Config, Mode, load_config
from hedge_service.config.model import (
    Currency,
    Database,
    Environment,
    Hedging,
    Kalshi,
    Limits,
    OnUnhedged,
    OpenAI,
    Ops,
    Pricing,
    RateLimit,
    RateSource,
    Service,
    Strategy,
    Stripe,
    Tier,
    TimeInForce,
    VoidLeg,
)
from hedge_service.config.secrets import Secrets, StripeMode
from hedge_service.errors import ConfigError

__all__ = [
    "Config",
    "ConfigError",
    "Currency",
    "Database",
    "Environment",
    "Hedging",
    "Kalshi",
    "Limits",
    "Mode",
    "OnUnhedged",
    "OpenAI",
    "Ops",
    "Pricing",
    "RateLimit",
    "RateSource",
    "Secrets",
    "Service",
    "Strategy",
    "Stripe",
    "StripeMode",
    "Tier",
    "TimeInForce",
    "VoidLeg",
    "load_config",
]
