"""Exact money, prices and contract counts.

Tables hold integers: 1 micro = 1/1,000,000 dollar (the exchange's fees have six decimals),
1 centi = 1/100 contract (the exchange's smallest lot). No float ever enters.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal, InvalidOperation
from typing import ClassVar, Self

MICROS_PER_DOLLAR = 1_000_000
MICROS_PER_CENT = 10_000
CENTIS_PER_CONTRACT = 100

# What arithmetic on 28 digits holds exactly; anything else is a slip or an attack ("1e999999999").
MOST_DIGITS = 28
LARGEST_EXPONENT = 15
SMALLEST_EXPONENT = -28


def decimal_of(text: str | int | Decimal) -> Decimal:
    """Read an exact finite decimal number; text is plain ASCII, without spaces or underscores.

    Raises ValueError for text that is no number, for NaN, for infinities and for numbers of 10^16 and more
    or with more than 28 digits, which later arithmetic would round silently.
    """
    if isinstance(text, str) and not _plain(text):
        raise ValueError(f"not a decimal number: {text[:40]!r}")
    try:
        number = Decimal(text)
    except InvalidOperation:
        raise ValueError(f"not a decimal number: {str(text)[:40]!r}") from None
    if not number.is_finite():
        raise ValueError(f"not a finite number: {str(text)[:40]!r}")
    if len(number.as_tuple().digits) > MOST_DIGITS or not _in_range(number):
        raise ValueError(f"a number out of range: {str(text)[:40]!r}")
    return number


def _plain(text: str) -> bool:
    # Decimal itself also reads " 1", "1_0" and the digits of every script.
    return text.isascii() and "_" not in text and text == text.strip()


def _in_range(number: Decimal) -> bool:
    return number == 0 or SMALLEST_EXPONENT <= number.adjusted() <= LARGEST_EXPONENT


def _units(number: Decimal, per_one: int, what: str) -> int:
    scaled = number * per_one
    whole = int(scaled)
    if whole != scaled:
        raise ValueError(f"{number} is finer than {what} can hold")
    return whole


@dataclass(frozen=True, slots=True, order=True)
class Money:
    """An exact amount of dollars, held in whole micros; may be negative."""

    micros: int
    ZERO: ClassVar[Money]

    @classmethod
    def of(cls, dollars: str | int | Decimal) -> Self:
        """Read dollars. Raises ValueError when finer than a micro or not a number."""
        return cls(_units(decimal_of(dollars), MICROS_PER_DOLLAR, "a millionth of a dollar"))

    @classmethod
    def floor(cls, dollars: Decimal) -> Self:
        """Round dollars down to a whole micro: for what we receive."""
        return cls(int((dollars * MICROS_PER_DOLLAR).to_integral_value(ROUND_FLOOR)))

    @classmethod
    def ceil(cls, dollars: Decimal) -> Self:
        """Round dollars up to a whole micro: for what we pay."""
        return cls(int((dollars * MICROS_PER_DOLLAR).to_integral_value(ROUND_CEILING)))

    @classmethod
    def cents(cls, cents: int) -> Self:
        """Take a whole number of cents."""
        return cls(cents * MICROS_PER_CENT)

    @property
    def dollars(self) -> Decimal:
        """Dollars as an exact Decimal."""
        return Decimal(self.micros) / MICROS_PER_DOLLAR

    def floor_to_cent(self) -> Money:
        """Round down to a whole cent."""
        return Money(self.micros // MICROS_PER_CENT * MICROS_PER_CENT)

    def ceil_to_cent(self) -> Money:
        """Round up to a whole cent."""
        return Money(-(-self.micros // MICROS_PER_CENT) * MICROS_PER_CENT)

    def to_cents(self) -> int:
        """Give whole cents. Raises ValueError when there is a fraction of one."""
        cents, rest = divmod(self.micros, MICROS_PER_CENT)
        if rest:
            raise ValueError(f"{self} is not a whole number of cents")
        return cents

    def __add__(self, other: Money) -> Money:
        return Money(self.micros + other.micros)

    def __sub__(self, other: Money) -> Money:
        return Money(self.micros - other.micros)

    def __neg__(self) -> Money:
        return Money(-self.micros)

    def __bool__(self) -> bool:
        return self.micros != 0

    def __str__(self) -> str:
        """Dollars with two decimals when whole cents, else six: a fixed form for logs and JSON."""
        places = 2 if self.micros % MICROS_PER_CENT == 0 else 6
        return f"{self.dollars:.{places}f}"


Money.ZERO = Money(0)


@dataclass(frozen=True, slots=True, order=True)
class Count:
    """A number of contracts, held in whole hundredths; never negative."""

    centis: int
    ZERO: ClassVar[Count]

    def __post_init__(self) -> None:
        if self.centis < 0:
            raise ValueError(f"a count of contracts is never negative: {self.centis}")

    @classmethod
    def of(cls, contracts: str | int | Decimal) -> Self:
        """Read contracts. Raises ValueError when finer than 0.01, negative or not a number."""
        return cls(_units(decimal_of(contracts), CENTIS_PER_CONTRACT, "a hundredth of a contract"))

    @classmethod
    def floor(cls, contracts: Decimal, step: Decimal) -> Self:
        """Round contracts down to a whole number of lots of `step` contracts; below one lot gives none."""
        # `//` is exact, where `/` would first round to 28 digits and could reach the next lot
        return cls.of(max(contracts // step, Decimal(0)) * step)

    @property
    def contracts(self) -> Decimal:
        """Contracts as an exact Decimal."""
        return Decimal(self.centis) / CENTIS_PER_CONTRACT

    def __add__(self, other: Count) -> Count:
        return Count(self.centis + other.centis)

    def __sub__(self, other: Count) -> Count:
        return Count(self.centis - other.centis)

    def __bool__(self) -> bool:
        return self.centis != 0

    def __str__(self) -> str:
        """Contracts with two decimals: the form the exchange takes and gives."""
        return f"{self.contracts:.2f}"


Count.ZERO = Count(0)


@dataclass(frozen=True, slots=True, order=True)
class Price:
    """A price in dollars per contract of $1 payoff, held in whole micros, 0 <= price <= 1."""

    micros: int

    def __post_init__(self) -> None:
        if not 0 <= self.micros <= MICROS_PER_DOLLAR:
            raise ValueError(f"a price lies between $0 and $1: {self.micros} micros")

    @classmethod
    def of(cls, dollars: str | int | Decimal) -> Self:
        """Read dollars. Raises ValueError when finer than a micro, outside [0, 1] or not a number."""
        return cls(_units(decimal_of(dollars), MICROS_PER_DOLLAR, "a millionth of a dollar"))

    @property
    def dollars(self) -> Decimal:
        """Dollars as an exact Decimal."""
        return Decimal(self.micros) / MICROS_PER_DOLLAR

    @property
    def complement(self) -> Price:
        """Give the price of the other side: 1 - price."""
        return Price(MICROS_PER_DOLLAR - self.micros)

    def times(self, count: Count) -> Money:
        """Cost `count` contracts at this price, rounded up to a micro (exact on a 0.0001 grid)."""
        return Money(-(-self.micros * count.centis // CENTIS_PER_CONTRACT))

    def __str__(self) -> str:
        """Dollars with four decimals, six when finer: the form the exchange takes and gives."""
        return f"{self.dollars:.{4 if self.micros % 100 == 0 else 6}f}"
