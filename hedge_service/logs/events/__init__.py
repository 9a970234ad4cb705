"""Every log event of the service, declared once: what `docs/events.md` and the tests go by."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hedge_service.logs.events import books, doors, hedges, orders, payments, service
from hedge_service.logs.events.check import check
from hedge_service.logs.events.declare import Event, Field, Kind, Level

if TYPE_CHECKING:
    from collections.abc import Mapping

GROUPS: Mapping[str, tuple[Event, ...]] = {
    "The service": service.EVENTS,
    "Requests, quotes, checkouts and webhooks": doors.EVENTS,
    "Payments and parlays": payments.EVENTS,
    "Hedges": hedges.EVENTS,
    "Orders and executions": orders.EVENTS,
    "Results, books and reconciliation": books.EVENTS,
}
"""The events by what they are about, in the order of the reference."""

EVENTS: Mapping[str, Event] = {one.name: one for group in GROUPS.values() for one in group}

__all__ = ["EVENTS", "GROUPS", "Event", "Field", "Kind", "Level", "check"]
