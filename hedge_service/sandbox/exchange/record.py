"""What was asked of the exchange: the evidence that tests read."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from typing import Any


@dataclass(slots=True, kw_only=True)
class SeenCreate:
    """One create request as it came, and the answer it got."""

    ts_ms: int
    body: str
    status: int | None = None  # None: no reply went out (yet)
    code: str = ""

    def wire(self) -> dict[str, Any]:
        """Write the sighting for the control interface."""
        return {"ts_ms": self.ts_ms, "body": self.body, "status": self.status, "code": self.code}


@dataclass(slots=True, kw_only=True)
class Record:
    """Requests counted by route and status, and every create seen by client_order_id."""

    requests: defaultdict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    creates: defaultdict[str, list[SeenCreate]] = field(default_factory=lambda: defaultdict(list))
    rate_limited: int = 0

    def saw_create(self, client_order_id: str, ts_ms: int, body: bytes) -> SeenCreate:
        """Note a create the moment it arrives; its answer is filled in later."""
        seen = SeenCreate(ts_ms=ts_ms, body=body.decode(errors="replace"))
        self.creates[client_order_id].append(seen)
        return seen

    def answered(self, route: str, status: int | None) -> None:
        """Count one request; a status of None is a connection closed without a reply."""
        self.requests[route]["no_reply" if status is None else str(status)] += 1
        if status == 429:  # noqa: PLR2004 - the status this counter is named after
            self.rate_limited += 1

    def wire(self) -> dict[str, Any]:
        """Write the record for the control interface."""
        return {
            "requests": {route: dict(counts) for route, counts in self.requests.items()},
            "rate_limited": self.rate_limited,
            "create_requests": {name: len(seen) for name, seen in self.creates.items()},
            "creates": {name: [one.wire() for one in seen] for name, seen in self.creates.items()},
        }
