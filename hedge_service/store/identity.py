"""What a database belongs to, written at its first use."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import select

from hedge_service.store.rows import insert_if_absent
from hedge_service.store.schema import identity

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlalchemy.engine import Connection


def claim(tx: Connection, facts: Mapping[str, str]) -> dict[str, tuple[str, str]]:
    """Write each fact that is not written yet; give the ones that differ as name -> (stored, wanted)."""
    for name, value in facts.items():
        insert_if_absent(tx, identity, {"name": name, "value": value})
    stored = {row.name: row.value for row in tx.execute(select(identity))}
    return {name: (stored[name], value) for name, value in facts.items() if stored[name] != value}
