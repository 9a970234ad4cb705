"""`rehedge`: a second try for what was not bought, within the plan and the caps."""

from __future__ import annotations

import getpass
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from hedge_service.core.money import Count
from hedge_service.core.orders import AttemptState
from hedge_service.core.parlay import Mode
from hedge_service.store import journal, journal_sets, parlays
from hedge_service.store.schema import attempts, parlay_legs
from tests.store.parlay_samples import NOW, intent_of, planned, put_parlay, put_sent, put_state

if TYPE_CHECKING:
    from sqlalchemy.engine import Connection

    from hedge_service.store.parlays import Parlay
    from tests.cli.ops_desk import Desk

S = AttemptState


def hedged(tx: Connection, *, filled: str = "1", state: S = S.CANCELLED) -> Parlay:
    """Store a parlay of three legs wanting three contracts each; leg 1 has an ended intent."""
    parlay = put_parlay(tx)
    intent = intent_of(parlay, contracts="3")
    journal.put_intent(tx, intent)
    journal_sets.plan(tx, [planned(intent)])
    attempt = put_sent(tx, planned(intent), epoch=1, at=NOW)
    put_state(tx, attempt, state)
    bought = {"fill_centis": Count.of(filled).centis, "cost_micros": 650_000}
    tx.execute(attempts.update().values(**bought))
    if state.ended:
        journal_sets.end(tx, [(intent.id, "attempts_used")], NOW)
    return parlay


def test_rehedge_tries_for_the_rest_at_the_plans_own_limits(desk: Desk) -> None:
    parlay = desk.do(hedged)
    said = desk.ok("rehedge", parlay.id, "--reason", "the book has refilled")
    assert "leg 1: bid 2.00 of KXA-1-SEA at 0.6700" in said
    # Legs without an order yet: the quote's ask of 65 cents and 2 cents of slippage.
    assert "leg 2: bid 3.00 of KXB-1-BOS at 0.6700" in said
    made = desk.do(lambda tx: journal.of_parlay(tx, parlay.id))
    assert [(one.leg, one.sequence, str(one.count)) for one, _ in made] == [
        (1, 1, "3.00"),
        (1, 2, "2.00"),
        (2, 1, "3.00"),
        (3, 1, "3.00"),
    ]
    new = [one for one, _ in made if one.ended_at is None]
    assert len(new) == 3
    assert all(one.expires_at - one.created_at == timedelta(seconds=120) for one in new)
    assert desk.audited() == [(getpass.getuser(), "rehedge", parlay.id, "the book has refilled")]


def test_rehedge_leaves_alone_what_is_hedged_under_way_or_settled(desk: Desk) -> None:
    parlay = desk.do(lambda tx: hedged(tx, filled="3", state=S.FILLED))
    desk.do(lambda tx: tx.execute(parlay_legs.update().where(parlay_legs.c.leg == 2).values(settled_ms=1)))
    said = desk.ok("rehedge", parlay.id)
    assert "leg 1: no order (hedged)" in said
    assert "leg 2: no order (market_over)" in said
    assert "leg 3: bid 3.00" in said
    again = desk.run("rehedge", parlay.id)
    assert (again.exit_code, "leg 3: no order (under_way)" in again.output) == (1, True)


def test_rehedge_keeps_within_the_caps(desk: Desk) -> None:
    parlay = desk.do(hedged)
    result = desk.run("rehedge", parlay.id, LIMITS__MAX_ORDER_DOLLARS="1.00")
    assert (result.exit_code, result.output.count("no order (order_cap)")) == (1, 3)
    caps = {"LIMITS__MAX_ORDER_DOLLARS": "3", "LIMITS__MAX_PARLAY_HEDGE_DOLLARS": "4"}
    said = desk.ok("rehedge", parlay.id, **caps)
    assert said.count("no order (parlay_cap)") == 2


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"state": "lost"}, "is lost: only an open parlay is hedged"),
        ({"mode": Mode.DRY_RUN.value}, "was taken in dry run"),
    ],
)
def test_rehedge_refuses_what_is_not_open_or_was_never_real(
    desk: Desk, change: dict[str, str], why: str
) -> None:
    from hedge_service.store.schema import parlays as rows

    parlay = desk.do(hedged)
    desk.do(lambda tx: tx.execute(rows.update().values(**change)))
    result = desk.run("rehedge", parlay.id)
    assert (result.exit_code, why in result.output) == (1, True)
    assert desk.do(lambda tx: parlays.get(tx, "par_none")) is None
    assert "there is no parlay par_none" in desk.run("rehedge", "par_none").output
