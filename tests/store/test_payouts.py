"""Wallets: what was claimed, less what was paid outside."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from hedge_service.core.ledger import Account
from hedge_service.core.money import Money
from hedge_service.core.settlement import ParlayState
from hedge_service.store import ledger, parlays, payouts, results
from hedge_service.store.payouts import Overdrawn, Payout
from tests.store.parlay_samples import NOW, USER, put_parlay

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy.engine import Connection

    from hedge_service.store.db import Database


def claimed(tx: Connection) -> None:
    """Leave $30 in a wallet."""
    parlay = put_parlay(tx)
    results.decide(tx, parlay.id, ParlayState.WON)
    assert parlays.claim(tx, parlay.id, NOW)


def pay(amount: str, reference: str = "wire-1", user: str = USER) -> Callable[[Connection], bool]:
    payout = Payout(reference=reference, user_id=user, amount=Money.of(amount), actor="ann")
    return lambda tx: payouts.record(tx, payout, NOW)


async def wallet(database: Database) -> Money:
    return await database.read(lambda tx: payouts.wallet(tx, USER))


async def test_a_payout_leaves_the_wallet_and_is_booked(database: Database) -> None:
    await database.write(claimed)
    assert await wallet(database) == Money.of(30)
    assert await database.write(pay("12.34"))
    assert await wallet(database) == Money.of("17.66")
    balances = await database.read(ledger.balances)
    assert (balances[Account.WALLET], balances[Account.BANK]) == (Money.of("12.34"), -Money.of("12.34"))


async def test_a_reference_is_paid_once(database: Database) -> None:
    await database.write(claimed)
    done = await asyncio.gather(*(database.write(pay("10")) for _ in range(10)))
    assert sorted(done) == [False] * 9 + [True]
    assert await wallet(database) == Money.of(20)


async def test_a_wallet_is_never_overdrawn(database: Database) -> None:
    await database.write(claimed)
    done = await asyncio.gather(
        *(database.write(pay("10", f"wire-{number}")) for number in range(5)), return_exceptions=True
    )
    assert [type(each) for each in done] == [bool, bool, bool, Overdrawn, Overdrawn]
    assert await wallet(database) == Money.ZERO
    # What was refused is not recorded, so that its reference can be used once there is money.
    assert not await database.write(pay("10", "wire-0"))
    with pytest.raises(Overdrawn):
        await database.write(pay("0.01", "wire-4"))


async def test_nobody_pays_from_another_users_wallet(database: Database) -> None:
    await database.write(claimed)
    with pytest.raises(Overdrawn):
        await database.write(pay("1", user="user_2"))


@pytest.mark.parametrize("amount", ["0", "-1"])
async def test_a_payout_is_a_positive_amount(database: Database, amount: str) -> None:
    await database.write(claimed)
    with pytest.raises(ValueError, match="positive"):
        await database.write(pay(amount))
    assert await wallet(database) == Money.of(30)
