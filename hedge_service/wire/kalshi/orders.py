"""Create-order: the exact body sent, and what each reply proves."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Any

import orjson

from hedge_service.core.money import Money
from hedge_service.core.orders import Accepted, ClockExpired, Refused, Throttled, Unproved
from hedge_service.wire.kalshi import errors, fields

if TYPE_CHECKING:
    from decimal import Decimal

    from hedge_service.core.money import Price
    from hedge_service.core.orders import Order, Reply

CREATE_PATH = "/portfolio/events/orders"
# Answers that tell for certain that this copy was not placed.
_DEFINITE = frozenset(
    {
        HTTPStatus.BAD_REQUEST,
        HTTPStatus.UNAUTHORIZED,
        HTTPStatus.FORBIDDEN,
        HTTPStatus.NOT_FOUND,
        HTTPStatus.GONE,
    }
)
_DEFINITE_CONFLICTS = frozenset({errors.FILL_OR_KILL_INSUFFICIENT, errors.TRADING_IS_PAUSED})


def create_body(order: Order) -> dict[str, Any]:
    """Give CreateOrderV2Request: amounts as strings, the price of YES, the subaccount always named.

    `exchange_index` is left out: the exchange routes by ticker. `reduce_only` stands only when true.
    """
    body: dict[str, Any] = {
        "ticker": order.ticker,
        "client_order_id": order.client_order_id,
        "side": order.side.value,
        "count": str(order.count),
        "price": str(order.price),
        "time_in_force": order.time_in_force.value,
        "self_trade_prevention_type": "taker_at_cross",
        "cancel_order_on_pause": True,
        "subaccount": order.subaccount,
    }
    if order.reduce_only:
        body["reduce_only"] = True
    return body


def create_bytes(order: Order) -> bytes:
    """Give the request body as bytes, the same for the same order every time."""
    return orjson.dumps(create_body(order))


def classify(status: int, body: bytes, order: Order) -> Reply:
    """Decide what a complete reply to this copy of a create-order proves.

    Accepted only by 201 with an order id and sane counts; refused only by an answer that can't come from
    an order that was placed; order_already_exists proves nothing under any status. What is left is Unproved.
    """
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        return Throttled()
    if status == HTTPStatus.CREATED:
        return _created(body, order)
    error = errors.read_error(body)
    if error.code == errors.ORDER_ALREADY_EXISTS:
        return Unproved(reason="order_already_exists", code=error.code, status=status)
    if status == HTTPStatus.UNAUTHORIZED and error.code == errors.HEADER_TIMESTAMP_EXPIRED:
        return ClockExpired()
    if status in _DEFINITE or (status == HTTPStatus.CONFLICT and error.code in _DEFINITE_CONFLICTS):
        return _refused(status, error)
    return Unproved(reason=f"http_{status}", code=error.code, status=status)


def _refused(status: int, error: errors.WireError) -> Refused:
    code = error.code or f"http_{status}"
    message = ": ".join(part for part in (error.message, error.details) if part)
    return Refused(code=code, status=status, message=message)


def _created(body: bytes, order: Order) -> Accepted | Unproved:
    try:
        return _accepted(errors.load_object(body), order)
    except errors.Unreadable as error:
        code = errors.read_error(body).code
        return Unproved(reason=f"unreadable reply: {error}", code=code, status=HTTPStatus.CREATED)


def _accepted(payload: fields.Row, order: Order) -> Accepted:
    if payload.get("error") is not None:
        raise errors.Unreadable("it carries an error")
    filled, remaining = fields.count(payload, "fill_count"), fields.count(payload, "remaining_count")
    if filled + remaining > order.count:
        raise errors.Unreadable("more contracts than were ordered")
    if payload.get("client_order_id") not in (None, "", order.client_order_id):
        raise errors.Unreadable("client_order_id is another order's")
    return Accepted(
        order_id=fields.text(payload, "order_id"),
        fill_count=filled,
        remaining_count=remaining,
        average_fill_price=_average_price(payload) if filled else None,
        fees=_fees(payload, filled.contracts) if filled else None,
    )


# Averages inform; the accounts come from fills. An odd one must not put an accepted order in doubt.


def _average_price(payload: fields.Row) -> Price | None:
    try:
        return fields.maybe(fields.price, payload, "average_fill_price")
    except errors.Unreadable:
        return None


def _fees(payload: fields.Row, contracts: Decimal) -> Money | None:
    try:
        each = fields.maybe(fields.decimal, payload, "average_fee_paid")
    except errors.Unreadable:
        return None
    return None if each is None else Money.ceil(each * contracts)
