"""Stripe's fee on a charge, as its expanded balance transaction tells it."""

from __future__ import annotations

from typing import Any

import pytest

from hedge_service.core.money import Money
from hedge_service.wire.stripe.fields import BadObject
from hedge_service.wire.stripe.refunds import fee_kept


def charge(**transaction: Any) -> dict[str, Any]:
    return {"id": "ch_1", "balance_transaction": {"currency": "usd", "fee": 45} | transaction}


def test_the_fee_is_read_in_cents() -> None:
    assert fee_kept(charge()) == Money.of("0.45")


@pytest.mark.parametrize("told", [{}, {"balance_transaction": None}, charge(currency="eur")])
def test_a_fee_not_told_in_dollars_is_none(told: dict[str, Any]) -> None:
    assert fee_kept(told) is None


@pytest.mark.parametrize("fee", [None, "45", 4.5, True])
def test_a_fee_that_is_no_whole_number_is_unreadable(fee: Any) -> None:
    with pytest.raises(BadObject):
        fee_kept(charge(fee=fee))


def test_a_transaction_that_was_not_expanded_is_unreadable() -> None:
    with pytest.raises(BadObject):
        fee_kept({"balance_transaction": "txn_1"})
