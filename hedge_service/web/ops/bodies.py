"""What is told of one thing, as plain JSON values: the same for the page, programs and the command line.

Money, prices and counts are exact text; times are ISO 8601 in UTC; ids that let in are digests.
"""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING, Any

from hedge_service.logs import digest

if TYPE_CHECKING:
    from datetime import datetime

    from hedge_service.config import Config
    from hedge_service.core.journal import Intent
    from hedge_service.core.reconcile_views import Difference
    from hedge_service.core.report import Figures, Row
    from hedge_service.core.report import Report as MoneyReport
    from hedge_service.flow.reconcile import Report
    from hedge_service.store.leases import Lease
    from hedge_service.store.ops_drill import OrderEvent, Tried
    from hedge_service.store.ops_inbox import InboxEvent
    from hedge_service.store.ops_orders import FollowedOrder
    from hedge_service.store.ops_records import Act, ParkedPayment, Reconciled
    from hedge_service.store.overview import LastReconciliation, Overview, Waiting
    from hedge_service.store.parlays import Parlay

Body = dict[str, Any]


def moment(at: datetime | None) -> str | None:
    """Give a time as programs read it."""
    return None if at is None else at.isoformat()


def status(config: Config, account: str, seen: Overview, now: datetime) -> Body:
    """Tell how everything stands; the mode is the sender's, or without one the configured one."""
    limits = config.limits
    halt = seen.halt
    sends = None if seen.lease is None else seen.lease.mode_at(now)
    return {
        "mode": config.mode.value if sends is None else sends.value,
        "environment": config.kalshi.environment.value,
        "account": account,
        "halted": halt is not None,
        "halt": None if halt is None else {"reason": halt.reason, "at": moment(halt.at), "by": halt.actor},
        "sender": _sender(seen.lease, now),
        "parlays": seen.parlays,
        "orders": {state.value: _waiting(one, now) for state, one in seen.orders.items()},
        "inbox": _waiting(seen.inbox, now),
        "parked_payments": seen.parked_payments,
        "refunds_unmade": _waiting(seen.refunds_unmade, now),
        "open_disputes": _waiting(seen.open_disputes, now),
        "day": {
            "reserved_dollars": str(seen.reserved_today),
            "cap_dollars": str(limits.max_day_hedge_dollars),
        },
        "open_payout": {"dollars": str(seen.open_payout), "cap_dollars": str(limits.max_open_payout_dollars)},
        "reconciliation": _reconciliation(seen.reconciliation, now),
    }


def _sender(lease: Lease | None, now: datetime) -> Body | None:
    if lease is None:
        return None
    return {
        "holder": lease.holder,
        "epoch": lease.epoch,
        "live": lease.expires_at > now,
        "expires_in_s": round(max((lease.expires_at - now).total_seconds(), 0.0), 1),
        "reconciled_at": moment(lease.reconciled_at),
    }


def _waiting(one: Waiting, now: datetime) -> Body:
    oldest = None if one.oldest is None else round((now - one.oldest).total_seconds(), 1)
    return {"count": one.count, "oldest_age_s": oldest}


def _reconciliation(last: LastReconciliation | None, now: datetime) -> Body | None:
    if last is None:
        return None
    return {
        "at": moment(last.at),
        "age_s": round((now - last.at).total_seconds(), 1),
        "result": last.result.value,
        "differences": [difference(one) for one in last.differences],
    }


def difference(one: Difference) -> Body:
    """Tell of one thing on which the two sides disagree."""
    return {"kind": one.kind.value, "subject": one.subject, "ours": one.ours, "theirs": one.theirs}


def reconciliation(report: Report) -> Body:
    """Tell what a comparison with the exchange read and found."""
    venue, outcome = report.venue, report.outcome
    return {
        "result": outcome.result.value,
        "read": {
            "orders": len(venue.orders),
            "orders_of_others": len(report.comparison.of_others),
            "fills": len(venue.fills),
            "positions": len(venue.positions),
            "settlements": len(venue.settlements),
        },
        "differences": [
            difference(one) | {"mismatch": one in outcome.mismatch} for one in outcome.differences
        ],
        "found_in_doubt": list(report.comparison.found),
    }


def reconciled(one: Reconciled) -> Body:
    """Tell of a comparison that was kept."""
    names = ("kind", "subject", "ours", "theirs", "mismatch")
    differences = [{name: each[name] for name in names} for each in one.differences]
    return {"id": one.id, "at": moment(one.at), "result": one.result, "differences": differences}


def money_report(made: MoneyReport, rows: tuple[Row, ...]) -> Body:
    """Tell profit and loss: of these rows, of all others, in total, and whether the books add up."""
    return {
        "since": moment(made.since),
        "parlays": [_report_row(row) | figures(row.figures) for row in rows],
        "others": figures(made.others),
        "total": figures(made.total),
        "checks": [
            {
                "name": check.name,
                "first": str(check.first),
                "second": str(check.second),
                "difference": str(check.difference),
            }
            for check in made.checks
        ],
        "adds_up": made.adds_up,
    }


