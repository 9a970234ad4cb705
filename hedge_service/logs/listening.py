"""Let one part of a process hear its own events as they are told: figures then agree with the log."""

from __future__ import annotations

from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


class Listener(Protocol):
    """Hears an event once it is told."""

    def __call__(self, level: str, event: str, fields: Mapping[str, object]) -> None:
        """Take note of an event; it neither waits nor changes the fields."""


# Of a context, not of the process: services in one process (tests) each hear their own.
_LISTENER: ContextVar[Listener | None] = ContextVar("hedge_service.logs.listener", default=None)


@contextmanager
def listening(listener: Listener) -> Iterator[None]:
    """Have `listener` hear all events inside, tasks started there included."""
    token = _LISTENER.set(listener)
    try:
        yield
    finally:
        _LISTENER.reset(token)


def heard(level: str, event: str, fields: Mapping[str, object]) -> None:
    """Pass an event on to whoever listens. Never raises: to count an order must not stop it."""
    listener = _LISTENER.get()
    if listener is None:
        return
    try:
        listener(level, event, fields)
    except Exception:  # noqa: BLE001 - as said above; there is nobody to tell it to but the log itself
        return
