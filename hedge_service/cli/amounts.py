"""Exact amounts on the command line: decimals as they are typed, never floats."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Generic, TypeVar

import click

from hedge_service.core.money import Count, Money, Price

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")


class Exact(click.ParamType[T], Generic[T]):
    """Reads a decimal number into one of the exact types."""

    def __init__(self, name: str, read: Callable[[str], T]) -> None:
        self.name = name
        self._read = read

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> T:
        """Read the number, or end the command with 2."""
        try:
            return self._read(str(value))
        except ValueError as error:
            self.fail(str(error), param, ctx)


def _positive(text: str) -> Money:
    amount = Money.of(text)
    if amount < Money.ZERO:
        raise ValueError(f"not an amount to pay: {text}")
    return amount


CONTRACTS = Exact("contracts", Count.of)
PRICE = Exact("dollars", Price.of)
DOLLARS = Exact("dollars", _positive)
