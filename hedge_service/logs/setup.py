"""Put every event, ours and the libraries', warnings and tracebacks included, through one renderer."""

from __future__ import annotations

import logging
import sys
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, TextIO, cast

from hedge_service.failures import link_of_line
from hedge_service.imports import leaving_out
from hedge_service.logs.listening import heard
from hedge_service.logs.render import Renderer, exception_fields
from hedge_service.logs.sink import Sink

# It would load `rich` to colour what is written here in lines of JSON.
with leaving_out("rich"):
    import structlog
    from structlog.contextvars import bound_contextvars, get_contextvars, merge_contextvars

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable, Mapping
    from contextlib import AbstractContextManager
    from datetime import datetime
    from types import TracebackType

    from structlog.typing import FilteringBoundLogger

    from hedge_service.logs.redact import Redactor

# These lines want a person: each says where its failure is explained.
_EXPLAINED = frozenset({"error", "critical"})
# They tell each request they make or serve, which the service tells better and without addresses.
_CHATTY = ("aiohttp.access", "alembic", "httpx", "httpx2", "httpcore", "openai", "stripe")


_bound: FilteringBoundLogger | None = None


class _Current:
    """The logger in force whenever it is called, which may be another than when it was asked for."""

    def __getattr__(self, name: str) -> Any:
        return getattr(structlog.get_logger() if _bound is None else _bound, name)


_CURRENT = _Current()


class Clock(Protocol):
    """Gives the present moment, in UTC."""

    def __call__(self) -> datetime:
        """Give the moment."""
        ...


class _Pipe:
    """Completes an event with its moment and writes it."""

    def __init__(self, stream: TextIO, redactor: Redactor, clock: Clock) -> None:
        self._clock = clock
        self._renderer = Renderer(redactor)
        self._sink = Sink(stream, self._dropped)

    def emit(self, level: str, event: str, fields: Mapping[str, object]) -> None:
        head = {"level": level, "event": event}
        docs = {"docs": link_of_line(event, fields)} if level in _EXPLAINED else {}
        self._sink.write(self._renderer.line(self._clock(), {**head, **_ordered(fields), **docs}))
        heard(level, event, fields)

    def _dropped(self, count: int) -> bytes:
        head = {"level": "error", "event": "log.dropped"}
        docs = link_of_line("log.dropped", {})
        return self._renderer.line(self._clock(), {**head, "count": count, "docs": docs})


def _ordered(fields: Mapping[str, object]) -> dict[str, object]:
    """Put the ids that tie events together first; a field can't take the name of the head."""
    ids = {key: fields[key] for key in ("request_id", "parlay_id") if key in fields}
    rest = {f"{key}_" if key in {"timestamp", "level", "event"} else key: fields[key] for key in fields}
    return {**ids, **rest}


def _error_of(exc_info: object) -> BaseException | None:
    if isinstance(exc_info, BaseException):
        return exc_info
    if isinstance(exc_info, tuple):
        return cast("BaseException | None", exc_info[1])
    return sys.exc_info()[1] if exc_info else None


class _Writer:
    """What structlog's loggers end in: the renderer wants the event as it is, not as text."""

    def __init__(self, pipe: _Pipe) -> None:
        self._pipe = pipe

    def msg(self, *, level: str, event: str, fields: dict[str, object]) -> None:
        error = _error_of(fields.pop("exc_info", None))
        told = {} if error is None else exception_fields(error)
        self._pipe.emit(level, event, {**fields, **told})

    debug = info = warning = error = critical = exception = msg


def _arguments(_logger: object, method: str, event_dict: Any) -> tuple[tuple[()], dict[str, object]]:
    level = "error" if method == "exception" else method
    return (), {"level": level, "event": str(event_dict.pop("event", "")), "fields": event_dict}


class _LibraryHandler(logging.Handler):
    """Turns records of the standard library's loggers into `log.emitted`."""

    def __init__(self, pipe: _Pipe) -> None:
        super().__init__()
        self._pipe = pipe

    def emit(self, record: logging.LogRecord) -> None:
        """Write one record. Never raises."""
        fields: dict[str, object] = {
            **get_contextvars(),
            "logger": record.name,
            "message": _message(record),
        }
        error = _error_of(record.exc_info)
        if error is not None:
            fields |= exception_fields(error)
        self._pipe.emit(record.levelname.lower(), "log.emitted", fields)


