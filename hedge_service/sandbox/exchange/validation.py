"""The shape of a create request: bytes to a CreateOrder, or the error the exchange answers with."""

from __future__ import annotations

from enum import StrEnum
from http import HTTPStatus
from typing import Any, Final, TypeVar

import orjson

from .amounts import centis_of, micros_of
from .buckets import SHARDS
from .errors import bare, flat, nested
from .orders import CreateOrder, SelfTradePrevention, Side, TimeInForce

_TEXTS: Final = ("ticker", "client_order_id", "side", "count", "price", "time_in_force")
_TEXTS_TOO: Final = ("self_trade_prevention_type", "order_group_id")
_FLAGS: Final = ("post_only", "cancel_order_on_pause", "reduce_only")
_NUMBERS: Final = ("expiration_time", "subaccount", "exchange_index")
_REQUIRED: Final = ("ticker", "side", "count", "price", "time_in_force", "self_trade_prevention_type")
_MAX_SUBACCOUNT: Final = 63
_AUTO_ROUTE: Final = -1
Choice = TypeVar("Choice", bound=StrEnum)


def json_object(body: bytes) -> dict[str, Any]:
    """Decode a request body. Raises ApiError 400 in the flat shape."""
    try:
        parsed = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise flat("bad_request", "invalid JSON", str(error)[:80]) from None
    if not isinstance(parsed, dict):
        raise flat("bad_request", "the body is not a JSON object")
    return parsed


def create_order_of(raw: dict[str, Any]) -> CreateOrder:
    """Read CreateOrderV2Request. Raises ApiError 400: flat for wrong types, bare for wrong values."""
    _check_types(raw)
    for name in _REQUIRED:
        if raw.get(name, "") == "":
            raise bare(f"{name} is required")
    order = CreateOrder(
        ticker=raw["ticker"],
        client_order_id=raw.get("client_order_id", ""),
        side=_choice(raw, "side", Side),
        count=_count(raw["count"]),
        price=_price(raw["price"]),
        time_in_force=_choice(raw, "time_in_force", TimeInForce),
        self_trade_prevention=_choice(raw, "self_trade_prevention_type", SelfTradePrevention),
        expiration_s=raw.get("expiration_time"),
        post_only=raw.get("post_only", False),
        cancel_on_pause=raw.get("cancel_order_on_pause", False),
        reduce_only=raw.get("reduce_only", False),
        subaccount=_subaccount(raw),
        order_group_id=raw.get("order_group_id"),
        shard=shard_of(raw.get("exchange_index")),
    )
    _check_combination(order)
    return order


def shard_of(index: int | None) -> int | None:
    """Read an exchange index; None and -1 mean routed by ticker. Raises ApiError 400."""
    if index is None or index == _AUTO_ROUTE:
        return None
    if index not in SHARDS:
        raise bare(f"exchange_index {index} does not exist")
    return index


def _check_types(raw: dict[str, Any]) -> None:
    for names, kind in ((_TEXTS, str), (_TEXTS_TOO, str), (_FLAGS, bool), (_NUMBERS, int)):
        for name in names:
            value = raw.get(name)
            # bool is an int to Python, not to JSON
            if name in raw and (not isinstance(value, kind) or (kind is int and isinstance(value, bool))):
                raise flat("bad_request", "invalid request body", f"cannot unmarshal into field {name}")


def _choice(raw: dict[str, Any], name: str, kind: type[Choice]) -> Choice:
    try:
        return kind(raw[name])
    except ValueError:
        raise bare(f"{name} must be one of {' '.join(kind)}") from None


def _count(text: str) -> int:
    try:
        count = centis_of(text)
    except ValueError:
        raise flat("bad_request", "invalid count", "count is a string of at most two decimals") from None
    if count == 0:
        raise nested(HTTPStatus.BAD_REQUEST, "invalid_order_size")
    return count


def _price(text: str) -> int:
    try:
        return micros_of(text)
    except ValueError:
        raise nested(HTTPStatus.BAD_REQUEST, "invalid_price") from None


def _subaccount(raw: dict[str, Any]) -> int:
    number: int = raw.get("subaccount", 0)
    if not 0 <= number <= _MAX_SUBACCOUNT:
        raise bare("subaccount must be between 0 and 63")
    return number


def _check_combination(order: CreateOrder) -> None:
    lasting = order.time_in_force is TimeInForce.GOOD_TILL_CANCELED
    if order.expiration_s is not None and not lasting:
        raise bare("expiration_time is only valid with good_till_canceled")
    if order.reduce_only and order.time_in_force is not TimeInForce.IMMEDIATE_OR_CANCEL:
        raise bare("reduce_only is only valid with immediate_or_cancel")
    if order.post_only and not lasting:
        raise bare("post_only is only valid with good_till_canceled")
