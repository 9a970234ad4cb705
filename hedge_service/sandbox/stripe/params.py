"""Stripe's form encoding: `line_items[0][price_data][currency]=usd`, `types[]=a`."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

from hedge_service.sandbox.stripe.errors import StripeError, invalid

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from hedge_service.sandbox.control import Json

_KEY = re.compile(r"([^\[\]]+)((?:\[[^\[\]]*\])*)")
_INTEGER = re.compile(r"-?\d{1,18}")


def decode_form(raw: bytes | str) -> Json:
    """Decode a form or query into nested dictionaries; arrays become dictionaries with keys 0, 1, 2...

    Raises StripeError (400) for bytes that are not UTF-8 and for malformed keys.
    """
    try:
        text = raw.decode() if isinstance(raw, bytes) else raw
        pairs = parse_qsl(text, keep_blank_values=True, errors="strict", max_num_fields=1000)
    except ValueError:
        raise StripeError(400, "Invalid request encoding") from None
    fields: Json = {}
    for key, value in pairs:
        _put(fields, key, value)
    return fields


def _put(fields: Json, key: str, value: str) -> None:
    matched = _KEY.fullmatch(key)
    if matched is None:
        raise invalid(f"Invalid parameter name: {key[:80]}", param=key[:80])
    steps = [matched[1], *re.findall(r"\[([^\[\]]*)\]", matched[2])]
    node = fields
    for step in steps[:-1]:
        node = node.setdefault(step or str(len(node)), {})
        if not isinstance(node, dict):
            raise invalid("Invalid hash", param=key)
    node[steps[-1] or str(len(node))] = value


@dataclass(frozen=True, slots=True)
class Params:
    """Read the parameters of one request; every reader raises StripeError (400) naming the parameter."""

    fields: Mapping[str, Any]
    path: str = ""

    def name_of(self, name: str) -> str:
        """Give a parameter's full name, as `line_items[0][quantity]`."""
        return f"{self.path}[{name}]" if self.path else name

    def only(self, known: Iterable[str]) -> None:
        """Refuse parameters that Stripe does not know."""
        for name in self.fields.keys() - set(known):
            full = self.name_of(name)
            raise invalid(f"Received unknown parameter: {full}", param=full, code="parameter_unknown")

    def text(self, name: str) -> str | None:
        """Read text; an empty value counts as absent."""
        value = self.fields.get(name)
        if isinstance(value, dict):
            raise invalid("Invalid string", param=self.name_of(name))
        return value or None

    def required(self, name: str) -> str:
        """Read text that must be there."""
        value = self.text(name)
        if value is None:
            full = self.name_of(name)
            raise invalid(f"Missing required param: {full}.", param=full, code="parameter_missing")
        return value

    def integer(self, name: str) -> int | None:
        """Read a whole number."""
        value = self.text(name)
        if value is None:
            return None
        if _INTEGER.fullmatch(value) is None:
            raise invalid(
                f"Invalid integer: {value[:40]}", param=self.name_of(name), code="parameter_invalid_integer"
            )
        return int(value)

    def section(self, name: str) -> Params:
        """Read a nested hash; absent counts as empty."""
        value = self.fields.get(name)
        if value in (None, ""):
            value = {}
        if not isinstance(value, dict):
            raise invalid("Invalid hash", param=self.name_of(name))
        return Params(value, self.name_of(name))

    def sections(self, name: str) -> list[Params]:
        """Read an array of hashes."""
        array = self.section(name)
        return [array.section(index) for index in array.fields]

    def texts(self, name: str) -> list[str]:
        """Read an array of strings."""
        array = self.section(name)
        return [array.required(index) for index in array.fields]


def metadata_of(params: Params) -> dict[str, str]:
    """Read `metadata` within Stripe's limits: 50 keys of 40 characters, values of 500.

    https://docs.stripe.com/api/metadata
    """
    section = params.section("metadata")
    if len(section.fields) > 50:  # noqa: PLR2004 - the documented limit, named above
        raise invalid("Metadata can have at most 50 keys.", param=section.path)
    return {name: _metadata_value(section, name) for name in section.fields}


def _metadata_value(section: Params, name: str) -> str:
    value = section.fields[name]
    full = section.name_of(name)
    if not isinstance(value, str):
        raise invalid("Metadata values must be strings.", param=full)
    if len(name) > 40:  # noqa: PLR2004 - the documented limit of a key
        raise invalid("Metadata keys can be at most 40 characters.", param=full)
    if len(value) > 500:  # noqa: PLR2004 - the documented limit of a value
        raise invalid("Metadata values can be at most 500 characters.", param=full)
    return value
