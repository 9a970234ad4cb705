"""Builders of JSON Schema (2020-12, OpenAPI 3.1's own): what this interface takes and gives.

Objects say all that they hold: a field that is left out or added unawares fails the tests.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from enum import StrEnum

Schema: TypeAlias = dict[str, Any]

MONEY_GIVEN = r"^-?[0-9]+\.[0-9]{2}([0-9]{4})?$"
PRICE_GIVEN = r"^[01]\.[0-9]{4}([0-9]{2})?$"
COUNT_GIVEN = r"^[0-9]+\.[0-9]{2}$"


def text(description: str = "", **more: Any) -> Schema:
    """Describe text."""
    return _described({"type": "string", **more}, description)


def money(description: str = "") -> Schema:
    """Describe dollars: two decimals when whole cents, else six."""
    return _described({"type": "string", "pattern": MONEY_GIVEN, "examples": ["12.30"]}, description)


def price(description: str = "") -> Schema:
    """Describe dollars a contract."""
    return _described({"type": "string", "pattern": PRICE_GIVEN, "examples": ["0.6700"]}, description)


def count(description: str = "") -> Schema:
    """Describe a number of contracts."""
    return _described({"type": "string", "pattern": COUNT_GIVEN, "examples": ["3.00"]}, description)


def moment(description: str = "") -> Schema:
    """Describe a point in time, UTC."""
    return _described({"type": "string", "format": "date-time"}, description)


def whole(description: str = "") -> Schema:
    """Describe a number of things, or an id."""
    return _described({"type": "integer", "minimum": 0}, description)


def seconds(description: str = "") -> Schema:
    """Describe a duration."""
    return _described({"type": "number"}, description)


def flag(description: str = "") -> Schema:
    """Describe a yes or no."""
    return _described({"type": "boolean"}, description)


def anything(description: str) -> Schema:
    """Describe an object whose fields depend on what it tells of."""
    return _described({"type": "object"}, description)


def one_of(values: type[StrEnum] | tuple[str, ...], description: str = "") -> Schema:
    """Describe one of some words."""
    return _described({"type": "string", "enum": [str(value) for value in values]}, description)


def items(schema: Schema, description: str = "") -> Schema:
    """Describe a list."""
    return _described({"type": "array", "items": schema}, description)


def maybe(schema: Schema) -> Schema:
    """Allow null in the place of something."""
    if "$ref" in schema:
        return {"oneOf": [schema, {"type": "null"}]}
    if "enum" in schema:
        return {**schema, "type": [schema["type"], "null"], "enum": [*schema["enum"], None]}
    return {**schema, "type": [schema["type"], "null"]}


def by_name(schema: Schema, description: str = "") -> Schema:
    """Describe an object that maps names to values of one kind."""
    return _described({"type": "object", "additionalProperties": schema}, description)


def record(**fields: Schema) -> Schema:
    """Describe an object that has just these fields, all of them."""
    return {"type": "object", "properties": fields, "required": list(fields), "additionalProperties": False}


def ref(name: str) -> Schema:
    """Refer to a named schema."""
    return {"$ref": f"#/components/schemas/{name}"}


def _described(schema: Schema, description: str) -> Schema:
    return schema if description == "" else {**schema, "description": description}