def _report_row(row: Row) -> Body:
    parlay = row.parlay
    return {
        "parlay_id": parlay.id,
        "accepted_at": moment(parlay.accepted_at),
        "mode": parlay.mode,
        "state": parlay.state,
        "hedge": parlay.hedge,
    }


def figures(one: Figures) -> dict[str, str]:
    """Tell one row of the report, in dollars."""
    return {field.name: str(getattr(one, field.name)) for field in fields(one)}


def parlay(one: Parlay) -> Body:
    """Tell of a parlay in a line."""
    return {
        "parlay_id": one.id,
        "session": digest(one.session_id),
        "user": digest(one.user_id),
        "quote_id": one.quote_id,
        "environment": one.environment,
        "mode": one.mode.value,
        "state": one.state,
        "hedge": one.outcome,
        "stake_dollars": str(one.stake),
        "payout_dollars": str(one.payout),
        "accepted_at": moment(one.accepted_at),
        "claimed_at": moment(one.claimed_at),
    }


def intent(one: Intent) -> Body:
    """Tell of an order that is meant to exist; its price is the YES price."""
    return {
        "intent_id": one.id,
        "parlay_id": one.parlay_id,
        "leg": one.leg,
        "purpose": one.purpose.value,
        "sequence": one.sequence,
        "ticker": one.ticker,
        "side": one.side.value,
        "count": str(one.count),
        "price": str(one.price),
        "max_cost_dollars": str(one.max_cost),
        "time_in_force": one.time_in_force.value,
        "reduce_only": one.reduce_only,
        "created_at": moment(one.created_at),
        "expires_at": moment(one.expires_at),
        "ended_at": moment(one.ended_at),
        "end_reason": one.end_reason,
    }


def attempt(tried: Tried) -> Body:
    """Tell of one client_order_id: what was sent, what came of it, and the evidence."""
    one = tried.attempt
    return {
        "client_order_id": one.client_order_id,
        "number": one.number,
        "state": one.state.value,
        "count": str(one.count),
        "filled": str(one.filled),
        "cost_dollars": str(one.cost),
        "fees_dollars": str(one.fees),
        "sends": one.sends,
        "in_doubt": one.in_doubt,
        "code": one.code,
        "order_id": one.order_id,
        "body": one.body.decode(errors="replace"),
        "planned_at": moment(one.planned_at),
        "first_sent_at": moment(one.first_sent_at),
        "last_sent_at": moment(one.last_sent_at),
        "ended_at": moment(one.ended_at),
        "events": [order_event(event) for event in tried.events],
        "events_left_out": tried.left_out,
    }


def order_event(one: OrderEvent) -> Body:
    """Tell of one event of an order's life."""
    return {
        "at": moment(one.at),
        "event": one.event,
        "old_state": one.old_state,
        "new_state": one.new_state,
        "evidence": one.evidence,
    }


def order(one: FollowedOrder, now: datetime) -> Body:
    """Tell of an order with its intent, and for how long it has been so."""
    attempted = one.tried.attempt
    since = attempted.planned_at if attempted.first_sent_at is None else attempted.first_sent_at
    return {
        "age_s": round((now - since).total_seconds(), 1),
        "intent": intent(one.intent),
        "attempt": attempt(one.tried),
    }


def inbox_event(one: InboxEvent, now: datetime) -> Body:
    """Tell of an event, without what it says."""
    until = now if one.handled_at is None else one.handled_at
    return {
        "event": one.external_id,
        "source": one.source,
        "type": one.type,
        "created_at": moment(one.created_at),
        "received_at": moment(one.received_at),
        "handled_at": moment(one.handled_at),
        "lag_s": round((until - one.received_at).total_seconds(), 3),
        "failed": one.failed,
        "result": one.result,
        "tries": one.tries,
        "next_try_at": moment(one.next_try_at),
    }


def payment(one: ParkedPayment) -> Body:
    """Tell of a payment that waits."""
    paid, refund = one.payment, one.refund
    return {
        "session": digest(paid.session_id),
        "event": paid.event_id,
        "payment_intent": paid.payment_intent,
        "quote_id": paid.quote_id,
        "amount_cents": paid.amount_cents,
        "currency": paid.currency,
        "paid_at": moment(paid.paid_at),
        "state": paid.state.value,
        "reason": paid.reason,
        "refund": None
        if refund is None
        else {
            "state": refund.state.value,
            "amount_cents": refund.amount_cents,
            "reason": refund.reason,
            "failure": refund.failure,
            "due_at": moment(refund.due_at),
            "tries": refund.tries,
        },
    }


def act(one: Act) -> Body:
    """Tell of one act of a person."""
    return {
        "id": one.id,
        "at": moment(one.at),
        "by": one.actor,
        "action": one.action,
        "subject": one.subject,
        "reason": one.reason,
        "details": one.details,
    }
