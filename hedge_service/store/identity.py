"""What a database belongs to, written at its first use."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import select

from hedge_service.store.rows import insert_if_absent
from hedge_service.store.schema import identity

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlalchemy.engine import Connection

    from hedge_service.config import Config


def claim(tx: Connection, facts: Mapping[str, str]) -> dict[str, tuple[str, str]]:
    """Write each fact that is not written yet; give the ones that differ as name -> (stored, wanted)."""
    for name, value in facts.items():
        insert_if_absent(tx, identity, {"name": name, "value": value})
    stored = {row.name: row.value for row in tx.execute(select(identity))}
    return {name: (stored[name], value) for name, value in facts.items() if stored[name] != value}


def mismatches(tx: Connection, facts: Mapping[str, str]) -> dict[str, tuple[str, str]]:
    """Give the facts that are written and differ as name -> (stored, wanted); nothing is written."""
    stored = {row.name: row.value for row in tx.execute(select(identity))}
    return {name: (stored[name], value) for name, value in facts.items() if stored.get(name, value) != value}


def facts_of(config: Config) -> dict[str, str]:
    """Give what a database of this configuration belongs to."""
    mode = config.secrets.stripe_mode
    return {
        "environment": config.kalshi.environment.value,
        "account": config.kalshi.account,
        "subaccount": str(config.kalshi.subaccount),
    } | ({} if mode is None else {"stripe_mode": mode.value})


def account_name(config: Config) -> str:
    """Name the exchange account that a lease is of."""
    kalshi = config.kalshi
    return f"{kalshi.environment.value}/{kalshi.account}/{kalshi.subaccount}"
