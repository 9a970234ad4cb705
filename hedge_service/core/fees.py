"""What trading and card payments cost: the exchange's fee per fill, and the payment provider's per charge.

Source: Kalshi's fee rounding (docs of October 2026), figures checked against recorded fills.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from functools import cache
from typing import TYPE_CHECKING

from hedge_service.core.money import Count, Money, Price

if TYPE_CHECKING:
    from collections.abc import Iterable

    from hedge_service.core.venue import Event, Series

TAKER_RATE = Decimal("0.07")
DIRECT_PRECISION = Decimal("0.0001")
"""Balance precision of a direct member, in dollars."""
FCM_PRECISION = Decimal("0.01")
"""Balance precision of an account held through a broker, in dollars."""
STRIPE_SHARE = Decimal("0.029")
STRIPE_FIXED = Money.cents(30)
_HALF = Decimal("0.5")
_ONE = Decimal(1)


class FeeKind(StrEnum):
    """The exchange's fee types; OTHER stands for a word this version does not know."""

    QUADRATIC = "quadratic"
    QUADRATIC_WITH_MAKER_FEES = "quadratic_with_maker_fees"
    QUADRATIC_WITH_COMBO_MAKER_FEES = "quadratic_with_combo_maker_fees"
    FLAT = "flat"
    OTHER = "other"

    @classmethod
    def _missing_(cls, value: object) -> FeeKind:
        del value
        return cls.OTHER


# What a maker pays, as a share of the taker's fee.
_MAKER_SHARES = {
    FeeKind.QUADRATIC: Decimal(0),
    FeeKind.QUADRATIC_WITH_MAKER_FEES: Decimal("0.25"),
    FeeKind.QUADRATIC_WITH_COMBO_MAKER_FEES: Decimal("0.5"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Fill:
    """Contracts bought at one price of the side bought."""

    count: Count
    price: Price


@dataclass(frozen=True, slots=True, kw_only=True)
class FeeSchedule:
    """How a series charges: its fee type, its multiplier, and the account's balance precision in dollars.

    Raises ValueError for a type without a known formula, a negative multiplier or an odd precision.
    """

    kind: FeeKind = FeeKind.QUADRATIC
    multiplier: Decimal = _ONE
    precision: Decimal = DIRECT_PRECISION

    def __post_init__(self) -> None:
        if self.kind not in _MAKER_SHARES:
            raise ValueError(f"no formula is known for fee type {self.kind}")
        if self.multiplier < 0 or Money.of(self.precision) <= Money.ZERO:
            raise ValueError(f"not a fee schedule: multiplier {self.multiplier}, precision {self.precision}")

    def taker(self, count: Count, price: Price) -> Money:
        """Give the fee of one fill that took liquidity."""
        return taker_fee(count, price, self.multiplier, self.precision)

    def maker(self, count: Count, price: Price) -> Money:
        """Give the fee of one fill that rested in the book; free of model fee, it may still be rounded."""
        return taker_fee(count, price, self.multiplier * _MAKER_SHARES[self.kind], self.precision)

    def per_contract(self, price: Price) -> Decimal:
        """Give the taker's model fee of one contract in dollars, before any rounding."""
        return TAKER_RATE * self.multiplier * _spread(price.dollars)

    def order(self, fills: Iterable[Fill]) -> Money:
        """Give what one order's fills cost a taker in fees, in the order in which they happen.

        An order carries what its fills have overpaid by rounding so far. A fill gives back as many whole
        units of the precision as that holds, but never more than its own fee. How the exchange divides one
        price among fills is its own affair: without rebates `taker` of each fill is an upper bound.
        """
        unit = _unit(self.precision)
        paid = overpaid = 0
        for fill in fills:
            model = trade_fee(fill.count, fill.price, self.multiplier)
            charged = net_fee(-fill.price.times(fill.count), model, self.precision).micros
            overpaid += charged - model.micros
            rebate = min(overpaid, charged) // unit * unit
            overpaid -= rebate
            paid += charged - rebate
        return Money(paid)

    def largest(self, count: Count, limit: Price) -> Money:
        """Give an upper bound of the fees of one order; see `max_fee`."""
        return max_fee(count, limit, self.multiplier, self.precision)

    def counted(self, count: Count, limit: Price) -> Money:
        """Give what caps count for the fees of one order: `largest`, and never less than the standard one.

        A discount may end before the order goes out, and the lock before sending counts the standard fee.
        """
        return max(self.largest(count, limit), max_fee(count, limit))


def schedule_of(
    series: Series, event: Event | None = None, *, precision: Decimal = DIRECT_PRECISION
) -> FeeSchedule:
    """Give the fees of an event's markets: its own overrides first, each by itself, then its series'.

    Source: Event.fee_type_override and fee_multiplier_override of the exchange; without an event, or where
    one is null, the series holds. Raises ValueError for a type without a known formula.
    """
    kind, multiplier = series.fee_type, series.fee_multiplier
    if event is not None and event.fee_type_override is not None:
        kind = event.fee_type_override
    if event is not None and event.fee_multiplier_override is not None:
        multiplier = event.fee_multiplier_override
    return FeeSchedule(kind=FeeKind(kind), multiplier=multiplier, precision=precision)


def trade_fee(count: Count, price: Price, multiplier: Decimal = _ONE) -> Money:
    """Give the model fee of one fill: 0.07 * M * C * P * (1 - P) dollars, rounded up to a micro."""
    return Money.ceil(TAKER_RATE * multiplier * count.contracts * _spread(price.dollars))


def net_fee(revenue: Money, fee: Money, precision: Decimal = DIRECT_PRECISION) -> Money:
    """Give what one fill costs once the balance is aligned to the account's precision.

    `revenue` is the fill's cash without fees, negative for a purchase. The balance changes by
    floor(revenue - fee) at the precision; the difference is the rounding fee. The exchange may rebate whole
    units of it later within one order, so this is never less than what is paid.
    """
    unit = _unit(precision)
    aligned = (revenue - fee).micros // unit * unit
    return revenue - Money(aligned)


def taker_fee(
    count: Count, price: Price, multiplier: Decimal = _ONE, precision: Decimal = DIRECT_PRECISION
) -> Money:
    """Give the fee of one fill that buys `count` contracts at `price` (of the side bought)."""
    return net_fee(-price.times(count), trade_fee(count, price, multiplier), precision)


def max_fee(
    count: Count, limit: Price, multiplier: Decimal = _ONE, precision: Decimal = DIRECT_PRECISION
) -> Money:
    """Give an upper bound of an order's fees over any fills at or below `limit`.

    P * (1 - P) grows up to 0.5, so a limit above 0.5 is charged as 0.5: a fill may be cheaper than the
    limit and its fee higher. The two roundings of a fill add less than one `precision` together, and no
    fill is smaller than 0.01 contract, so a hundred fills per contract are allowed for.
    """
    peak = _spread(min(limit.dollars, _HALF))
    model = Money.ceil(TAKER_RATE * multiplier * count.contracts * peak)
    return model + Money(_unit(precision) * count.centis)


def payment_fee(amount: Money, *, share: Decimal = STRIPE_SHARE, fixed: Money = STRIPE_FIXED) -> Money:
    """Give what the payment provider keeps of one charge, rounded up to the cent."""
    return (Money.ceil(amount.dollars * share) + fixed).ceil_to_cent()


def _spread(price: Decimal) -> Decimal:
    return price * (1 - price)


@cache
def _unit(precision: Decimal) -> int:
    return Money.of(precision).micros
