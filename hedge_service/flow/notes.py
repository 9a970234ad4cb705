"""Log events that a transaction gives rise to, told once it is committed."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """One log event; `person`: somebody has to look at it."""

    event: str
    fields: Mapping[str, Any] = field(default_factory=dict)
    person: bool = False


def tell(log: Any, notes: Iterable[Note]) -> None:
    """Log what has happened."""
    for note in notes:
        if note.person:
            log.error(note.event, **note.fields)
        else:
            log.info(note.event, **note.fields)
