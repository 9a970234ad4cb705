"""Refunds and charges, as far as the books need them.

https://docs.stripe.com/api/refunds, https://docs.stripe.com/api/charges
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from hedge_service.core.money import Money
from hedge_service.wire.stripe import fields

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

BOOKS_CURRENCY = "usd"
"""The books hold dollars; an account that Stripe settles in another currency gets no fees from here."""


class RefundStatus(StrEnum):
    """Stripe's status of a refund; OTHER stands for a word this version does not know."""

    PENDING = "pending"
    REQUIRES_ACTION = "requires_action"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELED = "canceled"
    OTHER = "other"

    @classmethod
    def _missing_(cls, value: object) -> RefundStatus:
        del value
        return cls.OTHER


@dataclass(frozen=True, slots=True, kw_only=True)
class Refund:
    """Money on its way back; `amount` in the currency's smallest unit."""

    id: str
    status: RefundStatus
    amount: int


def read_refund(body: Mapping[str, Any]) -> Refund:
    """Read a refund object. Raises BadObject."""
    return Refund(
        id=fields.text(body, "id"),
        status=RefundStatus(fields.word(body, "status")),
        amount=fields.integer(body, "amount"),
    )


def charged_at(charge: Mapping[str, Any]) -> datetime | None:
    """Give the time of a charge that brought money, None for a failed one. Raises BadObject."""
    return fields.instant(charge, "created") if fields.word(charge, "status") == "succeeded" else None


def fee_kept(charge: Mapping[str, Any]) -> Money | None:
    """Give Stripe's fee on a charge whose balance transaction is expanded, None without. Raises BadObject.

    https://docs.stripe.com/api/balance_transactions
    """
    booked = fields.section(charge, "balance_transaction")
    if not booked or fields.text(booked, "currency") != BOOKS_CURRENCY:
        return None
    return Money.cents(fields.integer(booked, "fee"))
