"""The log shape of orders: the fields that every `order.*` event carries."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hedge_service.core.orders import Accepted, AttemptState, Refused, Unproved

if TYPE_CHECKING:
    from hedge_service.core.journal import Attempt, Intent
    from hedge_service.core.orders import Reply

EVENTS = {
    AttemptState.PLANNED: "order.deferred",
    AttemptState.UNKNOWN: "order.unknown",
    AttemptState.RESTING: "order.accepted",
    AttemptState.FILLED: "order.accepted",
    AttemptState.CANCELLED: "order.accepted",
    AttemptState.REFUSED: "order.refused",
}


def tell_outcome(log: Any, intent: Intent, attempt: Attempt, reply: Reply, latency_ms: int) -> None:
    """Log what one send came to; what is not an acceptance is a warning."""
    event = EVENTS[attempt.state]
    level = log.info if event == "order.accepted" else log.warning
    level(event, **order_fields(intent, attempt), **_said(reply), latency_ms=latency_ms)


def order_fields(intent: Intent, attempt: Attempt) -> dict[str, Any]:
    """Give the fields that every `order.*` event carries, and those known by now."""
    fields = {
        "parlay_id": intent.parlay_id,
        "client_order_id": attempt.client_order_id,
        "ticker": intent.ticker,
        "side": intent.side.value,
        "count": str(attempt.count),
        "price": str(intent.price),
        "attempt": attempt.number,
        "leg": intent.leg,
        "purpose": intent.purpose.value,
    }
    known = {
        "state": attempt.state.value,
        "order_id": attempt.order_id,
        "code": attempt.code,
        "fill_count": str(attempt.filled) if attempt.order_id is not None else None,
        "cost_dollars": str(attempt.cost) if attempt.filled else None,
        "fees": str(attempt.fees) if attempt.filled else None,
    }
    return fields | {name: value for name, value in known.items() if value is not None}


def _said(reply: Reply) -> dict[str, Any]:
    match reply:
        case Accepted(average_fill_price=price) if price is not None:
            return {"average_fill_price": str(price)}
        case Refused():
            return {"status": reply.status, "reason": reply.message}
        case Unproved():
            return {"status": reply.status, "reason": reply.reason}
        case _:
            return {}
