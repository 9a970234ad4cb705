"""Checkout Sessions: made, expired, and their rules.

https://docs.stripe.com/api/checkout/sessions
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from hedge_service.sandbox.stripe.errors import StripeError, invalid
from hedge_service.sandbox.stripe.params import Params, metadata_of

if TYPE_CHECKING:
    from hedge_service.sandbox.control import Json
    from hedge_service.sandbox.stripe.books import Books

MIN_LIFE_S = 30 * 60
MAX_LIFE_S = 24 * 60 * 60
MIN_TOTAL_CENTS = 50
MAX_TOTAL_CENTS = 99_999_999
_MAX_REFERENCE = 200
_URL = re.compile(r"https?://[^\s]+")
_CURRENCY = re.compile(r"[a-z]{3}")

_CREATE = frozenset(
    {
        "adaptive_pricing",
        "after_expiration",
        "allow_promotion_codes",
        "allowed_payment_method_types",
        "automatic_tax",
        "billing_address_collection",
        "branding_settings",
        "cancel_url",
        "client_reference_id",
        "consent_collection",
        "currency",
        "custom_fields",
        "custom_text",
        "customer",
        "customer_creation",
        "customer_email",
        "discounts",
        "expand",
        "expires_at",
        "invoice_creation",
        "line_items",
        "locale",
        "metadata",
        "mode",
        "name_collection",
        "origin_context",
        "payment_intent_data",
        "payment_method_configuration",
        "payment_method_options",
        "phone_number_collection",
        "saved_payment_method_options",
        "shipping_address_collection",
        "submit_type",
        "success_url",
        "tax_id_collection",
        "ui_mode",
        "wallet_options",
    }
)


def create_session(books: Books, params: Params, *, base_url: str) -> Json:
    """Make an open session with its own pay page under `base_url`. Raises StripeError (400)."""
    params.only(_CREATE)
    _check_mode(params)
    items = [_line_item(books, line) for line in params.sections("line_items")]
    session_id = books.new_session_id()
    session = {
        **_fixed_fields(books),
        **_asked_fields(params),
        **_totals(items),
        "id": session_id,
        "expires_at": _expiry(params, books.now()),
        "url": f"{base_url}/sandbox/pay/{session_id}",
    }
    books.line_items[session_id] = items
    books.intent_data[session_id] = _payment_intent_data(params)
    return books.sessions.add(session)


def expire_session(books: Books, session_id: str) -> Json:
    """End an open session. Raises StripeError: 404 unknown, 400 not open."""
    session = books.sessions.get(session_id, param="session")
    if session["status"] != "open":
        raise StripeError(
            400,
            'Only Checkout Sessions with a status in ["open"] can be expired. '
            f"This Checkout Session has a status of `{session['status']}`.",
        )
    _expire(books, session)
    return session


def expire_due_sessions(books: Books) -> None:
    """End every open session whose time is over."""
    now = books.now()
    for session in books.sessions.newest_first():
        if session["status"] == "open" and session["expires_at"] <= now:
            _expire(books, session)


def _expire(books: Books, session: Json) -> None:
    session.update(status="expired", url=None)
    books.record("checkout.session.expired", session)


def _check_mode(params: Params) -> None:
    if params.required("mode") != "payment":
        raise invalid("This stand-in sells single payments only: mode must be payment.", param="mode")
    if params.text("ui_mode") not in (None, "hosted", "hosted_page"):
        raise invalid("This stand-in hosts its own page only.", param="ui_mode")
    if not params.sections("line_items"):
        raise invalid("Missing required param: line_items.", param="line_items", code="parameter_missing")


def _fixed_fields(books: Books) -> Json:
    return {
        "object": "checkout.session",
        "automatic_tax": {"enabled": False, "liability": None, "provider": None, "status": None},
        "billing_address_collection": None,
        "consent": None,
        "created": books.now(),
        "custom_fields": [],
        "custom_text": {},
        "customer": None,
        "customer_details": None,
        "invoice": None,
        "livemode": books.livemode,
        "mode": "payment",
        "payment_intent": None,
        "payment_link": None,
        "payment_status": "unpaid",
        "setup_intent": None,
        "shipping_options": [],
        "status": "open",
        "subscription": None,
        "ui_mode": "hosted_page",
    }


def _asked_fields(params: Params) -> Json:
    reference = params.text("client_reference_id")
    if reference is not None and len(reference) > _MAX_REFERENCE:
        raise invalid("Invalid string: must be at most 200 characters", param="client_reference_id")
    # payment_method_types is no parameter any more since API version 2026-09-30.endive.
    methods = params.texts("allowed_payment_method_types")
    return {
        "cancel_url": _url(params, "cancel_url"),
        "client_reference_id": reference,
        "customer_creation": params.text("customer_creation") or "if_required",
        "customer_email": params.text("customer_email"),
        "locale": params.text("locale"),
        "metadata": metadata_of(params),
        "payment_method_types": methods or ["card"],
        "submit_type": params.text("submit_type"),
        "success_url": _required_url(params, "success_url"),
    }


def _url(params: Params, name: str) -> str | None:
    value = params.text(name)
    if value is not None and _URL.fullmatch(value) is None:
        raise invalid("Not a valid URL", param=name, code="url_invalid")
    return value


def _required_url(params: Params, name: str) -> str:
    params.required(name)
    return str(_url(params, name))


def _expiry(params: Params, now: int) -> int:
    expires_at = params.integer("expires_at")
    if expires_at is None:
        return now + MAX_LIFE_S
    if expires_at < now + MIN_LIFE_S:
        problem = "at least 30 minutes from"
    elif expires_at > now + MAX_LIFE_S:
        problem = "less than 24 hours from"
    else:
        return expires_at
    message = f"The `expires_at` timestamp must be {problem} Checkout Session creation."
    raise invalid(message, param="expires_at", code="parameter_invalid")


def _payment_intent_data(params: Params) -> Json:
    section = params.section("payment_intent_data")
    return {"metadata": metadata_of(section), "description": section.text("description")}


def _line_item(books: Books, line: Params) -> Json:
    line.only(("price_data", "quantity", "adjustable_quantity", "dynamic_tax_rates", "tax_rates", "metadata"))
    price = line.section("price_data")
    name = price.section("product_data").required("name")
    amount = _bounded(price, "unit_amount", least=0)
    quantity = _bounded(line, "quantity", least=1)
    return {
        "id": books.new_id("li"),
        "object": "item",
        "amount_discount": 0,
        "amount_subtotal": amount * quantity,
        "amount_tax": 0,
        "amount_total": amount * quantity,
        "currency": _currency(price),
        "description": name,
        "price": {"object": "price", "unit_amount": amount, "type": "one_time"},
        "quantity": quantity,
    }


def _bounded(params: Params, name: str, *, least: int) -> int:
    params.required(name)
    number = params.integer(name)
    if number is None or number < least:
        raise invalid(f"This value must be at least {least}.", param=params.name_of(name))
    return number


def _currency(price: Params) -> str:
    currency = price.required("currency").lower()
    if _CURRENCY.fullmatch(currency) is None:
        raise invalid(f"Invalid currency: {currency[:40]}", param=price.name_of("currency"))
    return currency


def _totals(items: list[Json]) -> Json:
    total = sum(item["amount_total"] for item in items)
    currencies = {item["currency"] for item in items}
    if len(currencies) != 1:
        raise invalid("All line items must have the same currency.", param="line_items")
    if total < MIN_TOTAL_CENTS:
        message = "The Checkout Session's total amount due must add up to at least $0.50 usd"
        raise invalid(message, param="line_items", code="amount_too_small")
    if total > MAX_TOTAL_CENTS:
        message = "The Checkout Session's total amount must be no more than $999,999.99"
        raise invalid(message, param="line_items", code="amount_too_large")
    return {
        "amount_subtotal": total,
        "amount_total": total,
        "currency": currencies.pop(),
        "total_details": {"amount_discount": 0, "amount_shipping": 0, "amount_tax": 0},
    }
