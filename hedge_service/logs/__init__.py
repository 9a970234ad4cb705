"""Events as JSON lines on standard output, without secrets."""

from hedge_service.logs.listening import Listener, listening
from hedge_service.logs.redact import REDACTED, Redactor, digest, is_secret_name
from hedge_service.logs.render import Renderer, iso_utc
from hedge_service.logs.setup import (
    Clock,
    Logging,
    configure_logging,
    get_logger,
    handle_loop_error,
    log_context,
)
from hedge_service.logs.sink import Sink

__all__ = [
    "REDACTED",
    "Clock",
    "Listener",
    "Logging",
    "Redactor",
    "Renderer",
    "Sink",
    "configure_logging",
    "digest",
    "get_logger",
    "handle_loop_error",
    "is_secret_name",
    "iso_utc",
    "listening",
    "log_context",
]
