"""A database belongs to what it was first used for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hedge_service.store import identity

if TYPE_CHECKING:
    from hedge_service.store.db import Database

DEMO = {"environment": "demo", "account": "main", "subaccount": "0"}


async def test_the_first_use_decides_and_the_same_use_is_welcome_again(database: Database) -> None:
    assert await database.write(lambda tx: identity.claim(tx, DEMO)) == {}
    assert await database.write(lambda tx: identity.claim(tx, DEMO)) == {}


async def test_another_use_is_told_fact_by_fact_and_changes_nothing(database: Database) -> None:
    await database.write(lambda tx: identity.claim(tx, DEMO))
    other = DEMO | {"environment": "production", "subaccount": "3"}
    wrong = await database.write(lambda tx: identity.claim(tx, other))
    assert wrong == {"environment": ("demo", "production"), "subaccount": ("0", "3")}
    assert await database.write(lambda tx: identity.claim(tx, DEMO)) == {}


async def test_a_fact_learnt_later_is_added(database: Database) -> None:
    await database.write(lambda tx: identity.claim(tx, DEMO))
    assert await database.write(lambda tx: identity.claim(tx, DEMO | {"stripe_mode": "test"})) == {}
    wrong = await database.write(lambda tx: identity.claim(tx, DEMO | {"stripe_mode": "live"}))
    assert wrong == {"stripe_mode": ("test", "live")}
