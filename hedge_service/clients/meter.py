"""What the exchange's client tells of its own times, to whoever measures."""

from __future__ import annotations

from typing import Protocol


class Meter(Protocol):
    """Takes measurements; neither waits nor raises."""

    def waited(self, bucket: str, seconds: float) -> None:
        """Take how long a caller stood in a bucket's line before it was let through."""

    def answered(self, method: str, path: str, status: int | None, seconds: float) -> None:
        """Take a round trip, from a request's first byte to its whole reply; `status` None: there was none.

        `path` is a template: nothing of one order or user is in it.
        """


class Unmetered:
    """Takes no note."""

    def waited(self, bucket: str, seconds: float) -> None:
        """Do nothing."""

    def answered(self, method: str, path: str, status: int | None, seconds: float) -> None:
        """Do nothing."""


UNMETERED = Unmetered()
