"""`resolve-payment` and `payout`: exit codes, words, and what is in the database afterwards."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, TypeVar

import orjson
import pytest
from click.testing import CliRunner
from sqlalchemy import select

from hedge_service.cli import main
from hedge_service.config import load_config
from hedge_service.core.settlement import ParlayState
from hedge_service.store import identity, parlays, payments, refunds, results
from hedge_service.store.db import Database
from hedge_service.store.payments import Payment, PaymentState
from hedge_service.store.schema import audit
from tests.empty_database import put_empty_database
from tests.store.parlay_samples import NOW, USER, put_parlay

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from click.testing import Result
    from sqlalchemy.engine import Connection

T = TypeVar("T")


class Desk:
    """An operator's terminal, with a database beside it."""

    def __init__(self, folder: Path) -> None:
        self.url = put_empty_database(folder / "hedge.db")
        self.environ = {"HEDGE_DATABASE__URL": self.url}
        config = load_config(path=None, environ=self.environ, cwd=folder)
        self.write(lambda tx: identity.claim(tx, identity.facts_of(config)))

    def write(self, work: Callable[[Connection], T]) -> T:
        async def run() -> T:
            async with Database(self.url) as database:
                return await database.write(work)

        return asyncio.run(run())

    def run(self, *words: str) -> Result:
        return CliRunner().invoke(main, words, env=self.environ)


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Desk:
    monkeypatch.chdir(tmp_path)
    return Desk(tmp_path)


def park(tx: Connection) -> None:
    paid = Payment(
        session_id="cs_test_9",
        quote_id=None,
        event_id="evt_9",
        payment_intent="pi_9",
        amount_cents=500,
        currency="usd",
        paid_at=NOW,
        state=PaymentState.PARKED,
        reason="unknown_session",
    )
    payments.put(tx, paid, NOW)


def win(tx: Connection) -> None:
    parlay = put_parlay(tx)
    results.decide(tx, parlay.id, ParlayState.WON)
    parlays.claim(tx, parlay.id, NOW)


def test_a_parked_payment_is_refunded_by_a_word_with_a_reason(desk: Desk) -> None:
    desk.write(park)
    done = desk.run("resolve-payment", "evt_9", "--refund", "--reason", "paid twice", "--json")
    assert (done.exit_code, orjson.loads(done.output)["outcome"]) == (0, "refund_due")
    due = desk.write(lambda tx: refunds.get(tx, "cs_test_9"))
    assert due is not None
    assert due.reason == "by_a_person"
    assert desk.write(lambda tx: tx.execute(select(audit.c.reason)).scalar_one()) == "paid twice"


def test_what_cannot_be_sold_is_refused_in_words(desk: Desk) -> None:
    desk.write(park)
    refused = desk.run("resolve-payment", "pi_9", "--accept", "--reason", "why not")
    assert refused.exit_code == 1
    assert "The payment's quote is not known. Refund the payment instead." in refused.stderr


@pytest.mark.parametrize("flags", [(), ("--refund", "--accept")])
def test_one_word_is_given_not_two_and_not_none(desk: Desk, flags: tuple[str, ...]) -> None:
    assert desk.run("resolve-payment", "evt_9", *flags, "--reason", "x").exit_code == 2


def test_an_act_without_a_reason_is_wrong_use(desk: Desk) -> None:
    assert desk.run("resolve-payment", "evt_9", "--refund").exit_code == 2
    assert desk.run("payout", USER, "--amount", "1", "--reference", "r").exit_code == 2


def test_a_payment_that_nobody_knows_is_told_so(desk: Desk) -> None:
    lost = desk.run("resolve-payment", "evt_1", "--refund", "--reason", "x")
    assert (lost.exit_code, "No such payment" in lost.stderr) == (1, True)


def test_a_payout_is_booked_once(desk: Desk) -> None:
    desk.write(win)
    asked = ("payout", USER, "--amount", "12.50", "--reference", "wire-1", "--reason", "by mail")
    assert "booked; the wallet holds $17.50" in desk.run(*asked).output
    again = desk.run(*asked, "--json")
    assert orjson.loads(again.output) == {
        "reference": "wire-1",
        "amount": "12.50",
        "new": False,
        "wallet": "17.50",
    }
    other = desk.run("payout", USER, "--amount", "1", "--reference", "wire-1", "--reason", "x")
    assert (other.exit_code, "wire-1 is booked already" in other.stderr) == (1, True)


@pytest.mark.parametrize(("amount", "code"), [("30.01", 1), ("-1", 2), ("much", 2), ("0", 2)])
def test_a_payout_that_cannot_be_is_refused(desk: Desk, amount: str, code: int) -> None:
    desk.write(win)
    refused = desk.run("payout", USER, f"--amount={amount}", "--reference", "wire-1", "--reason", "x")
    assert refused.exit_code == code
