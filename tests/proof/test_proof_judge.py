"""The judge sees every cheat: doctored books, each of which has to give a line."""

from __future__ import annotations

import asyncio
import shutil
import sqlite3
from contextlib import closing
from copy import deepcopy
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import pytest

from hedge_service.sandbox.credentials import generate_credentials
from tests.proof.checker import judge, unfinished
from tests.proof.money_checker import judge_money
from tests.system.extension import SEA, WARM
from tests.system.stage import open_stage

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from tests.system.stage import Stage

Json = dict[str, Any]
SHELVES = ("charges", "refunds", "disputes", "balance_transactions")


@dataclass
class Evidence:
    """What the judge is shown: a database, and the peers' own books."""

    path: Path
    book: Json
    paid: set[str]
    markets: Json
    stripe: Json

    def lines(self) -> list[str]:
        money = judge_money(self.path, self.markets, self.stripe)
        return [*judge(self.path, self.book, self.paid), *money]

    def write(self, statement: str) -> None:
        with closing(sqlite3.connect(self.path)) as connection:
            assert connection.execute(statement).rowcount > 0, statement
            connection.commit()

    def order(self) -> Json:
        first: Json = self.book["orders"][0]
        return first


@pytest.fixture(scope="module")
def honest(tmp_path_factory: pytest.TempPathFactory) -> Evidence:
    """Sell one honest parlay on two markets, and keep all books of it."""
    return asyncio.run(_sold(tmp_path_factory.mktemp("honest")))


@pytest.fixture
def evidence(honest: Evidence, tmp_path: Path) -> Evidence:
    """Give a copy of the honest books, to be doctored."""
    shutil.copy(honest.path, tmp_path / "copy.db")
    return replace(deepcopy(honest), path=tmp_path / "copy.db")


async def _sold(folder: Path) -> Evidence:
    async with open_stage(folder, generate_credentials(), {"HEDGING__STRATEGY": "delta"}) as stage:
        session = await stage.sold(SEA, WARM, stake=10)
        await stage.sandbox.pay(session)
        await stage.events.one("hedge.summarized", outcome="executed")
        await stage.events.wait("fill.booked", count=2)
        while unfinished(folder / "hedge.db"):
            await stage.sandbox.control("exchange/faults", "GET")
        return _kept(folder, stage, session)


def _kept(folder: Path, stage: Stage, session: str) -> Evidence:
    exchange, stripe = stage.sandbox.sandbox.exchange, stage.sandbox.sandbox.stripe
    with closing(sqlite3.connect(folder / "hedge.db")) as live, closing(_kept_file(folder)) as kept:
        # The service still writes: a copy of the file would be torn.
        live.backup(kept)
    return Evidence(
        path=folder / "kept.db",
        book={**deepcopy(exchange.book()), "opening_cash": "40000.00"},
        paid={session},
        markets={ticker: {"value": None} for ticker in exchange.catalogue.markets},
        stripe={name: deepcopy(getattr(stripe.books, name).newest_first()) for name in SHELVES},
    )


def _kept_file(folder: Path) -> sqlite3.Connection:
    return sqlite3.connect(folder / "kept.db")


def test_honest_books_give_no_line(evidence: Evidence) -> None:
    assert evidence.lines() == []


def _doubled(evidence: Evidence) -> None:
    evidence.book["accepted"][evidence.order()["client_order_id"]] = 2


def _foreign(evidence: Evidence) -> None:
    evidence.book["accepted"]["hs-unknown"] = 1


def _other_bytes(evidence: Evidence) -> None:
    sent = evidence.book["creates"][evidence.order()["client_order_id"]]
    sent.append({**sent[0], "body": "{}"})


def _too_much(evidence: Evidence) -> None:
    evidence.order()["contracts"] = "99.00"


def _fee(evidence: Evidence) -> None:
    evidence.book["fills"][0]["fee_cost"] = "0.990000"


def _price(evidence: Evidence) -> None:
    evidence.book["fills"][0]["yes_price_dollars"] = "0.0100"


def _cash(evidence: Evidence) -> None:
    evidence.book["opening_cash"] = "40000.01"


def _position(evidence: Evidence) -> None:
    evidence.book["accounts"]["0"]["positions"][0]["position_fp"] = "1.50"


def _statement(text: str) -> Callable[[Evidence], None]:
    return lambda evidence: evidence.write(text)


def _never_paid(evidence: Evidence) -> None:
    evidence.paid.clear()


def _lost_payment(evidence: Evidence) -> None:
    evidence.paid.add("cs_test_paid_and_forgotten")


def _result(evidence: Evidence) -> None:
    evidence.markets[SEA]["value"] = 0


def _stripe_cent(evidence: Evidence) -> None:
    evidence.stripe["balance_transactions"][0]["net"] += 1


def _back_twice(evidence: Evidence) -> None:
    charge = evidence.stripe["charges"][0]
    back = {"id": "re_1", "payment_intent": charge["payment_intent"], "amount": charge["amount"]}
    evidence.stripe["refunds"] += [back, {**back, "id": "re_2"}]


CHEATS: Mapping[str, tuple[Callable[[Evidence], None], str]] = {
    "a doubled order": (_doubled, "was accepted 2 times"),
    "an order that the journal lacks": (_foreign, "not in the journal"),
    "a resend with other bytes": (_other_bytes, "with different bodies"),
    "more than was planned": (_too_much, "planned"),
    "a fill that is not stored": (_statement("DELETE FROM fills"), "is not stored"),
    "a fill that is not booked": (
        _statement("UPDATE ledger_sets SET kind = 'x' WHERE kind = 'fill'"),
        "is not in the ledger",
    ),
    "a fee that is another": (_fee, "differs"),
    "a price that is another": (_price, "differs"),
    "a cent in the ledger": (
        _statement("UPDATE ledger_postings SET micros = micros + 10000 WHERE id = 1"),
        "does not balance",
    ),
    "a cent of cash": (_cash, "the ledger says cash changed"),
    "a position": (_position, "the exchange says 150 hundredths"),
    "an order still under way": (
        _statement("UPDATE attempts SET state = 'unknown' WHERE state = 'filled'"),
        "is still unknown",
    ),
    "a refused order that is there": (
        _statement("UPDATE attempts SET state = 'refused' WHERE state = 'filled'"),
        "is refused and on the exchange's book",
    ),
    "a summary that lies": (_statement("UPDATE parlays SET outcome = 'failed'"), "is told failed"),
    "a parlay that was never paid": (_never_paid, "1 parlays, paid: False"),
    "a payment that was lost": (_lost_payment, "has 0 payments"),
    "a result that was missed": (_result, "is open, and its legs say lost"),
    "a parlay won without its legs": (
        _statement("UPDATE parlays SET state = 'won'"),
        "is won, and its legs say open",
    ),
    "a claim of an open parlay": (_statement("UPDATE parlays SET claimed_ms = 1"), "was claimed"),
    "a cent at Stripe": (_stripe_cent, "Stripe says"),
    "money given back twice": (_back_twice, "went back"),
    "a void parlay whose stake stayed": (
        _statement("UPDATE parlays SET state = 'void'"),
        "its stake did not go back",
    ),
    "a halt that nobody gave": (
        _statement("INSERT INTO halts (at_ms, halted, reason, actor) VALUES (1, 1, 'odd', 'me')"),
        "sending is halted: odd",
    ),
}


@pytest.mark.parametrize("name", CHEATS)
def test_a_cheat_gives_a_line(evidence: Evidence, name: str) -> None:
    cheat, words = CHEATS[name]
    cheat(evidence)
    assert any(words in line for line in evidence.lines()), evidence.lines()
