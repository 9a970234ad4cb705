"""What a leg's result means for a rolling hedge: the next leg bought up to its target, or the rest sold.

Decided once for each number of legs that have hit, from results that stand: a market that is disputed or
amended makes its parlays wait, since a roll on a result that turns would be paid for twice.
"""

from __future__ import annotations

from collections.abc import Mapping  # noqa: TC003 - a dataclass field's type
from dataclasses import dataclass, field, replace
from enum import Enum, StrEnum, auto
from typing import TYPE_CHECKING

from hedge_service.core.hedging import LegHedge, sized_leg
from hedge_service.core.market import MarketStatus
from hedge_service.core.money import Count, Money, Price
from hedge_service.core.plan import Caps, PlannedOrder, plan_orders
from hedge_service.core.rolling import in_order, targets
from hedge_service.core.rolling_limits import RollingLeg, RollRules, drift_guard, parlay_left
from hedge_service.core.settlement import WHOLE, UnclearResult, ending
from hedge_service.core.unwinding import Unsold, held_of, next_sale, unsold

if TYPE_CHECKING:
    from datetime import datetime

    from hedge_service.core.fees import FeeSchedule
    from hedge_service.core.market import Market
    from hedge_service.core.pricing import Leg


class NoRoll(StrEnum):
    """Why nothing is traded now; the last five are the plan's own words for it."""

    NO_NEWS = "no_news"
    UNDER_WAY = "under_way"
    MARKET_UNKNOWN = "market_unknown"
    RESULT_DISPUTED = "result_disputed"
    RESULT_UNCLEAR = "result_unclear"
    NO_ASK = "no_ask"
    DRIFT_GUARD = "drift_guard"
    MARKET_NOT_OPEN = "market_not_open"
    NO_LIMIT_PRICE = "no_limit_price"
    ORDER_CAP = "order_cap"
    PARLAY_CAP = "parlay_cap"
    DAY_CAP = "day_cap"


class Fate(Enum):
    """How a leg stands: its market has no result yet, it has hit, or it has not (a void leg has not)."""

    OPEN = auto()
    HIT = auto()
    MISSED = auto()


