"""The words in which log events are declared: an event, its fields, their types and units."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum, StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


class Kind(StrEnum):
    """The form of a field's value in JSON; the value is its name in the reference."""

    TEXT = "text"
    WORD = "word"
    DIGEST = "digest"
    DECIMAL = "decimal text"
    INTEGER = "integer"
    NUMBER = "number"
    BOOLEAN = "boolean"
    MOMENT = "moment"
    TEXTS = "list of texts"
    OBJECT = "object"
    OBJECTS = "list of objects"


class Level(StrEnum):
    """How much a line matters; `error` and `critical` want a person."""

    INFO = "info"
    WARNING = "warning"
    ERROR = "error"
    CRITICAL = "critical"
    DEBUG = "debug"


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """One field of an event. `words` are all that a WORD may be, `members` the fields of an object.

    `optional`: may be missing; `nullable`: may be null.
    """

    name: str
    kind: Kind
    meaning: str
    unit: str = ""
    words: tuple[str, ...] = ()
    members: tuple[Field, ...] = ()
    optional: bool = False
    nullable: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One log event: its name, the levels it is told at, what it means, and its fields in order."""

    name: str
    meaning: str
    levels: tuple[Level, ...]
    fields: tuple[Field, ...]

    def field(self, name: str) -> Field | None:
        """Give the field of this name, or None."""
        return next((one for one in self.fields if one.name == name), None)


def event(name: str, meaning: str, *fields: Field, levels: Iterable[Level] = (Level.INFO,)) -> Event:
    """Declare an event."""
    return Event(name=name, meaning=meaning, levels=tuple(levels), fields=fields)


def maybe(*fields: Field) -> tuple[Field, ...]:
    """Give the same fields, which may be missing."""
    return tuple(replace(one, optional=True) for one in fields)


def nullable(field: Field) -> Field:
    """Give the same field, which may be null."""
    return replace(field, nullable=True)


def text(name: str, meaning: str) -> Field:
    """Declare a text."""
    return Field(name=name, kind=Kind.TEXT, meaning=meaning)


def word(name: str, meaning: str, words: type[Enum] | Iterable[str]) -> Field:
    """Declare a text that is one of an enum's values, or one of these words."""
    known = (
        tuple(str(one.value) for one in words)
        if isinstance(words, type)
        else tuple(str(one) for one in words)
    )
    return Field(name=name, kind=Kind.WORD, meaning=meaning, words=known)


def digest_of(name: str, meaning: str) -> Field:
    """Declare the digest of a bearer id: 12 hex digits."""
    return Field(name=name, kind=Kind.DIGEST, meaning=meaning)


def decimal(name: str, meaning: str, unit: str) -> Field:
    """Declare an exact number, which is written as text."""
    return Field(name=name, kind=Kind.DECIMAL, meaning=meaning, unit=unit)


def dollars(name: str, meaning: str) -> Field:
    """Declare an amount of money."""
    return decimal(name, meaning, "dollars")


def contracts(name: str, meaning: str) -> Field:
    """Declare a number of contracts, which may have two decimals."""
    return decimal(name, meaning, "contracts")


def price(name: str, meaning: str) -> Field:
    """Declare a price."""
    return decimal(name, meaning, "dollars a contract")


def integer(name: str, meaning: str, unit: str = "") -> Field:
    """Declare a whole number."""
    return Field(name=name, kind=Kind.INTEGER, meaning=meaning, unit=unit)


def number(name: str, meaning: str, unit: str) -> Field:
    """Declare a measured number, which need not be exact."""
    return Field(name=name, kind=Kind.NUMBER, meaning=meaning, unit=unit)


def boolean(name: str, meaning: str) -> Field:
    """Declare a yes or no."""
    return Field(name=name, kind=Kind.BOOLEAN, meaning=meaning)


def moment(name: str, meaning: str) -> Field:
    """Declare a moment in ISO 8601 with its offset."""
    return Field(name=name, kind=Kind.MOMENT, meaning=meaning, unit="UTC")


def texts(name: str, meaning: str) -> Field:
    """Declare a list of texts."""
    return Field(name=name, kind=Kind.TEXTS, meaning=meaning)


def record(name: str, meaning: str, *members: Field) -> Field:
    """Declare an object."""
    return Field(name=name, kind=Kind.OBJECT, meaning=meaning, members=members)


def records(name: str, meaning: str, *members: Field) -> Field:
    """Declare a list of objects."""
    return Field(name=name, kind=Kind.OBJECTS, meaning=meaning, members=members)
