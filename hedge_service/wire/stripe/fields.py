"""Read the fields of Stripe's objects: the one place that decides what is a readable value."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from hedge_service.errors import BadRequest

if TYPE_CHECKING:
    from collections.abc import Mapping

MAX_TEXT = 500
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_LAST_SECOND = 253_402_300_799  # the end of the year 9999, where datetime ends


class BadObject(BadRequest, ValueError):  # noqa: N818 - named for what was found, as its base is
    """Something of Stripe's is not what its documentation says; the sentence names the field."""

    default_code = "bad_stripe_object"
    default_details = "Send Stripe's objects unchanged, in a supported API version."


def text(fields: Mapping[str, Any], name: str) -> str:
    """Read printable ASCII text of 1 to 500 characters (ids, words, codes). Raises BadObject."""
    value = fields.get(name)
    if not isinstance(value, str) or not 0 < len(value) <= MAX_TEXT:
        raise BadObject(f"{name} is not a text of 1 to {MAX_TEXT} characters")
    if not (value.isascii() and value.isprintable()):
        raise BadObject(f"{name} holds characters that Stripe's ids never hold")
    return value


def optional_text(fields: Mapping[str, Any], name: str) -> str | None:
    """Read text as `text` does, or None when the field is null, empty or absent. Raises BadObject."""
    return None if fields.get(name) in (None, "") else text(fields, name)


def word(fields: Mapping[str, Any], name: str) -> str:
    """Read one of Stripe's words, empty when the field is null or absent. Raises BadObject."""
    value = optional_text(fields, name)
    return "" if value is None else value


def reference(fields: Mapping[str, Any], name: str) -> str | None:
    """Read the id of another object, which Stripe gives as text or, expanded, as an object."""
    value = fields.get(name)
    return text(value, "id") if isinstance(value, dict) else optional_text(fields, name)


def integer(fields: Mapping[str, Any], name: str) -> int:
    """Read a whole number; true and 1.0 are none. Raises BadObject."""
    value = fields.get(name)
    if not isinstance(value, int) or isinstance(value, bool):
        raise BadObject(f"{name} is not a whole number")
    return value


def optional_integer(fields: Mapping[str, Any], name: str) -> int | None:
    """Read a whole number, or None when the field is null or absent. Raises BadObject."""
    return None if fields.get(name) is None else integer(fields, name)


def flag(fields: Mapping[str, Any], name: str) -> bool:
    """Read true or false; absent counts as false. Raises BadObject."""
    value = fields.get(name, False)
    if not isinstance(value, bool):
        raise BadObject(f"{name} is neither true nor false")
    return value


def instant(fields: Mapping[str, Any], name: str) -> datetime:
    """Read seconds since 1970 as a UTC time. Raises BadObject."""
    seconds = integer(fields, name)
    if not 0 <= seconds <= _LAST_SECOND:
        raise BadObject(f"{name} is not a time")
    return _EPOCH + timedelta(seconds=seconds)


def optional_instant(fields: Mapping[str, Any], name: str) -> datetime | None:
    """Read a UTC time as `instant` does, or None when the field is null or absent. Raises BadObject."""
    return None if fields.get(name) is None else instant(fields, name)


def seconds_of(at: datetime) -> int:
    """Give whole seconds since 1970, rounded down: the times that Stripe takes."""
    return (at - _EPOCH) // timedelta(seconds=1)


def section(fields: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """Read a nested object; null or absent counts as empty. Raises BadObject."""
    value = fields.get(name)
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise BadObject(f"{name} is not an object")
    return value
