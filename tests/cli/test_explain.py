"""`explain`: what was recorded, told to people and programs, and decided again."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from hedge_service.core.choice import decide
from hedge_service.core.hedging import Strategy
from hedge_service.core.pricing import PairCorrelation
from hedge_service.core.risk.structure import Structure
from hedge_service.core.rolling import NotInSequence, NotOffered
from hedge_service.core.strike import Strike, StrikeKind
from hedge_service.logs import digest
from hedge_service.store import bets, checkouts, parlays, quotes
from hedge_service.wire.advice_record import write
from tests.core.choice_samples import facts_of, rules_of
from tests.store.parlay_samples import NOW, TICKERS, checkout_of, new_bet, parlay_of, quote_of

if TYPE_CHECKING:
    from sqlalchemy.engine import Connection

    from hedge_service.core.choice import Facts
    from hedge_service.core.parlay import Quote
    from tests.cli.ops_desk import Desk

ANSWER = {
    "asked": True,
    "answered": True,
    "model": "stand-in",
    "response_id": "resp_1",
    "correlations": [
        {"first_leg": 1, "second_leg": 2, "correlation": "0.3500", "reason": "[bold]same game[/bold]"}
    ],
    "notes": ["clamped"],
    "plan": {"plan_id": "none", "reason": "cheap", "offered": True},
}
FACTS = facts_of(
    events=("HIGH", "HIGH", "GAME"),
    correlations=(PairCorrelation(first=1, second=2, rho=Decimal("0.35")),),
    structure=Structure(
        exclusive_events=frozenset({"GAME"}),
        strikes={"KX-1": Strike(kind=StrikeKind.GREATER_OR_EQUAL, floor=Decimal(60))},
    ),
    wanted="none",
)


def put(desk: Desk, facts: Facts = FACTS, *, sold: bool = False, **advice: Any) -> Quote:
    """Store a quote that was decided from these facts, paid for or not."""
    told = ANSWER | {"decision": write(facts, decide(facts))} | advice

    def work(tx: Connection) -> Quote:
        saved = tuple(bets.add(tx, new_bet(ticker), NOW) for ticker in TICKERS)
        analysis = {"correlationAnalysis": "Legs of one event are priced with correlations."}
        quote = replace(quote_of(1, saved), advice=told, body={"analysis": analysis})
        quotes.put(tx, quote)
        checkouts.begin(tx, checkout_of(quote, 1))
        if sold:
            parlay = parlay_of(quote, 1)
            parlays.put(tx, parlay)
            for leg in quote.legs:
                parlays.put_leg(tx, parlay.id, leg, None)
        return quote

    return desk.do(work)


@pytest.fixture
def wide(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "200")


@pytest.mark.usefixtures("wide")
def test_a_quote_is_explained_to_people(desk: Desk) -> None:
    put(desk)
    said = desk.ok("explain", "quote-1")
    for part in (
        "Game of KXA-1-SEA",
        "Chance that all hit: 14.53%",
        "Structure: At most one market of GAME ends in YES.",
        "KX-1 is YES where its event's number is greater or equal 60",
        "Legs 1 and 2: correlation 0.3500, because: [bold]same game[/bold]",
        "Not taken as it came: clamped",
        "0 / 1 / 3",
        "Chosen: bands. The configured strategy: the model chose none, which was overruled, cvar -",
        "The model named none, because: cheap",
        "not paid for",
        "replayed: same",
    ):
        assert part in said


def test_a_parlay_is_found_by_its_id_its_quote_and_its_sessions_digest(desk: Desk) -> None:
    quote = put(desk, sold=True)
    parlay = parlay_of(quote, 1)
    for name in (parlay.id, quote.id, digest(parlay.session_id)):
        told = desk.json("explain", name)
        assert (told["quote_id"], told["happened"]["parlay"]["parlay_id"]) == (quote.id, parlay.id)
        assert told["replayed"] == {"verdict": "same", "differences": [], "unreadable": None}
        assert "quote" not in told["happened"]
    assert parlay.session_id not in desk.ok("explain", quote.id, "--json")


@pytest.mark.usefixtures("wide")
def test_what_happened_to_a_parlay_is_told(desk: Desk) -> None:
    quote = put(desk, sold=True)
    said = desk.ok("explain", parlay_of(quote, 1).id)
    assert "live; it is open." in said
    assert "leg 1: no result yet" in said
    assert "booked so far: 0.00 for the house" in said


def test_a_chance_too_small_for_plain_digits_is_shown(desk: Desk) -> None:
    record = write(FACTS, decide(FACTS))
    record["decided"]["plans"][0]["p_loss"] = "1.23457E-7"
    put(desk, decision=record)
    assert "0.000" in desk.run("explain", "quote-1").output


def test_another_decision_now_is_named_and_ends_with_1(desk: Desk) -> None:
    record = write(FACTS, decide(FACTS))
    record["decided"]["payout"] = "99.99"
    put(desk, decision=record)
    result = desk.run("explain", "quote-1")
    assert result.exit_code == 1
    assert "replayed: differs" in result.output
    assert "payout: 99.99 then, " in result.output


@pytest.mark.parametrize(
    ("decision", "why"),
    [
        (None, "older than the records"),
        ({"version": 99}, "version 99"),
        ({"version": 1}, "can't be read (KeyError"),
        ({"version": 1, "facts": []}, "can't be read (TypeError"),
    ],
)
def test_a_record_that_can_not_be_decided_again_says_why(desk: Desk, decision: Any, why: str) -> None:
    put(desk, decision=decision)
    said = desk.ok("explain", "quote-1")
    assert "replayed: impossible" in said
    assert why in " ".join(said.split())


@pytest.mark.usefixtures("wide")
def test_a_model_that_was_not_asked_and_legs_that_do_not_roll_are_told(desk: Desk) -> None:
    why = NotOffered(reason=NotInSequence.ENDS_TOO_CLOSE, legs=(1, 2))
    facts = facts_of(rules=rules_of(strategy=Strategy.ROLLING), sequence=why)
    put(desk, facts, asked=False, plan=None)
    said = desk.ok("explain", "quote-1")
    assert "Model: Not asked." in said
    assert "Chosen: delta. The configured strategy: the model named no plan." in said
    assert "Rolling is configured, but not for these legs: ends_too_close (legs 1, 2)" in said
    assert "the order books could not be read" in said


def test_a_missing_answer_is_told_with_its_reason(desk: Desk) -> None:
    put(desk, asked=True, answered=False, reason="timeout", plan=None)
    assert "Model: No answer: timeout." in desk.ok("explain", "quote-1")


def test_nothing_of_that_name_ends_with_1(desk: Desk) -> None:
    result = desk.run("explain", "par_unknown")
    assert result.exit_code == 1
    assert "there is no parlay, quote or session par_unknown" in result.output
