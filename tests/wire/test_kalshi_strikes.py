"""Strikes on the wire: read where they can be compared, passed over where they are odd."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from hedge_service.core.strike import Strike, StrikeKind
from hedge_service.wire.kalshi import markets
from tests.wire import kalshi_samples as samples


def read(**fields: Any) -> Strike | None:
    return markets.market(samples.market_row(**fields)).strike


def test_strikes_are_read_as_the_numbers_that_were_sent() -> None:
    assert read(strike_type="greater", floor_strike=5.1, cap_strike=None) == Strike(
        kind=StrikeKind.GREATER, floor=Decimal("5.1")
    )
    assert read(strike_type="between", floor_strike=-3, cap_strike=4.5, custom_strike={}) == Strike(
        kind=StrikeKind.BETWEEN, floor=Decimal(-3), cap=Decimal("4.5")
    )


@pytest.mark.parametrize(
    "odd",
    [
        {},
        {"strike_type": "structured", "floor_strike": 5},
        {"strike_type": "custom"},
        {"strike_type": "cubic", "floor_strike": 5},
        {"strike_type": 7, "floor_strike": 5},
        {"strike_type": "greater"},
        {"strike_type": "greater", "floor_strike": "5"},
        {"strike_type": "greater", "floor_strike": True},
        {"strike_type": "greater", "floor_strike": 1e300},
        {"strike_type": "greater", "floor_strike": 5, "cap_strike": 6},
        {"strike_type": "between", "floor_strike": 6, "cap_strike": 5},
        {"strike_type": "greater", "floor_strike": 24.5, "custom_strike": {"player": "a"}},
    ],
)
def test_an_odd_strike_is_none_and_leaves_the_market_readable(odd: dict[str, Any]) -> None:
    assert read(**odd) is None
