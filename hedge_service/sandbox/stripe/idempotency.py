"""Idempotency keys.

https://docs.stripe.com/api/idempotent_requests
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from hedge_service.sandbox.control import Clock, Json
from hedge_service.sandbox.stripe.errors import StripeError

KEPT_S = 24 * 60 * 60
_MAX_KEY = 255
Fingerprint: TypeAlias = tuple[str, str, Json]


@dataclass(frozen=True, slots=True, kw_only=True)
class Remembered:
    """The first successful reply under a key, and what was asked for."""

    fingerprint: Fingerprint
    reply: Json
    request_id: str
    at: float


class IdempotencyKeys:
    """Replies remembered by key for a day; refused requests are not remembered."""

    def __init__(self, *, clock: Clock) -> None:
        self._clock = clock
        self._by_key: dict[str, Remembered] = {}

    def find(self, key: str, fingerprint: Fingerprint) -> Remembered | None:
        """Give the reply to replay, if any.

        Raises StripeError (400) for a key too long or used with other parameters.
        """
        if len(key) > _MAX_KEY:
            message = "Idempotency keys may be at most 255 characters long."
            raise StripeError(400, message, kind="idempotency_error")
        found = self._by_key.get(key)
        if found is None or self._clock() - found.at > KEPT_S:
            return None
        if found.fingerprint != fingerprint:
            raise StripeError(
                400,
                "Keys for idempotent requests can only be used with the same parameters they were first used "
                f"with. Try using a key other than '{key}' if you meant to execute a different request.",
                kind="idempotency_error",
            )
        return found

    def remember(self, key: str, fingerprint: Fingerprint, reply: Json, request_id: str) -> None:
        """Keep a successful reply."""
        self._by_key[key] = Remembered(
            fingerprint=fingerprint, reply=reply, request_id=request_id, at=self._clock()
        )
