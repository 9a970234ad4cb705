from __future__ import annotations

import io
import json
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from hedge_service.logs import Redactor, configure_logging

if TYPE_CHECKING:
    from collections.abc import Iterator

MOMENT = datetime(2026, 11, 22, 18, 27, 1, 250, tzinfo=UTC)


@dataclass
class Log:
    """What was written, and the redactor in force."""

    redactor: Redactor
    stream: io.StringIO = field(default_factory=io.StringIO)

    @property
    def text(self) -> str:
        return self.stream.getvalue()

    @property
    def lines(self) -> list[dict[str, Any]]:
        assert self.text == "" or self.text.endswith("\n")
        return [json.loads(line) for line in self.text.split("\n")[:-1]]

    @property
    def line(self) -> dict[str, Any]:
        (only,) = self.lines
        return only


@pytest.fixture
def log() -> Iterator[Log]:
    """Configure logging into memory, and put everything back."""
    made = Log(redactor=Redactor())
    logging = configure_logging(made.stream, made.redactor, lambda: MOMENT)
    yield made
    logging.restore()
