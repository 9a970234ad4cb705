"""Every cent of a parlay's life: paid, hedged, settled, claimed, paid out; the report says the same."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import orjson
import pytest
from click.testing import CliRunner

from hedge_service.cli import main
from hedge_service.core.ledger import Account
from hedge_service.core.money import Money
from hedge_service.store import parlays, payouts
from tests.flow.money_stage import CREDENTIALS, open_money
from tests.flow.test_fills import check_books
from tests.system.extension import BOS, SEA, USER, WARM
from tests.system.stage import knobs_of

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from tests.flow.money_stage import MoneyStage

ALL_LEGS = (SEA, BOS, WARM)


@pytest.fixture
async def money(tmp_path: Path) -> AsyncIterator[MoneyStage]:
    async with open_money(tmp_path) as opened:
        yield opened


async def settle(money: MoneyStage, ticker: str, result: str) -> None:
    await money.service.sandbox.control("exchange/settle", ticker=ticker, status="finalized", result=result)


async def ended(money: MoneyStage, parlay: str, state: str) -> None:
    async def so() -> bool:
        found = await money.read(lambda tx: parlays.get(tx, parlay))
        return found is not None and found.state == state

    await money.until(so)
    await money.service.events.one("payment.fee_booked")


async def hedged(money: MoneyStage) -> str:
    parlay = await money.service.bought(*ALL_LEGS)
    await money.service.summary(parlay, outcome="executed")
    return parlay


async def test_a_lost_parlay_is_worth_its_stake_and_its_hedge(money: MoneyStage) -> None:
    parlay = await hedged(money)
    await settle(money, WARM, "yes")
    await settle(money, BOS, "no")
    await ended(money, parlay, "lost")

    async def all_settled() -> bool:
        return await money.ours() == {}

    await money.until(all_settled)
    await check_books(money)
    [row] = (await money.report()).rows
    assert (str(row.figures.settlement), row.figures.payout) == ("3.00", Money.ZERO)
    assert row.figures.open_exposure == Money.ZERO
    fees = row.figures.exchange_fees
    assert row.figures.realized == Money.of("5") - Money.of("0.45") + Money.of("0.53") - fees


async def test_a_claim_moves_the_payout_from_owed_to_the_wallet_once(money: MoneyStage) -> None:
    parlay = await hedged(money)
    for ticker in ALL_LEGS:
        await settle(money, ticker, "yes")
    await ended(money, parlay, "won")
    assert str((await money.balances())[Account.OWED]) == "-30.96"
    [entry] = await money.service.extension.history()
    path = f"/api/claim-winnings/{entry['session_id']}"
    answers = [await money.service.extension.call("POST", path) for _ in range(2)]
    assert [answer.status for answer in answers] == [200, 400]
    sums = await money.balances()
    assert (str(sums[Account.WALLET]), sums[Account.OWED]) == ("-30.96", Money.ZERO)
    assert str(await money.read(lambda tx: payouts.wallet(tx, USER))) == "30.96"
    await check_books(money)


async def test_a_parked_payment_lies_in_suspense(money: MoneyStage) -> None:
    session = await money.service.sold(WARM)
    # The market has ended before the payment is judged.
    await settle(money, WARM, "yes")
    await money.service.sandbox.pay(session)
    await money.service.events.one("payment.parked")
    made = await money.report()
    assert made.adds_up
    assert str(made.others.stake) == "5.00"


@pytest.mark.parametrize("arguments", [(), ("--since", "2020-01-01"), ("--json",), ("--json", "--exchange")])
async def test_the_command_reports_and_ends_with_0(
    money: MoneyStage, tmp_path: Path, arguments: tuple[str, ...]
) -> None:
    parlay = await hedged(money)
    await money.service.events.one("payment.fee_booked")
    result = await run(money, tmp_path, *arguments)
    assert result.exit_code == 0, result.output
    if "--json" not in arguments:
        assert "DIFFERS" not in result.output
        return
    told = orjson.loads(result.stdout)
    assert told["adds_up"] is True
    [row] = told["parlays"]
    assert (row["parlay_id"], row["stake"], row["hedge_cost"]) == (parlay, "5.00", "2.47")
    names = {check["name"] for check in told["checks"]}
    assert ("exchange cash: change there, ledger" in names) is ("--exchange" in arguments)


async def test_a_withdrawal_at_the_exchange_is_named_to_the_cent_and_ends_with_1(
    money: MoneyStage, tmp_path: Path
) -> None:
    await hedged(money)
    await money.service.events.one("payment.fee_booked")
    shard = money.service.sandbox.sandbox.exchange.account(0).cash
    shard[1] -= 12_340_000
    result = await run(money, tmp_path, "--exchange")
    assert result.exit_code == 1
    assert "DIFFERS by -12.34" in result.output


async def test_without_a_database_the_command_says_so_and_makes_none(tmp_path: Path) -> None:
    path = tmp_path / "none.db"
    environ = {"HEDGE_DATABASE__URL": f"sqlite+aiosqlite:///{path}", "HEDGE_CONFIG": ""}
    result = CliRunner().invoke(main, ["report"], env={**dict.fromkeys(os.environ), **environ})
    assert result.exit_code == 1, result.output
    assert "there is no database" in result.output
    assert not path.exists()


async def run(money: MoneyStage, folder: Path, *arguments: str) -> Any:
    """Run the command in another thread, with its own loop, as another process would."""
    import asyncio

    database = {"DATABASE__URL": f"sqlite+aiosqlite:///{folder / 'hedge.db'}"}
    environ = knobs_of(money.service.sandbox, database)
    assert CREDENTIALS["STRIPE_API_KEY"] in environ.values()
    runner = CliRunner()
    return await asyncio.to_thread(
        lambda: runner.invoke(main, ["report", *arguments], env=environ, catch_exceptions=False)
    )
