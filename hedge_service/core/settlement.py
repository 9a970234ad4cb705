"""How a market ended, and what that means for a parlay: decided from final results only."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from hedge_service.core.market import MarketStatus, Side
from hedge_service.core.money import MICROS_PER_DOLLAR, Price

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from hedge_service.core.market import Market

NOTHING = Price(0)
WHOLE = Price(MICROS_PER_DOLLAR)


class UnclearResult(ValueError):  # noqa: N818 - says what the exchange's word is
    """The exchange calls a market final without saying what it paid, or says two things."""


@dataclass(frozen=True, slots=True)
class Ending:
    """The final result of a market in the exchange's word; `value` is what one YES contract paid."""

    result: str
    value: Price

    def paid(self, side: Side) -> Price:
        """Give what one contract of this outcome paid."""
        return self.value if side is Side.YES else self.value.complement


def ending(market: Market) -> Ending | None:
    """Give how a market ended; None until it is finalized (determined, disputed and amended may still turn).

    The settlement value decides; without one, "yes" paid $1 and "no" paid $0 (Market of the exchange's
    specification). Raises UnclearResult for a final market that has neither, or both and opposed.
    """
    if market.status is not MarketStatus.FINALIZED:
        return None
    plain = {"yes": WHOLE, "no": NOTHING}.get(market.result)
    value = plain if market.settlement_value is None else market.settlement_value
    if value is None:
        raise UnclearResult(f"result {market.result[:20]!r} without a settlement value")
    if plain is not None and value == plain.complement:
        raise UnclearResult(f"result {market.result!r} with a settlement value of {value}")
    return Ending(market.result, value)


class VoidRule(StrEnum):
    """What a leg that paid neither $0 nor $1 means for its parlay."""

    REFUND = "refund"
    LOST = "lost"


class ParlayState(StrEnum):
    """Where a parlay stands; all but the first are ends."""

    OPEN = "open"
    WON = "won"
    LOST = "lost"
    VOID = "void"


class VerdictReason(StrEnum):
    """Why a parlay stands as it does."""

    LEGS_OPEN = "legs_open"
    ALL_LEGS_WON = "all_legs_won"
    LEG_LOST = "leg_lost"
    LEG_VOID = "leg_void"


@dataclass(frozen=True, slots=True)
class LegStanding:
    """One leg: its number, and what a contract of its outcome paid (None: its market is not final)."""

    leg: int
    paid: Price | None


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a parlay's legs make of it; `leg` is the one that decided, None when all did."""

    state: ParlayState
    reason: VerdictReason
    leg: int | None = None


def judge(legs: Sequence[LegStanding], rule: VoidRule) -> Verdict:
    """Decide a parlay from its legs. Raises ValueError when it has none.

    - A leg that paid $0 loses the parlay at once, whatever the others do.
    - A leg that paid neither $0 nor $1 is void. Under `lost` it loses the parlay at once too. Under `refund`
      it voids the parlay, but only once every leg is final and none lost: lost wins over void, so that the
      result never depends on the order in which markets settle.
    - The parlay is won only when every leg is final and paid $1.
    """
    if not legs:
        raise ValueError("a parlay has at least one leg")
    lost = _first(legs, lambda paid: paid == NOTHING)
    if lost is not None:
        return Verdict(ParlayState.LOST, VerdictReason.LEG_LOST, lost)
    void = _first(legs, lambda paid: paid is not None and paid not in (NOTHING, WHOLE))
    if void is not None and rule is VoidRule.LOST:
        return Verdict(ParlayState.LOST, VerdictReason.LEG_VOID, void)
    if any(leg.paid is None for leg in legs):
        return Verdict(ParlayState.OPEN, VerdictReason.LEGS_OPEN)
    if void is not None:
        return Verdict(ParlayState.VOID, VerdictReason.LEG_VOID, void)
    return Verdict(ParlayState.WON, VerdictReason.ALL_LEGS_WON)


def _first(legs: Sequence[LegStanding], ended_so: Callable[[Price | None], bool]) -> int | None:
    return next((leg.leg for leg in legs if ended_so(leg.paid)), None)
