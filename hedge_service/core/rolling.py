"""Rolling: hold the next leg's delta only, and roll what it pays into the leg that settles after it.

Before leg k of n, in the order in which the legs settle, N * product of the later legs' unit costs is held
of leg k. If leg k hits, its $1 a contract buys just what is needed of leg k + 1; if it misses, nothing is
owed and nothing is held. With prices that hold, the house ends with S - F - N * product of all unit costs,
whatever happens. What it takes: legs that settle one after the other, and a price for the next leg when one
has. Legs are taken as independent; what one result tells of the next leg is in its ask by then.
"""

from __future__ import annotations

from collections.abc import Mapping  # noqa: TC003 - a dataclass field's type
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction
from itertools import pairwise
from typing import TYPE_CHECKING

from hedge_service.core.fees import FeeSchedule
from hedge_service.core.hedging import ONE_CONTRACT, LegHedge, SkipReason, sized_leg, skipped_leg
from hedge_service.core.money import Money, Price

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime, timedelta

    from hedge_service.core.market import Market
    from hedge_service.core.pricing import Leg

_ONE = Decimal(1)
_NO_FEES = FeeSchedule(multiplier=Decimal(0))


class NotInSequence(StrEnum):
    """Why legs can't be hedged one after the other."""

    ONE_LEG = "one_leg"
    SAME_EVENT = "same_event"
    MARKET_UNKNOWN = "market_unknown"
    NO_EXPECTED_END = "no_expected_end"
    ENDS_TOO_CLOSE = "ends_too_close"
    CLOSES_TOO_SOON = "closes_too_soon"
    OVER_ORDER_CAP = "over_order_cap"


