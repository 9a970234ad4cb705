"""Strikes and the structure of events: what is compared with what, and what is refused by name."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from typing import TYPE_CHECKING

import pytest

from hedge_service.core.pricing import Impossibility, Impossible, joint
from hedge_service.core.risk.structure import Structure, structure_of
from hedge_service.core.strike import Strike, StrikeKind
from hedge_service.wire.kalshi import markets
from tests.core.risk.joint_samples import NO, YES, leg, over, under, within
from tests.wire import kalshi_samples as samples

if TYPE_CHECKING:
    from hedge_service.core.market import Side
    from hedge_service.core.venue import Event


def event(*strikes: dict[str, object], exclusive: bool = False) -> Event:
    rows = [samples.market_row(ticker=f"K{n}", **fields) for n, fields in enumerate(strikes, 1)]
    return markets.event(samples.event_reply(*rows, mutually_exclusive=exclusive))


@pytest.mark.parametrize(
    ("kind", "floor", "cap", "holds"),
    [
        (StrikeKind.GREATER, "50", None, (False, False, True)),
        (StrikeKind.GREATER_OR_EQUAL, "50", None, (False, True, True)),
        (StrikeKind.LESS, None, "50", (True, False, False)),
        (StrikeKind.LESS_OR_EQUAL, None, "50", (True, True, False)),
        (StrikeKind.BETWEEN, "50", "60", (False, True, True)),
        (StrikeKind.BETWEEN, "40", "50", (True, True, False)),
    ],
)
def test_a_strike_holds_on_its_side_and_at_its_end_as_its_kind_says(
    kind: StrikeKind, floor: str | None, cap: str | None, holds: tuple[bool, ...]
) -> None:
    strike = Strike(
        kind=kind,
        floor=None if floor is None else Decimal(floor),
        cap=None if cap is None else Decimal(cap),
    )
    assert tuple(strike.holds(Fraction(value)) for value in (49, 50, 51)) == holds


@pytest.mark.parametrize(
    ("kind", "floor", "cap"),
    [("greater", None, "50"), ("less", "50", None), ("between", "50", None), ("between", "60", "50")],
)
def test_bounds_that_are_not_the_kinds_are_refused(kind: str, floor: str | None, cap: str | None) -> None:
    with pytest.raises(ValueError, match=r"bounds|range"):
        Strike(
            kind=StrikeKind(kind),
            floor=None if floor is None else Decimal(floor),
            cap=None if cap is None else Decimal(cap),
        )


@pytest.mark.parametrize(
    ("first", "first_side", "second", "second_side"),
    [
        (over("60"), YES, under("50"), YES),
        (over("50"), YES, over("40"), NO),
        (within("40", "50"), YES, within("51", "60"), YES),
        (within("40", "50"), YES, over("50"), YES),
        (under("50"), YES, under("60"), NO),
    ],
)
def test_thresholds_that_contradict_each_other_are_refused_by_name(
    first: Strike, first_side: Side, second: Strike, second_side: Side
) -> None:
    line = Structure(strikes={"K1": first, "K3": second})
    legs = [leg(1, "0.5", "G", first_side), leg(2, "0.9"), leg(3, "0.5", "G", second_side)]
    with pytest.raises(Impossible, match="contradicting_thresholds") as caught:
        joint(legs, structure=line)
    assert caught.value.reason is Impossibility.CONTRADICTING_THRESHOLDS
    assert caught.value.legs == (1, 3)


def test_three_legs_that_contradict_each_other_only_together_are_all_named() -> None:
    line = Structure(strikes={"K1": within("40", "60"), "K2": over("40"), "K3": under("60")})
    legs = [leg(1, "0.5", "G", NO), leg(2, "0.7", "G"), leg(3, "0.7", "G")]
    with pytest.raises(Impossible) as caught:
        joint(legs, structure=line)
    assert caught.value.legs == (1, 2, 3)


def test_ranges_that_touch_in_one_value_can_both_hit() -> None:
    line = Structure(strikes={"K1": within("40", "50"), "K2": within("50", "60")})
    assert joint([leg(1, "0.5", "G"), leg(2, "0.5", "G")], structure=line).q == Decimal("0.25")


def test_an_events_strikes_and_exclusiveness_are_read_off_its_markets() -> None:
    found = structure_of(
        [
            event(
                {"strike_type": "greater", "floor_strike": 50.5},
                {"strike_type": "less", "cap_strike": 40},
                {},
                exclusive=True,
            )
        ]
    )
    assert found.exclusive_events == {"KXNFLGAME-26NOV22KCDEN"}
    assert found.strikes == {"K1": over("50.5"), "K2": under("40")}


def test_an_event_with_the_same_strike_twice_is_about_more_than_one_number() -> None:
    """25 points by one player and 25 by another: no order between any two of their markets."""
    found = structure_of(
        [
            event(
                {"strike_type": "greater", "floor_strike": 24.5},
                {"strike_type": "greater", "floor_strike": 24.5},
                {"strike_type": "greater", "floor_strike": 29.5},
            )
        ]
    )
    assert found == Structure()
