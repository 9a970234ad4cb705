"""The users of the proof: what they buy hangs on the seed alone, and whoever gives up says why."""

from __future__ import annotations

from dataclasses import replace
from random import Random
from typing import TYPE_CHECKING

import pytest

from hedge_service.sandbox.credentials import generate_credentials
from tests.proof.soak import Plan, drawn, free_port
from tests.proof.theatre import PATIENCE, Refused, Theatre, open_theatre
from tests.system.extension import HOT, WARM, Reply

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

PLAN = Plan(parlays=1000, seed=7, fault_rate=0.4)
WRONG = Reply(400, {"code": "contradicting_thresholds"})
FULL = Reply(409, {"code": "open_payout_cap"})
STARTING = Reply(503, {"code": "not_ready"})


@pytest.fixture
async def theatre(tmp_path: Path) -> AsyncIterator[Theatre]:
    """Give a theatre whose service was never started, and whose users do not wait between two tries."""
    async with open_theatre(tmp_path, generate_credentials(), Random(1), free_port(), {}) as opened:
        opened.pause = _at_once  # type: ignore[method-assign]
        yield opened


async def _at_once(seconds: float = 0) -> None:
    """Wait for nothing."""


def test_a_parlay_is_the_same_whoever_buys_it_and_when() -> None:
    forwards = [drawn(PLAN, number) for number in range(50)]
    backwards = [drawn(PLAN, number) for number in reversed(range(50))]
    assert forwards == backwards[::-1]
    assert forwards != [drawn(replace(PLAN, seed=8), number) for number in range(50)]


def test_no_parlay_is_drawn_that_can_not_win() -> None:
    sides = [drawn(PLAN, number).sides for number in range(PLAN.parlays)]
    both = [(one[WARM], one[HOT]) for one in sides if {WARM, HOT} <= one.keys()]
    assert {*both} == {(False, False), (False, True), (True, True)}


def test_faults_and_lost_webhooks_come_at_their_rates() -> None:
    parlays = [drawn(PLAN, number) for number in range(PLAN.parlays)]
    assert sum(parlay.fault is not None for parlay in parlays) == pytest.approx(400, abs=60)
    assert sum(parlay.webhook_lost for parlay in parlays) == pytest.approx(30, abs=20)


@pytest.mark.parametrize(("answer", "times"), [(WRONG, 1), (FULL, PATIENCE)])
async def test_whoever_is_refused_to_the_end_tells_the_last_answer(
    theatre: Theatre, answer: Reply, times: int
) -> None:
    tries: list[Reply] = []

    async def refuse() -> None:
        tries.append(answer)
        raise AssertionError(answer)

    with pytest.raises(Refused, match=answer.code):
        await theatre.patiently(refuse)
    assert len(tries) == times


async def test_a_service_that_starts_refuses_nobody(theatre: Theatre) -> None:
    answers = [STARTING] * (PATIENCE + 1)

    async def in_the_end() -> str:
        if answers:
            raise AssertionError(answers.pop())
        return "sold"

    assert await theatre.patiently(in_the_end) == "sold"
