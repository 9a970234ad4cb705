"""One sender per account: the epoch only rises, and a deposed sender writes nothing."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from hedge_service.store import leases
from hedge_service.store.db import Database
from hedge_service.store.leases import Deposed, Lease
from tests.store.parlay_samples import NOW

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy.engine import Connection

ACCOUNT = "demo/main/0"
LEASE = timedelta(seconds=5)


def take(holder: str, after: timedelta = timedelta(0)) -> Callable[[Connection], int | None]:
    now = NOW + after
    return lambda tx: leases.take(tx, ACCOUNT, holder, now=now, until=now + LEASE)


async def test_the_first_to_come_holds_the_lease_until_it_runs_out(database: Database) -> None:
    assert await database.write(take("a")) == 1
    assert await database.write(take("b")) is None
    assert await database.write(take("b", LEASE - timedelta(milliseconds=1))) is None
    assert await database.write(take("b", LEASE)) == 2
    held = await database.read(lambda tx: leases.read(tx, ACCOUNT))
    assert held == Lease(account=ACCOUNT, epoch=2, holder="b", expires_at=NOW + 2 * LEASE, reconciled_at=None)


async def test_of_many_at_once_one_takes_it(database: Database, url: str) -> None:
    async with Database(url) as other:
        both = (database, other)
        taken = await asyncio.gather(*(both[i % 2].write(take(f"p{i}")) for i in range(10)))
    assert sorted(epoch for epoch in taken if epoch is not None) == [1]


async def test_accounts_do_not_share_a_lease(database: Database) -> None:
    assert await database.write(take("a")) == 1
    other = await database.write(lambda tx: leases.take(tx, "demo/main/1", "b", now=NOW, until=NOW + LEASE))
    assert other == 1


async def test_a_renewed_lease_keeps_its_epoch_and_its_reconciliation(database: Database) -> None:
    await database.write(take("a"))
    await database.write(lambda tx: leases.reconciled(tx, ACCOUNT, 1, NOW))
    await database.write(lambda tx: leases.renew(tx, ACCOUNT, 1, NOW + 2 * LEASE))
    assert await database.write(take("b", LEASE)) is None
    held = await database.read(lambda tx: leases.read(tx, ACCOUNT))
    assert held is not None
    assert (held.epoch, held.reconciled_at) == (1, NOW)


async def test_a_new_epoch_has_not_read_the_exchange_yet(database: Database) -> None:
    await database.write(take("a"))
    await database.write(lambda tx: leases.reconciled(tx, ACCOUNT, 1, NOW))
    await database.write(take("b", LEASE))
    held = await database.read(lambda tx: leases.read(tx, ACCOUNT))
    assert held is not None
    assert held.reconciled_at is None


async def test_a_released_lease_is_free_at_once_and_the_epoch_still_rises(database: Database) -> None:
    await database.write(take("a"))
    await database.write(lambda tx: leases.release(tx, ACCOUNT, 1))
    assert await database.write(take("b")) == 2
    await database.write(lambda tx: leases.release(tx, ACCOUNT, 1))
    assert await database.write(take("c")) is None


@pytest.mark.parametrize(
    "act",
    [
        lambda tx: leases.guard(tx, ACCOUNT, 1),
        lambda tx: leases.renew(tx, ACCOUNT, 1, NOW + 9 * LEASE),
        lambda tx: leases.reconciled(tx, ACCOUNT, 1, NOW),
    ],
)
async def test_an_old_epoch_writes_nothing(database: Database, act: Callable[[Connection], None]) -> None:
    await database.write(take("a"))
    await database.write(act)
    await database.write(take("b", 20 * LEASE))
    before = await database.read(lambda tx: leases.read(tx, ACCOUNT))
    with pytest.raises(Deposed, match="epoch 1"):
        await database.write(act)
    assert await database.read(lambda tx: leases.read(tx, ACCOUNT)) == before


async def test_nobody_is_the_sender_of_an_account_that_was_never_taken(database: Database) -> None:
    with pytest.raises(Deposed):
        await database.write(lambda tx: leases.guard(tx, ACCOUNT, 1))
