"""One request as the handlers see it, and one reply."""

from __future__ import annotations

from dataclasses import dataclass, field
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

import orjson

from .errors import bare
from .faults import NO_EFFECTS, Effects

if TYPE_CHECKING:
    from collections.abc import Mapping

    from multidict import MultiMapping

    from .auth import ApiKey


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """A status and a body: JSON, or bytes of another kind."""

    status: int = HTTPStatus.OK
    payload: Any = None
    raw: bytes | None = None
    content_type: str = "application/json"

    @property
    def body(self) -> bytes:
        """The bytes that go out."""
        return orjson.dumps(self.payload) if self.raw is None else self.raw


@dataclass(slots=True, kw_only=True)
class Call:
    """A request: raw path without the query, path parameters, query and body."""

    method: str
    path: str
    params: Mapping[str, str]
    query: MultiMapping[str]
    headers: Mapping[str, str]
    body: bytes = b""
    key: ApiKey | None = None
    effects: Effects = NO_EFFECTS
    fields: dict[str, Any] = field(default_factory=dict)  # the body's own, when it is a JSON object

    def text(self, name: str) -> str | None:
        """Give a query value; an empty one counts as absent."""
        value = self.query.get(name, "")
        return None if value == "" else value

    def texts(self, name: str) -> frozenset[str]:
        """Give a comma-separated query value as a set."""
        value = self.text(name)
        return frozenset() if value is None else frozenset(value.split(","))

    def number(self, name: str) -> int | None:
        """Give a whole number of the query. Raises ApiError 400 in the bare shape."""
        value = self.text(name)
        if value is None:
            return None
        try:
            return int(value)
        except ValueError:
            raise bare(f"{name} must be a number") from None

    def limit(self, *, least: int = 1, most: int = 1_000, default: int = 100) -> int:
        """Give the page size. Raises ApiError 400 beyond its bounds: the exchange never clamps."""
        limit = self.number("limit")
        if limit is None:
            return default
        if not least <= limit <= most:
            raise bare(f"limit must be between {least} and {most}")
        return limit

    def flag(self, name: str) -> bool:
        """Give a boolean of the query, false when absent."""
        return self.text(name) == "true"
