"""A decision's record: read back as it was, decided again to the same, and differences named."""

from __future__ import annotations

import copy
from dataclasses import replace
from decimal import Decimal
from typing import Any

import orjson
import pytest

from hedge_service.core.choice import Facts, Measure, decide
from hedge_service.core.fees import FeeKind, FeeSchedule
from hedge_service.core.hedging import Strategy
from hedge_service.core.money import Money
from hedge_service.core.pricing import PairCorrelation
from hedge_service.core.risk.structure import Structure
from hedge_service.core.rolling import NotInSequence, NotOffered
from hedge_service.core.strike import Strike, StrikeKind
from hedge_service.wire.advice_record import OtherVersion, fees_of, read_facts, write
from hedge_service.wire.advice_replay import replay
from tests.core.choice_samples import book, facts_of, rules_of
from tests.store.parlay_samples import quote_of

PLAIN = facts_of()
RICH = facts_of(
    "0.65",
    "0.40",
    "0.52",
    stake="12.34",
    events=("HIGH", "HIGH", "GAME"),
    rules=rules_of(minimum_edge=Decimal("0.01"), measure=Measure.SD, step=Decimal("0.01")),
    structure=Structure(
        exclusive_events=frozenset({"GAME"}),
        strikes={"KX-1": Strike(kind=StrikeKind.BETWEEN, floor=Decimal(60), cap=Decimal("64.5"))},
    ),
    correlations=(PairCorrelation(first=1, second=2, rho=Decimal("0.3500")),),
    books={"KX-1": book(("0.65", "1.50"), ("0.661", "200")), "KX-3": book()},
    fees={"KX-3": FeeSchedule(kind=FeeKind.QUADRATIC_WITH_MAKER_FEES, multiplier=Decimal("0.5"))},
    wanted="min_variance",
)
ROLLING = rules_of(strategy=Strategy.ROLLING)
NOT_ROLLING = NotOffered(reason=NotInSequence.ENDS_TOO_CLOSE, legs=(1, 2))
EVERY = [
    PLAIN,
    RICH,
    replace(PLAIN, rules=ROLLING, sequence=(2, 3, 1)),
    replace(PLAIN, rules=ROLLING, sequence=NOT_ROLLING),
    replace(PLAIN, wanted="nothing like it"),
]


def stored(facts: Facts) -> dict[str, Any]:
    """Give a record as the database gives it back."""
    record: dict[str, Any] = orjson.loads(orjson.dumps(write(facts, decide(facts))))
    return record


@pytest.mark.parametrize("facts", EVERY)
def test_facts_come_back_as_they_were_written(facts: Facts) -> None:
    assert read_facts(stored(facts)) == facts


@pytest.mark.parametrize("facts", EVERY)
def test_a_record_is_decided_again_to_the_same(facts: Facts) -> None:
    assert replay(stored(facts)) == ()


def test_a_record_tells_every_plan_with_its_figures_and_the_choice() -> None:
    decided = stored(PLAIN)["decided"]
    assert [plan["id"] for plan in decided["plans"]] == ["none", "bands", "delta", "min_variance", "cvar"]
    bands = decided["plans"][1]
    assert (bands["outlay"], bands["fees"]) == ("2.47", "0.065300")
    assert [hedge["contracts"] for hedge in bands["hedges"]] == ["0.00", "1.00", "3.00"]
    assert decided["choice"] == {"id": "bands", "by": "default", "wanted": None, "default": None}


def test_what_would_be_decided_otherwise_is_named_by_its_place() -> None:
    record = stored(PLAIN)
    record["decided"]["choice"]["id"] = "none"
    record["decided"]["plans"][1]["hedges"][2]["contracts"] = "4.00"
    assert replay(record) == (
        "plans[bands].hedges[leg 3].contracts: 4.00 then, 3.00 now",
        "choice.id: none then, bands now",
    )


def test_what_was_sold_and_would_be_refused_now_is_named() -> None:
    record = stored(replace(PLAIN, legs=RICH.legs))
    record["facts"]["exclusive_events"] = ["HIGH"]
    assert replay(record) == ("choice: bands then, refused now (mutually_exclusive)",)


def test_only_statistics_may_differ_and_only_by_a_rounding() -> None:
    record = stored(PLAIN)
    near = copy.deepcopy(record)
    near["decided"]["plans"][1]["sd"] = str(Money.of(record["decided"]["plans"][1]["sd"]) + Money(3))
    assert replay(near) == ()
    near["decided"]["plans"][1]["outlay"] = "2.470001"
    assert replay(near) == ("plans[bands].outlay: 2.470001 then, 2.47 now",)


def test_the_two_figures_that_a_choice_compared_may_differ_by_a_rounding_too() -> None:
    record = stored(replace(PLAIN, wanted="none"))
    choice = record["decided"]["choice"]
    choice["wanted"] = str(Money.of(choice["wanted"]) + Money(1))
    assert replay(record) == ()
    choice["default"] = str(Money.of(choice["default"]) + Money.cents(1))
    record["decided"]["default"] = "delta"
    assert [place.partition(":")[0] for place in replay(record)] == ["default", "choice.default"]


def test_a_plan_that_is_no_longer_offered_is_named() -> None:
    record = stored(PLAIN)
    record["decided"]["plans"].append({"id": "combo"})
    (difference,) = replay(record)
    assert difference.startswith("plans:")


@pytest.mark.parametrize("version", [None, 0, 2, "1"])
def test_a_record_of_another_version_is_not_read(version: object) -> None:
    with pytest.raises(OtherVersion):
        replay(stored(PLAIN) | {"version": version})


def test_a_quotes_fees_are_those_that_it_was_decided_with() -> None:
    quote, record = quote_of(1, ()), stored(RICH)
    assert fees_of(replace(quote, advice={"decision": record})) == RICH.fees
    assert fees_of(replace(quote, advice={"decision": record | {"version": 0}})) == {}
    assert fees_of(quote) == {}
