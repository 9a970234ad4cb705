"""What a rolling hedge holds, and what its next roll may pay."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from hedge_service.core.journal import reserved
from hedge_service.core.money import CENTIS_PER_CONTRACT, Count, Money
from hedge_service.core.orders import Purpose
from hedge_service.core.rolling import drift_reserve
from hedge_service.core.settlement import WHOLE
from hedge_service.core.unwinding import held_of, moving

if TYPE_CHECKING:
    from collections.abc import Iterable
    from decimal import Decimal

    from hedge_service.core.journal import Attempt, Intent
    from hedge_service.core.money import Price
    from hedge_service.core.pricing import Leg
    from hedge_service.core.rolling import Costs

    Worked = tuple[Intent, tuple[Attempt, ...]]


@dataclass(frozen=True, slots=True, kw_only=True)
class RollingLeg:
    """A leg as sold (`leg.ask` is the quote's), what it paid (None: not final), and its own intents.

    `on_paper`: its parlay was taken in dry run, so that what was planned counts as bought.
    """

    leg: Leg
    paid: Price | None
    intents: tuple[Worked, ...]
    on_paper: bool = False

    @property
    def buying(self) -> tuple[Worked, ...]:
        """Give the intents that buy."""
        return tuple(each for each in self.intents if each[0].purpose is not Purpose.UNWIND)

    @property
    def held(self) -> Count:
        """Give the contracts held; on paper, what was to be bought."""
        if self.on_paper:
            return sum((intent.count for intent, _ in self.buying), Count.ZERO)
        return held_of(self.intents)

    @property
    def won(self) -> bool:
        """Say whether its market is final and paid in full."""
        return self.paid == WHOLE

    @property
    def moving(self) -> bool:
        """Say whether anything of it is open or in doubt."""
        return any(moving(*each) for each in self.intents)


@dataclass(frozen=True, slots=True, kw_only=True)
class RollRules:
    """The configured limits of a roll, and what the day's cap leaves.

    `costs.slippage` is both what targets are grossed up by and what a limit lies above the ask.
    """

    costs: Costs
    step: Decimal
    reserve_share: Decimal
    order_cap: Money
    parlay_cap: Money
    day_left: Money


def parlay_left(legs: Iterable[RollingLeg], hit: Iterable[RollingLeg], rules: RollRules) -> Money:
    """Give what the parlay's cap leaves for a roll: the cap, less what was paid, plus what legs that hit pay.

    Net, because a roll spends the proceeds of the leg before it: the cap bounds what the parlay's hedge can
    lose, not how often the same dollar is turned over. Orders open or in doubt count with their most.
    """
    paid = (reserved(*each) for leg in legs for each in leg.buying)
    proceeds = (Money.of(leg.held.contracts) for leg in hit)
    left = rules.parlay_cap - sum(paid, Money.ZERO) + sum(proceeds, Money.ZERO)
    return max(left, Money.ZERO)


def drift_guard(
    legs: Iterable[RollingLeg], leg: Leg, count: Count, *, payout: Money, rules: RollRules
) -> Decimal:
    """Give the most, in dollars a contract, that a roll may bid for `count` contracts of a leg as sold.

    The drift guard: the quote's ask + slippage + what is left of the drift reserve, spread over the
    contracts. All rolls of a parlay together thus pay at most the reserve, a share of the payout, above what
    the quote had reckoned with.
    """
    spent = sum((_drifted(each, rules.costs) for each in legs), Money.ZERO)
    left = max(drift_reserve(payout, rules.reserve_share) - spent, Money.ZERO)
    each = Money(left.micros * CENTIS_PER_CONTRACT // count.centis)
    return leg.ask.dollars + rules.costs.slippage + each.dollars


def _drifted(each: RollingLeg, costs: Costs) -> Money:
    """Add up what rolls into a leg paid above the quote's ask and slippage, or still may."""
    reckoned = costs.paid(each.leg)
    rolls = (one for one in each.intents if one[0].purpose is Purpose.ROLL)
    over = (_outlay(*one, on_paper=each.on_paper) for one in rolls)
    return sum((max(paid - reckoned.times(count), Money.ZERO) for paid, count in over), Money.ZERO)


def _outlay(intent: Intent, attempts: tuple[Attempt, ...], *, on_paper: bool) -> tuple[Money, Count]:
    if on_paper or moving(intent, attempts):
        return intent.order("", intent.count, 0).limit.times(intent.count), intent.count
    cost = sum((attempt.cost for attempt in attempts), Money.ZERO)
    return cost, sum((attempt.filled for attempt in attempts), Count.ZERO)
