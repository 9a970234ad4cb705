"""Verified outside events, kept until they are handled."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class NewEvent:
    """An event that the door has verified; `created_at` is when the peer says it happened."""

    source: str
    external_id: str
    type: str
    created_at: datetime
    payload: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredEvent(NewEvent):
    """An event as the inbox keeps it."""

    id: int
    received_at: datetime
    tries: int
