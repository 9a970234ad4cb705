from __future__ import annotations

from dataclasses import replace
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hedge_service.core.market import BookSide
from hedge_service.core.money import Count, Money, Price
from hedge_service.core.orders import (
    Accepted,
    ClockExpired,
    Refused,
    Throttled,
    TimeInForce,
    Unproved,
)
from hedge_service.wire.kalshi.orders import classify, create_body, create_bytes
from tests.wire import kalshi_samples as samples

ORDER = samples.order()


def nested(code: str, **more: str) -> bytes:
    return orjson.dumps({"error": {"code": code, **more}})


def created(**fields: Any) -> bytes:
    return orjson.dumps(samples.created(**fields))


def test_an_order_is_written_with_every_field_the_exchange_asks_for() -> None:
    assert create_body(ORDER) == {
        "ticker": "KXNFLGAME-26NOV22KCDEN-KC",
        "client_order_id": "hs-8c35ecb3-328f-5f52-8c7c-0f4b9862f8d1",
        "side": "bid",
        "count": "3.00",
        "price": "0.6700",
        "time_in_force": "immediate_or_cancel",
        "self_trade_prevention_type": "taker_at_cross",
        "cancel_order_on_pause": True,
        "subaccount": 0,
    }


def test_reduce_only_stands_only_when_true() -> None:
    body = create_body(replace(ORDER, reduce_only=True, side=BookSide.ASK, subaccount=7))
    assert (body["reduce_only"], body["side"], body["subaccount"]) == (True, "ask", 7)


def test_the_same_order_gives_the_same_bytes() -> None:
    assert create_bytes(ORDER) == create_bytes(replace(ORDER))
    assert orjson.loads(create_bytes(ORDER)) == create_body(ORDER)


@given(
    count=st.integers(1, 10**9),
    price=st.integers(1, 9999),
    side=st.sampled_from(BookSide),
    life=st.sampled_from(TimeInForce),
)
def test_amounts_survive_the_way_to_the_wire(
    count: int, price: int, side: BookSide, life: TimeInForce
) -> None:
    order = replace(ORDER, count=Count(count), price=Price(price * 100), side=side, time_in_force=life)
    body = orjson.loads(create_bytes(order))
    assert (Count.of(body["count"]), Price.of(body["price"])) == (order.count, order.price)
    assert len(body["price"]) == 6


def test_a_201_with_an_id_and_sane_counts_is_accepted() -> None:
    assert classify(201, created(new_field={"x": 1}), ORDER) == Accepted(
        order_id="3b23c1c7-f4ef-4f0d-8b9a-9e53c61f1a0d",
        fill_count=Count.of(2),
        remaining_count=Count.ZERO,
        average_fill_price=Price.of("0.655"),
        fees=Money.of("0.0318"),
    )


def test_an_order_that_met_nobody_is_accepted_with_nothing_filled() -> None:
    reply = classify(201, created(fill_count="0.00", average_fill_price=None), ORDER)
    assert reply == Accepted(
        order_id="3b23c1c7-f4ef-4f0d-8b9a-9e53c61f1a0d", fill_count=Count.ZERO, remaining_count=Count.ZERO
    )


def test_odd_averages_do_not_put_an_accepted_order_in_doubt() -> None:
    reply = classify(201, created(average_fill_price="0.12345678", average_fee_paid=0.1), ORDER)
    assert isinstance(reply, Accepted)
    assert (reply.average_fill_price, reply.fees) == (None, None)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"not json",
        b"[]",
        b"{}",
        created(order_id=""),
        created(order_id=None),
        created(order_id=7),
        created(fill_count=2),
        created(fill_count="NaN"),
        created(fill_count="-1.00"),
        created(fill_count="1e99999999"),
        created(fill_count="0.001"),
        created(remaining_count=None),
        created(fill_count="3.00", remaining_count="0.01"),
        created(client_order_id="hs-another"),
        created(error={"code": "deprecated_v1_order_endpoint"}),
        nested("deprecated_v1_order_endpoint"),
    ],
)
def test_a_201_that_proves_nothing_is_unproved(body: bytes) -> None:
    assert isinstance(classify(201, body, ORDER), Unproved)


def test_an_error_inside_a_201_is_told_by_its_code() -> None:
    reply = classify(201, nested("deprecated_v1_order_endpoint"), ORDER)
    assert isinstance(reply, Unproved)
    assert reply.code == "deprecated_v1_order_endpoint"


@pytest.mark.parametrize("status", [200, 202, 204])
def test_another_2xx_is_unproved_whatever_it_says(status: int) -> None:
    assert isinstance(classify(status, created(), ORDER), Unproved)


def test_a_429_is_throttled_in_any_shape() -> None:
    for body in (b'{"error":"too many requests"}', b"<html>", b""):
        assert classify(429, body, ORDER) == Throttled()


def test_an_expired_timestamp_is_told_apart_from_other_401s() -> None:
    assert classify(401, nested("header_timestamp_expired"), ORDER) == ClockExpired()
    reply = classify(401, nested("authentication_error", details="INCORRECT_API_KEY_SIGNATURE"), ORDER)
    assert reply == Refused(code="authentication_error", status=401, message="INCORRECT_API_KEY_SIGNATURE")


@pytest.mark.parametrize(
    ("status", "body", "code"),
    [
        (400, nested("insufficient_balance"), "insufficient_balance"),
        (400, b'{"msg":"bad price"}', "http_400"),
        (400, nested("TRADING_IS_PAUSED"), "trading_is_paused"),
        (403, b"<html>forbidden</html>", "http_403"),
        (404, nested("market_not_found"), "market_not_found"),
        (410, nested("deprecated_v1_order_endpoint"), "deprecated_v1_order_endpoint"),
        (409, nested("Fill_Or_Kill_Insufficient_Resting_Volume"), "fill_or_kill_insufficient_resting_volume"),
        (409, nested("TRADING_IS_PAUSED"), "trading_is_paused"),
    ],
)
def test_a_definite_refusal_is_refused_with_its_code(status: int, body: bytes, code: str) -> None:
    reply = classify(status, body, ORDER)
    assert isinstance(reply, Refused)
    assert (reply.status, reply.code) == (status, code)


@pytest.mark.parametrize("status", [400, 409, 500])
def test_an_id_that_exists_already_proves_nothing(status: int) -> None:
    reply = classify(status, nested("ORDER_ALREADY_EXISTS"), ORDER)
    assert reply == Unproved(reason="order_already_exists", code="order_already_exists", status=status)


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (409, nested("something_new")),
        (409, b""),
        (500, nested("internal")),
        (502, b"<html>Bad Gateway</html>"),
        (503, nested("service_unavailable")),
        (504, b""),
        (301, b""),
        (100, b""),
        (408, b""),
        (422, nested("x")),
    ],
)
def test_everything_else_is_unproved(status: int, body: bytes) -> None:
    reply = classify(status, body, ORDER)
    assert isinstance(reply, Unproved)
    assert reply.status == status


@given(status=st.integers(100, 599), body=st.binary(max_size=200))
def test_no_reply_breaks_the_reader_and_none_is_accepted_by_chance(status: int, body: bytes) -> None:
    assert not isinstance(classify(status, body, ORDER), Accepted)
