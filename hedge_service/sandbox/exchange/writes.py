"""Order writes: V2 create, batch create and cancel, and the retired V1 create."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from . import matching
from .auth import authorize
from .calls import Call, Reply
from .errors import ApiError, bare, flat, nested
from .validation import create_order_of, json_object, shard_of

if TYPE_CHECKING:
    from .state import Exchange

_V2_DOCS = "https://docs.kalshi.com/api-reference/orders/create-order-v2"


def create_order(exchange: Exchange, call: Call) -> Reply:
    """Answer POST /portfolio/events/orders: 201 with CreateOrderV2Response."""
    _check_content_type(call)
    request = create_order_of(json_object(call.body))
    _authorize(call, request.subaccount)
    order = matching.create(exchange, request, call.effects)
    return Reply(status=HTTPStatus.CREATED, payload=matching.create_reply(order))


def batch_create(exchange: Exchange, call: Call) -> Reply:
    """Answer POST /portfolio/events/orders/batched: 201 even when items fail, in the order asked."""
    _check_content_type(call)
    orders = json_object(call.body).get("orders")
    if not isinstance(orders, list) or not orders:
        raise bare("orders is required")
    rows = [_batch_item(exchange, call, raw) for raw in orders]
    return Reply(status=HTTPStatus.CREATED, payload={"orders": rows})


def cancel_order(exchange: Exchange, call: Call) -> Reply:
    """Answer DELETE /portfolio/events/orders/{order_id}."""
    subaccount = call.number("subaccount")
    _authorize(call, subaccount)
    reply = matching.cancel(
        exchange,
        call.params["order_id"],
        subaccount=0 if subaccount is None else subaccount,
        market_ticker=call.text("market_ticker"),
        shard=shard_of(call.number("exchange_index")),
    )
    return Reply(payload=reply)


def create_v1(exchange: Exchange, call: Call) -> Reply:  # noqa: ARG001 - the shape of a handler
    """Answer the retired POST /portfolio/orders: 410."""
    raise retired()


def retired() -> ApiError:
    """Make the 410 of the V1 write path."""
    code, message = "deprecated_v1_order_endpoint", "Please switch to the V2 endpoints"
    return nested(HTTPStatus.GONE, code, message, _V2_DOCS)


def batch_size(call: Call) -> int:
    """Give how many orders a batch carries: it is billed for each of them."""
    orders = call.fields.get("orders")
    return max(len(orders), 1) if isinstance(orders, list) else 1


def _batch_item(exchange: Exchange, call: Call, raw: Any) -> dict[str, Any]:
    try:
        if not isinstance(raw, dict):
            raise flat("bad_request", "an order is not a JSON object")
        request = create_order_of(raw)
        _authorize(call, request.subaccount)
        return matching.create_reply(matching.create(exchange, request, call.effects))
    except ApiError as refusal:
        sent = raw.get("client_order_id") if isinstance(raw, dict) else None
        named = {"client_order_id": sent} if isinstance(sent, str) else {}
        # What an item lacks is left out: the description's nulls do not validate under its own schema.
        return {**named, "error": _flat_error(refusal)}


def _flat_error(refusal: ApiError) -> dict[str, str]:
    if "msg" in refusal.payload:
        return {"code": "bad_request", "message": refusal.payload["msg"]}
    error: dict[str, str] = refusal.payload.get("error", refusal.payload)
    return error


def _check_content_type(call: Call) -> None:
    if not call.headers.get("Content-Type", "").startswith("application/json"):
        raise flat("invalid_content_type", "Content-Type must be application/json")


def _authorize(call: Call, subaccount: int | None) -> None:
    if call.key is not None:
        authorize(call.key, write=True, subaccount=subaccount)
