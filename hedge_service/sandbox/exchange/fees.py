"""Trading fees per fill, rounded as section 6 of the kalshi README says.

The product has its own fee model; this one is written apart from it on purpose, to be checked against.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Final

from .amounts import DOLLAR

_TAKER_RATE: Final = Decimal("0.07")
_MAKER_SHARE: Final = {
    "quadratic": Decimal(0),
    "quadratic_with_maker_fees": Decimal("0.25"),
    "quadratic_with_combo_maker_fees": Decimal("0.5"),
}


class FeeType(StrEnum):
    """How a series charges."""

    QUADRATIC = "quadratic"
    QUADRATIC_WITH_MAKER_FEES = "quadratic_with_maker_fees"
    QUADRATIC_WITH_COMBO_MAKER_FEES = "quadratic_with_combo_maker_fees"


@dataclass(frozen=True, slots=True, kw_only=True)
class FeeSchedule:
    """A series' fee type and multiplier, or the event's override of them."""

    fee_type: FeeType = FeeType.QUADRATIC
    multiplier: Decimal = Decimal(1)

    def rate(self, *, is_taker: bool) -> Decimal:
        """Give the rate r of r * C * P * (1 - P)."""
        rate = _TAKER_RATE * self.multiplier
        return rate if is_taker else rate * _MAKER_SHARE[self.fee_type]


def trade_fee(schedule: FeeSchedule, *, price: int, count: int, is_taker: bool) -> int:
    """Give the fee of one fill in micros, rounded up to a micro. Price in micros, count in centis."""
    top, bottom = schedule.rate(is_taker=is_taker).as_integer_ratio()
    # r * (count / 100) * (price / 1e6) * (1 - price / 1e6) dollars, times 1e6 for micros
    numerator = top * count * price * (DOLLAR - price)
    return -(-numerator // (bottom * 100 * DOLLAR))


@dataclass(frozen=True, slots=True, kw_only=True)
class RoundedFee:
    """A fill's fee after rounding, and what the order has overpaid by rounding so far; micros."""

    fee: int
    overpaid: int


def rounded(*, revenue: int, fee: int, overpaid: int, precision: int) -> RoundedFee:
    """Round a fill's cash change down to the balance precision and give back whole units overpaid.

    `revenue` is the fill's cash change before fees, negative for a purchase. All in micros.
    The net fee is never negative.
    """
    rounding = (revenue - fee) % precision
    charged = fee + rounding
    overpaid += rounding
    rebate = min(overpaid, charged) // precision * precision
    return RoundedFee(fee=charged - rebate, overpaid=overpaid - rebate)
