"""Faults of Stripe's API, on command: the next calls fail, before or after they had their effect."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from hedge_service.sandbox.control import Json, hang, reset
from hedge_service.sandbox.stripe.errors import StripeError

if TYPE_CHECKING:
    from aiohttp import web


class FaultKind(StrEnum):
    """What the caller meets."""

    ERROR = "error"
    RATE_LIMIT = "rate_limit"
    HANG = "hang"
    RESET = "reset"


@dataclass(slots=True, kw_only=True)
class Fault:
    """A fault for the next `count` calls that match; `after` lets the call have its effect first."""

    kind: FaultKind
    count: int
    after: bool
    method: str | None = None
    path: str | None = None

    def matches(self, method: str, path: str) -> bool:
        """Tell whether a call meets this fault; `path` is a prefix."""
        return self.method in (None, method) and path.startswith(self.path if self.path is not None else "/")


class Faults:
    """Faults not yet met, in the order they were asked for."""

    def __init__(self) -> None:
        self._waiting: list[Fault] = []

    def add(self, fault: Fault) -> None:
        """Let the next calls fail."""
        self._waiting.append(fault)

    def clear(self) -> None:
        """Let calls succeed again."""
        self._waiting.clear()

    def take(self, method: str, path: str) -> Fault | None:
        """Use up one call of the first fault that matches."""
        for fault in self._waiting:
            if fault.matches(method, path):
                fault.count -= 1
                self._waiting = [left for left in self._waiting if left.count > 0]
                return fault
        return None

    def shown(self) -> list[Json]:
        """Give what is left."""
        return [
            {
                "kind": left.kind,
                "count": left.count,
                "after": left.after,
                "method": left.method,
                "path": left.path,
            }
            for left in self._waiting
        ]


async def suffer(fault: Fault, request: web.Request) -> web.Response:
    """Answer as the fault says. Raises StripeError for 429 and 500."""
    match fault.kind:
        case FaultKind.ERROR:
            raise StripeError(500, "An unknown error occurred", kind="api_error")
        case FaultKind.RATE_LIMIT:
            raise StripeError(429, "Too many requests hit the API too quickly.", code="rate_limit")
        case FaultKind.HANG:
            return await hang(request)
        case FaultKind.RESET:
            return reset(request)
