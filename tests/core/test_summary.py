"""The figures of a parlay's hedge, and the one word that tells the truth about it."""

from __future__ import annotations

from dataclasses import fields, replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hedge_service.core.journal import Attempt, Intent
from hedge_service.core.market import BookSide
from hedge_service.core.money import Count, Money, Price
from hedge_service.core.orders import AttemptState, Purpose, TimeInForce
from hedge_service.core.parlay import HedgeOutcome, Mode
from hedge_service.core.summary import Summary, summarize

S = AttemptState
NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)


def intent(leg: int, contracts: str) -> Intent:
    return Intent(
        id=f"int_{leg}",
        parlay_id="par_1",
        leg=leg,
        purpose=Purpose.HEDGE,
        sequence=1,
        ticker=f"KX-{leg}",
        side=BookSide.BID,
        count=Count.of(contracts),
        price=Price.of("0.67"),
        max_cost=Money.of("7"),
        time_in_force=TimeInForce.IMMEDIATE_OR_CANCEL,
        reduce_only=False,
        created_at=NOW,
        expires_at=NOW,
        ended_at=NOW,
        end_reason="filled",
    )


def attempt(state: AttemptState, filled: str = "0", cost: str = "0", fees: str = "0") -> Attempt:
    return Attempt(
        client_order_id="hs-1",
        intent_id="int_1",
        number=1,
        count=Count.of(10),
        state=state,
        body=b"{}",
        planned_at=NOW,
        filled=Count.of(filled),
        cost=Money.of(cost),
        fees=Money.of(fees),
    )


def outcome(*attempts: Attempt, planned: str = "10", mode: Mode = Mode.LIVE) -> HedgeOutcome:
    return summarize(mode, [(intent(1, planned), attempts)], legs_skipped=0).outcome


@pytest.mark.parametrize(
    ("attempts", "word"),
    [
        ([(S.FILLED, "10")], HedgeOutcome.EXECUTED),
        ([(S.CANCELLED, "4"), (S.FILLED, "6")], HedgeOutcome.EXECUTED),
        ([(S.CANCELLED, "4"), (S.CANCELLED, "0")], HedgeOutcome.PARTIAL),
        ([(S.CANCELLED, "4"), (S.REFUSED, "0")], HedgeOutcome.PARTIAL),
        ([(S.CANCELLED, "0"), (S.CANCELLED, "0")], HedgeOutcome.FAILED),
        ([(S.REFUSED, "0")], HedgeOutcome.FAILED),
        ([(S.NOT_SENT, "0")], HedgeOutcome.FAILED),
        ([], HedgeOutcome.FAILED),
        ([(S.UNKNOWN, "0")], HedgeOutcome.UNKNOWN),
        ([(S.PARKED, "0")], HedgeOutcome.UNKNOWN),
        ([(S.CANCELLED, "4"), (S.PARKED, "0")], HedgeOutcome.UNKNOWN),
        ([(S.CANCELLED, "10"), (S.UNKNOWN, "0")], HedgeOutcome.UNKNOWN),
        ([(S.RESTING, "0")], HedgeOutcome.FAILED),
        ([(S.RESTING, "4")], HedgeOutcome.PARTIAL),
    ],
)
def test_the_outcome_tells_the_truth(attempts: list[tuple[AttemptState, str]], word: HedgeOutcome) -> None:
    assert outcome(*(attempt(state, filled) for state, filled in attempts)) is word


def test_nothing_planned_is_skipped_and_skipped_legs_do_not_spoil_an_execution() -> None:
    assert summarize(Mode.LIVE, [], legs_skipped=3).outcome is HedgeOutcome.SKIPPED
    done = summarize(Mode.LIVE, [(intent(1, "10"), (attempt(S.FILLED, "10"),))], legs_skipped=2)
    assert (done.outcome, done.orders_skipped) == (HedgeOutcome.EXECUTED, 2)


@given(st.lists(st.sampled_from(S), max_size=4), st.sampled_from(["0", "10"]))
def test_a_parlay_hedged_in_dry_run_is_never_called_anything_else(
    states: list[AttemptState], filled: str
) -> None:
    assert outcome(*(attempt(state, filled) for state in states), mode=Mode.DRY_RUN) is HedgeOutcome.DRY_RUN
    assert summarize(Mode.DRY_RUN, [], legs_skipped=1).outcome is HedgeOutcome.DRY_RUN


@given(st.lists(st.tuples(st.sampled_from(S), st.integers(0, 1000)), max_size=4))
def test_executed_is_said_only_when_every_contract_is_bought_and_nothing_is_in_doubt(
    made: list[tuple[AttemptState, int]],
) -> None:
    attempts = tuple(replace(attempt(state), filled=Count(centis)) for state, centis in made)
    bought = sum(centis for _, centis in made)
    doubt = any(state in {S.SENDING, S.UNKNOWN, S.PARKED} for state, _ in made)
    word = outcome(*attempts)
    assert (word is HedgeOutcome.EXECUTED) == (bought == 1000 and not doubt)
    assert (word is HedgeOutcome.UNKNOWN) == doubt
    assert (word is HedgeOutcome.FAILED) == (bought == 0 and not doubt)


def test_the_figures_add_up_over_all_legs_and_attempts() -> None:
    first = (attempt(S.CANCELLED, "4", "2.68", "0.0612"), attempt(S.FILLED, "6", "4.02", "0.0918"))
    second = (attempt(S.REFUSED),)
    third = (attempt(S.PARKED),)
    told = summarize(
        Mode.LIVE,
        [(intent(1, "10"), first), (intent(2, "3"), second), (intent(3, "1.5"), third)],
        legs_skipped=1,
    )
    assert told.fields() == {
        "outcome": "unknown",
        "mode": "live",
        "orders_total": 4,
        "orders_dry_run": 0,
        "orders_accepted": 2,
        "orders_refused": 1,
        "orders_unknown": 1,
        "orders_skipped": 1,
        "contracts_planned": "14.50",
        "contracts_filled": "10.00",
        "contracts_unhedged": "3.00",
        "unhedged_dollars": "2.01",
        "cost_dollars": "6.70",
        "fees_dollars": "0.153000",
    }


def test_every_figure_is_a_log_field() -> None:
    told = summarize(Mode.DRY_RUN, [(intent(1, "3"), (attempt(S.DRY_RUN),))], legs_skipped=2)
    assert set(told.fields()) == {field.name for field in fields(Summary)}
    assert told.fields()["orders_dry_run"] == 1