@dataclass(frozen=True, slots=True, kw_only=True)
class NotOffered:
    """Rolling is not offered for these legs: why, and the numbers of the legs that stand in the way."""

    reason: NotInSequence
    legs: tuple[int, ...]

    def fields(self) -> dict[str, object]:
        """Give what the log and the quote's record keep of it."""
        return {"reason": self.reason.value, "legs": list(self.legs)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Costs:
    """What a contract costs above its ask: `slippage` in dollars, and the taker's fee.

    `fees`: schedules by ticker; a market that is not named has the `standard` one.
    """

    slippage: Decimal = Decimal(0)
    fees: Mapping[str, FeeSchedule] = field(default_factory=dict)
    standard: FeeSchedule = field(default_factory=FeeSchedule)

    def schedule(self, ticker: str) -> FeeSchedule:
        """Give the fees of a market."""
        return self.fees.get(ticker, self.standard)

    def paid(self, leg: Leg) -> Price:
        """Give the price that is paid: ask and slippage, at most $1."""
        return Price.of(min(leg.ask.dollars + self.slippage, _ONE))

    def unit(self, leg: Leg) -> Fraction:
        """Give the dollars that one contract costs in all: price and model fee, without roundings."""
        price = self.paid(leg)
        return Fraction(price.dollars) + Fraction(self.schedule(leg.ticker).per_contract(price))


NO_COSTS = Costs(standard=_NO_FEES)


def sequence(
    legs: Sequence[Leg], markets: Mapping[str, Market], gap: timedelta
) -> tuple[Leg, ...] | NotOffered:
    """Give the legs in the order in which they are expected to settle, or why they are not in sequence.

    Two expected ends next to each other lie at least `gap` apart, and no market closes before the one ahead
    of it is expected to end: after a roll there must be a market to trade on. Legs of one event depend on
    each other and are not rolled. `markets`: by ticker.
    """
    if len(legs) == 1:
        return NotOffered(reason=NotInSequence.ONE_LEG, legs=(legs[0].number,))
    shared = tuple(
        leg.number for leg in legs if sum(leg.event_ticker == one.event_ticker for one in legs) > 1
    )
    if shared:
        # The price of the later one moves with the result of the first: no product of prices replicates that.
        return NotOffered(reason=NotInSequence.SAME_EVENT, legs=shared)
    unknown = tuple(leg.number for leg in legs if leg.ticker not in markets)
    if unknown:
        return NotOffered(reason=NotInSequence.MARKET_UNKNOWN, legs=unknown)
    endless = tuple(leg.number for leg in legs if markets[leg.ticker].expected_expiration_time is None)
    if endless:
        return NotOffered(reason=NotInSequence.NO_EXPECTED_END, legs=endless)
    order = in_order(legs, markets)
    for first, second in pairwise(order):
        reason = _too_close(markets[first.ticker], markets[second.ticker], gap)
        if reason is not None:
            return NotOffered(reason=reason, legs=(first.number, second.number))
    return order


def in_order(legs: Sequence[Leg], markets: Mapping[str, Market]) -> tuple[Leg, ...]:
    """Sort legs by their expected ends; legs without one come last, in their own order."""

    def end(leg: Leg) -> tuple[bool, datetime | None, int]:
        market = markets.get(leg.ticker)
        expected = None if market is None else market.expected_expiration_time
        return (expected is None, expected, leg.number)

    return tuple(sorted(legs, key=end))


def _too_close(first: Market, second: Market, gap: timedelta) -> NotInSequence | None:
    ends, later = first.expected_expiration_time, second.expected_expiration_time
    if ends is None or later is None or later - ends < gap:
        return NotInSequence.ENDS_TOO_CLOSE
    return NotInSequence.CLOSES_TOO_SOON if second.close_time <= ends else None


def targets(payout: Money, order: Sequence[Leg], costs: Costs = NO_COSTS) -> tuple[Fraction, ...]:
    """Give the contracts to hold of each leg just before it settles, exact, for legs in their order.

    h_k = N * product over j > k of unit_j. unit_j is the price of leg j; with `costs` it is all that a
    contract of leg j costs, so that, grossed up, each leg's payoff pays the next one's slippage and fees too.
    """
    held, found = Fraction(payout.dollars), []
    for leg in reversed(order):
        found.append(held)
        held *= costs.unit(leg)
    return tuple(reversed(found))


def replication_cost(payout: Money, order: Sequence[Leg], costs: Costs = NO_COSTS) -> Money:
    """Give what the first leg's target costs, rounded up to a micro: with prices that hold, all there is.

    N * product of all unit costs. The house ends with stake - payment fee - this, in every state.
    """
    first = targets(payout, order, costs)[0] * costs.unit(order[0])
    return Money(-(-(first.numerator * 1_000_000) // first.denominator))


def drift_reserve(payout: Money, share: Decimal) -> Money:
    """Give the dollars set aside for prices that move between rolls: a share of the payout, rounded up.

    It counts three times: the quote's edge is less by it, the first leg leaves it free under the parlay's
    cap, and all later rolls together may pay no more than it above the quote's asks and slippage.
    """
    return Money.ceil(payout.dollars * share)


def first_hedges(
    legs: Sequence[Leg],
    order: tuple[Leg, ...] | NotOffered,
    *,
    payout: Money,
    costs: Costs = NO_COSTS,
    step: Decimal = ONE_CONTRACT,
) -> tuple[LegHedge, ...]:
    """Size the hedge at the time of the quote, in the legs' order: the first leg to settle, and no other.

    The target is rounded down to whole lots of `step`. Later legs are skipped as LATER_LEG until their turn
    comes; without a sequence every leg is, as NOT_IN_SEQUENCE.
    """
    if isinstance(order, NotOffered):
        return tuple(skipped_leg(leg, SkipReason.NOT_IN_SEQUENCE) for leg in legs)
    first, target = order[0], targets(payout, order, costs)[0]
    return tuple(
        sized_leg(leg, target, step) if leg == first else skipped_leg(leg, SkipReason.LATER_LEG)
        for leg in legs
    )


def within_cap(
    order: tuple[Leg, ...], *, payout: Money, costs: Costs, step: Decimal, order_cap: Money
) -> tuple[Leg, ...] | NotOffered:
    """Give the sequence back, or say which legs' orders would not fit under the order cap at today's prices.

    A roll that can never be made is no hedge: better not begun.
    """
    over = tuple(
        leg.number
        for leg, target in zip(order, targets(payout, order, costs), strict=True)
        if _most(sized_leg(leg, target, step), costs) > order_cap
    )
    return NotOffered(reason=NotInSequence.OVER_ORDER_CAP, legs=over) if over else order


def _most(hedge: LegHedge, costs: Costs) -> Money:
    limit = costs.paid(hedge.leg)
    fees = costs.schedule(hedge.leg.ticker).counted(hedge.contracts, limit)
    return limit.times(hedge.contracts) + fees
