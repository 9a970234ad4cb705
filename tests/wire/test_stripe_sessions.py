"""What is asked of Stripe when a checkout opens."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hedge_service.wire.stripe.fields import BadObject
from hedge_service.wire.stripe.keys import StripeMode, key_mode
from hedge_service.wire.stripe.lists import read_page
from hedge_service.wire.stripe.refunds import RefundStatus, charged_at, read_refund
from hedge_service.wire.stripe.sessions import NewSession, SessionStatus, read_session, session_params


def new_session(**changes: Any) -> NewSession:
    values: dict[str, Any] = {
        "quote_id": "q_1",
        "reference": "chk_1",
        "environment": "demo",
        "legs": 3,
        "amount_cents": 500,
        "currency": "usd",
        "expires_at": datetime.fromtimestamp(1_790_001_860, UTC),
        "public_url": "http://localhost:4000",
    }
    return NewSession(**(values | changes))


def test_a_session_sells_one_parlay_by_card() -> None:
    assert session_params(new_session()) == {
        "mode": "payment",
        "allowed_payment_method_types": ["card"],
        "line_items": [
            {
                "quantity": 1,
                "price_data": {
                    "currency": "usd",
                    "unit_amount": 500,
                    "product_data": {"name": "Parlay, 3 legs"},
                },
            }
        ],
        "client_reference_id": "chk_1",
        "metadata": {"quote_id": "q_1", "environment": "demo", "legs": "3"},
        "success_url": "http://localhost:4000/payment-success?session_id={CHECKOUT_SESSION_ID}",
        "cancel_url": "http://localhost:4000/payment-cancel",
        "expires_at": 1_790_001_860,
    }


def test_a_slash_at_the_end_of_the_public_address_is_not_doubled() -> None:
    params = session_params(new_session(public_url="https://bets.example/"))
    assert params["cancel_url"] == "https://bets.example/payment-cancel"


def test_equal_sessions_ask_for_the_same() -> None:
    assert session_params(new_session()) == session_params(new_session())


@pytest.mark.parametrize(
    "changes",
    [
        {"legs": 0},
        {"amount_cents": 0},
        {"amount_cents": -5},
        {"reference": ""},
        {"reference": "c" * 201},
        {"quote_id": "q" * 501},
        {"environment": "e" * 501},
    ],
)
def test_what_stripe_would_not_take_is_never_built(changes: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="a "):
        new_session(**changes)


def test_a_session_is_read_from_what_little_must_be_there() -> None:
    read = read_session({"id": "cs_1"})
    assert (read.status, read.paid, read.amount_total, read.url) == (SessionStatus.OTHER, False, None, None)


def test_the_address_of_an_open_session_is_read_whole() -> None:
    url = "https://checkout.stripe.com/c/pay/cs_1#" + "f" * 1500
    assert read_session({"id": "cs_1", "status": "open", "url": url}).url == url


@pytest.mark.parametrize(
    ("key", "mode"),
    [
        ("sk_test_abc", StripeMode.TEST),
        ("rk_test_abc", StripeMode.TEST),
        ("sk_live_abc", StripeMode.LIVE),
        ("rk_live_abc", StripeMode.LIVE),
        ("pk_live_abc", StripeMode.UNKNOWN),
        ("sk_live_", StripeMode.UNKNOWN),
        ("SK_LIVE_abc", StripeMode.UNKNOWN),
        ("", StripeMode.UNKNOWN),
    ],
)
def test_a_key_tells_whether_money_is_real(key: str, mode: StripeMode) -> None:
    assert key_mode(key) is mode


def test_a_page_gives_its_items_and_the_next_cursor() -> None:
    body = {"data": [{"id": "cs_1"}, {"id": "cs_2"}], "has_more": True}
    page = read_page(body, read_session)
    assert ([item.id for item in page.items], page.next_after) == (["cs_1", "cs_2"], "cs_2")
    assert read_page(body | {"has_more": False}, read_session).next_after is None
    assert read_page({"data": [], "has_more": False}, read_session).items == ()


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"data": {}},
        {"data": ["cs_1"], "has_more": False},
        {"data": [], "has_more": True},
        {"data": [{"id": "cs_1"}], "has_more": "yes"},
    ],
)
def test_a_list_cut_short_never_passes_for_all(body: dict[str, Any]) -> None:
    with pytest.raises(BadObject):
        read_page(body, read_session)


def test_a_refund_is_read() -> None:
    refund = read_refund({"id": "re_1", "status": "pending", "amount": 500})
    assert (refund.id, refund.status, refund.amount) == ("re_1", RefundStatus.PENDING, 500)
    assert read_refund({"id": "re_1", "status": "new", "amount": 5}).status is RefundStatus.OTHER


def test_only_a_charge_that_succeeded_has_a_time() -> None:
    at = datetime(2026, 11, 22, tzinfo=UTC)
    stamp = int(at.timestamp())
    assert charged_at({"status": "succeeded", "created": stamp}) == at
    assert charged_at({"status": "failed", "created": stamp}) is None
    assert charged_at({}) is None


@settings(deadline=None)
@given(at=st.datetimes(min_value=datetime(1970, 1, 1), timezones=st.just(UTC)))  # noqa: DTZ001 - hypothesis wants it bare
def test_expiry_is_sent_in_whole_seconds(at: datetime) -> None:
    sent = session_params(new_session(expires_at=at))["expires_at"]
    assert read_session({"id": "cs_1", "expires_at": sent}).expires_at == at.replace(microsecond=0)
