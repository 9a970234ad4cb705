"""Events become frozen values without anything about a person."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hedge_service.errors import status_of
from hedge_service.wire.stripe.events import (
    ASYNC_FAILED,
    ASYNC_SUCCEEDED,
    COMPLETED,
    EXPIRED,
    paid_session,
    parse_event,
    session_of,
    storable,
)
from hedge_service.wire.stripe.fields import BadObject
from hedge_service.wire.stripe.sessions import PaymentStatus, SessionStatus

PERSON = ("Ann Other", "ann@example.com", "+1 555 0100", "1 Main Street", "4242", "Visa", "203.0.113.9")


def session(**changes: Any) -> dict[str, Any]:
    return {
        "id": "cs_test_1",
        "object": "checkout.session",
        "client_reference_id": "chk_1",
        "status": "complete",
        "payment_status": "paid",
        "amount_total": 500,
        "currency": "usd",
        "payment_intent": "pi_1",
        "metadata": {"quote_id": "q_1", "environment": "sandbox", "customer": "Ann Other"},
        "created": 1_790_000_000,
        "expires_at": 1_790_001_860,
        "livemode": False,
        "url": None,
        "customer_email": "ann@example.com",
        "customer_details": {"email": "ann@example.com", "name": "Ann Other", "phone": "+1 555 0100"},
        "shipping_details": {"address": {"line1": "1 Main Street"}},
        "collected_information": {"shipping_details": {"name": "Ann Other"}},
        "payment_method_details": {"card": {"last4": "4242", "brand": "Visa"}},
        **changes,
    }


def event(kind: str = COMPLETED, **changes: Any) -> dict[str, Any]:
    return {
        "id": "evt_1",
        "object": "event",
        "type": kind,
        "created": 1_790_000_100,
        "livemode": False,
        "api_version": "2026-10-28.endive",
        "request": {"id": None, "idempotency_key": None, "ip": "203.0.113.9"},
        "data": {"object": session()},
        **changes,
    }


def test_an_event_is_read() -> None:
    read = parse_event(orjson.dumps(event()))
    assert (read.id, read.type, read.livemode) == ("evt_1", COMPLETED, False)
    assert read.created == datetime.fromtimestamp(1_790_000_100, UTC)
    assert read.api_version == "2026-10-28.endive"
    assert read.object["amount_total"] == 500


def test_the_session_of_an_event_is_read() -> None:
    read = session_of(parse_event(orjson.dumps(event())))
    assert read is not None
    assert (read.id, read.client_reference_id, read.quote_id) == ("cs_test_1", "chk_1", "q_1")
    assert (read.amount_total, read.currency, read.payment_intent) == (500, "usd", "pi_1")
    assert (read.status, read.payment_status) == (SessionStatus.COMPLETE, PaymentStatus.PAID)
    assert read.expires_at == datetime.fromtimestamp(1_790_001_860, UTC)
    assert read.environment == "sandbox"


def test_what_is_stored_holds_nothing_about_a_person_and_reads_back_equal() -> None:
    payload = orjson.dumps(event())
    kept = storable(payload)
    assert not [word for word in PERSON if word.encode() in kept]
    assert parse_event(kept) == parse_event(payload)
    assert storable(kept) == kept


def test_a_charge_keeps_its_figures_and_loses_its_payer() -> None:
    charge = {
        "id": "ch_1",
        "object": "charge",
        "amount": 500,
        "amount_refunded": 500,
        "refunded": True,
        "payment_intent": "pi_1",
        "billing_details": {"name": "Ann Other", "address": {"line1": "1 Main Street"}},
        "receipt_email": "ann@example.com",
        "payment_method_details": {"card": {"last4": "4242"}},
        "refunds": {"object": "list", "data": [{"id": "re_1", "amount": 500, "receipt": "ann@example.com"}]},
    }
    kept = parse_event(orjson.dumps(event("charge.refunded", data={"object": charge}))).object
    assert kept == {
        "id": "ch_1",
        "object": "charge",
        "amount": 500,
        "amount_refunded": 500,
        "refunded": True,
        "payment_intent": "pi_1",
        "refunds": {"object": "list", "data": [{"id": "re_1", "amount": 500}]},
    }


def test_an_event_of_an_unknown_type_is_read_and_has_no_session() -> None:
    read = parse_event(orjson.dumps(event("customer.created", data={"object": {"email": "ann@example.com"}})))
    assert read.object == {}
    assert session_of(read) is None
    assert paid_session(read) is None


@pytest.mark.parametrize(
    ("kind", "payment_status", "paid"),
    [
        (COMPLETED, "paid", True),
        (COMPLETED, "unpaid", False),
        (COMPLETED, "no_payment_required", False),
        (COMPLETED, "a new word", False),
        (COMPLETED, None, False),
        (ASYNC_SUCCEEDED, "paid", True),
        (ASYNC_SUCCEEDED, "unpaid", False),
        (ASYNC_FAILED, "unpaid", False),
        (EXPIRED, "unpaid", False),
        (EXPIRED, "paid", False),
    ],
)
def test_only_a_fulfilling_event_of_a_paid_session_counts(
    kind: str, payment_status: str | None, paid: bool
) -> None:
    body = event(kind, data={"object": session(payment_status=payment_status)})
    assert (paid_session(parse_event(orjson.dumps(body))) is not None) is paid


def test_an_expanded_payment_intent_gives_its_id() -> None:
    body = event(data={"object": session(payment_intent={"id": "pi_9", "receipt_email": "ann@example.com"})})
    read = session_of(parse_event(orjson.dumps(body)))
    assert read is not None
    assert read.payment_intent == "pi_9"


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"not json",
        b"\xff",
        b"null",
        b"[]",
        b'"text"',
        b"{}",
        b"[" * 100_000,
        b'{"data":' * 5_000,
        orjson.dumps(event(object="v2.core.event")),
        orjson.dumps(event(id=7)),
        orjson.dumps(event(id="")),
        orjson.dumps(event(id="evt_\n1")),
        orjson.dumps(event(id="e" * 501)),
        orjson.dumps(event(type=None)),
        orjson.dumps(event(created="now")),
        orjson.dumps(event(created=True)),
        orjson.dumps(event(created=1.5)),
        orjson.dumps(event(created=-1)),
        orjson.dumps(event(created=10**17)),
        orjson.dumps(event(livemode="false")),
        orjson.dumps(event(data=None)),
        orjson.dumps(event(data=[])),
        orjson.dumps(event(data={"object": "cs_1"})),
    ],
)
def test_a_body_that_is_no_event_is_a_bad_request_with_a_reason(payload: bytes) -> None:
    with pytest.raises(BadObject) as caught:
        parse_event(payload)
    assert isinstance(caught.value, ValueError)
    assert status_of(caught.value) == 400
    assert caught.value.error


@pytest.mark.parametrize(
    "changes",
    [
        {"id": None},
        {"id": 5},
        {"object": "charge"},
        {"amount_total": "500"},
        {"amount_total": 5.0},
        {"amount_total": True},
        {"currency": 1},
        {"metadata": "q_1"},
        {"metadata": {"quote_id": ["q"]}},
        {"client_reference_id": "a\x00b"},
        {"payment_intent": 3},
        {"expires_at": "soon"},
        {"livemode": None},
        {"payment_status": {"paid": True}},
    ],
)
def test_a_session_with_wrong_shapes_is_a_bad_object(changes: dict[str, Any]) -> None:
    read = parse_event(orjson.dumps(event(data={"object": session(**changes)})))
    with pytest.raises(BadObject):
        session_of(read)


def test_deep_nesting_inside_kept_fields_is_cut_off() -> None:
    deep: Any = "bottom"
    for _ in range(100):
        deep = {"data": [deep]}
    read = parse_event(orjson.dumps(event("x.y", data={"object": deep})))
    assert b"bottom" not in read.storable()


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63) | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)


@settings(deadline=None)
@given(body=json_values, fields=st.dictionaries(st.sampled_from(sorted(event())), json_values))
def test_any_json_is_an_event_or_a_bad_object(body: Any, fields: dict[str, Any]) -> None:
    for candidate in (body, event() | fields):
        try:
            parse_event(orjson.dumps(candidate)).storable()
        except BadObject:
            continue
