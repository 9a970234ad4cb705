"""One parlay with all that it came from and led to, as plain JSON values."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hedge_service.logs import Redactor
from hedge_service.web.ops import bodies
from hedge_service.web.ops.bodies import Body, moment

if TYPE_CHECKING:
    from hedge_service.core.parlay import Quote, QuoteLeg
    from hedge_service.store.ops_drill import BookedFill, BookedSet, Drilled, Summary
    from hedge_service.store.parlays import ParlayLeg
    from hedge_service.store.payments import Payment
    from hedge_service.store.refunds import DueRefund

# Causes name checkout sessions, whose ids let in.
_DIGESTED = Redactor()


def drilled(one: Drilled) -> Body:
    """Tell everything about a parlay."""
    return {
        "parlay": bodies.parlay(one.parlay) | {"unhedged": one.unhedged},
        "quote": None if one.quote is None else _quote(one.quote),
        "payment": None if one.payment is None else _payment(one.payment),
        "refund": None if one.refund is None else _refund(one.refund),
        "legs": [_leg(leg) for leg in one.legs],
        "intents": [
            bodies.intent(each.intent) | {"attempts": [bodies.attempt(tried) for tried in each.attempts]}
            for each in one.intents
        ],
        "fills": [_fill(each) for each in one.fills],
        "ledger": [_set(each) for each in one.ledger],
        "summary": None if one.summary is None else _summary(one.summary),
    }


def _quote(one: Quote) -> Body:
    return {
        "quote_id": one.id,
        "strategy": one.strategy,
        "probability": str(one.probability),
        "product": str(one.product),
        "stake_dollars": str(one.stake),
        "payout_dollars": str(one.payout),
        "created_at": moment(one.created_at),
        "expires_at": moment(one.expires_at),
        "legs": [_quoted(leg) for leg in one.legs],
        "body": dict(one.body),
        "advice": dict(one.advice),
    }


def _quoted(leg: QuoteLeg) -> Body:
    return {
        "leg": leg.leg,
        "ticker": leg.bet.ticker,
        "side": leg.bet.side.value,
        "title": leg.bet.market_title,
        "option": leg.bet.option_label,
        "ask": str(leg.ask),
        "hedge_dollars": str(leg.amount),
        "contracts": str(leg.contracts),
        "skip": leg.skip,
    }


def _payment(one: Payment) -> Body:
    return {
        "event": one.event_id,
        "payment_intent": one.payment_intent,
        "amount_cents": one.amount_cents,
        "currency": one.currency,
        "paid_at": moment(one.paid_at),
        "state": one.state.value,
        "reason": one.reason,
    }


def _refund(one: DueRefund) -> Body:
    return {
        "state": one.state.value,
        "amount_cents": one.amount_cents,
        "reason": one.reason,
        "failure": one.failure,
        "due_at": moment(one.due_at),
        "tries": one.tries,
    }


def _leg(one: ParlayLeg) -> Body:
    return {
        "leg": one.leg,
        "ticker": one.bet.ticker,
        "side": one.bet.side.value,
        "title": one.bet.market_title,
        "option": one.bet.option_label,
        "skip": one.skip,
        "market_status": one.market_status,
        "paid": None if one.paid is None else str(one.paid),
        "checked_at": moment(one.checked_at),
        "settled_at": moment(one.settled_at),
    }


def _fill(one: BookedFill) -> Body:
    return {
        "trade_id": one.trade_id,
        "client_order_id": one.client_order_id,
        "order_id": one.order_id,
        "ticker": one.ticker,
        "side": one.side.value,
        "count": str(one.count),
        "price": str(one.price),
        "cost_dollars": str(one.cost),
        "fee_dollars": str(one.fee),
        "filled_at": moment(one.filled_at),
        "seen_at": moment(one.seen_at),
        "reversed_at": None if one.reversed_at is None else moment(one.reversed_at),
    }


def _set(one: BookedSet) -> Body:
    postings: list[dict[str, Any]] = [
        {"account": account, "dollars": str(amount)} for account, amount in one.postings
    ]
    return {
        "at": moment(one.at),
        "kind": one.kind,
        "cause": _DIGESTED.text(one.cause),
        "ticker": one.ticker,
        "postings": postings,
    }


def _summary(one: Summary) -> Body:
    return {"revision": one.revision, "made_at": moment(one.made_at), "figures": one.figures}