def _message(record: logging.LogRecord) -> str:
    try:
        return record.getMessage()
    except Exception:  # noqa: BLE001 - a library's wrong format string is no reason to lose its record
        return str(record.msg)


@dataclass(frozen=True, slots=True, kw_only=True)
class Logging:
    """The logging in force; `restore` puts back what was there before, for tests."""

    restore: Callable[[], None]


def configure_logging(
    stream: TextIO, redactor: Redactor, clock: Clock, *, level: int = logging.INFO
) -> Logging:
    """Send all events to `stream`, one JSON object a line, without what the redactor knows.

    Takes over structlog, the root logger, warnings, and the hooks for uncaught exceptions.
    Writing never raises: see `hedge_service.logs.sink`.
    """
    global _bound  # structlog's own configuration is the process's, too
    pipe = _Pipe(stream, redactor, clock)
    before = structlog.get_config() if structlog.is_configured() else None
    structlog.configure(
        processors=[merge_contextvars, _arguments],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=lambda *_args: _Writer(pipe),
        cache_logger_on_first_use=False,
    )
    # Made once: to bind a logger takes about as long as to write its line.
    outer, _bound = _bound, structlog.get_logger().bind()
    undo = [_take_libraries(_LibraryHandler(pipe), level), _take_hooks(pipe)]

    def restore() -> None:
        global _bound  # noqa: PLW0603 - as above
        _bound = outer
        structlog.reset_defaults()
        if before is not None:
            structlog.configure(**before)
        for step in undo:
            step()

    return Logging(restore=restore)


def _take_libraries(handler: logging.Handler, level: int) -> Callable[[], None]:
    root = logging.getLogger()
    before, before_level = root.handlers[:], root.level
    chatty = [(logging.getLogger(name), logging.getLogger(name).level) for name in _CHATTY]
    root.handlers[:] = [handler]
    root.setLevel(level)
    for logger, _ in chatty:
        logger.setLevel(logging.WARNING)
    logging.captureWarnings(capture=True)

    def undo() -> None:
        logging.captureWarnings(capture=False)
        root.handlers[:] = before
        root.setLevel(before_level)
        for logger, was in chatty:
            logger.setLevel(was)

    return undo


def _take_hooks(pipe: _Pipe) -> Callable[[], None]:
    before = sys.excepthook, sys.unraisablehook, threading.excepthook

    def crashed(kind: type[BaseException], error: BaseException, _trace: TracebackType | None) -> None:
        if issubclass(kind, KeyboardInterrupt):  # a person's wish, not a crash
            return
        _uncaught(pipe, "critical", "process", error)

    sys.excepthook = crashed
    sys.unraisablehook = lambda told: _uncaught(pipe, "error", "destructor", told.exc_value)
    threading.excepthook = lambda told: _uncaught(pipe, "error", "thread", told.exc_value)

    def undo() -> None:
        sys.excepthook, sys.unraisablehook, threading.excepthook = before

    return undo


def _uncaught(pipe: _Pipe, level: str, where: str, error: BaseException | None) -> None:
    told = {} if error is None else exception_fields(error)
    fields = {**get_contextvars(), "logger": where, "message": "uncaught exception", **told}
    pipe.emit(level, "log.emitted", fields)


def handle_loop_error(_loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """Log what an event loop could raise nowhere; for `loop.set_exception_handler`.

    Only the message and the exception are told: the rest of `context` is objects' repr.
    """
    error = context.get("exception")
    logging.getLogger("asyncio").error("%s", context.get("message", "unhandled error"), exc_info=error)


def get_logger() -> FilteringBoundLogger:
    """Give a logger for events named `noun.past_tense` with key/values."""
    return cast("FilteringBoundLogger", _CURRENT)


def log_context(**ids: object) -> AbstractContextManager[None]:
    """Add `request_id`, `parlay_id` and the like to all events inside, tasks started there included."""
    return cast("AbstractContextManager[None]", bound_contextvars(**ids))
