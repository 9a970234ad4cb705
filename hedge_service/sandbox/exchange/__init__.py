"""A Kalshi-compatible exchange with one member account, served on loopback."""

from .control import exchange_control_routes
from .routes import exchange_routes
from .state import Exchange

__all__ = ["Exchange", "exchange_control_routes", "exchange_routes"]
