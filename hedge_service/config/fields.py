"""The kinds of value a knob may have, each with what is allowed in words.

A field's `description` is that text: it ends the line that tells an operator what is wrong.
"""

from __future__ import annotations

import re
from decimal import Decimal
from ipaddress import ip_address
from typing import Annotated, Any
from urllib.parse import SplitResult, urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, PlainValidator

from hedge_service.core.money import Money, decimal_of

_EXACT = re.compile(r"[0-9]{1,15}(\.[0-9]{1,6})?", re.ASCII)
_URL_TEXT = re.compile(r"[!-\[\]-~]+", re.ASCII)  # printable ASCII without space and backslash


class Section(BaseModel):
    """One section of the configuration: frozen, no unknown keys, no silent conversions."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, hide_input_in_errors=True)


def exact_decimal(value: object) -> Decimal:
    """Read a decimal written as text, such as "0.90"; anything else raises ValueError.

    TOML numbers are refused: a TOML float has already lost the digits that were typed.
    """
    if not isinstance(value, str):
        raise ValueError("is a TOML number, which is not exact: put it in quotes")  # noqa: TRY004 - pydantic reports ValueError
    if _EXACT.fullmatch(value) is None:
        raise ValueError("is not a plain decimal number")
    return decimal_of(value)


def whole_cents(value: object) -> Money:
    """Read dollars written as text, such as "100" or "0.30", in whole cents."""
    money = Money.of(exact_decimal(value))
    if money.floor_to_cent() != money:
        raise ValueError("is finer than a cent")
    return money


def ratio(low: str, high: str, unit: str = "a share") -> Any:
    """Make the type of an exact decimal within [low, high], written as text."""

    def within(value: object) -> Decimal:
        number = exact_decimal(value)
        if not Decimal(low) <= number <= Decimal(high):
            raise ValueError("is out of range")
        return number

    allowed = f'{unit} from "{low}" to "{high}", in quotes'
    return Annotated[Decimal, PlainValidator(within), Field(description=allowed)]


def dollars(low: str, high: str) -> Any:
    """Make the type of an exact amount within [low, high] dollars, written as text."""

    def within(value: object) -> Money:
        money = whole_cents(value)
        if not Money.of(low) <= money <= Money.of(high):
            raise ValueError("is out of range")
        return money

    allowed = f'dollars from "{low}" to "{high}" in whole cents, in quotes'
    return Annotated[Money, PlainValidator(within), Field(description=allowed)]


def seconds(low: float, high: float) -> Any:
    """Make the type of a time within [low, high] seconds; whole or fractional."""
    allowed = f"seconds from {low:g} to {high:g}"
    return Annotated[float, Field(ge=low, le=high, allow_inf_nan=False, description=allowed)]


def whole(low: int, high: int) -> Any:
    """Make the type of a whole number within [low, high]."""
    return Annotated[int, Field(ge=low, le=high, description=f"a whole number from {low} to {high}")]


def text(pattern: str, allowed: str) -> Any:
    """Make the type of a text that matches `pattern`, told as `allowed`."""
    return Annotated[str, Field(pattern=pattern, description=allowed)]


def choice(kind: type[Any]) -> Any:
    """Make the type of one of an enum's values, written as text."""
    allowed = "one of " + ", ".join(member.value for member in kind)
    return Annotated[kind, Field(strict=False, description=allowed)]


def is_loopback(host: str | None) -> bool:
    """Say whether a host name can only mean this machine."""
    if host is None:
        return False
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def split_url(value: str) -> SplitResult:
    """Split an http(s) address. Raises ValueError for anything that hides or doubles its meaning."""
    if _URL_TEXT.fullmatch(value) is None:
        raise ValueError("is not a plain address")
    parts = urlsplit(value)
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.port == 0:
        raise ValueError("is not an http or https address")
    if "@" in parts.netloc:
        raise ValueError("carries a user name or password")
    if "?" in value or "#" in value:
        raise ValueError("carries a query or a fragment")
    return parts


def _peer_url(value: str, suffix: str) -> str:
    if value == "":
        return value
    parts = split_url(value)
    if parts.scheme == "http" and not is_loopback(parts.hostname):
        raise ValueError("is http to another machine")
    if value.endswith("/"):
        raise ValueError("ends in a slash")
    if suffix and not parts.path.endswith(suffix):
        raise ValueError(f"does not end in {suffix}")
    if not suffix and parts.path:
        raise ValueError("carries a path")
    return value


def peer_url(suffix: str) -> Any:
    """Make the type of another party's address that ends in `suffix`; "" is that party's own."""
    ending = f"ends in {suffix}" if suffix else "has no path"
    allowed = f'"" or an address that {ending}, without slash or query behind it; https, or http on loopback'
    return Annotated[str, AfterValidator(lambda value: _peer_url(value, suffix)), Field(description=allowed)]


def _public_url(value: str) -> str:
    split_url(value)
    if value.endswith("/"):
        raise ValueError("ends in a slash")
    return value


def public_url() -> Any:
    """Make the type of our own address as browsers see it."""
    allowed = "an http or https address without slash, query or user name"
    return Annotated[str, AfterValidator(_public_url), Field(description=allowed)]