@dataclass(frozen=True, slots=True, kw_only=True)
class RollingParlay:
    """A parlay hedged by rolling.

    `rolled`: the most hits that a roll was made for, 0 before the first. `fees`: by ticker, as sold.
    """

    id: str
    payout: Money
    legs: tuple[RollingLeg, ...]
    rolled: int
    fees: Mapping[str, FeeSchedule] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wait:
    """Nothing is traded now; `leg` is the one that stands in the way, `hits` how many legs have hit."""

    reason: NoRoll
    hits: int
    leg: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Roll:
    """The trades of one result.

    `leg` is the next to settle, at `ask` now; `order` buys what it holds less than `target` (None: that is
    less than a lot). `sales`: what is held above the targets, of any leg without a result.
    """

    hits: int
    leg: int
    ask: Price
    target: Count
    held: Count
    order: PlannedOrder | None
    sales: tuple[Unsold, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Unwind:
    """Leg `leg` has missed, so nothing is owed: what other legs still hold is to be sold."""

    leg: int
    sales: tuple[Unsold, ...]


Decision = Wait | Roll | Unwind


def decide(
    parlay: RollingParlay, markets: Mapping[str, Market], *, now: datetime, rules: RollRules
) -> Decision:
    """Decide what to trade; `markets` by ticker, as read just now.

    A leg that missed decides at once. Else a result that does not stand holds everything up, and a number of
    hits is traded on once, however often its results are told again.
    """
    told = {each.leg.number: fate(each, markets.get(each.leg.ticker)) for each in parlay.legs}
    pending = tuple(each for each in parlay.legs if told[each.leg.number] not in {Fate.HIT, Fate.MISSED})
    missed = next((number for number, one in told.items() if one is Fate.MISSED), None)
    if missed is not None:
        return Unwind(leg=missed, sales=unsold([one for each in pending for one in each.intents], now=now))
    hits = len(parlay.legs) - len(pending)
    in_the_way = next(((number, one) for number, one in told.items() if isinstance(one, NoRoll)), None)
    if in_the_way is not None:
        return Wait(reason=in_the_way[1], hits=hits, leg=in_the_way[0])
    if hits <= parlay.rolled or not pending:
        return Wait(reason=NoRoll.NO_NEWS, hits=hits)
    return _Turn(parlay=parlay, pending=pending, markets=markets, now=now, rules=rules).decide()


_DOUBTED = frozenset({MarketStatus.DISPUTED, MarketStatus.AMENDED})
_DECIDED = frozenset({MarketStatus.DETERMINED, MarketStatus.FINALIZED})


def fate(each: RollingLeg, market: Market | None) -> Fate | NoRoll:
    """Say how a leg stands: by its final result if that is kept, else by the market as it is now.

    A determined market counts: it pays when it is final, but the next leg's price does not wait for that.
    """
    if each.paid is not None:
        return Fate.HIT if each.won else Fate.MISSED
    if market is None or market.status is MarketStatus.OTHER:
        return NoRoll.MARKET_UNKNOWN
    if market.status in _DOUBTED:
        return NoRoll.RESULT_DISPUTED
    if market.status not in _DECIDED:
        return Fate.OPEN
    try:
        end = ending(replace(market, status=MarketStatus.FINALIZED))
    except UnclearResult:
        return NoRoll.RESULT_UNCLEAR
    return Fate.HIT if end is not None and end.paid(each.leg.side) == WHOLE else Fate.MISSED


@dataclass(frozen=True, slots=True, kw_only=True)
class _Turn:
    """A new number of hits: the legs without a result, and the markets of all of them."""

    parlay: RollingParlay
    pending: tuple[RollingLeg, ...]
    markets: Mapping[str, Market]
    now: datetime
    rules: RollRules

    @property
    def hits(self) -> int:
        """Give how many legs have hit."""
        return len(self.parlay.legs) - len(self.pending)

    def decide(self) -> Roll | Wait:
        """Trade the difference between what is held and the new targets, or say what stands in the way."""
        order = in_order([self._priced(each.leg) for each in self.pending], self.markets)
        first = next(each for each in self.pending if each.leg.number == order[0].number)
        exact = targets(self.parlay.payout, order, self.rules.costs)[0]
        target = sized_leg(order[0], exact, self.rules.step).contracts
        reason = self._obstacle(first)
        bought = self._bought(first, order[0].ask, target) if reason is None else reason
        if isinstance(bought, NoRoll):
            return Wait(reason=bought, hits=self.hits, leg=first.leg.number)
        over = (self._over(each, target if each is first else Count.ZERO) for each in self.pending)
        return Roll(
            hits=self.hits,
            leg=first.leg.number,
            ask=order[0].ask,
            target=target,
            held=first.held,
            order=bought,
            sales=tuple(sale for sale in over if sale is not None),
        )

    def _priced(self, leg: Leg) -> Leg:
        """Give a leg at today's ask, or at the quote's where nobody offers it now."""
        ask = self.markets[leg.ticker].ask(leg.side)
        return leg if ask is None or not ask.micros else replace(leg, ask=ask)

    def _obstacle(self, first: RollingLeg) -> NoRoll | None:
        if any(each.moving for each in self.pending):
            return NoRoll.UNDER_WAY
        market = self.markets[first.leg.ticker]
        if not market.open_at(self.now):
            return NoRoll.MARKET_NOT_OPEN
        return NoRoll.NO_ASK if market.ask(first.leg.side) is None else None

    def _bought(self, first: RollingLeg, ask: Price, target: Count) -> PlannedOrder | NoRoll | None:
        legs, lacking = self.parlay.legs, self._lots(target, first.held)
        if not lacking:
            return None
        guard = drift_guard(legs, first.leg, lacking, payout=self.parlay.payout, rules=self.rules)
        if ask.dollars > guard:
            return NoRoll.DRIFT_GUARD
        leg = replace(first.leg, ask=ask)
        plan = plan_orders(
            (LegHedge(leg=leg, amount=ask.times(lacking), contracts=lacking),),
            self.markets,
            now=self.now,
            max_slippage=min(self.rules.costs.slippage, guard - ask.dollars),
            caps=self._caps(),
            fees={leg.ticker: self.rules.costs.schedule(leg.ticker)},
        )
        return plan.orders[0] if plan.orders else NoRoll(plan.skips[0].reason.value)

    def _lots(self, more: Count, less: Count) -> Count:
        """Give the difference in whole lots; none where there is less than a lot of it."""
        return Count.floor(more.contracts - less.contracts, self.rules.step)

    def _caps(self) -> Caps:
        rules, legs = self.rules, self.parlay.legs
        hit = (each for each in legs if each not in self.pending)
        return Caps(order=rules.order_cap, parlay=parlay_left(legs, hit, rules), day_left=rules.day_left)

    def _over(self, each: RollingLeg, target: Count) -> Unsold | None:
        """Give what of a leg is held above its target, in whole lots."""
        count = self._lots(held_of(each.intents), target)
        if not count:
            return None
        return Unsold(
            parlay_id=self.parlay.id,
            leg=each.leg.number,
            ticker=each.leg.ticker,
            side=each.leg.side,
            count=count,
            sequence=next_sale(each.intents),
        )
