"""Every failure that a user or an operator can meet, declared once: `docs/errors.md` is made from it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hedge_service.failures import operators, orders, payments, peers, requests
from hedge_service.failures.declare import Failure

if TYPE_CHECKING:
    from collections.abc import Mapping

PAGE = "docs/errors.md"

GROUPS: Mapping[str, tuple[Failure, ...]] = {
    "Lines at level `error`": operators.LINES,
    "Starting and commands": operators.COMMANDS,
    "Requests": requests.CALLS,
    "Quotes": requests.QUOTES,
    "Checkouts, webhooks and claims": requests.CHECKOUTS,
    "Parked payments and refunds": payments.PARKED,
    "Legs without an order": orders.SKIPS,
    "Orders that wait or are not sent": orders.LOCKS,
    "Rolling hedges": orders.ROLLS,
    "The exchange, Stripe and the model": peers.PEERS,
    "On the way to them": peers.TRANSPORT,
    "Why the model was not used": peers.MODEL,
    "Differences between our books and the exchange's": operators.DIFFERENCES,
}
"""The failures by where they are met, in the order of the reference."""

FAILURES: Mapping[str, Failure] = {one.code: one for group in GROUPS.values() for one in group}

__all__ = ["FAILURES", "GROUPS", "PAGE", "Failure", "link", "link_of_line"]


def link(code: str) -> str:
    """Give where a code is explained; the page itself for a code that is another party's."""
    return f"{PAGE}#{code}" if code in FAILURES else PAGE


def link_of_line(event: str, fields: Mapping[str, object]) -> str:
    """Give where a log line is explained: by its code, by its reason when that is one, by its event."""
    named = (fields.get("code"), fields.get("reason"), event.replace(".", "_"))
    return link(next((one for one in named if isinstance(one, str) and one in FAILURES), ""))
