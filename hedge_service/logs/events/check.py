"""Compare a log line with its event's declaration."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from hedge_service.logs.events.common import EVERYWHERE, HEAD
from hedge_service.logs.events.declare import Kind

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from hedge_service.logs.events.declare import Event, Field

_DECIMAL = re.compile(r"-?[0-9]+(\.[0-9]+)?(E[+-]?[0-9]+)?")
_DIGEST = re.compile(r"[0-9a-f]{12}")
_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)")


def check(line: Mapping[str, Any], events: Mapping[str, Event]) -> list[str]:
    """Give one sentence for each way in which a log line is not as declared; none for a good one."""
    declared = events.get(str(line.get("event")))
    if declared is None:
        return [f"{line.get('event')}: is not declared"]
    if "unprintable" in line:
        return []  # what was left of an event whose values could not be printed
    known = (*HEAD, *EVERYWHERE, *declared.fields)
    wrong = [f"{declared.name}.{one}" for one in _members(line, known)]
    if line.get("level") not in declared.levels:
        wrong.append(f"{declared.name}: is told at level {line.get('level')}")
    return wrong


def _members(value: Mapping[str, Any], declared: Sequence[Field]) -> Iterator[str]:
    # The last declaration of a name counts: an event may say more exactly what a common field means.
    known = {field.name: field for field in declared}
    for name, field in known.items():
        if name not in value:
            if not field.optional:
                yield f"{name}: is missing"
        elif value[name] is None:
            if not field.nullable:
                yield f"{name}: is null"
        else:
            yield from (f"{name}{one}" for one in _value(value[name], field))
    yield from (f"{name}: is not declared" for name in value if name not in known)


def _value(value: Any, field: Field) -> Iterator[str]:
    if not _FITS[field.kind](value):
        yield f": {value!r} is no {field.kind.value}"
    elif field.kind is Kind.WORD and value not in field.words:
        yield f": {value!r} is none of {', '.join(field.words)}"
    elif field.kind is Kind.OBJECT:
        yield from (f".{one}" for one in _members(value, field.members))
    elif field.kind is Kind.OBJECTS:
        for item in value:
            yield from (f"[].{one}" for one in _members(item, field.members))


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def _is_integer(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


_FITS: Mapping[Kind, Callable[[Any], bool]] = {
    Kind.TEXT: _is_text,
    Kind.WORD: _is_text,
    Kind.DIGEST: lambda value: isinstance(value, str) and _DIGEST.fullmatch(value) is not None,
    Kind.DECIMAL: lambda value: isinstance(value, str) and _DECIMAL.fullmatch(value) is not None,
    Kind.MOMENT: lambda value: isinstance(value, str) and _MOMENT.fullmatch(value) is not None,
    Kind.INTEGER: _is_integer,
    Kind.NUMBER: lambda value: isinstance(value, int | float) and not isinstance(value, bool),
    Kind.BOOLEAN: lambda value: isinstance(value, bool),
    Kind.TEXTS: lambda value: isinstance(value, list) and all(isinstance(one, str) for one in value),
    Kind.OBJECT: lambda value: isinstance(value, Mapping),
    Kind.OBJECTS: lambda value: isinstance(value, list) and all(isinstance(one, Mapping) for one in value),
}
