"""Reading the exchange's schedule: when it will be down for maintenance."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from hedge_service.wire.kalshi import fields

if TYPE_CHECKING:
    from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Maintenance:
    """One announced maintenance window."""

    start: datetime
    end: datetime


def maintenance(payload: fields.Row) -> tuple[Maintenance, ...]:
    """Read the windows of GetExchangeScheduleResponse, earliest first. Raises Unreadable."""
    windows = fields.rows(fields.member(payload, "schedule"), "maintenance_windows")
    found = (
        Maintenance(start=fields.moment(row, "start_datetime"), end=fields.moment(row, "end_datetime"))
        for row in windows
    )
    return tuple(sorted(found, key=lambda window: window.start))
