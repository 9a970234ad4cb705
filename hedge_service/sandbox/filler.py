"""The plainest JSON value that a JSON schema allows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from hedge_service.sandbox.control import Json

FILLER_TEXT = "No reason given by the stand-in"
_MAX_DEPTH = 20


def filled(schema: Json, root: Json | None = None, depth: int = 0) -> Any:
    """Make a value from zeros, first choices, filler text and arrays as short as allowed.

    Covers what structured output allows: `$ref`, `const`, `enum`, `anyOf`, bounds and nesting.
    """
    root = schema if root is None else root
    if depth > _MAX_DEPTH:
        return None
    if "$ref" in schema:
        return filled(_referenced(root, schema["$ref"]), root, depth + 1)
    given = _given(schema)
    if given:
        return given[0]
    for name in ("anyOf", "oneOf", "allOf"):
        if schema.get(name):
            return filled(schema[name][0], root, depth + 1)
    return _filled_by_type(schema, root, depth)


def _given(schema: Json) -> list[Any]:
    named = [schema[name] for name in ("const", "default") if name in schema]
    return named + list(schema.get("enum", []))[:1]


def _filled_by_type(schema: Json, root: Json, depth: int) -> Any:
    kind = schema.get("type", "object" if "properties" in schema else "null")
    kind = kind[0] if isinstance(kind, list) else kind
    if kind == "object":
        properties = schema.get("properties", {})
        return {name: filled(inner, root, depth + 1) for name, inner in properties.items()}
    if kind == "array":
        return [filled(schema.get("items", {}), root, depth + 1) for _ in range(schema.get("minItems", 0))]
    simple = _SIMPLE.get(kind)
    return None if simple is None else simple(schema)


def _text(schema: Json) -> str:
    text = FILLER_TEXT.ljust(schema.get("minLength", 0), ".")
    return text[: schema.get("maxLength", len(text))]


def _integer(schema: Json) -> int:
    return int(_nearest_to_zero(schema, step=1))


def _number(schema: Json) -> float:
    return _nearest_to_zero(schema, step=0.001)


def _boolean(_: Json) -> bool:
    return False


_SIMPLE: dict[str, Callable[[Json], Any]] = {
    "string": _text,
    "integer": _integer,
    "number": _number,
    "boolean": _boolean,
}


def _nearest_to_zero(schema: Json, *, step: float) -> float:
    least = _bound(schema, "minimum", "exclusiveMinimum", step)
    most = _bound(schema, "maximum", "exclusiveMaximum", -step)
    capped = 0.0 if most is None else min(most, 0.0)
    return capped if least is None else max(least, capped)


def _bound(schema: Json, inclusive: str, exclusive: str, step: float) -> float | None:
    if exclusive in schema:
        return float(schema[exclusive]) + step
    return float(schema[inclusive]) if inclusive in schema else None


def _referenced(root: Json, ref: str) -> Json:
    node = root
    for step in ref.removeprefix("#").strip("/").split("/"):
        node = node[step] if step else node
    return node
