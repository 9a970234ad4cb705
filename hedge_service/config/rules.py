"""The kinds of value a knob may have, each with what is allowed in words.

A rule stands in the field's annotation. It takes a value as TOML gives it and never converts
silently: text is no number, a number is no text, and money is no TOML number.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from pydantic_core import CoreSchema, core_schema

from hedge_service.config.addresses import check_peer_url, check_public_url
from hedge_service.config.databases import ALLOWED as DATABASES
from hedge_service.config.databases import check_database_url
from hedge_service.core.money import Money, decimal_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from enum import Enum

    from pydantic import GetCoreSchemaHandler

_EXACT = re.compile(r"[0-9]{1,15}(\.[0-9]{1,6})?", re.ASCII)
_NUMBER = re.compile(r"-?[0-9]{1,15}(\.[0-9]{1,6})?", re.ASCII)
_WHOLE = re.compile(r"-?[0-9]{1,15}", re.ASCII)


class RefusalError(ValueError):
    """A value a knob can't have; the text says what is wrong and never quotes the value."""


def _as_it_is(text: str) -> object:
    return text


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One kind of value.

    `check` takes a TOML value and raises ValueError with what is wrong; `from_text` turns an
    environment variable into the TOML value it stands for (unreadable text stays text, so that
    `check` refuses it); `allowed` ends the line that an operator reads.
    """

    allowed: str
    check: Callable[[Any], object]
    from_text: Callable[[str], object] = _as_it_is

    def __get_pydantic_core_schema__(self, _source: object, _handler: GetCoreSchemaHandler) -> CoreSchema:
        """Let pydantic call `check` and nothing else."""
        return core_schema.no_info_plain_validator_function(self.check)


def exact_decimal(value: object) -> Decimal:
    """Read a decimal written as text, such as "0.90".

    Raises ValueError for all else: a TOML float has already lost the digits that were typed.
    """
    if isinstance(value, int | float) and not isinstance(value, bool):
        raise RefusalError("is a TOML number, which is not exact; put it in quotes")
    if not isinstance(value, str) or _EXACT.fullmatch(value) is None:
        raise RefusalError("is not a plain decimal number")
    return decimal_of(value)


def share(low: str, high: str, *, step: str = "0.000001") -> Rule:
    """Allow an exact decimal within [low, high] on the grid of `step`, written as text."""

    def check(value: object) -> Decimal:
        number = exact_decimal(value)
        if not Decimal(low) <= number <= Decimal(high):
            raise RefusalError("is out of range")
        if number % Decimal(step):
            raise RefusalError("is too fine")
        return number

    grid = "" if step == "0.000001" else f" in steps of {step}"
    return Rule(allowed=f'"{low}" to "{high}"{grid}, in quotes', check=check)


def share_or_off(low: str, high: str) -> Rule:
    """Allow what `share` allows, or "off", which gives None."""
    rule = share(low, high)
    return Rule(
        allowed=f'"off", or {rule.allowed}',
        check=lambda value: None if value == "off" else rule.check(value),
    )


def dollars(low: str, high: str) -> Rule:
    """Allow whole cents within [low, high] dollars, written as text."""

    def check(value: object) -> Money:
        money = Money.of(exact_decimal(value))
        if not Money.of(low) <= money <= Money.of(high):
            raise RefusalError("is out of range")
        if money != money.floor_to_cent():
            raise RefusalError("is finer than a cent")
        return money

    return Rule(allowed=f'dollars from "{low}" to "{high}", in quotes', check=check)


def seconds(low: float, high: float) -> Rule:
    """Allow a number of seconds within [low, high], whole or fractional."""

    def check(value: object) -> float:
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise RefusalError("is not a number")
        if not low <= value <= high:  # refuses NaN too
            raise RefusalError("is out of range")
        return value

    def from_text(text: str) -> object:
        return float(text) if _NUMBER.fullmatch(text) else text

    return Rule(allowed=f"{low:g} to {high:g} seconds", check=check, from_text=from_text)


def whole(low: int, high: int) -> Rule:
    """Allow a whole number within [low, high]."""

    def check(value: object) -> int:
        if isinstance(value, bool) or not isinstance(value, int):
            raise RefusalError("is not a whole number")
        if not low <= value <= high:
            raise RefusalError("is out of range")
        return value

    def from_text(text: str) -> object:
        return int(text) if _WHOLE.fullmatch(text) else text

    return Rule(allowed=f"a whole number from {low} to {high}", check=check, from_text=from_text)


def switch() -> Rule:
    """Allow `true` and `false`, and nothing that merely looks like them."""

    def check(value: object) -> bool:
        if not isinstance(value, bool):
            raise RefusalError("is not a boolean")
        return value

    return Rule(
        allowed="exactly true or false, without quotes",
        check=check,
        from_text=lambda text: {"true": True, "false": False}.get(text, text),
    )


def choice(kind: type[Enum]) -> Rule:
    """Allow the values of an enum, written as text."""

    def check(value: object) -> Enum:
        try:
            return kind(value)
        except ValueError:
            raise RefusalError("is none of the choices") from None

    return Rule(allowed="one of " + ", ".join(str(member.value) for member in kind), check=check)


def text(pattern: str, allowed: str) -> Rule:
    """Allow text that matches `pattern` as a whole, told as `allowed`."""

    def check(value: object) -> str:
        if not isinstance(value, str):
            raise RefusalError("is not text")
        if re.fullmatch(pattern, value, re.ASCII) is None:
            raise RefusalError("is not usable text")
        return value

    return Rule(allowed=allowed, check=check)


def peer_url(suffix: str) -> Rule:
    """Allow another party's address that ends in `suffix`, or "" for that party's own."""
    ending = f"that ends in {suffix}" if suffix else "without a path"
    allowed = f'"" or an address {ending} (and no slash, query or user name); https, or http on loopback'
    return Rule(allowed=allowed, check=lambda value: check_peer_url(value, suffix))


def database_url() -> Rule:
    """Allow a database of a kind that the store knows."""
    return Rule(allowed=DATABASES, check=check_database_url)


def own_url() -> Rule:
    """Allow our own address as browsers see it."""
    allowed = "an http or https address without slash at its end, query or user name"
    return Rule(allowed=allowed, check=check_public_url)
